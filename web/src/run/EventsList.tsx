// Owns the raw list of a run's events: any place at once by seq, one page of payloads at a time.
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { getJson } from "../api/client";
import { fetchEvents } from "../api/queries";
import type { AnnalsEvent, EventsPage, RunDetail } from "../api/types";
import { duration } from "../format/duration";
import { count } from "../format/number";
import { isFailure, summarise } from "../format/summary";
import { middle } from "../format/text";
import { useCursor } from "../keys/useCursor";
import { asItReads, isRedaction, useRedactions } from "../live/redactions";
import { SummaryMark, TypeGlyph } from "../ui/Bits";
import { usePhone } from "../ui/hooks";
import { Empty, Failed } from "../ui/States";
import { type ListHandle, VirtualList } from "../ui/VirtualList";
import { timeMs } from "./spanStore";

const PAGE = 200;
const PAGES_KEPT_MAX = 20;

interface StreamHead {
  first_seq: number;
  last_seq: number;
  event_count: number;
}

/** True when all events of the run are on its own stream, so that any place can be asked for by seq. */
function useOwnStream(run: RunDetail): boolean | null {
  const head = useQuery({
    queryKey: ["stream-head", run.run_id],
    queryFn: ({ signal }) =>
      getJson<StreamHead>(`/v1/streams/run/${encodeURIComponent(run.run_id)}`, {}, signal),
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (head.isPending) return null;
  const ok = head.data && head.data.first_seq === 1 && head.data.event_count >= run.events;
  return Boolean(ok);
}

/** Pages of a run's events by their place; asked for when they come into sight. */
class EventPages {
  private readonly pages = new Map<number, AnnalsEvent[]>();
  private readonly pending = new Set<number>();
  /** Last position of each page read so far, for runs whose events are on many streams. */
  private readonly ends: number[] = [];
  error: Error | null = null;

  constructor(
    private readonly runId: string,
    private readonly bySeq: boolean,
    private readonly tell: () => void,
  ) {}

  at(index: number): AnnalsEvent | undefined {
    return this.pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  see(first: number, last: number, total: number): void {
    this.error = null;
    for (let page = Math.floor(first / PAGE); page <= Math.floor(last / PAGE); page++) {
      const held = this.pages.get(page)?.length ?? 0;
      const full = Math.min(PAGE, total - page * PAGE);
      if (held >= full || this.pending.has(page)) continue;
      this.pending.add(page);
      this.load(page)
        .catch((cause: unknown) => {
          this.error = cause instanceof Error ? cause : new Error(String(cause));
        })
        .finally(() => {
          this.pending.delete(page);
          this.tell();
        });
    }
  }

  private async load(page: number): Promise<void> {
    const events = this.bySeq ? await this.bySeqPage(page) : await this.byPositionPage(page);
    this.pages.delete(page);
    this.pages.set(page, events);
    for (const oldest of this.pages.keys()) {
      if (this.pages.size <= PAGES_KEPT_MAX) break;
      this.pages.delete(oldest);
    }
  }

  private async bySeqPage(page: number): Promise<AnnalsEvent[]> {
    const path = `/v1/streams/run/${encodeURIComponent(this.runId)}/events`;
    const query = { from_seq: page * PAGE + 1, limit: PAGE };
    return (await getJson<EventsPage>(path, query)).events;
  }

  private async byPositionPage(page: number): Promise<AnnalsEvent[]> {
    let events: AnnalsEvent[] = [];
    for (let at = Math.min(page, this.ends.length); at <= page; at++) {
      const read = await this.ofRun(at === 0 ? 0 : (this.ends[at - 1] ?? 0));
      events = read.events;
      if (events.length === 0) return events;
      this.ends[at] = read.end;
    }
    return events;
  }

  /** The next events of the run itself: its redactions name it too, but are not counted as its own. */
  private async ofRun(after: number): Promise<{ events: AnnalsEvent[]; end: number }> {
    const events: AnnalsEvent[] = [];
    let end = after;
    let more = true;
    while (more && events.length < PAGE) {
      const answer = await fetchEvents(
        { run_id: this.runId },
        { after_position: end, limit: PAGE - events.length, order: "asc" },
      );
      events.push(...answer.events.filter((event) => !isRedaction(event)));
      end = answer.events.at(-1)?.position ?? end;
      more = answer.next !== null;
    }
    return { events, end };
  }
}

export function EventsList({
  run,
  chosen,
  open,
}: {
  run: RunDetail;
  chosen: string | undefined;
  open(eventId: string): void;
}) {
  const own = useOwnStream(run);
  if (own === null) return <div className="page-main" />;
  if (run.events === 0) return <Empty icon="inbox" title="This run has no events yet" />;
  return <Pages key={String(own)} run={run} bySeq={own} chosen={chosen} open={open} />;
}

function Pages({
  run,
  bySeq,
  chosen,
  open,
}: {
  run: RunDetail;
  bySeq: boolean;
  chosen: string | undefined;
  open(eventId: string): void;
}) {
  const phone = usePhone();
  useRedactions();
  const list = useRef<ListHandle>(null);
  const [, setVersion] = useState(0);
  const pages = useMemo(
    () => new EventPages(run.run_id, bySeq, () => setVersion((before) => before + 1)),
    [run.run_id, bySeq],
  );
  const range = useRef<[number, number]>([0, 0]);
  const total = run.events;
  const onRange = useCallback(
    (first: number, last: number) => {
      range.current = [first, last];
      pages.see(first, last, total);
    },
    [pages, total],
  );
  useEffect(() => pages.see(range.current[0], range.current[1], total), [pages, total]);

  const openAt = (index: number) => {
    const event = pages.at(index);
    if (event) open(event.event_id);
  };
  const cursor = useCursor({
    count: total,
    keyOf: (index) => String(index),
    open: openAt,
    moved: (index) => {
      list.current?.show(index);
      if (chosen) openAt(index);
    },
  });
  if (pages.error) {
    return (
      <Failed
        what="The events could not be read"
        error={pages.error}
        retry={() => pages.see(range.current[0], range.current[1], total)}
      />
    );
  }
  const start_ms = timeMs(run.started_at);
  return (
    <div className="page-main">
      <VirtualList
        name="Events of this run, oldest first"
        count={total}
        rowHeight={phone ? 54 : 28}
        keyOf={(index) => String(index)}
        active={cursor.index}
        handle={list}
        onRange={onRange}
        header={
          <div className="list-head live-columns" aria-hidden="true">
            <span>After</span>
            <span />
            <span>Type</span>
            <span>Agent</span>
            <span>What</span>
            <span className="end">Seq</span>
          </div>
        }
        footer={<p className="count-line">{count(total)} events, that is all so far</p>}
        row={(index) => {
          const held = pages.at(index);
          if (!held) return <RowBones seq={index + 1} />;
          const event = asItReads(held);
          return (
            <button
              type="button"
              className="row live-columns"
              data-failure={isFailure(event.event_type)}
              data-redacted={event.redaction !== undefined}
              aria-current={event.event_id === chosen}
              onClick={() => {
                cursor.set(index);
                open(event.event_id);
              }}
            >
              <span className="mono muted time">
                {duration(timeMs(event.occurred_at) - start_ms)}
              </span>
              <TypeGlyph eventType={event.event_type} />
              <span className="one-line type">{event.event_type}</span>
              <span className="one-line small muted run">{middle(event.actor.actor_id, 28)}</span>
              <span className="one-line summary">
                <SummaryMark event={event} />
                {summarise(event)}
              </span>
              <span className="num small faint end position">{event.stream.stream_seq}</span>
            </button>
          );
        }}
      />
    </div>
  );
}

function RowBones({ seq }: { seq: number }) {
  return (
    <div className="row live-columns">
      <span className="bone time" />
      <span />
      <span className="bone type" />
      <span className="bone run" />
      <span className="bone summary" />
      <span className="num small faint end position">{seq}</span>
    </div>
  );
}
