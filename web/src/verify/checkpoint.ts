// Owns what a log signs: checkpoints (C2SP tlog-checkpoint) and the statement that one of its keys gives way to another.
import { FormatFault, fromBase64 } from "./bytes";
import { DIGEST_BYTES } from "./hash";
import { type Note, parseNote, parseVerifierKey, signedBy, verifierKeyText } from "./note";

export interface Checkpoint {
  origin: string;
  size: number;
  root: Uint8Array;
}

export interface SignedCheckpoint {
  note: Note;
  checkpoint: Checkpoint;
  text: string;
}

export function parseCheckpoint(body: string): Checkpoint {
  const [origin, size, root] = body.split("\n");
  if (!origin || !size || !root) throw new FormatFault("a checkpoint of fewer than three lines");
  if (!/^(0|[1-9]\d*)$/.test(size) || !Number.isSafeInteger(Number(size))) {
    throw new FormatFault("a checkpoint without a size");
  }
  const bytes = fromBase64(root);
  if (bytes.length !== DIGEST_BYTES) throw new FormatFault("a checkpoint without a root");
  return { origin, size: Number(size), root: bytes };
}

export function parseSignedCheckpoint(text: string): SignedCheckpoint {
  const note = parseNote(text);
  return { note, checkpoint: parseCheckpoint(note.body), text };
}

const ROTATION_TITLE = "annals/key-rotation/1";

export interface Rotation {
  origin: string;
  /** The largest size that the old key has signed or will ever sign. */
  size: number;
  oldKey: string;
  newKey: string;
}

/** Reads a rotation and checks that both of its keys are the log's and have signed it. */
export async function readRotation(text: string): Promise<Rotation> {
  const note = parseNote(text);
  const [title, origin, size, oldKey, newKey, end] = note.body.split("\n");
  if (title !== ROTATION_TITLE || !origin || !oldKey || !newKey || end !== "") {
    throw new FormatFault("not a statement of a key's end");
  }
  if (!/^(0|[1-9]\d*)$/.test(size ?? "")) throw new FormatFault("a key's end without a size");
  for (const key of [oldKey, newKey].map(parseVerifierKey)) {
    const isOwn = key.kind === "ed25519" && key.name === origin;
    if (!isOwn || !(await signedBy(note, key))) {
      throw new FormatFault(`a key's end that ${verifierKeyText(key)} has not signed`);
    }
  }
  return { origin, size: Number(size), oldKey, newKey };
}
