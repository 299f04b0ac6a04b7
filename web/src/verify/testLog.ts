// Owns a small log for the tests of verification: written by the documents alone, signed by a key of its own, and easy to damage.
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { concat, toBase64, toHex, utf8 } from "./bytes";
import { commitment, eventHash, leafHash, nodeHash, sha256, ZERO_DIGEST } from "./hash";
import { parseVerifierKey } from "./note";
import type { WireRecord } from "./record";
import type { LogSaid, LogSource } from "./source";
import { PAGE_RECORDS, SourceFailure } from "./source";
import { rowLength, TILE_WIDTH, type TileName } from "./tiles";
import { CompactTree, rootOf } from "./tree";

export const LOG_ID = "11".repeat(16);
const PKCS8_ED25519 = "302e020100300506032b657004220420";

/** RFC 9162 §2.1.3.1, as it is written there: slow, and a proof that ours is right. */
export function inclusionPath(index: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length <= 1) return [];
  const k = split(leaves.length);
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  return index < k
    ? [...inclusionPath(index, left), rootOf(right)]
    : [...inclusionPath(index - k, right), rootOf(left)];
}

/** RFC 9162 §2.1.4.1. */
export function consistencyPath(from: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  return subproof(from, leaves, true);
}

function subproof(m: number, leaves: readonly Uint8Array[], whole: boolean): Uint8Array[] {
  const n = leaves.length;
  if (m === n) return whole ? [] : [rootOf(leaves)];
  const k = split(n);
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  return m <= k
    ? [...subproof(m, left, whole), rootOf(right)]
    : [...subproof(m - k, right, false), rootOf(left)];
}

function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** The root by the definition of RFC 6962 §2.1. */
export function rootByDefinition(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256(new Uint8Array(0));
  if (leaves.length === 1) return leaves[0] ?? ZERO_DIGEST;
  const k = split(leaves.length);
  return nodeHash(rootByDefinition(leaves.slice(0, k)), rootByDefinition(leaves.slice(k)));
}

export class TestSigner {
  private readonly key;
  readonly verifier: string;
  constructor(
    readonly name: string,
    seed: number,
    private readonly kind: 1 | 4 = 1,
  ) {
    const der = Buffer.from(PKCS8_ED25519 + seed.toString(16).padStart(2, "0").repeat(32), "hex");
    this.key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    const spki = createPublicKey(this.key).export({ format: "der", type: "spki" });
    const publicKey = new Uint8Array(spki.subarray(-32));
    const kindAndKey = concat(Uint8Array.of(kind), publicKey);
    const id = sha256(concat(utf8(`${name}\n`), kindAndKey)).slice(0, 4);
    this.verifier = `${name}+${toHex(id)}+${toBase64(kindAndKey)}`;
  }

  line(body: string, time = 0): string {
    const { id } = parseVerifierKey(this.verifier);
    const stamp = new Uint8Array(8);
    new DataView(stamp.buffer).setBigUint64(0, BigInt(time));
    const message = this.kind === 1 ? body : `cosignature/v1\ntime ${time}\n${body}`;
    const signature = new Uint8Array(sign(null, Buffer.from(message), this.key));
    const bytes = this.kind === 1 ? concat(id, signature) : concat(id, stamp, signature);
    return `— ${this.name} ${toBase64(bytes)}\n`;
  }
}

export interface TestDraft {
  stream: [type: string, id: string];
  run?: string;
  type?: string;
  workspace?: string;
  control?: string;
  data?: unknown;
}

function field(value: Uint8Array | null): Uint8Array {
  if (!value) return Uint8Array.of(0);
  const length: number[] = [];
  for (let rest = value.length + 1; ; rest >>= 7) {
    length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) break;
  }
  return concat(Uint8Array.from(length), value);
}

function headerBytes(draft: TestDraft, position: number, seq: number): Uint8Array {
  const text = (value: string | undefined) => field(value === undefined ? null : utf8(value));
  const int = (value: number, size: 4 | 8) => {
    const bytes = new Uint8Array(size);
    if (size === 4) new DataView(bytes.buffer).setUint32(0, value, true);
    else new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
    return bytes;
  };
  const one = (value: number) => field(Uint8Array.of(value));
  const fields = [
    field(concat(new Uint8Array(8), int(position, 8))),
    text(draft.type ?? "note.made"),
    field(int(1, 4)),
    field(int(1_760_000_000_000_000, 8)),
    text(draft.workspace ?? "default"),
    ...[text(undefined), text(undefined), text(undefined)],
    text(draft.run),
    text(undefined),
    one(3),
    text("agent"),
    text("owner"),
    one(2),
    text(draft.stream[0]),
    text(draft.stream[1]),
    text(`c${position}`),
    ...[text(undefined), text(undefined), text(undefined)],
    ...[one(2), one(0), one(0), one(0)],
    text(draft.control),
  ];
  const placement = concat(int(position, 8), int(seq, 8), int(1_760_000_000_000_001, 8));
  const log = Uint8Array.from({ length: 16 }, () => 0x11);
  return concat(Uint8Array.of(1, 1), log, ...fields, placement);
}

/** A server that can be made to lie: change its records, tiles or checkpoint after writing. */
export class TestLog implements LogSource {
  signer = new TestSigner(`annals.local/${LOG_ID}`, 7);
  records: (WireRecord & { draft: TestDraft })[] = [];
  leaves: Uint8Array[] = [];
  /** What the tiles are made of; the leaves unless a test says otherwise. */
  tileLeaves: Uint8Array[] | null = null;
  witnesses: TestSigner[] = [];
  lineage: LogSaid["lineage"] = [];
  rotations: string[] = [];
  asked: string[] = [];

  append(draft: TestDraft): WireRecord {
    const before = this.records.filter((one) => one.draft.stream.join() === draft.stream.join());
    const position = this.records.length + 1;
    const seq = before.length + 1;
    const header = headerBytes(draft, position, seq);
    const salt = sha256(utf8(`salt ${position}`));
    const body = utf8(JSON.stringify({ data: draft.data ?? { n: position } }));
    const committed = commitment(salt, body);
    const prev = before.at(-1)?.event_hash ?? toHex(ZERO_DIGEST);
    const hash = eventHash(header, committed, Uint8Array.from(Buffer.from(prev, "hex")));
    const record = {
      position,
      stream_seq: seq,
      header: toBase64(header),
      body: toBase64(body),
      salt: toBase64(salt),
      commitment: toHex(committed),
      prev,
      event_hash: toHex(hash),
      draft,
    };
    this.records.push(record);
    this.leaves.push(leafHash(hash));
    return record;
  }

  /** `count` notes, spread over a few streams and two runs. */
  fill(count: number): this {
    for (let at = 0; at < count; at++) {
      const run = at % 3 === 0 ? "r1" : "r2";
      this.append({ stream: ["run", run], run });
    }
    return this;
  }

  redact(position: number, workspace = "default"): void {
    const record = this.records[position - 1];
    if (!record) throw new RangeError("no such record");
    this.append({
      stream: ["redactions", workspace],
      type: "event.redacted",
      control: JSON.stringify({ position }),
    });
    Object.assign(record, { body: null, salt: null, withheld: "redacted" });
  }

  /** A new key takes the place of the old one, from the next event on. */
  rotate(seed: number): void {
    const fresh = new TestSigner(this.signer.name, seed);
    const keys = `${this.signer.verifier}\n${fresh.verifier}`;
    const body = `annals/key-rotation/1\n${this.signer.name}\n${this.leaves.length}\n${keys}\n`;
    this.rotations.push(`${body}\n${this.signer.line(body)}${fresh.line(body)}`);
    this.signer = fresh;
    this.append({ stream: ["log", "keys"], type: "log.key_rotated" });
  }

  note(size = this.leaves.length, leaves = this.leaves): string {
    const root = toBase64(rootOf(leaves.slice(0, size)));
    const body = `${this.signer.name}\n${size}\n${root}\n`;
    const cosigned = this.witnesses.map((witness) => witness.line(body, 1_790_000_000)).join("");
    return `${body}\n${this.signer.line(body)}${cosigned}`;
  }

  checkpoint = async () => this.note();
  keys = async () => `${this.signer.verifier}\n`;
  status = async () => ({
    logId: LOG_ID,
    lineage: this.lineage,
    rotations: this.rotations,
    witnessKeys: this.witnesses.map((witness) => witness.verifier),
  });

  tile = async ({ level, index, width }: TileName): Promise<Uint8Array> => {
    const leaves = this.tileLeaves ?? this.leaves;
    if (rowLength(level, leaves.length) < index * TILE_WIDTH + width) {
      throw new SourceFailure("not found", 404);
    }
    const span = TILE_WIDTH ** level;
    return concat(
      ...Array.from({ length: width }, (_, at) => {
        const first = (index * TILE_WIDTH + at) * span;
        return rootOf(leaves.slice(first, first + span));
      }),
    );
  };

  consistency = async (from: number, to: number): Promise<string[]> => {
    this.asked.push(`consistency ${from} ${to}`);
    return consistencyPath(from, this.leaves.slice(0, to)).map(toHex);
  };

  expected = async () => this.records.length;

  events = async (query: Record<string, string | number>): Promise<WireRecord[]> =>
    this.records
      .filter((one) => (one.draft.workspace ?? "default") === "default")
      .filter((one) => one.position > Number(query.after_position ?? 0))
      .filter((one) => query.run_id === undefined || one.draft.run === query.run_id)
      .slice(0, PAGE_RECORDS);

  stream = async (type: string, id: string, fromSeq: number): Promise<WireRecord[] | null> => {
    const all = this.records.filter((one) => one.draft.stream.join() === [type, id].join());
    return all.length === 0
      ? null
      : all.filter((one) => one.stream_seq >= fromSeq).slice(0, PAGE_RECORDS);
  };
}

/** The same tree, built leaf by leaf. */
export function compactRoot(leaves: readonly Uint8Array[]): Uint8Array {
  const tree = new CompactTree();
  for (const leaf of leaves) tree.push(leaf);
  return tree.root();
}
