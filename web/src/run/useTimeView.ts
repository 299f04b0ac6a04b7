// Owns the shared view of time in waterfall and lanes: zoom by wheel, drag and keys, kept when one switches between them.
import { type PointerEvent, type RefObject, useEffect, useRef, useState } from "react";
import { useKeys } from "../keys/useKeys";
import { clamped, panned, type TimeScale, type Viewport, zoomed } from "./timeScale";

export interface TimeView {
  scale: TimeScale;
  view: Viewport;
  whole: boolean;
  compress: boolean;
  /** The view follows the rows on screen. */
  fit: boolean;
  zoomAt(place: number, factor: number): void;
  pan(by: number): void;
  show(view: Viewport): void;
  /** Like `show`, without ending the fit. */
  follow(view: Viewport): void;
  reset(): void;
  toggleCompress(): void;
  toggleFit(): void;
}

export interface TimeViewState {
  /** Null shows the whole run, also while it grows. */
  view: Viewport | null;
  compress: boolean;
  fit: boolean;
}

export function useTimeView(
  scale: TimeScale,
  state: TimeViewState,
  set: (change: (before: TimeViewState) => TimeViewState) => void,
): TimeView {
  const view = clamped(state.view ?? { from: 0, to: scale.drawn }, scale.drawn);
  const put = (next: Viewport) =>
    set((before) => ({
      ...before,
      fit: false,
      view: next.to - next.from >= scale.drawn * 0.999 ? null : next,
    }));
  const middle = (view.from + view.to) / 2;
  const time: TimeView = {
    scale,
    view,
    whole: state.view === null,
    compress: state.compress,
    fit: state.fit,
    zoomAt: (place, factor) => put(zoomed(view, place, factor, scale.drawn)),
    pan: (by) => put(panned(view, by, scale.drawn)),
    show: (next) => put(clamped(next, scale.drawn)),
    follow: (next) => set((before) => ({ ...before, view: clamped(next, scale.drawn) })),
    reset: () => set((before) => ({ ...before, fit: false, view: null })),
    toggleCompress: () => set((before) => ({ ...before, view: null, compress: !before.compress })),
    toggleFit: () => set((before) => ({ ...before, view: null, fit: !before.fit })),
  };
  useKeys({
    "0": time.reset,
    "+": () => time.zoomAt(middle, 0.6),
    "=": () => time.zoomAt(middle, 0.6),
    "-": () => time.zoomAt(middle, 1 / 0.6),
    ArrowLeft: () => time.pan((view.from - view.to) * 0.2),
    ArrowRight: () => time.pan((view.to - view.from) * 0.2),
    c: time.toggleCompress,
    f: time.toggleFit,
  });
  return time;
}

export interface DragBand {
  from_px: number;
  to_px: number;
}

interface Gestured {
  time: TimeView;
  options: { left_px: number };
}

/** Two fingers on a touch screen: spread to zoom, move to pan. One finger scrolls as everywhere. */
function usePinch(target: RefObject<HTMLElement | null>, latest: RefObject<Gestured>): void {
  useEffect(() => {
    const element = target.current;
    if (!element) return;
    let last: { middle: number; apart: number } | null = null;
    const read = (event: TouchEvent) => {
      const [one, two] = [event.touches[0], event.touches[1]];
      if (!one || !two) return null;
      const left = element.getBoundingClientRect().left + latest.current.options.left_px;
      return {
        middle: (one.clientX + two.clientX) / 2 - left,
        apart: Math.max(10, Math.abs(one.clientX - two.clientX)),
      };
    };
    const onMove = (event: TouchEvent) => {
      const now = read(event);
      if (!now || !last) {
        last = now;
        return;
      }
      event.preventDefault();
      const { time, options } = latest.current;
      const width = element.getBoundingClientRect().width - options.left_px;
      const per = (time.view.to - time.view.from) / width;
      const factor = last.apart / now.apart;
      const at = time.view.from + now.middle * per;
      if (Math.abs(factor - 1) > 0.004) time.zoomAt(at, factor);
      else time.pan((last.middle - now.middle) * per);
      last = now;
    };
    const onEnd = () => {
      last = null;
    };
    element.addEventListener("touchmove", onMove, { passive: false });
    element.addEventListener("touchend", onEnd);
    return () => {
      element.removeEventListener("touchmove", onMove);
      element.removeEventListener("touchend", onEnd);
    };
  }, [target, latest]);
}

interface PressedAt {
  x: number;
  y: number;
  pan: boolean;
  last: number;
  touch: boolean;
}

const DRAG_PX_MIN = 4;

/** Wheel and drag on an element whose x axis, from `left_px` on, shows the view. */
export function useTimeGestures(
  target: RefObject<HTMLElement | null>,
  time: TimeView,
  options: { left_px: number; plainWheelZooms: boolean; onClick?: (x: number, y: number) => void },
) {
  const latest = useRef({ time, options });
  latest.current = { time, options };
  const [band, setBand] = useState<DragBand | null>(null);
  const start = useRef<PressedAt | null>(null);

  useEffect(() => {
    const element = target.current;
    if (!element) return;
    const onWheel = (event: WheelEvent) => {
      const { time: now, options: how } = latest.current;
      const box = element.getBoundingClientRect();
      const x = event.clientX - box.left - how.left_px;
      const width = box.width - how.left_px;
      if (x < 0 || width <= 0) return;
      const span = now.view.to - now.view.from;
      const zooms = event.ctrlKey || event.metaKey || event.shiftKey || how.plainWheelZooms;
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY) && !event.shiftKey) {
        event.preventDefault();
        now.pan((event.deltaX / width) * span);
      } else if (zooms) {
        event.preventDefault();
        const delta = event.deltaY || event.deltaX;
        now.zoomAt(
          now.view.from + (x / width) * span,
          Math.exp(Math.max(-80, Math.min(80, delta)) * 0.004),
        );
      }
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [target]);
  usePinch(target, latest);

  const local = (event: PointerEvent) => {
    const box = event.currentTarget.getBoundingClientRect();
    return {
      x: event.clientX - box.left - options.left_px,
      y: event.clientY - box.top,
      width: box.width - options.left_px,
    };
  };
  const place = (x: number, width: number) =>
    time.view.from + (x / width) * (time.view.to - time.view.from);

  return {
    band,
    onPointerDown: (event: PointerEvent) => {
      const at = local(event);
      if (event.button !== 0 || at.x < 0) return;
      const touch = event.pointerType === "touch";
      start.current = { x: at.x, y: at.y, pan: event.shiftKey, last: at.x, touch };
      // A finger may still turn out to scroll; a mouse that pressed is drawing a band.
      if (!touch) event.currentTarget.setPointerCapture(event.pointerId);
    },
    onPointerMove: (event: PointerEvent) => {
      const from = start.current;
      if (!from || from.touch) return;
      const at = local(event);
      if (from.pan) {
        time.pan(((from.last - at.x) / at.width) * (time.view.to - time.view.from));
        from.last = at.x;
      } else if (Math.abs(at.x - from.x) >= DRAG_PX_MIN) {
        setBand({ from_px: Math.min(from.x, at.x), to_px: Math.max(from.x, at.x) });
      }
    },
    onPointerUp: (event: PointerEvent) => {
      const from = start.current;
      start.current = null;
      setBand(null);
      if (!from || from.pan) return;
      const at = local(event);
      if (Math.abs(at.x - from.x) < DRAG_PX_MIN) options.onClick?.(at.x, at.y);
      else if (!from.touch) {
        const [low, high] = [Math.min(from.x, at.x), Math.max(from.x, at.x)];
        time.show({ from: place(low, at.width), to: place(high, at.width) });
      }
    },
  };
}
