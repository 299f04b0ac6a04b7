// Owns the head of the time pictures: the whole run in small with the visible part framed, and the ruler below it.
import { type ReactNode, useMemo, useRef } from "react";
import { duration } from "../format/duration";
import { useCanvas } from "../ui/useCanvas";
import { readPaints, rulerTicks } from "./paint";
import type { TimedSpan } from "./spanStore";
import type { TimeScale } from "./timeScale";
import { type TimeView, useTimeGestures } from "./useTimeView";

const BUCKETS = 400;

interface Density {
  model: Float32Array;
  tool: Float32Array;
  failed: Uint16Array;
  failed_most: number;
  most: number;
}

/** How busy each slice of the drawn axis is, by kind. */
export function density(
  spans: readonly TimedSpan[],
  scale: TimeScale,
  open_end_ms: number,
): Density {
  const model = new Float32Array(BUCKETS);
  const tool = new Float32Array(BUCKETS);
  const failed = new Uint16Array(BUCKETS);
  const per = scale.drawn / BUCKETS;
  for (const span of spans) {
    if (span.kind !== "model" && span.kind !== "tool") continue;
    const into = span.kind === "model" ? model : tool;
    const from = scale.place(span.start_ms) / per;
    const to = Math.max(from, scale.place(span.end_ms ?? open_end_ms) / per);
    if (span.status === "error") {
      const at = Math.min(BUCKETS - 1, Math.floor(to));
      failed[at] = (failed[at] ?? 0) + 1;
    }
    for (let at = Math.max(0, Math.floor(from)); at <= Math.min(to, BUCKETS - 1); at++) {
      const covered = Math.min(to, at + 1) - Math.max(from, at);
      into[at] = (into[at] ?? 0) + Math.max(covered, 0.02);
    }
  }
  let most = 0.001;
  for (let at = 0; at < BUCKETS; at++) most = Math.max(most, (model[at] ?? 0) + (tool[at] ?? 0));
  return { model, tool, failed, failed_most: Math.max(1, ...failed), most };
}

export function Overview({
  spans,
  version,
  time,
  openEnd,
}: {
  spans: readonly TimedSpan[];
  version: number;
  time: TimeView;
  openEnd: number;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const pane = useRef<HTMLDivElement>(null);
  // The small picture always spans the whole run, so its gestures work on the whole axis.
  const whole: TimeView = { ...time, view: { from: 0, to: time.scale.drawn } };
  const gestures = useTimeGestures(pane, whole, { left_px: 0, plainWheelZooms: true });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the spans are mutable; their version says when they changed.
  const busy = useMemo(
    () => density(spans, time.scale, openEnd),
    [spans, version, time.scale, openEnd],
  );
  useCanvas(canvas, (context, { width, height }) => {
    const paints = readPaints();
    const step = width / BUCKETS;
    for (let at = 0; at < BUCKETS; at++) {
      const tool = Math.sqrt((busy.tool[at] ?? 0) / busy.most) * (height - 6);
      const model = Math.sqrt((busy.model[at] ?? 0) / busy.most) * (height - 6);
      const total = Math.min(height - 6, tool + model);
      if (total <= 0) continue;
      const modelTall = total * (model / (model + tool));
      context.fillStyle = paints.model;
      context.fillRect(at * step, height - modelTall, step + 0.4, modelTall);
      context.fillStyle = paints.tool;
      context.fillRect(at * step, height - total, step + 0.4, total - modelTall);
      if (busy.failed[at]) {
        context.fillStyle = paints.failure;
        context.globalAlpha = 0.3 + 0.7 * ((busy.failed[at] ?? 0) / busy.failed_most);
        context.fillRect(at * step, 0, Math.max(2, step), 4);
        context.globalAlpha = 1;
      }
    }
    const from = (time.view.from / time.scale.drawn) * width;
    const to = (time.view.to / time.scale.drawn) * width;
    if (time.whole) return;
    context.fillStyle = paints.sunken;
    context.globalAlpha = 0.75;
    context.fillRect(0, 0, from, height);
    context.fillRect(to, 0, width - to, height);
    context.globalAlpha = 1;
    context.fillStyle = paints.accent;
    context.fillRect(from - 1, 0, 2, height);
    context.fillRect(to - 1, 0, 2, height);
  });
  return (
    <div
      ref={pane}
      className="overview"
      onPointerDown={gestures.onPointerDown}
      onPointerMove={gestures.onPointerMove}
      onPointerUp={gestures.onPointerUp}
      title="Drag to zoom in, turn the wheel to zoom, 0 for the whole run"
    >
      <canvas ref={canvas} className="fill" />
      {gestures.band && <Band {...gestures.band} />}
    </div>
  );
}

export function Band({
  from_px,
  to_px,
  left = 0,
}: {
  from_px: number;
  to_px: number;
  left?: number;
}) {
  return <div className="band" style={{ left: from_px + left, width: to_px - from_px }} />;
}

const GAPS_DRAWN_MAX = 150;

/** Ruler, grid lines and squeezed gaps over a pane of `width` pixels. */
export function Ruler({
  time,
  width,
  children,
}: {
  time: TimeView;
  width: number;
  children?: ReactNode;
}) {
  const { scale, view } = time;
  const ticks = rulerTicks(scale, view, width);
  return (
    <div className="ruler" aria-hidden="true">
      {ticks
        .filter((tick) => tick.x < width - 40)
        .map((tick) => (
          <span key={tick.x} className="tick" style={{ left: tick.x }}>
            {tick.label}
          </span>
        ))}
      {children}
    </div>
  );
}

export function Grid({
  time,
  width,
  openEnd,
  running,
}: {
  time: TimeView;
  width: number;
  openEnd: number;
  running: boolean;
}) {
  const { scale, view } = time;
  const per = width / (view.to - view.from);
  const gaps = scale.gaps
    .filter((gap) => gap.drawn_to >= view.from && gap.drawn_from <= view.to)
    .slice(0, GAPS_DRAWN_MAX);
  const now = (scale.place(openEnd) - view.from) * per;
  return (
    <div className="grid" aria-hidden="true">
      {rulerTicks(scale, view, width).map((tick) => (
        <i key={tick.x} className="grid-line" style={{ left: tick.x }} />
      ))}
      {gaps.map((gap) => (
        <i
          key={gap.from}
          className="gap"
          title={`idle for ${duration(gap.to - gap.from)}`}
          style={{
            left: (gap.drawn_from - view.from) * per,
            width: Math.max(3, (gap.drawn_to - gap.drawn_from) * per),
          }}
        />
      ))}
      {running && now >= 0 && now <= width && <i className="now-edge" style={{ left: now }} />}
    </div>
  );
}

export function TimeControls({ time, rows }: { time: TimeView; rows: boolean }) {
  return (
    <>
      <button
        type="button"
        className="chip"
        aria-pressed={time.compress}
        title="Squeeze idle gaps (c)"
        onClick={time.toggleCompress}
      >
        Squeeze gaps
        {time.scale.gaps.length > 0 && <span className="num faint">{time.scale.gaps.length}</span>}
      </button>
      {rows && (
        <button
          type="button"
          className="chip"
          aria-pressed={time.fit}
          title="Let the time axis follow the rows on screen (f)"
          onClick={time.toggleFit}
        >
          Follow rows
        </button>
      )}
      {!time.whole && (
        <button type="button" className="chip set" title="Whole run (0)" onClick={time.reset}>
          Whole run <kbd>0</kbd>
        </button>
      )}
    </>
  );
}
