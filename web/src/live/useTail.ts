// Owns the life of a tail inside a page: one connection per tab, put to sleep while the tab is hidden, resumed without a gap.
import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { rate, setConnection } from "./connection";
import { Follower, type TailFrame, type TailRequest } from "./follow";
import { noteRedactions } from "./redactions";
import type { TailMark } from "./resume";

/** Browsers allow six connections per host, so a hidden tab gives its own back. */
const HIDDEN_MS_MAX = 60_000;

export interface TailListeners {
  onFrames(frames: TailFrame[]): void;
  onMark?(mark: TailMark): void;
}

/** Follows `request` while mounted; a null request follows nothing yet. */
export function useTail(request: TailRequest | null, listeners: TailListeners): void {
  const latest = useRef(listeners);
  latest.current = listeners;
  const key = request ? JSON.stringify(request) : null;

  useEffect(() => {
    if (!key) return;
    const wanted = JSON.parse(key) as TailRequest;
    let follower: Follower | null = null;
    let hiddenTimer: ReturnType<typeof setTimeout> | undefined;
    let sleptAt: number | null = null;
    let after = wanted.after;

    const start = () => {
      follower = new Follower(
        { ...wanted, after },
        {
          onFrames: (frames) => {
            rate.add(frames.length, Date.now());
            setConnection({ head: frames[frames.length - 1]?.position ?? null });
            noteRedactions(frames);
            latest.current.onFrames(frames);
          },
          onPhase: (phase, detail) => setConnection({ phase, detail }),
          onMark: (mark) => latest.current.onMark?.(mark),
        },
      );
      void follower.run();
    };
    const sleep = () => {
      after = follower?.position ?? after;
      follower?.stop();
      follower = null;
      sleptAt = Date.now();
      setConnection({ phase: "asleep", detail: "the tab was hidden" });
    };
    const wake = () => {
      start();
      if (sleptAt === null) return;
      const now = Date.now();
      const reason = "this tab was hidden";
      latest.current.onMark?.({ after, reason, gap: false, away_ms: now - sleptAt, at_ms: now });
      sleptAt = null;
    };
    const onVisibility = () => {
      clearTimeout(hiddenTimer);
      if (document.hidden) hiddenTimer = setTimeout(sleep, HIDDEN_MS_MAX);
      else if (!follower) wake();
    };

    start();
    document.addEventListener("visibilitychange", onVisibility);
    return () => {
      clearTimeout(hiddenTimer);
      document.removeEventListener("visibilitychange", onVisibility);
      follower?.stop();
    };
  }, [key]);
}

const REFRESH_MS_MIN = 1_000;

/** Asks the given queries again, at most once a second, when events arrive. */
export function useRefresh(keys: QueryKey[]): (frames: TailFrame[]) => void {
  const client = useQueryClient();
  const state = useRef({ timer: undefined as ReturnType<typeof setTimeout> | undefined, last: 0 });
  const latest = useRef(keys);
  latest.current = keys;

  useEffect(() => {
    const held = state.current;
    return () => clearTimeout(held.timer);
  }, []);

  return () => {
    const held = state.current;
    if (held.timer !== undefined) return;
    const wait = Math.max(250, REFRESH_MS_MIN - (Date.now() - held.last));
    held.timer = setTimeout(() => {
      held.timer = undefined;
      held.last = Date.now();
      for (const queryKey of latest.current) void client.invalidateQueries({ queryKey });
    }, wait);
  };
}

/** The whole workspace's tail, used only to keep a page's views fresh. */
export function useLiveViews(keys: QueryKey[]): void {
  const refresh = useRefresh(keys);
  useTail({ path: "/v1/tail", params: {}, after: null }, { onFrames: refresh });
}
