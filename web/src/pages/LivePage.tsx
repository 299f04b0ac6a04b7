// Owns the live tail: newest first, filters in the link, pause, the pill, and every interruption drawn.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import { type EventsFilter, fetchEvents } from "../api/queries";
import type { AnnalsEvent } from "../api/types";
import { useRunTitles } from "../api/useRunTitles";
import { perSecond } from "../format/number";
import { isFailure, summarise } from "../format/summary";
import { lastParts, middle } from "../format/text";
import { absolute, clock } from "../format/time";
import { useCursor } from "../keys/useCursor";
import { useKeys } from "../keys/useKeys";
import { primeRate, rate } from "../live/connection";
import type { TailFrame } from "../live/follow";
import {
  addOlder,
  arrive,
  eventOf,
  eventRow,
  frameRow,
  type LiveRow,
  type LiveRows,
  letIn,
  markRow,
  NO_ROWS,
  ROWS_MAX,
  waitingEvents,
} from "../live/liveList";
import { asItReads, useRedactions } from "../live/redactions";
import { useTail } from "../live/useTail";
import { SummaryMark, TypeGlyph } from "../ui/Bits";
import { annalsCommand } from "../ui/command";
import { EventDrawer } from "../ui/EventDrawer";
import { useNow, usePageTitle, usePhone } from "../ui/hooks";
import { Icon } from "../ui/icons";
import { Sparkline } from "../ui/Sparkline";
import { Empty, Failed, SkeletonRows } from "../ui/States";
import { type ListHandle, VirtualList } from "../ui/VirtualList";
import { LiveFilters } from "./LiveFilters";

const route = getRouteApi("/live");
const FIRST_PAGE = 200;
const FLUSH_MS = 120;
/** While the pointer moves over the rows nothing is pushed under it. */
const POINTER_REST_MS = 700;

const COLUMNS = "92px 18px 210px 190px 1fr 74px";
const TYPE_CHARS = 29;

export function LivePage() {
  usePageTitle("Live");
  const search = route.useSearch();
  const filter: EventsFilter = useMemo(
    () => ({
      event_type: search.type,
      category: search.category,
      origin: search.origin,
      run_id: search.run,
      actor_id: search.agent,
    }),
    [search.type, search.category, search.origin, search.run, search.agent],
  );
  const [paused, setPaused] = useState(false);
  useKeys({ p: () => setPaused(!paused) });
  return (
    <>
      <div className="page-title">
        <h1>Live</h1>
        <button
          type="button"
          className="button"
          aria-pressed={paused}
          title="Pause or go on (p)"
          onClick={() => setPaused(!paused)}
        >
          <Icon name={paused ? "play" : "pause"} size={14} />
          {paused ? "Paused" : "Pause"}
        </button>
        <RateView />
      </div>
      <LiveFilters search={search} />
      <Tail
        key={JSON.stringify(filter)}
        filter={filter}
        paused={paused}
        resume={() => setPaused(false)}
      />
    </>
  );
}

function RateView() {
  const now = useNow();
  return (
    <div className="live-rate">
      <Sparkline
        series={rate.series(now)}
        width={120}
        height={22}
        name="Events per second over the last minute"
      />
      <span className="num">{perSecond(rate.perSecond(now))} events/s</span>
    </div>
  );
}

function Tail({
  filter,
  paused,
  resume,
}: {
  filter: EventsFilter;
  paused: boolean;
  resume: () => void;
}) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const list = useRef<ListHandle>(null);
  const phone = usePhone();
  const [atTop, setAtTop] = useState(true);
  const live = useLiveRows(filter, !paused && atTop && !search.event);
  const { rows } = live;
  const open = (event_id: string | undefined) =>
    void navigate({
      // The dialect stays from event to event, and goes when the drawer does.
      search: (before) => ({ ...before, event: event_id, as: event_id && before.as }),
      replace: true,
    });

  const idAt = (index: number) => {
    const row = rows.shown[index];
    return row?.kind === "event" ? eventOf(row).event_id : undefined;
  };
  const cursor = useCursor({
    count: rows.shown.length,
    keyOf: (index) => rows.shown[index]?.key ?? null,
    open: (index) => open(idAt(index)),
    moved: (index) => {
      list.current?.show(index);
      if (search.event) open(idAt(index) ?? search.event);
    },
  });
  const toTop = () => {
    resume();
    if (search.event) open(undefined);
    live.letIn();
    list.current?.toTop();
    setAtTop(true);
  };
  useKeys({ t: toTop });

  if (live.first.error && rows.shown.length === 0) {
    return (
      <div className="page-body">
        <Failed
          what="The events could not be read"
          error={live.first.error}
          retry={() => void live.first.refetch()}
        />
      </div>
    );
  }
  const waiting = waitingEvents(rows);
  return (
    <div className="page-body">
      <div className="page-main" onPointerMove={live.pointerMoved}>
        {waiting > 0 && (paused || !atTop || search.event) && (
          <button type="button" className="pill" onClick={toTop} title="Show them (t)">
            <Icon name="up" size={14} />
            {waiting.toLocaleString("en")} new
          </button>
        )}
        {live.first.isPending ? (
          <div className="scroll">
            <LiveHead />
            <SkeletonRows rows={24} height={28} columns={COLUMNS} />
          </div>
        ) : rows.shown.length === 0 ? (
          <NothingYet filtered={Object.values(filter).some(Boolean)} />
        ) : (
          <VirtualList
            name="Events, newest first"
            count={rows.shown.length}
            rowHeight={phone ? 54 : 28}
            keyOf={(index) => rows.shown[index]?.key ?? String(index)}
            active={cursor.index}
            handle={list}
            onTopChange={setAtTop}
            onNearEnd={live.older}
            header={<LiveHead />}
            footer={<p className="count-line">{endLine(live.end, rows)}</p>}
            row={(index) => {
              const row = rows.shown[index];
              if (!row) return null;
              if (row.kind === "mark") return <MarkLine row={row} />;
              const event = eventOf(row);
              return <EventLine event={event} current={event.event_id === search.event} />;
            }}
          />
        )}
      </div>
      {search.event && <EventDrawer eventId={search.event} close={() => open(undefined)} />}
    </div>
  );
}

function endLine(end: boolean, rows: LiveRows): string {
  if (rows.cut)
    return `The newest ${ROWS_MAX.toLocaleString("en")} are kept here. Narrow to see older ones.`;
  return end ? "The beginning of the log" : "Loading older events …";
}

/** The rows of one filter: a first page, then the tail exactly behind it, then older pages on demand. */
function useLiveRows(filter: EventsFilter, open: boolean) {
  const [rows, setRows] = useState<LiveRows>(NO_ROWS);
  const [after, setAfter] = useState<number | null>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const news = useRef<LiveRow[]>([]);
  const pointerAt = useRef(0);
  const loading = useRef(false);
  const first = useQuery({
    queryKey: ["live-first", filter],
    queryFn: ({ signal }) => fetchEvents(filter, { order: "desc", limit: FIRST_PAGE }, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  useEffect(() => {
    if (!first.data) return;
    setRows({ ...NO_ROWS, shown: first.data.events.map(eventRow) });
    if (Object.values(filter).every((value) => value === undefined)) primeRate(first.data.events);
    setCursor(first.data.next);
    setAfter(first.data.as_of);
  }, [first.data, filter]);

  useTail(after === null ? null : { path: "/v1/tail", params: { ...filter }, after }, {
    onFrames: (frames: TailFrame[]) => {
      for (const frame of frames) news.current.push(frameRow(frame));
    },
    onMark: (mark) => news.current.push(markRow(mark)),
  });

  useEffect(() => {
    const flush = () => {
      const arrived = news.current;
      news.current = [];
      const rests = Date.now() - pointerAt.current > POINTER_REST_MS;
      setRows((before) => {
        const next = arrive(before, arrived);
        return open && rests ? letIn(next) : next;
      });
    };
    const timer = setInterval(flush, FLUSH_MS);
    return () => clearInterval(timer);
  }, [open]);

  const older = () => {
    if (!cursor || loading.current || rows.cut || rows.shown.length >= ROWS_MAX) return;
    loading.current = true;
    fetchEvents(filter, { order: "desc", limit: FIRST_PAGE, cursor })
      .then((page) => {
        setRows((before) => addOlder(before, page.events));
        setCursor(page.next);
      })
      .catch(() => undefined)
      .finally(() => {
        loading.current = false;
      });
  };
  return {
    rows,
    first,
    older,
    end: cursor === null,
    letIn: () => setRows(letIn),
    pointerMoved: () => {
      pointerAt.current = Date.now();
    },
  };
}

function LiveHead() {
  return (
    <div className="list-head live-columns" aria-hidden="true">
      <span>Time</span>
      <span />
      <span>Type</span>
      <span>Run</span>
      <span>What</span>
      <span className="end">Position</span>
    </div>
  );
}

function EventLine({ event: held, current }: { event: AnnalsEvent; current: boolean }) {
  useRedactions();
  const event = asItReads(held);
  const titles = useRunTitles();
  const run = event.run_id ? (titles.get(event.run_id) ?? middle(event.run_id, 20)) : "–";
  return (
    <Link
      from="/live"
      to="/live"
      search={(before) => ({ ...before, event: event.event_id })}
      replace
      className="row live-columns"
      data-failure={isFailure(event.event_type)}
      data-redacted={event.redaction !== undefined}
      aria-current={current}
    >
      <time
        className="mono muted time"
        dateTime={event.recorded_at}
        title={absolute(event.recorded_at)}
      >
        {clock(event.recorded_at)}
      </time>
      <TypeGlyph eventType={event.event_type} />
      <span className="one-line type" title={event.event_type}>
        {lastParts(event.event_type, TYPE_CHARS)}
      </span>
      <span className="one-line small muted run" title={event.run_id ?? ""}>
        {run}
      </span>
      <span className="one-line summary">
        <SummaryMark event={event} />
        {summarise(event)}
      </span>
      <span className="num small faint end position">{event.position}</span>
    </Link>
  );
}

function MarkLine({ row }: { row: LiveRow & { kind: "mark" } }) {
  return (
    <div className="mark" data-gap={row.gap} role="note">
      <span className="one-line" title={row.text}>
        {row.text}
      </span>
    </div>
  );
}

function NothingYet({ filtered }: { filtered: boolean }) {
  return filtered ? (
    <Empty icon="live" title="Nothing matches yet">
      The tail is open: the next event that matches these filters appears here by itself.
      <p>
        <Link to="/live" search={{}} className="button">
          Remove the filters
        </Link>
      </p>
    </Empty>
  ) : (
    <Empty
      icon="live"
      title="Waiting for the first event"
      command={`echo '{"event_type":"note.made","actor":{"actor_type":"user","actor_id":"me"},"stream":{"stream_type":"note","stream_id":"first"},"data":{"text":"hello"}}' | ${annalsCommand("append")}`}
    >
      Each event shows here the moment it is committed. Append one:
    </Empty>
  );
}
