// Owns the time axis of a run: real time to drawn time, with idle gaps squeezed to a fixed share when asked.
import type { TimedSpan } from "./spanStore";

export interface Interval {
  from: number;
  to: number;
}

export interface Gap extends Interval {
  drawn_from: number;
  drawn_to: number;
}

/** When something was at work: model calls, tool calls and messages; enclosing agents and runs say nothing about idleness. */
export function busyIntervals(spans: readonly TimedSpan[], now_ms: number | null): Interval[] {
  const work = spans
    .filter((span) => span.kind !== "run" && span.kind !== "agent")
    .map((span) => ({ from: span.start_ms, to: span.end_ms ?? now_ms ?? span.start_ms }))
    .sort((a, b) => a.from - b.from);
  const merged: Interval[] = [];
  for (const one of work) {
    const last = merged[merged.length - 1];
    if (last && one.from <= last.to) last.to = Math.max(last.to, one.to);
    else merged.push({ ...one });
  }
  return merged;
}

const GAP_MS_MIN = 3_000;
const GAP_SHARE_MIN = 0.03;
/** A squeezed gap is drawn this wide, as a share of the busy time. */
const GAP_SHARE_DRAWN = 0.012;

export class TimeScale {
  readonly gaps: Gap[] = [];
  /** Length of the drawn axis, in drawn milliseconds. */
  readonly drawn: number;

  constructor(
    readonly from: number,
    readonly to: number,
    gaps: readonly Interval[] = [],
    gap_drawn = 0,
  ) {
    let saved = 0;
    for (const gap of gaps) {
      const drawn_from = gap.from - from - saved;
      saved += gap.to - gap.from - gap_drawn;
      this.gaps.push({ ...gap, drawn_from, drawn_to: drawn_from + gap_drawn });
    }
    this.drawn = Math.max(1, to - from - saved);
  }

  /** Drawn place of a real time. */
  place(at_ms: number): number {
    const gap = this.lastGapAt(at_ms, "from");
    if (!gap) return at_ms - this.from;
    if (at_ms >= gap.to) return gap.drawn_to + (at_ms - gap.to);
    const share = (at_ms - gap.from) / (gap.to - gap.from);
    return gap.drawn_from + share * (gap.drawn_to - gap.drawn_from);
  }

  /** Real time of a drawn place; the inverse of `place`. */
  time(place: number): number {
    const gap = this.lastGapAt(place, "drawn_from");
    if (!gap) return this.from + place;
    if (place >= gap.drawn_to) return gap.to + (place - gap.drawn_to);
    const share = (place - gap.drawn_from) / (gap.drawn_to - gap.drawn_from);
    return gap.from + share * (gap.to - gap.from);
  }

  private lastGapAt(value: number, edge: "from" | "drawn_from"): Gap | undefined {
    let low = 0;
    let high = this.gaps.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if ((this.gaps[mid]?.[edge] ?? 0) <= value) low = mid + 1;
      else high = mid;
    }
    return this.gaps[low - 1];
  }
}

export interface ScaleInput {
  spans: readonly TimedSpan[];
  /** The moving edge while the run goes on, else null. */
  now_ms: number | null;
  compress: boolean;
}

export function runScale({ spans, now_ms, compress }: ScaleInput): TimeScale {
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (const span of spans) {
    from = Math.min(from, span.start_ms);
    to = Math.max(to, span.end_ms ?? span.start_ms);
  }
  if (!Number.isFinite(from)) return new TimeScale(0, 1);
  if (now_ms !== null) to = Math.max(to, now_ms);
  if (!compress) return new TimeScale(from, Math.max(to, from + 1));

  const busy = busyIntervals(spans, now_ms);
  const busyTotal = busy.reduce((sum, one) => sum + (one.to - one.from), 0);
  const gapMin = Math.max(GAP_MS_MIN, busyTotal * GAP_SHARE_MIN);
  const gapDrawn = Math.max(500, busyTotal * GAP_SHARE_DRAWN);
  const gaps: Interval[] = [];
  for (let at = 1; at < busy.length; at++) {
    const gap = { from: busy[at - 1]?.to ?? 0, to: busy[at]?.from ?? 0 };
    if (gap.to - gap.from > Math.max(gapMin, gapDrawn)) gaps.push(gap);
  }
  return new TimeScale(from, Math.max(to, from + 1), gaps, gapDrawn);
}

/** The part of the drawn axis that is on screen. */
export interface Viewport {
  from: number;
  to: number;
}

const VIEW_MS_MIN = 0.5;

export function zoomed(view: Viewport, at: number, factor: number, drawn: number): Viewport {
  const span = Math.min(drawn, Math.max(VIEW_MS_MIN, (view.to - view.from) * factor));
  const share = (at - view.from) / (view.to - view.from);
  return clamped({ from: at - share * span, to: at + (1 - share) * span }, drawn);
}

export function panned(view: Viewport, by: number, drawn: number): Viewport {
  return clamped({ from: view.from + by, to: view.to + by }, drawn);
}

export function clamped(view: Viewport, drawn: number): Viewport {
  const span = Math.min(drawn, Math.max(VIEW_MS_MIN, view.to - view.from));
  const from = Math.min(Math.max(0, view.from), drawn - span);
  return { from, to: from + span };
}

/** Round steps for the ruler: 1, 2 or 5 times a power of ten, or clock steps above a second. */
export function rulerStep(span_ms: number, ticks_max: number): number {
  const clockSteps = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200,
  ];
  const wanted = span_ms / Math.max(1, ticks_max);
  if (wanted <= 1000) {
    const power = 10 ** Math.floor(Math.log10(Math.max(wanted, 1e-6)));
    const found = [1, 2, 5, 10].find((step) => step * power >= wanted) ?? 10;
    return found * power;
  }
  const found = clockSteps.find((step) => step * 1000 >= wanted);
  return found ? found * 1000 : Math.ceil(wanted / 86_400_000) * 86_400_000;
}
