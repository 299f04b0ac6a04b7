// Owns the small hooks that many parts share: the ticking clock, the phone layout, a debounced value, the page title.
import { useEffect, useState, useSyncExternalStore } from "react";

let now = Date.now();
const tickers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function onTick(listener: () => void): () => void {
  tickers.add(listener);
  timer ??= setInterval(() => {
    if (document.hidden) return;
    now = Date.now();
    for (const tick of tickers) tick();
  }, 1_000);
  return () => {
    tickers.delete(listener);
    if (tickers.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The time, once a second, the same for the whole screen. */
export function useNow(): number {
  return useSyncExternalStore(onTick, () => now);
}

const PHONE = "(max-width: 720px)";

function onWidth(listener: () => void): () => void {
  const query = matchMedia(PHONE);
  query.addEventListener("change", listener);
  return () => query.removeEventListener("change", listener);
}

export function usePhone(): boolean {
  return useSyncExternalStore(onWidth, () => matchMedia(PHONE).matches);
}

export function useDebounced<T>(value: T, wait_ms: number): T {
  const [held, setHeld] = useState(value);
  useEffect(() => {
    const wait = setTimeout(() => setHeld(value), wait_ms);
    return () => clearTimeout(wait);
  }, [value, wait_ms]);
  return held;
}

export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Annals`;
  }, [title]);
}
