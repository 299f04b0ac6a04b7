// Owns C2SP signed notes as a reader sees them: verifier keys, notes, and which key signed what (signed-note, tlog-cosignature).
import { concat, FormatFault, fromBase64, sameBytes, toBase64, toHex, utf8 } from "./bytes";
import { isSignedBy } from "./ed25519";
import { sha256 } from "./hash";

const ED25519 = 0x01;
const COSIGNATURE_V1 = 0x04;
const KEY_ID_BYTES = 4;
const TIME_BYTES = 8;

export interface VerifierKey {
  name: string;
  /** The first four bytes of a hash over name, kind and key. */
  id: Uint8Array;
  publicKey: Uint8Array;
  kind: "ed25519" | "cosignature/v1";
}

/** `name+hex8+base64`. The id must be the hash of the rest, so that a key cannot borrow another's. */
export function parseVerifierKey(text: string): VerifierKey {
  const found = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text);
  const [, name, id, encoded] = found ?? [];
  if (!name || !id || !encoded) throw new FormatFault("not a verifier key");
  const key = fromBase64(encoded);
  const kind = key[0];
  if (key.length !== 33 || (kind !== ED25519 && kind !== COSIGNATURE_V1)) {
    throw new FormatFault("a verifier key of a kind that is not known here");
  }
  if (toHex(keyId(name, key)) !== id) throw new FormatFault("a verifier key with a wrong id");
  return {
    name,
    id: keyId(name, key),
    publicKey: key.slice(1),
    kind: kind === ED25519 ? "ed25519" : "cosignature/v1",
  };
}

export function verifierKeyText(key: VerifierKey): string {
  const kind = key.kind === "ed25519" ? ED25519 : COSIGNATURE_V1;
  return `${key.name}+${toHex(key.id)}+${toBase64(concat(Uint8Array.of(kind), key.publicKey))}`;
}

function keyId(name: string, kindAndKey: Uint8Array): Uint8Array {
  return sha256(concat(utf8(`${name}\n`), kindAndKey)).slice(0, KEY_ID_BYTES);
}

export interface NoteSignature {
  name: string;
  id: Uint8Array;
  signature: Uint8Array;
}

export interface Note {
  /** Ends with a line feed; exactly these bytes are signed. */
  body: string;
  signatures: NoteSignature[];
}

const SIGNATURES_MAX = 100;

export function parseNote(text: string): Note {
  const split = text.lastIndexOf("\n\n");
  if (split < 0 || !text.endsWith("\n")) throw new FormatFault("not a signed note");
  const body = text.slice(0, split + 1);
  const lines = text.slice(split + 2, -1).split("\n");
  if (lines.length > SIGNATURES_MAX) throw new FormatFault("a note with too many signatures");
  return { body, signatures: lines.map(parseSignature) };
}

function parseSignature(line: string): NoteSignature {
  const [, name, encoded] = /^— ([^+\s]+) (\S+)$/.exec(line) ?? [];
  if (!name || !encoded) throw new FormatFault("not a signature line of a note");
  const bytes = fromBase64(encoded);
  if (bytes.length <= KEY_ID_BYTES) throw new FormatFault("a signature without bytes");
  return { name, id: bytes.slice(0, KEY_ID_BYTES), signature: bytes.slice(KEY_ID_BYTES) };
}

export interface Signed {
  /** Seconds since 1970 that a witness put into its cosignature; null for the log's own signature. */
  cosignedAt: number | null;
}

/** Who signed: null when no signature of this key is on the note, or the one that is does not fit. */
export async function signedBy(note: Note, key: VerifierKey): Promise<Signed | null> {
  for (const one of note.signatures) {
    if (one.name !== key.name || !sameBytes(one.id, key.id)) continue;
    if (key.kind === "ed25519") {
      const fits = await isSignedBy(key.publicKey, utf8(note.body), one.signature);
      return fits ? { cosignedAt: null } : null;
    }
    return cosignedBy(note, key, one.signature);
  }
  return null;
}

async function cosignedBy(
  note: Note,
  key: VerifierKey,
  signature: Uint8Array,
): Promise<Signed | null> {
  if (signature.length !== TIME_BYTES + 64) return null;
  const time = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0, false);
  const message = utf8(`cosignature/v1\ntime ${time}\n${note.body}`);
  const fits = await isSignedBy(key.publicKey, message, signature.slice(TIME_BYTES));
  return fits ? { cosignedAt: Number(time) } : null;
}
