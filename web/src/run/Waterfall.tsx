// Owns the waterfall: the tree of spans on the left, their bars on one time axis on the right, row by row.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Category, SpanKind } from "../api/types";
import { duration } from "../format/duration";
import { compact, count } from "../format/number";
import { oneLine } from "../format/text";
import { useCursor } from "../keys/useCursor";
import { useKeys } from "../keys/useKeys";
import { Glyph, Took } from "../ui/Bits";
import { usePhone } from "../ui/hooks";
import { Icon } from "../ui/icons";
import { Empty } from "../ui/States";
import type { TimedSpan } from "./spanStore";
import { Band, Grid, Overview, Ruler } from "./TimePane";
import { type TreeRow, treeRows } from "./tree";
import type { RunData } from "./useRun";
import { type TimeView, useTimeGestures } from "./useTimeView";

const ROW_PX = 26;
const HEAD_PX = 74;

export const KIND_CATEGORY: Record<SpanKind, Category> = {
  run: "workflow",
  agent: "agent",
  model: "agent",
  tool: "tool",
  message: "communication",
};

const KINDS: readonly SpanKind[] = ["agent", "model", "tool", "message"];

export interface TimePictureProps {
  data: RunData;
  time: TimeView;
  openEnd: number;
  running: boolean;
  errorsOnly: boolean;
  chosen: string | undefined;
  open(spanId: string): void;
}

export function useSize(): [React.RefObject<HTMLDivElement | null>, number, number] {
  const pane = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = pane.current;
    if (!element) return;
    const read = () => setSize({ width: element.clientWidth, height: element.clientHeight });
    const observer = new ResizeObserver(read);
    observer.observe(element);
    read();
    return () => observer.disconnect();
  }, []);
  return [pane, size.width, size.height];
}

export function Waterfall(props: TimePictureProps) {
  const { data, errorsOnly } = props;
  const [kinds, setKinds] = useState<ReadonlySet<SpanKind>>(
    new Set<SpanKind>(["run", "agent", "model", "tool"]),
  );
  const [text, setText] = useState("");
  const [collapsed, setCollapsed] = useState<ReadonlySet<string>>(new Set());
  // biome-ignore lint/correctness/useExhaustiveDependencies: the store is mutable; its version says when it changed.
  const rows = useMemo(
    () =>
      treeRows(data.store.spans, {
        kinds,
        errors_only: errorsOnly,
        text: text.trim().toLowerCase(),
        collapsed,
      }),
    [data.store, data.version, kinds, errorsOnly, text, collapsed],
  );
  const flip = <T,>(before: ReadonlySet<T>, value: T) => {
    const after = new Set(before);
    if (!after.delete(value)) after.add(value);
    return after;
  };
  return (
    <div className="page-main">
      <div className="picture-tools">
        <span className="field">
          <Icon name="search" size={14} />
          <input
            data-filter-input
            type="search"
            aria-label="Filter by name"
            placeholder="Filter by name"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </span>
        {KINDS.map((kind) => (
          <button
            key={kind}
            type="button"
            className="chip"
            aria-pressed={kinds.has(kind)}
            onClick={() => setKinds(flip(kinds, kind))}
          >
            {kind}s
          </button>
        ))}
        <span className="small faint num phone-hide">
          {count(rows.length)} of {count(data.store.spans.length)}
        </span>
      </div>
      {rows.length === 0 && !data.spansLoading ? (
        <Empty icon="search" title={errorsOnly ? "Nothing failed" : "No span matches"} />
      ) : (
        <Tree {...props} rows={rows} fold={(id) => setCollapsed(flip(collapsed, id))} />
      )}
    </div>
  );
}

function Tree({
  rows,
  data,
  time,
  openEnd,
  running,
  chosen,
  open,
  fold,
}: TimePictureProps & { rows: TreeRow[]; fold(id: string): void }) {
  const phone = usePhone();
  const [scroller, full] = useSize();
  const left = phone
    ? Math.round(full * 0.42)
    : Math.min(420, Math.max(260, Math.round(full * 0.34)));
  const width = Math.max(1, full - left - 6);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => {
      const span = rows[index]?.span;
      return span ? `${span.kind}:${span.span_id}` : index;
    },
    overscan: 10,
    scrollMargin: HEAD_PX,
  });
  const cursor = useCursor({
    count: rows.length,
    keyOf: (index) => rows[index]?.span.span_id ?? null,
    open: (index) => {
      const id = rows[index]?.span.span_id;
      if (id) open(id);
    },
    moved: (index) => {
      virtual.scrollToIndex(index, { align: "auto" });
      const id = rows[index]?.span.span_id;
      if (chosen && id) open(id);
    },
  });
  useKeys({
    x: () => {
      const id = rows[cursor.index]?.span.span_id;
      if (id) fold(id);
    },
  });
  const gestures = useTimeGestures(scroller, time, {
    left_px: left,
    plainWheelZooms: false,
    onClick: (_, y) => {
      const index = Math.floor((y + (scroller.current?.scrollTop ?? 0) - HEAD_PX) / ROW_PX);
      const id = rows[index]?.span.span_id;
      if (id && y > HEAD_PX) open(id);
    },
  });
  useFit(rows, virtual.range, time, openEnd);
  const chosenIndex = useMemo(
    () => rows.findIndex((row) => row.span.span_id === chosen),
    [rows, chosen],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: a link to a span scrolls there once, not on each live row.
  useEffect(() => {
    if (chosenIndex >= 0) virtual.scrollToIndex(chosenIndex, { align: "auto" });
  }, [chosen, chosenIndex >= 0]);

  return (
    <div className="picture">
      <div
        ref={scroller}
        className="scroll waterfall"
        onPointerDown={gestures.onPointerDown}
        onPointerMove={gestures.onPointerMove}
        onPointerUp={gestures.onPointerUp}
      >
        <div className="picture-head" style={{ height: HEAD_PX, paddingLeft: left }}>
          <span className="picture-corner" style={{ width: left }}>
            Span
          </span>
          <Overview spans={data.store.spans} version={data.version} time={time} openEnd={openEnd} />
          <Ruler time={time} width={width} />
        </div>
        <ol
          className="list-rows"
          aria-label="Spans as a tree"
          style={{ height: virtual.getTotalSize() }}
        >
          <li className="grid-holder" aria-hidden="true" style={{ left, width }}>
            <Grid time={time} width={width} openEnd={openEnd} running={running} />
          </li>
          {virtual.getVirtualItems().map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            return (
              <li
                key={item.key}
                className="span-row"
                data-active={item.index === cursor.index}
                data-chosen={row.span.span_id === chosen}
                style={{ height: ROW_PX, transform: `translateY(${item.start - HEAD_PX}px)` }}
              >
                <SpanName row={row} left={left} open={open} fold={fold} />
                <SpanBar
                  span={row.span}
                  time={time}
                  left={left}
                  width={width}
                  openEnd={openEnd}
                  running={running}
                />
              </li>
            );
          })}
        </ol>
      </div>
      {gestures.band && <Band {...gestures.band} left={left} />}
    </div>
  );
}

/** While fitting, the time axis follows the rows on screen, so that their bars can be read in a long run. */
function useFit(
  rows: readonly TreeRow[],
  range: { startIndex: number; endIndex: number } | null,
  time: TimeView,
  openEnd: number,
): void {
  const first = range?.startIndex ?? 0;
  const last = range?.endIndex ?? 0;
  const fit = time.fit;
  // biome-ignore lint/correctness/useExhaustiveDependencies: only scrolling, new rows or the switch itself move the view.
  useEffect(() => {
    if (!fit) return;
    let from = Number.POSITIVE_INFINITY;
    let to = Number.NEGATIVE_INFINITY;
    for (const { span, child_count } of rows.slice(first, last + 1)) {
      // What encloses others would stretch the view to the whole again.
      if (span.kind === "run" || span.kind === "agent" || child_count > 0) continue;
      from = Math.min(from, time.scale.place(span.start_ms));
      to = Math.max(to, time.scale.place(span.end_ms ?? openEnd));
    }
    if (!Number.isFinite(from)) return;
    const margin = Math.max(1, (to - from) * 0.04);
    time.follow({ from: from - margin, to: to + margin });
  }, [fit, first, last, rows, time.scale]);
}

function SpanName({
  row,
  left,
  open,
  fold,
}: {
  row: TreeRow;
  left: number;
  open(id: string): void;
  fold(id: string): void;
}) {
  const { span } = row;
  return (
    <div
      className="span-name"
      style={{ width: left, paddingLeft: 4 + Math.min(row.depth, 8) * (left < 200 ? 7 : 14) }}
    >
      {row.child_count > 0 ? (
        <button
          type="button"
          className="fold"
          aria-expanded={!row.collapsed}
          aria-label={`${row.collapsed ? "Unfold" : "Fold"} ${span.name}`}
          onPointerDown={(event) => event.stopPropagation()}
          onClick={() => fold(span.span_id)}
        >
          <Icon name="chevron" size={12} className={row.collapsed ? undefined : "open"} />
        </button>
      ) : (
        <span className="fold" />
      )}
      <Glyph category={KIND_CATEGORY[span.kind]} title={span.kind} />
      <button
        type="button"
        className={span.status === "error" ? "one-line span-label fail" : "one-line span-label"}
        title={span.title ? `${span.name}: ${span.title}` : span.name}
        onPointerDown={(event) => event.stopPropagation()}
        onClick={() => open(span.span_id)}
      >
        {span.name}
        {span.title && <span className="faint small"> {oneLine(span.title, 80)}</span>}
      </button>
      {row.collapsed && <span className="badge num">{compact(row.child_count)}</span>}
      <span className="span-took small faint">
        {span.status === "open" ? "open" : <Took ms={span.duration_ms} />}
      </span>
    </div>
  );
}

function SpanBar({
  span,
  time,
  left,
  width,
  openEnd,
  running,
}: {
  span: TimedSpan;
  time: TimeView;
  left: number;
  width: number;
  openEnd: number;
  running: boolean;
}) {
  const { scale, view } = time;
  const per = width / (view.to - view.from);
  const end_ms = span.end_ms ?? openEnd;
  const from = (scale.place(span.start_ms) - view.from) * per;
  const to = (scale.place(end_ms) - view.from) * per;
  if (to < -2 || from > width) return null;
  const start = Math.max(0, from);
  const wide = Math.max(2, Math.min(width, to) - start);
  const label = span.status === "open" ? "open" : duration(span.duration_ms);
  return (
    <div
      className="bar"
      data-kind={span.kind}
      data-status={span.status}
      data-running={running}
      style={{ left: left + start, width: wide }}
      title={`${span.name}\n${label}, starting after ${duration(span.start_ms - scale.from)}`}
    ></div>
  );
}
