// Owns a verification from its first question to its outcome: which checks are made for a scope, and how each is said.
import { FormatFault, toHex } from "./bytes";
import { streamName } from "./chain";
import { type EventsScope, type EventsSeen, walkEvents } from "./events";
import {
  fitsKept,
  formerLogs,
  goesOn,
  type Identity,
  IdentityFault,
  readIdentity,
  toRemember,
  unaccounted,
} from "./identity";
import {
  type Check,
  type Fault,
  type Memory,
  NO_PLACE,
  type Outcome,
  type Progress,
  type Remembered,
  type Scope,
} from "./outcome";
import { RecordFault } from "./record";
import type { LogSource } from "./source";
import { RootFault, SignedTree, TILE_WIDTH, TileFault } from "./tiles";

export interface Job {
  scope: Scope;
  source: LogSource;
  memory: Memory;
  /** The reader's own workspace: bodies of others cannot be read. */
  workspaceId: string;
  signal: AbortSignal;
  tell(progress: Progress): void;
  now(): Date;
}

const proved = (says: string): Check => ({ state: "proved", says });
const unchecked = (says: string): Check => ({ state: "unchecked", says });
const count = (value: number): string => value.toLocaleString("en");
const many = (value: number, noun: string, nouns = `${noun}s`): string =>
  `${count(value)} ${value === 1 ? noun : nouns}`;

/** Rejects only when the server could not be asked; what the log does wrong is in the outcome. */
export async function verify(job: Job): Promise<Outcome> {
  const began = job.now().getTime();
  const outcome: Outcome = {
    verdict: "proved",
    scope: job.scope,
    checkpoint: null,
    checks: [],
    since: null,
    fault: null,
    doubt: null,
    tookMs: 0,
    remember: null,
  };
  try {
    await run(job, outcome);
  } catch (cause) {
    if (job.signal.aborted) outcome.verdict = "stopped";
    else condemn(outcome, cause);
  }
  if (["wrong", "stopped"].includes(outcome.verdict) && job.scope.kind !== "checkpoint") {
    outcome.checks.push(unchecked("Whatever comes after this: the verification ended here."));
  }
  if (outcome.checks.some((check) => check.state === "wrong")) outcome.verdict = "wrong";
  outcome.tookMs = job.now().getTime() - began;
  return outcome;
}

function condemn(outcome: Outcome, cause: unknown): void {
  const fault = faultOf(cause);
  if (!fault) throw cause;
  outcome.verdict = "wrong";
  outcome.fault = fault;
  outcome.checks.push({ state: "wrong", says: fault.says });
}

/** Goes on where this browser kept another checkpoint while a verification ran: both must be of one history. */
export async function holdAgainst(
  source: LogSource,
  outcome: Outcome,
  kept: Remembered,
): Promise<Outcome> {
  const { remember } = outcome;
  if (!remember) return outcome;
  const held: Outcome = { ...outcome, checks: [...outcome.checks], remember: null };
  try {
    held.checks.push(await fitsKept(source, remember, kept));
    held.since = kept;
    // Which key followed which was found against the memory before; the next check finds it anew.
    const isSameKey = remember.keys[0] === kept.keys[0];
    if (isSameKey && remember.size > kept.size) held.remember = { ...remember, keys: kept.keys };
  } catch (cause) {
    condemn(held, cause);
  }
  return held;
}

async function run(job: Job, outcome: Outcome): Promise<void> {
  const { source, scope, tell } = job;
  tell({ stage: "checkpoint", done: 0, total: null });
  const identity = await readIdentity(source, job.memory);
  const { origin, size, root } = identity.signed.checkpoint;
  outcome.checkpoint = { origin, size, root: toHex(root), note: identity.signed.text };
  outcome.checks.push(...identity.checks);
  const tree = new SignedTree(size, root, source.tile);
  const isQuick = scope.kind === "checkpoint";
  outcome.checks.push(...(await goesOn(identity, isQuick ? { proof: source } : { tree })));
  outcome.since = identity.remembered;
  // What a restore lost says nothing of a run that is there.
  if (isQuick || scope.kind === "tree") {
    outcome.checks.push(...(await formerLogs(identity, isQuick ? null : tree)));
    outcome.doubt = unaccounted(identity);
    if (outcome.doubt) outcome.checks.push(unchecked(outcome.doubt));
  }
  outcome.remember = toRemember(identity, job.now().toISOString());
  if (scope.kind === "tree") await wholeTree(job, tree, outcome);
  else if (scope.kind !== "checkpoint") await events(job, scope, identity, tree, outcome);
}

const TILES_AT_ONCE = 6;

/** Calls `act` for each index, a few at a time, and stops at the first that fails. */
async function forTiles(
  { signal }: Job,
  from: number,
  to: number,
  act: (index: number) => Promise<void>,
): Promise<void> {
  let next = from;
  const worker = async () => {
    while (next <= to) {
      signal.throwIfAborted();
      await act(next++);
    }
  };
  const workers = Array.from({ length: TILES_AT_ONCE }, worker);
  const ended = await Promise.allSettled(workers);
  // Several may find something wrong at once; the first place counts.
  const faults = ended.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
  if (faults.length > 0) throw firstOf(faults);
}

function firstOf(faults: readonly unknown[]): unknown {
  const tiles = faults.filter((fault): fault is TileFault => fault instanceof TileFault);
  return tiles.sort((a, b) => a.first - b.first || a.tile.level - b.tile.level)[0] ?? faults[0];
}

async function wholeTree(job: Job, tree: SignedTree, outcome: Outcome): Promise<void> {
  const tiles = Math.ceil(tree.size / TILE_WIDTH);
  if (tiles === 0) outcome.verdict = "empty";
  let done = 0;
  try {
    await forTiles(job, 0, tiles - 1, async (index) => {
      await tree.tile(0, index);
      job.tell({ stage: "tiles", done: ++done, total: tiles });
    });
  } finally {
    const leaves = Math.min(tree.size, done * TILE_WIDTH);
    if (done > 0) {
      outcome.checks.push(
        proved(
          `${count(leaves)} of ${many(tree.size, "leaf hash", "leaf hashes")} were read from ${many(done, "tile")} and hashed up to the signed root.`,
        ),
      );
    }
    outcome.checks.push(
      unchecked(
        "What the events say: the tree holds their hashes only. Verify a run, a stream or a range to compare words with hashes.",
      ),
    );
  }
}

async function events(
  job: Job,
  scope: EventsScope,
  identity: Identity,
  tree: SignedTree,
  outcome: Outcome,
): Promise<void> {
  if (scope.kind === "range" && scope.to > tree.size) {
    const from = Math.max(scope.from, tree.size + 1);
    outcome.scope = { ...scope, to: Math.max(scope.from, tree.size) };
    outcome.checks.push(
      unchecked(
        `Positions ${count(from)} to ${count(scope.to)}: the signed tree ends at ${count(tree.size)}.`,
      ),
    );
  }
  const total =
    scope.kind === "range"
      ? Math.min(scope.to, tree.size) - scope.from + 1
      : await job.source.expected(scope);
  let last: EventsSeen | null = null;
  try {
    const asked = { scope, said: identity.said, workspaceId: job.workspaceId };
    last = await walkEvents(job.source, tree, asked, (done, seen) => {
      last = seen;
      const at = scope.kind === "range" ? (seen.lastPosition ?? scope.from) - scope.from + 1 : done;
      job.tell({ stage: "events", done: at, total });
      job.signal.throwIfAborted();
    });
  } finally {
    if (last) outcome.checks.push(...eventChecks(last, job.workspaceId));
  }
  if (last.events === 0) {
    outcome.verdict = "empty";
    outcome.checks.push(unchecked("The server gave no event for this: nothing of it was checked."));
  }
  if (scope.kind === "range") await restOfRange(job, scope, tree, last, outcome);
  outcome.checks.push(...chainChecks(last, scope));
  outcome.checks.push(...(await erasedChecks(job, identity, tree, last)));
  if (last.beyond > 0) {
    outcome.checks.push(
      unchecked(
        `The server gave ${many(last.beyond, "event")} that it places after the checkpoint: no signature holds them yet.`,
      ),
    );
  }
}

function eventChecks(seen: EventsSeen, workspaceId: string): Check[] {
  const checks: Check[] = [];
  if (seen.events > 0) {
    const where = `positions ${count(seen.firstPosition ?? 0)} to ${count(seen.lastPosition ?? 0)}`;
    checks.push(
      proved(
        `${many(seen.events, "event")} (${where}): header, commitment and hash computed here from the stored bytes, and each hash found at its place in the signed tree.`,
      ),
    );
  }
  if (seen.bodies > 0) {
    checks.push(
      proved(
        `${many(seen.bodies, "body", "bodies")} of the workspace ${workspaceId}: every word is what was recorded.`,
      ),
    );
  }
  return checks;
}

/** In a range the other positions have leaves too, though their words are not for this reader. */
async function restOfRange(
  job: Job,
  scope: EventsScope & { kind: "range" },
  tree: SignedTree,
  seen: EventsSeen,
  outcome: Outcome,
): Promise<void> {
  const to = Math.min(scope.to, tree.size);
  const positions = Math.max(0, to - scope.from + 1);
  if (positions === 0) return;
  const first = Math.floor((scope.from - 1) / TILE_WIDTH);
  await forTiles(job, first, Math.floor((to - 1) / TILE_WIDTH), async (index) => {
    await tree.tile(0, index);
  });
  const others = positions - seen.events;
  if (others === 0) return;
  outcome.checks.push(
    proved(
      `The other ${many(others, "position")} of the range have their leaf in the signed tree.`,
    ),
    unchecked(
      `What stands at those ${count(others)}: events of other workspaces, or events that the server did not give.`,
    ),
  );
}

const STREAMS_NAMED = 4;

function chainChecks(seen: EventsSeen, scope: EventsScope): Check[] {
  const checks: Check[] = [];
  const unbroken = seen.streams.filter((stream) => stream.gaps === 0);
  const named = unbroken
    .slice(0, STREAMS_NAMED)
    .map(({ name, firstSeq, lastSeq }) =>
      firstSeq > 1
        ? `${name} from seq ${count(firstSeq)} on to ${count(lastSeq)}`
        : `${name} ${count(firstSeq)}–${count(lastSeq)}`,
    );
  const more = unbroken.length - named.length;
  if (unbroken.length > 0) {
    checks.push(
      proved(
        `No event is missing, moved or put in between: seqs and chain are whole in ${named.join(", ")}${more > 0 ? ` and ${count(more)} more streams` : ""}.`,
      ),
    );
  }
  const partly = seen.streams.filter((stream) => stream.gaps > 0);
  if (partly.length > 0) {
    checks.push(
      unchecked(
        `What lies between in ${partly
          .slice(0, STREAMS_NAMED)
          .map((stream) => stream.name)
          .join(
            ", ",
          )}: events that are not of this ${scope.kind}, or that the server did not give.`,
      ),
    );
  }
  if (seen.events > 0) checks.push(...notGiven(seen, scope));
  return checks;
}

/** What the server may keep to itself, because hashes do not say whose they are. */
function notGiven(seen: EventsSeen, scope: EventsScope): Check[] {
  if (scope.kind === "range") return [];
  if (scope.kind === "stream") {
    return [
      unchecked(
        "Whether the stream has later events that the server did not give: hashes do not say whose they are.",
      ),
    ];
  }
  const own = `run/${scope.runId}`;
  const isGiven = seen.streams.some((stream) => stream.name === own);
  return [
    unchecked(
      isGiven
        ? `Whether ${own} has later events that the server did not give: hashes do not say whose they are.`
        : `The run's own stream ${own}: the server gave no event of it.`,
    ),
    unchecked(
      "Whether the run has events on other streams, or before the first ones named here, that the server did not give.",
    ),
  ];
}

/** A body may be gone only where the log itself says that it was redacted. */
async function erasedChecks(
  job: Job,
  identity: Identity,
  tree: SignedTree,
  seen: EventsSeen,
): Promise<Check[]> {
  if (seen.erased.length === 0) return [];
  job.tell({ stage: "redactions", done: 0, total: null });
  const redactions: EventsScope = {
    kind: "stream",
    streamType: "redactions",
    streamId: job.workspaceId,
  };
  const asked = { scope: redactions, said: identity.said, workspaceId: job.workspaceId };
  const found = await walkEvents(job.source, tree, asked, () => job.signal.throwIfAborted());
  const unsaid = seen.erased.find((position) => !found.redacted.has(position));
  if (unsaid !== undefined) {
    throw new RecordFault(unsaid, "its body is gone, and no redaction on the log says so");
  }
  return [
    proved(
      `${many(seen.erased.length, "event")} with the body erased: each is named by a redaction in ${streamName({ streamType: "redactions", streamId: job.workspaceId })}, which was checked in the same way.`,
    ),
    unchecked("What the erased bodies said: only their commitments are left."),
  ];
}

function faultOf(cause: unknown): Fault | null {
  if (cause instanceof RecordFault) {
    const { header } = cause;
    return {
      ...NO_PLACE,
      says: `Event at position ${count(cause.position)}${header ? ` (${header.eventType}, ${streamName(header)} seq ${count(header.streamSeq)})` : ""}: ${cause.found}.`,
      position: cause.position,
      stream: header ? streamName(header) : null,
      streamSeq: header?.streamSeq ?? null,
      eventId: header?.eventId ?? null,
      eventType: header?.eventType ?? null,
    };
  }
  if (cause instanceof TileFault) {
    return {
      ...NO_PLACE,
      says: `Positions ${count(cause.first)} to ${count(cause.last)}: ${cause.message}. One of these events is not the one that was signed, or the server's tile is damaged.`,
      first: cause.first,
      last: cause.last,
    };
  }
  if (cause instanceof RootFault) {
    return { ...NO_PLACE, says: `${cause.message}, ${toHex(cause.found)}.` };
  }
  if (cause instanceof IdentityFault) return { ...NO_PLACE, says: cause.message };
  if (cause instanceof FormatFault) {
    return {
      ...NO_PLACE,
      says: `The server's answer is not in the format it should be: ${cause.message}.`,
    };
  }
  return null;
}
