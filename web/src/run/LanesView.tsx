// Owns the swimlanes picture: one lane per agent on a canvas, names beside it, a tip under the pointer.
import { type PointerEvent, useMemo, useRef, useState } from "react";
import type { RunAgent } from "../api/types";
import { duration } from "../format/duration";
import { count, many } from "../format/number";
import { oneLine } from "../format/text";
import { usePhone } from "../ui/hooks";
import { Empty } from "../ui/States";
import { useCanvas } from "../ui/useCanvas";
import { firstVisible, foldLanes, type Lane, lanesOf } from "./lanes";
import { type Frame, paintLine, paintTicks, readPaints, rulerTicks } from "./paint";
import type { TimedSpan } from "./spanStore";
import { Band, Overview, Ruler } from "./TimePane";
import { useTimeGestures } from "./useTimeView";
import { type TimePictureProps, useSize } from "./Waterfall";

const HEAD_PX = 74;
/** Few lanes are drawn larger, so that a small run fills the picture. */
const SCALE_MAX = 1.8;

interface Measures {
  bar: number;
  line: number;
  pad: number;
  ticks: number;
  lane_min: number;
}

function measures(scale: number): Measures {
  return {
    bar: Math.round(11 * scale),
    line: Math.round(15 * scale),
    pad: Math.round(10 * scale),
    ticks: 8,
    lane_min: 40,
  };
}

interface Placed {
  lane: Lane;
  y: number;
  height: number;
}

interface Layout {
  lanes: Placed[];
  height: number;
  sizes: Measures;
}

function place(lanes: readonly Lane[], sizes: Measures): Layout {
  let y = 0;
  const list = lanes.map((lane) => {
    const below = lineY(lane, lane.lines.length, sizes) + sizes.pad;
    const at = { lane, y, height: Math.max(sizes.lane_min, below) };
    y += at.height;
    return at;
  });
  return { lanes: list, height: y, sizes };
}

function placed(lanes: readonly Lane[], room: number): Layout {
  const small = place(lanes, measures(1));
  const scale = Math.min(SCALE_MAX, room / Math.max(1, small.height));
  return scale > 1.1 ? place(lanes, measures(scale)) : small;
}

/** Where each line of a lane stands, from the lane's top. */
function lineY(lane: Lane, line: number, sizes: Measures): number {
  const skipped = lane.lines[0]?.length === 0 ? 1 : 0;
  return sizes.pad + sizes.ticks + 2 + (line - skipped) * sizes.line;
}

export function LanesView(props: TimePictureProps & { agents: readonly RunAgent[] }) {
  const { data, agents, openEnd, time, running, open } = props;
  const phone = usePhone();
  const [scroller, full, tall] = useSize();
  const room = tall - HEAD_PX - 24;
  const left = phone ? 96 : 210;
  const width = Math.max(1, full - left - 6);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [tip, setTip] = useState<{ span: TimedSpan; x: number; y: number } | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the store is mutable; its version says when it changed, and a moving edge alone changes no line.
  const lanes = useMemo(
    () => foldLanes(lanesOf({ spans: data.store.spans, agents, open_end_ms: openEnd }), openEnd),
    [data.store, data.version, agents],
  );
  const layout = useMemo(() => placed(lanes, Math.min(room, 520)), [lanes, room]);

  const repaint = useCanvas(canvas, (context, size) => {
    const paints = readPaints();
    const frame: Frame = {
      context,
      paints,
      scale: time.scale,
      view: time.view,
      width: size.width,
      open_end_ms: openEnd,
      running,
    };
    paintGrid(frame, size.height, running);
    const top = scroller.current?.scrollTop ?? 0;
    for (const one of layout.lanes) {
      if (one.y + one.height < top || one.y > top + size.height) continue;
      paintLane(frame, one, one.y - top, layout.sizes);
    }
  });

  const hit = (x: number, y: number) =>
    hitSpan(layout, {
      x,
      y: y - HEAD_PX + (scroller.current?.scrollTop ?? 0),
      width,
      time,
      openEnd,
    });
  const gestures = useTimeGestures(scroller, time, {
    left_px: left,
    plainWheelZooms: layout.height < 500,
    onClick: (x, y) => {
      const span = y > HEAD_PX ? hit(x, y) : null;
      if (span) open(span.span_id);
    },
  });
  const onPointerMove = (event: PointerEvent) => {
    gestures.onPointerMove(event);
    const box = event.currentTarget.getBoundingClientRect();
    const x = event.clientX - box.left;
    const y = event.clientY - box.top;
    const span = x > left && y > HEAD_PX ? hit(x - left, y) : null;
    setTip(span ? { span, x, y } : null);
  };

  if (layout.lanes.length === 0 && !data.spansLoading) {
    return (
      <div className="page-main">
        <Empty icon="agents" title="No agent has done anything yet">
          Each agent gets a lane the moment it acts.
        </Empty>
      </div>
    );
  }
  return (
    <div className="page-main">
      <div className="picture-tools">
        <Key paint="model" text="model calls" />
        <Key paint="tool" text="tool calls" />
        <Key paint="message" text="messages" />
        <Key paint="failure" text="failures" />
        <span className="small faint phone-hide">
          Drag or wheel to zoom, <kbd>Shift</kbd> drag to pan
        </span>
      </div>
      <div className="picture">
        <div
          ref={scroller}
          className="scroll lanes"
          onScroll={repaint}
          onPointerDown={gestures.onPointerDown}
          onPointerMove={onPointerMove}
          onPointerUp={gestures.onPointerUp}
          onPointerLeave={() => setTip(null)}
        >
          <div className="picture-head" style={{ height: HEAD_PX, paddingLeft: left }}>
            <span className="picture-corner" style={{ width: left }}>
              Agent
            </span>
            <Overview
              spans={data.store.spans}
              version={data.version}
              time={time}
              openEnd={openEnd}
            />
            <Ruler time={time} width={width} />
          </div>
          <ul className="lane-names" aria-label="Agents" style={{ height: layout.height }}>
            {layout.lanes.map((one) => (
              <LaneName key={one.lane.agent_id} placed={one} left={left} />
            ))}
          </ul>
        </div>
        <div className="lane-canvas" style={{ left, width }}>
          <canvas
            ref={canvas}
            role="img"
            aria-label={`What ${count(layout.lanes.length)} agents did over time; the waterfall has the same as a list`}
          />
        </div>
        {gestures.band && <Band {...gestures.band} left={left} />}
        {tip && !gestures.band && <Tip {...tip} from_ms={time.scale.from} edge={full} />}
      </div>
    </div>
  );
}

function Key({ paint, text }: { paint: string; text: string }) {
  return (
    <span className="picture-key small muted">
      <i data-paint={paint} />
      {text}
    </span>
  );
}

function LaneName({ placed: { lane, y, height }, left }: { placed: Placed; left: number }) {
  const calls = lane.lines.reduce((sum, line) => sum + line.length, 0);
  return (
    <li className="lane-name" style={{ top: y, height, width: left }}>
      <span style={{ paddingLeft: Math.min(lane.depth, 4) * 12 }} className="two-lines">
        <span className="one-line strong" title={lane.agent_id}>
          {lane.name}
        </span>
        <span className="one-line small faint num">
          {calls > 0 ? many(calls, "call") : many(lane.messages.length, "message")}
          {lane.errors > 0 && <span className="fail"> {count(lane.errors)} failed</span>}
        </span>
      </span>
    </li>
  );
}

function Tip({
  span,
  x,
  y,
  from_ms,
  edge,
}: {
  span: TimedSpan;
  x: number;
  y: number;
  from_ms: number;
  edge: number;
}) {
  return (
    <div
      className="tip"
      style={{ left: Math.min(x + 14, edge - 250), top: y + 16 }}
      aria-hidden="true"
    >
      <strong className="one-line">{span.name}</strong>
      <span className="small muted">
        {span.kind}, {span.status === "open" ? "open" : duration(span.duration_ms)}
        {span.status === "error" && <span className="fail"> failed</span>}
      </span>
      {span.title && <span className="small one-line">{oneLine(span.title, 80)}</span>}
      <span className="small muted one-line">{span.agent_id}</span>
      <span className="small faint num">after {duration(span.start_ms - from_ms)}</span>
    </div>
  );
}

function paintGrid(frame: Frame, height: number, running: boolean): void {
  const { context, paints, scale, view, width } = frame;
  const per = width / (view.to - view.from);
  context.fillStyle = paints.line;
  for (const tick of rulerTicks(scale, view, width))
    context.fillRect(Math.round(tick.x), 0, 1, height);
  context.fillStyle = paints.sunken;
  for (const gap of scale.gaps) {
    const x = (gap.drawn_from - view.from) * per;
    const wide = Math.max(3, (gap.drawn_to - gap.drawn_from) * per);
    if (x + wide < 0 || x > width) continue;
    context.fillStyle = paints.sunken;
    context.fillRect(x, 0, wide, height);
    context.fillStyle = paints.line;
    for (let y = 0; y < height; y += 6) context.fillRect(x + wide / 2, y, 1, 3);
  }
  if (!running) return;
  context.fillStyle = paints.accent;
  context.fillRect((scale.place(frame.open_end_ms) - view.from) * per, 0, 1.5, height);
}

function paintLane(frame: Frame, { lane, height }: Placed, y: number, sizes: Measures): void {
  const { context, paints, width } = frame;
  context.fillStyle = paints.line;
  context.fillRect(0, y + height - 1, width, 1);
  const ticks = { y: y + sizes.pad - 3, height: sizes.ticks, colour: paints.message };
  paintTicks(frame, lane.messages, ticks);
  lane.lines.forEach((line, at) => {
    if (line.length === 0) return;
    const colour = at === 0 ? paints.model : paints.tool;
    paintLine(frame, line, { y: y + lineY(lane, at, sizes), height: sizes.bar, colour });
  });
}

const HIT_PX = 3;

function hitSpan(
  { lanes, sizes }: Layout,
  at: { x: number; y: number; width: number; time: TimePictureProps["time"]; openEnd: number },
): TimedSpan | null {
  const one = lanes.find((lane) => at.y >= lane.y && at.y < lane.y + lane.height);
  if (!one) return null;
  const { scale, view } = at.time;
  const per = (view.to - view.from) / at.width;
  const place = view.from + at.x * per;
  const from = scale.time(place - HIT_PX * per);
  const to = scale.time(place + HIT_PX * per);
  const inLane = at.y - one.y;
  for (let line = 0; line < one.lane.lines.length; line++) {
    const y = lineY(one.lane, line, sizes);
    const spans = one.lane.lines[line];
    if (!spans || spans.length === 0 || inLane < y - 2 || inLane > y + sizes.bar + 2) continue;
    const span = spans[firstVisible(spans, from, at.openEnd)];
    if (span && span.start_ms <= to) return span;
  }
  if (inLane < sizes.pad + sizes.ticks) {
    const span = one.lane.messages[firstVisible(one.lane.messages, from, from)];
    if (span && span.start_ms <= to) return span;
  }
  return null;
}
