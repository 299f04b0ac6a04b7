// Owns the walk over records: every event of a scope against its own hashes, its chain, its leaf, and what was asked for.
import { sameBytes } from "./bytes";
import { Chains, type StreamSeen, streamName } from "./chain";
import type { Header } from "./header";
import type { Scope } from "./outcome";
import { type CheckedRecord, checkRecord, RecordFault, type WireRecord } from "./record";
import { type LogSaid, type LogSource, PAGE_RECORDS } from "./source";
import type { SignedTree } from "./tiles";

export type EventsScope = Exclude<Scope, { kind: "checkpoint" | "tree" }>;

export interface EventsSeen {
  events: number;
  bodies: number;
  /** Positions whose body and salt were erased. */
  erased: number[];
  /** Positions where the answer left out the body without the log saying so. */
  workspaces: Set<string>;
  streams: StreamSeen[];
  firstPosition: number | null;
  lastPosition: number | null;
  /** Events beyond the checkpoint, which came in since it was signed. */
  beyond: number;
  /** Positions that control facts of the kind `event.redacted` name. */
  redacted: Set<number>;
}

/** Pages of a scope, oldest first, the next one asked for while one is being checked. */
async function* pages(source: LogSource, scope: EventsScope): AsyncGenerator<WireRecord[]> {
  let next = ask(source, scope, null);
  for (;;) {
    const page = await next;
    const last = page?.at(-1);
    if (!page || !last) return;
    const isLast = page.length < PAGE_RECORDS;
    if (!isLast) {
      next = ask(source, scope, last);
      // Whoever stops reading here leaves this answer behind; its failure is nobody's.
      next.catch(() => undefined);
    }
    yield page;
    if (isLast) return;
  }
}

function ask(
  source: LogSource,
  scope: EventsScope,
  last: WireRecord | null,
): Promise<WireRecord[] | null> {
  const after_position = last?.position ?? 0;
  if (scope.kind === "run") return source.events({ run_id: scope.runId, after_position });
  if (scope.kind === "stream") {
    return source.stream(scope.streamType, scope.streamId, (last?.stream_seq ?? 0) + 1);
  }
  return source.events({ after_position: last ? after_position : scope.from - 1 });
}

export async function walkEvents(
  source: LogSource,
  tree: SignedTree,
  said: LogSaid,
  scope: EventsScope,
  tell: (done: number, seen: EventsSeen) => void,
): Promise<EventsSeen> {
  const chains = new Chains();
  const seen: EventsSeen = {
    events: 0,
    bodies: 0,
    erased: [],
    workspaces: new Set(),
    streams: [],
    firstPosition: null,
    lastPosition: null,
    beyond: 0,
    redacted: new Set(),
  };
  for await (const page of pages(source, scope)) {
    for (const wire of page) {
      if (scope.kind === "range" && wire.position > scope.to) return done(seen, chains);
      if (wire.position > tree.size) {
        seen.beyond++;
        continue;
      }
      const record = checkRecord(wire);
      asAsked(record, scope, seen.lastPosition, said);
      chains.follow(record, isWhole(scope, record.header));
      await inTree(record, tree);
      note(record, seen);
      tell(seen.events, seen);
    }
  }
  return done(seen, chains);
}

function done(seen: EventsSeen, chains: Chains): EventsSeen {
  return { ...seen, streams: chains.seen() };
}

/** Whether no event of the record's stream may be missing from what this scope reads. */
function isWhole(scope: EventsScope, header: Header): boolean {
  if (scope.kind === "stream") return true;
  return scope.kind === "run" && header.streamType === "run" && header.streamId === scope.runId;
}

/** The server may answer with true events that are not the ones asked for. */
function asAsked(
  { header, position }: CheckedRecord,
  scope: EventsScope,
  before: number | null,
  said: LogSaid,
): void {
  const fault = (found: string) => new RecordFault(position, found, header);
  if (before !== null && position <= before) {
    throw fault(`it was given after position ${before}, out of order`);
  }
  if (header.logId !== owner(said, position)) throw fault(`it is of another log, ${header.logId}`);
  if (scope.kind === "run" && header.runId !== scope.runId) throw fault("it is of another run");
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
  seen.workspaces.add(record.header.workspaceId);
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
