// Owns the check of the checkpoint itself: who signed it, and whether it goes on from the one that this browser remembers.
import { digestFromHex, FormatFault, sameBytes, toHex } from "./bytes";
import {
  parseSignedCheckpoint,
  type Rotation,
  readRotation,
  type SignedCheckpoint,
} from "./checkpoint";
import { parseVerifierKey, signedBy, type VerifierKey, verifierKeyText } from "./note";
import type { Check, Memory, Remembered, Seen } from "./outcome";
import { type LogSaid, type LogSource, plainId } from "./source";
import type { SignedTree } from "./tiles";
import { isConsistent } from "./tree";

/** What is wrong with the checkpoint, or with how it stands to an earlier one. */
export class IdentityFault extends Error {
  constructor(says: string) {
    super(says);
    this.name = "IdentityFault";
  }
}

export interface Identity {
  signed: SignedCheckpoint;
  key: VerifierKey;
  said: LogSaid;
  /** What this browser knows of this log, and of others that this address has shown, newest first. */
  remembered: Remembered | null;
  others: Remembered[];
  /** Whether this browser lets the page keep nothing. */
  isBlocked: boolean;
  checks: Check[];
}

const proved = (says: string): Check => ({ state: "proved", says });
const unchecked = (says: string): Check => ({ state: "unchecked", says });
/** 2026-11-20 12:00 UTC: the same for everyone who reads the report. */
const seenOn = ({ seenAt }: Remembered): string =>
  `${seenAt.slice(0, 10)} ${seenAt.slice(11, 16)} UTC`;
const count = (value: number): string => value.toLocaleString("en");

/** Reads the newest checkpoint and proves its signature. */
export async function readIdentity(source: LogSource, memory: Memory): Promise<Identity> {
  if (memory.state === "damaged") {
    throw new IdentityFault(
      "What this browser remembers of the log cannot be read, so that nothing can be held against it. Whoever knows why it is damaged can let the browser forget it.",
    );
  }
  const [text, keysText, said] = await Promise.all([
    source.checkpoint(),
    source.keys(),
    source.status(),
  ]);
  const signed = parseSignedCheckpoint(text);
  const keys = keysText.split("\n").flatMap((line) => keyOrNull(line) ?? []);
  const rotations = await Promise.all(said.rotations.map(readRotation));
  const key = await signer(signed, keys, rotations);
  refuseForeignOrigin(signed.checkpoint.origin, said.logId);
  const remembered = memory.logs.find((one) => one.logId === said.logId) ?? null;
  const others = memory.logs.filter((one) => one.logId !== said.logId);
  refuseOtherId(signed.checkpoint.origin, [key, ...keys], said.logId, others);
  const checks = [
    proved(
      `The checkpoint over ${count(signed.checkpoint.size)} events is signed by ${keyName(key)}.`,
    ),
  ];
  checks.push(keyCheck(key, remembered, rotations));
  checks.push(...(await witnessChecks(signed, said)));
  return { signed, key, said, remembered, others, isBlocked: memory.state === "blocked", checks };
}

/** A key of another kind proves nothing here, and spoils nothing. */
function keyOrNull(text: string): VerifierKey | null {
  try {
    return parseVerifierKey(text);
  } catch (cause) {
    if (cause instanceof FormatFault) return null;
    throw cause;
  }
}

async function signer(
  signed: SignedCheckpoint,
  keys: VerifierKey[],
  rotations: readonly Rotation[],
): Promise<VerifierKey> {
  const { origin, size } = signed.checkpoint;
  for (const key of keys) {
    if (key.kind !== "ed25519" || !(await signedBy(signed.note, key))) continue;
    if (key.name !== origin) {
      throw new IdentityFault(
        `The checkpoint is of ${origin}, but signed by a key of ${key.name}.`,
      );
    }
    const end = rotations.find((rotation) => rotation.oldKey === verifierKeyText(key));
    if (end && size > end.size) {
      throw new IdentityFault(
        `The checkpoint over ${count(size)} events is signed by ${keyName(key)}, which ended at ${count(end.size)}.`,
      );
    }
    return key;
  }
  throw new IdentityFault("The checkpoint bears no valid signature of a key that the log names.");
}

const OWN_ORIGIN = "annals.local/";

/** An origin that was not chosen at creation names the log id. */
function refuseForeignOrigin(origin: string, logId: string): void {
  if (!origin.startsWith(OWN_ORIGIN) || plainId(origin.slice(OWN_ORIGIN.length)) === logId) return;
  throw new IdentityFault(`The checkpoint is of ${origin}, the log says that it is ${logId}.`);
}

/** One name or key under two log ids: what is remembered under the first would not be held against the second. */
function refuseOtherId(
  origin: string,
  keys: readonly VerifierKey[],
  logId: string,
  others: readonly Remembered[],
): void {
  const texts = keys.map(verifierKeyText);
  const other = others.find(
    (one) => one.origin === origin || one.keys.some((key) => texts.includes(key)),
  );
  if (!other) return;
  throw new IdentityFault(
    `The log says that it is ${logId}, but its name or key is that of the log ${other.logId}, of which this browser has seen ${count(other.size)} events (${seenOn(other)}). A log keeps its id, and a restored one has a name and a key of its own.`,
  );
}

export function keyName(key: VerifierKey): string {
  return `${key.name}+${toHex(key.id)}`;
}

function keyCheck(
  key: VerifierKey,
  remembered: Remembered | null,
  rotations: readonly Rotation[],
): Check {
  const text = verifierKeyText(key);
  if (!remembered) {
    return unchecked(
      "Whether this is the log's true key: the first one that a browser sees is taken on trust. Compare it with `annals key show` on the log's machine.",
    );
  }
  const [current, ...retired] = remembered.keys;
  if (text === current) return proved("It is the key that this browser knows from before.");
  if (retired.includes(text)) {
    throw new IdentityFault(
      `The checkpoint is signed by ${keyName(key)}: this key had given way to another one before this browser last saw the log.`,
    );
  }
  const first = current === undefined ? null : firstStep(text, current, rotations);
  if (first === null) {
    throw new IdentityFault(
      `The checkpoint is signed by ${keyName(key)}, which this browser does not know, and no statement signed by the key that it knows says that this one took its place.`,
    );
  }
  if (first.size < remembered.size) {
    throw new IdentityFault(
      `A rotation says that the key which this browser knows signed no more than ${count(first.size)} events; this browser has seen it sign ${count(remembered.size)} (${seenOn(remembered)}).`,
    );
  }
  const at = rotations.find((rotation) => rotation.newKey === text)?.size ?? 0;
  return proved(
    `The key is newer than the one that this browser knew: it took its place at ${count(at)} events, by a statement that both keys signed.`,
  );
}

/** The rotation by which the known key gave way, on the way to this one; null when none leads to it. */
function firstStep(key: string, known: string, rotations: readonly Rotation[]): Rotation | null {
  let at = key;
  for (let steps = 0; steps < rotations.length; steps++) {
    const before = rotations.find((rotation) => rotation.newKey === at);
    if (!before) return null;
    if (before.oldKey === known) return before;
    at = before.oldKey;
  }
  return null;
}

async function witnessChecks(signed: SignedCheckpoint, said: LogSaid): Promise<Check[]> {
  if (said.witnessKeys.length === 0) {
    return [
      unchecked("No witness is set up: that others are shown the same history is not checked."),
    ];
  }
  const checks: Check[] = [];
  for (const text of said.witnessKeys) {
    const key = keyOrNull(text);
    if (!key) {
      checks.push(unchecked(`The witness key ${text} is of a kind that this page cannot check.`));
      continue;
    }
    const cosigned = await signedBy(signed.note, key);
    checks.push(
      cosigned?.cosignedAt
        ? proved(
            `Cosigned by the witness ${keyName(key)} at ${new Date(cosigned.cosignedAt * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC; that the key is its own is the server's word.`,
          )
        : unchecked(`The witness ${keyName(key)} has not cosigned this checkpoint.`),
    );
  }
  return checks;
}

/** Whether the log still holds everything that this browser has seen of it. */
export async function goesOn(
  identity: Identity,
  how: { proof: LogSource } | { tree: SignedTree },
): Promise<Check[]> {
  const { remembered } = identity;
  const { checkpoint } = identity.signed;
  if (!remembered) {
    return [
      unchecked(
        identity.isBlocked
          ? "Whether the log was longer or different before: this browser lets the page keep nothing, so it remembers nothing of it, and will not."
          : "Whether the log was longer or different before: this browser remembers nothing of it yet.",
      ),
    ];
  }
  if (remembered.origin !== checkpoint.origin) {
    throw new IdentityFault(
      `This browser knows the log as ${remembered.origin}; now it calls itself ${checkpoint.origin}.`,
    );
  }
  const since = `${count(remembered.size)} events, seen ${seenOn(remembered)}`;
  if (remembered.size > checkpoint.size) {
    throw new IdentityFault(
      `The log has ${count(checkpoint.size)} events; this browser has seen a signed checkpoint over ${count(remembered.size)} (${seenOn(remembered)}). The last ${count(remembered.size - checkpoint.size)} were cut off, or an old copy is being served.`,
    );
  }
  const root = digestFromHex(remembered.root);
  const holds =
    "tree" in how
      ? sameBytes(await how.tree.rootAt(remembered.size), root)
      : await provedBy(how.proof, { from: remembered.size, fromRoot: root }, checkpoint);
  if (!holds) {
    throw new IdentityFault(
      `The first ${count(remembered.size)} events are not those that this browser has seen signed (${seenOn(remembered)}): two histories under one name.`,
    );
  }
  return [
    proved(
      remembered.size === checkpoint.size
        ? `It is the very checkpoint that this browser remembers (${since}).`
        : `It goes on from the checkpoint that this browser remembers (${since}): nothing before it was changed, removed or put in.`,
    ),
  ];
}

/** Whether of two checkpoints of a log one goes on from the other. */
async function isOneHistory(source: LogSource, one: Seen, other: Seen): Promise<boolean> {
  if (one.origin !== other.origin) return false;
  const [from, to] = one.size <= other.size ? [one, other] : [other, one];
  const earlier = { from: from.size, fromRoot: digestFromHex(from.root) };
  return provedBy(source, earlier, { size: to.size, root: digestFromHex(to.root) });
}

/** Holds a checkpoint against another one that this browser kept while the first was being checked. */
export async function fitsKept(source: LogSource, seen: Seen, kept: Remembered): Promise<Check> {
  if (await isOneHistory(source, seen, kept)) {
    return proved(
      `It fits the checkpoint over ${count(kept.size)} events that this browser kept meanwhile.`,
    );
  }
  throw new IdentityFault(
    `While this was checked, this browser was shown another history of ${kept.origin}: the checkpoint over ${count(seen.size)} events and the one over ${count(kept.size)} (${seenOn(kept)}) do not fit.`,
  );
}

async function provedBy(
  source: LogSource,
  earlier: { from: number; fromRoot: Uint8Array },
  checkpoint: { size: number; root: Uint8Array },
): Promise<boolean> {
  const needsPath = earlier.from > 0 && earlier.from < checkpoint.size;
  const path = needsPath ? await source.consistency(earlier.from, checkpoint.size) : [];
  try {
    return isConsistent({
      ...earlier,
      to: checkpoint.size,
      toRoot: checkpoint.root,
      path: path.map(digestFromHex),
    });
  } catch (cause) {
    if (cause instanceof FormatFault) return false;
    throw cause;
  }
}

/** What this address showed under another log id: a restore says so in its lineage, anything else is another log. */
export async function formerLogs(identity: Identity, tree: SignedTree | null): Promise<Check[]> {
  const checks: Check[] = [];
  const { others } = identity;
  for (const other of others) {
    const parent = identity.said.lineage.find((one) => one.logId === other.logId);
    const what = `log ${other.logId} with ${count(other.size)} events, seen ${seenOn(other)}`;
    if (!parent) continue;
    if (other.size > parent.lastPosition) {
      checks.push({
        state: "wrong",
        says: `This log was restored from a copy of ${what}. The copy ended at ${count(parent.lastPosition)}: the last ${count(other.size - parent.lastPosition)} that this browser has seen signed are not in it. If the restore was meant, let this browser forget the former log.`,
      });
    } else if (!tree) {
      checks.push(unchecked(`Whether this log still holds all of ${what}: verify the whole tree.`));
    } else if (sameBytes(await tree.rootAt(other.size), digestFromHex(other.root))) {
      checks.push(proved(`It was restored from ${what}, and holds all of it unchanged.`));
    } else {
      throw new IdentityFault(`It says that it was restored from ${what}, but does not hold it.`);
    }
  }
  return checks;
}

/** What this address showed before and does not account for; null when there is nothing of the kind. */
export function unaccounted({ others, said }: Identity): string | null {
  const strange = others.filter(
    (other) => !said.lineage.some((parent) => parent.logId === other.logId),
  );
  const [last] = strange;
  if (!last) return null;
  const more = strange.length > 1 ? ` and ${count(strange.length - 1)} more` : "";
  return `This address showed another log before (${last.logId}, ${count(last.size)} events, seen ${seenOn(last)})${more}. This one does not say that it goes on from there.`;
}

export function toRemember(identity: Identity, now: string): Remembered {
  const { checkpoint } = identity.signed;
  const key = verifierKeyText(identity.key);
  return {
    logId: identity.said.logId,
    origin: checkpoint.origin,
    size: checkpoint.size,
    root: toHex(checkpoint.root),
    keys: [key, ...(identity.remembered?.keys ?? []).filter((known) => known !== key)],
    seenAt: now,
  };
}
