// Owns the pure part of following a tail: which frame is news, where to resume, how long to wait, and what to say.
import type { ApiError } from "../api/client";

export type TailPhase = "connecting" | "live" | "waiting" | "ended" | "asleep";

/** A line drawn in the list where the stream was interrupted. */
export interface TailMark {
  /** The last position that was seen before the interruption; null when none was. */
  after: number | null;
  reason: string;
  /** True only when events may be missing from the screen. */
  gap: boolean;
  away_ms: number;
  at_ms: number;
}

export interface ResumePoint {
  position: number | null;
}

/** True when the frame's position is beyond all that was seen; moves the point. A replayed frame is no news. */
export function advance(point: ResumePoint, id: string | null): boolean {
  if (id === null || !/^\d+$/.test(id)) return false;
  const position = Number(id);
  if (point.position !== null && position <= point.position) return false;
  point.position = position;
  return true;
}

export interface BackoffInput {
  attempt: number;
  server_retry_ms: number | null;
  retry_after_ms: number | null;
  /** 0 ≤ jitter < 1, passed in so that the rule is pure. */
  jitter: number;
}

const BACKOFF_MS_MAX = 5_000;

/** The server's `Retry-After` wins; else the `retry:` hint doubles per attempt, with jitter, up to 5 s. */
export function backoffMs(input: BackoffInput): number {
  if (input.retry_after_ms !== null) return Math.min(input.retry_after_ms, 60_000);
  const base = Math.max(100, input.server_retry_ms ?? 500);
  const grown = Math.min(base * 2 ** Math.max(0, input.attempt - 1), BACKOFF_MS_MAX);
  return Math.round(grown * (0.75 + 0.5 * input.jitter));
}

export type Verdict =
  /** Try again from the same point. */
  | { do: "retry"; reason: string }
  /** The point is no longer good: start at the head and draw a gap. */
  | { do: "restart"; reason: string }
  | { do: "stop"; reason: string };

/** What a refused tail means for the follower. */
export function judgeRefusal(error: ApiError): Verdict {
  if (error.reasonCode === "history_diverged") {
    return { do: "restart", reason: "the log is not the one followed before (history diverged)" };
  }
  if (error.reasonCode === "trimmed" || error.status === 410) {
    return { do: "restart", reason: "the events after this point were trimmed from the log" };
  }
  if (error.status === 401) return { do: "stop", reason: "the session ended" };
  if (error.status === 429) return { do: "retry", reason: "too many tails for this session" };
  if (error.status >= 500 || error.retryable) return { do: "retry", reason: error.message };
  return { do: "stop", reason: error.message };
}

/** The resume point that an `annals.lagged` frame names, whichever of the agreed spellings it uses. */
export function laggedPoint(data: string): number | null {
  try {
    const said = JSON.parse(data) as Record<string, unknown>;
    for (const key of [
      "resume_after",
      "after_position",
      "last_position",
      "position",
      "resume_from",
    ]) {
      const value = said[key];
      if (typeof value === "number") return value;
      if (typeof value === "string" && /^\d+$/.test(value)) return Number(value);
    }
  } catch {
    // A frame without a point leaves us at the last event seen, which is exact as well.
  }
  return null;
}
