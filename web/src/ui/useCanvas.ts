// Owns a canvas that is as sharp as the screen, repaints on size, theme and request, at most once a frame.
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef } from "react";
import { onThemeChange } from "./theme";

export type Draw = (
  context: CanvasRenderingContext2D,
  size: { width: number; height: number },
) => void;

/** Returns a function that asks for a repaint. `draw` may change with every render. */
export function useCanvas(canvas: RefObject<HTMLCanvasElement | null>, draw: Draw): () => void {
  const latest = useRef(draw);
  latest.current = draw;
  const frame = useRef<number | null>(null);

  const repaint = useCallback(() => {
    frame.current ??= requestAnimationFrame(() => {
      frame.current = null;
      const element = canvas.current;
      const context = element?.getContext("2d");
      if (!element || !context) return;
      const { clientWidth: width, clientHeight: height } = element;
      const ratio = window.devicePixelRatio || 1;
      if (
        element.width !== Math.round(width * ratio) ||
        element.height !== Math.round(height * ratio)
      ) {
        element.width = Math.round(width * ratio);
        element.height = Math.round(height * ratio);
      }
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, width, height);
      latest.current(context, { width, height });
    });
  }, [canvas]);

  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const observer = new ResizeObserver(repaint);
    observer.observe(element);
    const stop = onThemeChange(repaint);
    return () => {
      observer.disconnect();
      stop();
      if (frame.current !== null) cancelAnimationFrame(frame.current);
      frame.current = null;
    };
  }, [canvas, repaint]);

  // Every render may have changed what is to be drawn.
  useLayoutEffect(repaint);
  return repaint;
}
