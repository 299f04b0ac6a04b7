// Owns the reading view of a run: rows of any height, virtualised, with payloads fetched for what is on screen.
import { useQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type RefObject, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { runRedactionsQuery } from "../api/queries";
import type { RunDetail } from "../api/types";
import { duration } from "../format/duration";
import { count } from "../format/number";
import { clock } from "../format/time";
import { useCursor } from "../keys/useCursor";
import { useKeys } from "../keys/useKeys";
import { useRedactions } from "../live/redactions";
import { Icon } from "../ui/icons";
import { Empty } from "../ui/States";
import { RunAside } from "./RunAside";
import { Entry } from "./TranscriptEntry";
import { type TranscriptRow, transcriptRows, withRedactions } from "./transcript";
import type { RunData } from "./useRun";

const ESTIMATE_PX = { message: 88, tool: 96, model: 26, agent: 40, run: 30 };
const BOTTOM_PX = 80;

export interface TranscriptProps {
  run: RunDetail;
  data: RunData;
  agent: string | undefined;
  errorsOnly: boolean;
  chosen: string | undefined;
  drawerOpen: boolean;
  chooseAgent(agent: string | undefined): void;
  open(spanId: string): void;
}

export function Transcript(props: TranscriptProps) {
  const { run, data, agent, errorsOnly } = props;
  const [subagents, setSubagents] = useState(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the store is mutable; its version says when it changed.
  const told = useMemo(
    () =>
      transcriptRows(data.store.spans, run.agents, {
        agent_id: agent ?? null,
        models: true,
        errors_only: errorsOnly,
        subagents: subagents || agent !== undefined,
      }),
    [data.store, data.version, run.agents, agent, errorsOnly, subagents],
  );
  const redactions = useQuery(runRedactionsQuery(run.run_id)).data;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the store is mutable; its version says when it changed.
  const rows = useMemo(
    () =>
      redactions && !agent && !errorsOnly
        ? withRedactions(told, redactions, data.store.spans)
        : told,
    [told, redactions, agent, errorsOnly, data.store, data.version],
  );
  const [target, setTarget] = useState<string | null>(null);
  return (
    <div className="page-main transcript-frame">
      {rows.length === 0 && !data.spansLoading ? (
        <Empty icon="runs" title={errorsOnly ? "Nothing failed" : "Nothing was said yet"}>
          {errorsOnly
            ? "No model or tool call of this run failed."
            : "Prompts, answers and tool calls appear here as they happen."}
        </Empty>
      ) : (
        <Rows {...props} rows={rows} target={target} reached={() => setTarget(null)} />
      )}
      {!props.drawerOpen && (
        <RunAside
          run={run}
          data={data}
          agent={agent}
          chooseAgent={props.chooseAgent}
          subagents={subagents}
          setSubagents={setSubagents}
          jump={setTarget}
        />
      )}
    </div>
  );
}

interface RowsProps extends TranscriptProps {
  rows: TranscriptRow[];
  target: string | null;
  reached(): void;
}

function Rows({ rows, run, data, chosen, open, target, reached }: RowsProps) {
  const { cache } = data;
  useSyncExternalStore(cache.subscribe, () => cache.version);
  useRedactions();
  const scroller = useRef<HTMLElement>(null);
  const [expanded, setExpanded] = useState<ReadonlySet<string>>(new Set());
  const toggle = (key: string) =>
    setExpanded((before) => {
      const after = new Set(before);
      if (!after.delete(key)) after.add(key);
      return after;
    });
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => ESTIMATE_PX[rows[index]?.span.kind ?? "tool"],
    getItemKey: (index) => rowKey(rows[index]) ?? index,
    overscan: 8,
    paddingStart: 12,
    paddingEnd: 48,
  });
  const items = virtual.getVirtualItems();

  const wanted = items.flatMap((item) => {
    const span = rows[item.index]?.span;
    return span ? [span.start_position, span.end_position] : [];
  });
  const wantedKey = wanted.join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the positions.
  useEffect(() => cache.want(wanted), [wantedKey, cache]);

  const follow = useFollow(scroller, rows.length, run.status === "running", () =>
    virtual.scrollToIndex(rows.length - 1, { align: "end" }),
  );
  const cursor = useCursor({
    count: rows.length,
    keyOf: (index) => rowKey(rows[index]),
    open: (index) => {
      const span = rows[index]?.span;
      if (span) open(span.span_id);
    },
    moved: (index) => {
      follow.leave();
      virtual.scrollToIndex(index, { align: "auto" });
    },
  });
  useKeys({
    x: () => {
      const key = rowKey(rows[cursor.index]);
      if (key) toggle(key);
    },
    t: follow.toEnd,
  });
  useEffect(() => {
    if (target === null) return;
    const index = rows.findIndex((row) => row.span.span_id === target);
    if (index >= 0) virtual.scrollToIndex(index, { align: "center" });
    reached();
  }, [target, rows, virtual, reached]);

  return (
    <div className="transcript-scroll">
      <section
        ref={scroller}
        className="scroll transcript"
        onScroll={follow.scrolled}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
        tabIndex={0}
        aria-label="Transcript"
      >
        <ol className="list-rows" style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            const key = rowKey(row) ?? String(item.index);
            return (
              <li
                key={item.key}
                ref={virtual.measureElement}
                data-index={item.index}
                data-active={item.index === cursor.index || row.span.span_id === chosen}
                className="entry-row"
                style={{ transform: `translateY(${item.start}px)` }}
              >
                {row.waited_ms !== null && (
                  <p className="entry-waited">
                    <span>{duration(row.waited_ms)} later</span>
                  </p>
                )}
                <div className="entry-line" data-depth={Math.min(row.depth, 4)}>
                  <time className="entry-time mono" dateTime={row.span.started_at}>
                    {clock(row.span.started_at).slice(0, 8)}
                  </time>
                  <Entry
                    row={row}
                    agents={run.agents}
                    start={cache.get(row.span.start_position)}
                    end={cache.get(row.span.end_position)}
                    running={run.status === "running"}
                    expanded={expanded.has(key)}
                    toggle={() => toggle(key)}
                    open={() => open(row.span.span_id)}
                  />
                </div>
              </li>
            );
          })}
        </ol>
      </section>
      {follow.behind > 0 && (
        <button
          type="button"
          className="pill pill-bottom"
          onClick={follow.toEnd}
          title="To the end (t)"
        >
          <Icon name="up" size={14} className="turned" />
          {count(follow.behind)} new
        </button>
      )}
      {cache.error && (
        <p className="notice" data-kind="error" role="alert">
          What was said here could not be read: {cache.error.message}
          <button type="button" className="button" onClick={() => cache.want(wanted)}>
            Try again
          </button>
        </p>
      )}
    </div>
  );
}

function rowKey(row: TranscriptRow | undefined): string | null {
  return row ? `${row.span.kind}:${row.span.span_id}` : null;
}

/** Stays at the end while the run goes on, until the reader scrolls away; then counts what is new. */
function useFollow(
  scroller: RefObject<HTMLElement | null>,
  length: number,
  running: boolean,
  scrollToEnd: () => void,
) {
  const [seen, setSeen] = useState<number | null>(running ? null : length);
  const at = useRef(scrollToEnd);
  at.current = scrollToEnd;
  const following = seen === null;
  useEffect(() => {
    if (following && running && length > 0) at.current();
  }, [following, running, length]);
  const scrolled = () => {
    const pane = scroller.current;
    if (!pane || !running) return;
    const atEnd = pane.scrollHeight - pane.scrollTop - pane.clientHeight < BOTTOM_PX;
    if (atEnd && !following) setSeen(null);
  };
  const leave = () => {
    if (following) setSeen(length);
  };
  useEffect(() => {
    const pane = scroller.current;
    if (!pane) return;
    const onWheel = (event: WheelEvent) => {
      if (event.deltaY < 0) setSeen((before) => before ?? length);
    };
    pane.addEventListener("wheel", onWheel, { passive: true });
    return () => pane.removeEventListener("wheel", onWheel);
  }, [scroller, length]);
  return {
    behind: following || !running ? 0 : Math.max(0, length - (seen ?? 0)),
    scrolled,
    leave,
    toEnd: () => {
      setSeen(null);
      at.current();
    },
  };
}
