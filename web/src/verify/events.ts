// Owns the walk over records: every event of a scope against its own hashes, its chain, its leaf, and what was asked for.
import { sameBytes } from "./bytes";
import { Chains, type StreamSeen, streamName } from "./chain";
import type { Header } from "./header";
import type { Scope } from "./outcome";
import { type CheckedRecord, checkRecord, RecordFault, type WireRecord } from "./record";
import { type LogSaid, type LogSource, PAGE_RECORDS } from "./source";
import type { SignedTree } from "./tiles";

export type EventsScope = Exclude<Scope, { kind: "checkpoint" | "tree" }>;

/** Each run has a stream of its own, named after it. */
const RUN_STREAM = "run";

export interface EventsSeen {
  events: number;
  bodies: number;
  /** Positions whose body and salt were erased. */
  erased: number[];
  streams: StreamSeen[];
  firstPosition: number | null;
  lastPosition: number | null;
  /** Events that the server places after the checkpoint: no root says that they stand there. */
  beyond: number;
  /** Positions that control facts of the kind `event.redacted` name. */
  redacted: Set<number>;
}

type Page = WireRecord[] | null;

/** Records page by page, oldest first, the next page asked for while one is being checked. */
async function* paged(
  ask: (last: WireRecord | null) => Promise<Page>,
): AsyncGenerator<WireRecord, undefined> {
  let next = ask(null);
  for (;;) {
    const page = await next;
    const last = page?.at(-1);
    if (!page || !last) return;
    const isLast = page.length < PAGE_RECORDS;
    if (!isLast) {
      next = ask(last);
      // Whoever stops reading here leaves this answer behind; its failure is nobody's.
      next.catch(() => undefined);
    }
    yield* page;
    if (isLast) return;
  }
}

function records(source: LogSource, scope: EventsScope): AsyncGenerator<WireRecord> {
  const ofStream = (type: string, id: string) =>
    paged((last) => source.stream(type, id, (last?.stream_seq ?? 0) + 1));
  switch (scope.kind) {
    case "stream":
      return ofStream(scope.streamType, scope.streamId);
    case "range":
      return paged((last) => source.events({ after_position: last?.position ?? scope.from - 1 }));
    case "run": {
      const { runId: run_id } = scope;
      const named = paged((last) => source.events({ run_id, after_position: last?.position ?? 0 }));
      return merged(named, ofStream(RUN_STREAM, run_id));
    }
  }
}

/** A run is what names it and what stands on its own stream, as in an evidence file; most events are both. */
async function* merged(
  one: AsyncGenerator<WireRecord, undefined>,
  other: AsyncGenerator<WireRecord, undefined>,
): AsyncGenerator<WireRecord> {
  let [a, b] = [(await one.next()).value, (await other.next()).value];
  while (a || b) {
    // Two records for one position are both passed on, and the second is then out of order.
    const isSame = a && b && a.position === b.position && a.event_hash === b.event_hash;
    const takesA = a !== undefined && (b === undefined || a.position <= b.position);
    const taken = takesA ? a : b;
    if (taken) yield taken;
    if (takesA) a = (await one.next()).value;
    if (!takesA || isSame) b = (await other.next()).value;
  }
}

/** What every record is held against. */
export interface Asked {
  scope: EventsScope;
  said: LogSaid;
  /** The reader's own: records of others are nothing that was asked for. */
  workspaceId: string;
}

export async function walkEvents(
  source: LogSource,
  tree: SignedTree,
  asked: Asked,
  tell: (done: number, seen: EventsSeen) => void,
): Promise<EventsSeen> {
  const chains = new Chains();
  const seen: EventsSeen = {
    events: 0,
    bodies: 0,
    erased: [],
    streams: [],
    firstPosition: null,
    lastPosition: null,
    beyond: 0,
    redacted: new Set(),
  };
  const { scope } = asked;
  let before: number | null = null;
  for await (const wire of records(source, scope)) {
    if (scope.kind === "range" && wire.position > scope.to) break;
    const record = checkRecord(wire);
    asAsked(record, asked, before);
    before = record.position;
    if (record.position > tree.size) {
      seen.beyond++;
    } else {
      chains.follow(record, isWhole(scope, record.header));
      await inTree(record, tree);
      note(record, seen);
    }
    tell(seen.events, seen);
  }
  return { ...seen, streams: chains.seen() };
}

/** Whether no event of the record's stream may be missing from what this scope reads. */
function isWhole(scope: EventsScope, header: Header): boolean {
  if (scope.kind === "stream") return true;
  return scope.kind === "run" && isOwnStream(header, scope.runId);
}

function isOwnStream({ streamType, streamId }: Header, runId: string): boolean {
  return streamType === RUN_STREAM && streamId === runId;
}

/** The server may answer with true events that are not the ones asked for. */
function asAsked(
  { header, position }: CheckedRecord,
  { scope, said, workspaceId }: Asked,
  before: number | null,
): void {
  const fault = (found: string) => new RecordFault(position, found, header);
  if (before !== null && position <= before) {
    throw fault(`it was given after position ${before}, out of order`);
  }
  if (header.logId !== owner(said, position)) throw fault(`it is of another log, ${header.logId}`);
  if (header.workspaceId !== workspaceId) {
    throw fault(`it is of another workspace, ${header.workspaceId}`);
  }
  if (scope.kind === "range" && position < scope.from) {
    throw fault("it stands before the range that was asked for");
  }
  if (scope.kind === "run" && header.runId !== scope.runId && !isOwnStream(header, scope.runId)) {
    throw fault("it is of another run");
  }
  if (
    scope.kind === "stream" &&
    streamName(header) !== streamName({ streamType: scope.streamType, streamId: scope.streamId })
  ) {
    throw fault(`it is of another stream, ${streamName(header)}`);
  }
}

/** Events from before a restore keep the id of the log that they were first written to. */
function owner(said: LogSaid, position: number): string {
  const parents = said.lineage
    .filter((one) => position <= one.lastPosition)
    .sort((a, b) => a.lastPosition - b.lastPosition);
  return parents[0]?.logId ?? said.logId;
}

async function inTree(record: CheckedRecord, tree: SignedTree): Promise<void> {
  const leaf = await tree.leaf(record.position - 1);
  if (sameBytes(leaf, record.leaf)) return;
  throw new RecordFault(
    record.position,
    "its hash is not the one that stands at this position in the signed tree: the event was edited, exchanged or moved",
    record.header,
  );
}

function note(record: CheckedRecord, seen: EventsSeen): void {
  seen.events++;
  seen.firstPosition ??= record.position;
  seen.lastPosition = record.position;
  if (record.hasBody) seen.bodies++;
  else seen.erased.push(record.position);
  const redacted = redactedPosition(record.header);
  if (redacted !== null) seen.redacted.add(redacted);
}

function redactedPosition(header: Header): number | null {
  if (header.eventType !== "event.redacted" || !header.control) return null;
  try {
    const { position } = JSON.parse(header.control) as { position?: unknown };
    return typeof position === "number" ? position : null;
  } catch {
    return null;
  }
}
