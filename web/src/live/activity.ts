// Owns what each run is doing at this moment: its newest event and its pulse over the last minute, fed from the tail.
import { fetchEvents } from "../api/queries";
import type { AnnalsEvent } from "../api/types";
import type { TailFrame } from "./follow";
import { RateMeter } from "./rate";

export interface Activity {
  event: AnnalsEvent | null;
  pulse: RateMeter;
}

const TELL_MS_MIN = 250;
const RUNS_KEPT_MAX = 500;
const RUN_ID = /"run_id":"((?:[^"\\]|\\.)*)"/;

/** The run id of an envelope without parsing the whole: it stands before the data, by the wire form. */
export function runIdOf(data: string): string | null {
  const found = RUN_ID.exec(data.slice(0, 2_000));
  return found?.[1] ?? null;
}

export class ActivityBoard {
  private readonly runs = new Map<string, Activity>();
  private readonly unread = new Map<string, string>();
  private readonly asked = new Set<string>();
  private readonly listeners = new Set<() => void>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  version = 0;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  of(runId: string): Activity | undefined {
    return this.runs.get(runId);
  }

  take(frames: readonly TailFrame[], now_ms: number): void {
    for (const frame of frames) {
      const runId = runIdOf(frame.data);
      if (!runId) continue;
      this.at(runId).pulse.add(1, now_ms);
      this.unread.set(runId, frame.data);
    }
    // Only the newest event of each run is parsed, four times a second, however fast they come.
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      for (const [runId, data] of this.unread)
        this.at(runId).event = JSON.parse(data) as AnnalsEvent;
      this.unread.clear();
      this.tell();
    }, TELL_MS_MIN);
  }

  /** The newest events of the log, newest first: what every active run did last, and its pulse. */
  prime(events: readonly AnnalsEvent[], now_ms: number): void {
    for (const event of events) {
      if (!event.run_id) continue;
      const activity = this.at(event.run_id);
      activity.event ??= event;
      activity.pulse.addPast([Date.parse(event.recorded_at)], now_ms);
    }
    this.tell();
  }

  /** For a run that said nothing since this page opened: what it said last. */
  seed(runId: string): void {
    if (this.asked.has(runId) || this.runs.get(runId)?.event) return;
    this.asked.add(runId);
    fetchEvents({ run_id: runId }, { order: "desc", limit: 1 })
      .then((page) => {
        const activity = this.at(runId);
        activity.event ??= page.events[0] ?? null;
        this.tell();
      })
      .catch(() => this.asked.delete(runId));
  }

  private at(runId: string): Activity {
    let activity = this.runs.get(runId);
    if (!activity) {
      activity = { event: null, pulse: new RateMeter() };
      this.runs.set(runId, activity);
      const oldest = this.runs.keys().next().value;
      if (this.runs.size > RUNS_KEPT_MAX && oldest !== undefined) this.runs.delete(oldest);
    }
    return activity;
  }

  private tell(): void {
    this.version++;
    for (const listener of this.listeners) listener();
  }
}
