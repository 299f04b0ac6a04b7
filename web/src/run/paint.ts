// Owns the strokes of the time pictures: bars, merged where they share pixels, failures always on top.

import { firstVisible } from "./lanes";
import type { TimedSpan } from "./spanStore";
import { rulerStep, type TimeScale, type Viewport } from "./timeScale";

export interface Paints {
  model: string;
  tool: string;
  message: string;
  agent: string;
  failure: string;
  line: string;
  text: string;
  faint: string;
  surface: string;
  sunken: string;
  accent: string;
}

export function readPaints(): Paints {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string) => style.getPropertyValue(name).trim();
  return {
    model: read("--cat-agent"),
    tool: read("--cat-tool"),
    message: read("--cat-communication"),
    agent: read("--cat-workflow"),
    failure: read("--failure"),
    line: read("--line"),
    text: read("--text"),
    faint: read("--faint"),
    surface: read("--surface"),
    sunken: read("--sunken"),
    accent: read("--accent"),
  };
}

export interface Frame {
  context: CanvasRenderingContext2D;
  paints: Paints;
  scale: TimeScale;
  view: Viewport;
  width: number;
  /** Where an open call ends for now. */
  open_end_ms: number;
  running: boolean;
}

export function toX(frame: Frame, at_ms: number): number {
  const { view, width, scale } = frame;
  return ((scale.place(at_ms) - view.from) / (view.to - view.from)) * width;
}

const BAR_PX_MIN = 2;

/** One line of bars that do not overlap. Bars that fall on pixels already painted are skipped, so a line costs at most its width. */
export function paintLine(
  frame: Frame,
  line: readonly TimedSpan[],
  box: { y: number; height: number; colour: string },
): void {
  const { context, scale, view, width, open_end_ms } = frame;
  const from_ms = scale.time(view.from);
  const to_ms = scale.time(view.to);
  let painted = Number.NEGATIVE_INFINITY;
  const failures: number[] = [];
  context.fillStyle = box.colour;
  for (let at = firstVisible(line, from_ms, open_end_ms); at < line.length; at++) {
    const span = line[at];
    if (!span || span.start_ms > to_ms) break;
    const left = Math.max(-4, toX(frame, span.start_ms));
    const right = Math.min(width + 4, toX(frame, span.end_ms ?? open_end_ms));
    const end = Math.max(right, left + BAR_PX_MIN);
    if (span.status === "error") failures.push(left, end);
    if (end <= painted + 0.5) continue;
    const start = Math.max(left, painted);
    if (span.status === "open") paintOpen(frame, start, end, box);
    else
      context.fillRect(
        start,
        box.y,
        Math.max(end - start - (end - start > 5 ? 1 : 0), 1),
        box.height,
      );
    painted = end;
  }
  paintFailures(frame, failures, box);
}

function paintOpen(
  frame: Frame,
  left: number,
  right: number,
  box: { y: number; height: number; colour: string },
): void {
  const { context } = frame;
  context.globalAlpha = 0.45;
  context.fillRect(left, box.y, right - left, box.height);
  context.globalAlpha = 1;
  context.fillRect(left, box.y, Math.min(3, right - left), box.height);
  if (frame.running) context.fillRect(right - 2, box.y, 2, box.height);
}

const FAILED_BAR_PX_MIN = 5;

/** Among thousands a failure is a notch at the top of its line; with room the bar itself is red, and ends in a mark. */
function paintFailures(
  frame: Frame,
  pairs: readonly number[],
  box: { y: number; height: number },
): void {
  const { context, paints } = frame;
  context.fillStyle = paints.failure;
  let painted = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < pairs.length; at += 2) {
    const left = pairs[at] ?? 0;
    const right = pairs[at + 1] ?? 0;
    if (right <= painted + 0.5) continue;
    if (right - left < FAILED_BAR_PX_MIN) {
      context.fillRect(right - 2, box.y - 3, 2, 6);
    } else {
      context.fillRect(Math.max(left, painted), box.y, right - left, box.height);
      context.fillRect(right - 1, box.y - 3, 2, box.height + 6);
    }
    painted = right;
  }
}

/** Instants: a thin mark each, at most one per pixel. */
export function paintTicks(
  frame: Frame,
  spans: readonly TimedSpan[],
  box: { y: number; height: number; colour: string },
): void {
  const { context, scale, view } = frame;
  const from_ms = scale.time(view.from);
  const to_ms = scale.time(view.to);
  context.fillStyle = box.colour;
  let painted = Number.NEGATIVE_INFINITY;
  for (let at = firstVisible(spans, from_ms, from_ms); at < spans.length; at++) {
    const span = spans[at];
    if (!span || span.start_ms > to_ms) break;
    const x = Math.round(toX(frame, span.start_ms));
    if (x <= painted + 1) continue;
    context.fillRect(x, box.y, BAR_PX_MIN, box.height);
    painted = x;
  }
}

export interface Tick {
  x: number;
  label: string;
}

/** Ruler marks at round times since the start; none inside a squeezed gap. */
export function rulerTicks(scale: TimeScale, view: Viewport, width: number): Tick[] {
  const span = view.to - view.from;
  const step = rulerStep(span, Math.max(2, Math.floor(width / 80)));
  const ticks: Tick[] = [];
  // With squeezed gaps real time is not even: even places are marked with the real time there.
  const first = scale.gaps.length > 0 ? view.from : Math.ceil(view.from / step) * step;
  const long = scale.to - scale.from > CLOCK_MS_MIN;
  for (let at = first; at <= view.to; at += step) {
    const time = scale.time(at);
    const label = long ? clockLabel(time, step) : tickLabel(time - scale.from, step);
    ticks.push({ x: ((at - view.from) / span) * width, label });
  }
  return ticks;
}

/** Beyond a day the hour says more than the time since the start. */
const CLOCK_MS_MIN = 30 * 3_600_000;

function clockLabel(time_ms: number, step_ms: number): string {
  const at = new Date(time_ms);
  const two = (value: number) => String(value).padStart(2, "0");
  const minutes = `${two(at.getHours())}:${two(at.getMinutes())}`;
  if (step_ms < 60_000) return `${minutes}:${two(at.getSeconds())}`;
  return step_ms < 3_600_000
    ? minutes
    : `${two(at.getMonth() + 1)}-${two(at.getDate())} ${minutes}`;
}

export function tickLabel(since_ms: number, step_ms: number): string {
  if (since_ms < 0.0005) return "0";
  if (step_ms < 1) return `${since_ms.toFixed(step_ms < 0.01 ? 3 : 2)} ms`;
  const seconds = since_ms / 1000;
  if (seconds < 1) return `${Math.round(since_ms)} ms`;
  if (seconds < 60) return `${trim(seconds, step_ms)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) {
    const rest = seconds % 60;
    return rest < 0.05 ? `${minutes} m` : `${minutes} m ${trim(rest, step_ms)} s`;
  }
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  const rest = minutes % 60;
  return rest === 0 ? `${hours} h` : `${hours} h ${String(rest).padStart(2, "0")} m`;
}

function trim(seconds: number, step_ms: number): string {
  const places = step_ms < 10 ? 3 : step_ms < 100 ? 2 : step_ms < 1000 ? 1 : 0;
  return seconds.toFixed(places).replace(/\.0+$/, "");
}
