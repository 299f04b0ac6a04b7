// Owns the payloads that the screen needs of a long run: fetched by position around what is visible, bounded, oldest let go.
import type { AnnalsEvent, EventsPage } from "../api/types";
import { asItReads } from "../live/redactions";

export type FetchAfter = (after_position: number, limit: number) => Promise<EventsPage>;

const PAGE_EVENTS = 200;
const KEPT_EVENTS_MAX = 4_000;

export class EventCache {
  private readonly kept = new Map<number, AnnalsEvent>();
  private readonly absent = new Set<number>();
  private wanted: number[] = [];
  private busy = false;
  private listeners = new Set<() => void>();
  version = 0;
  error: Error | null = null;

  constructor(private readonly fetchAfter: FetchAfter) {}

  get(position: number | null): AnnalsEvent | undefined {
    const event = position === null ? undefined : this.kept.get(position);
    return event && asItReads(event);
  }

  put(events: readonly AnnalsEvent[]): void {
    for (const event of events) {
      this.kept.delete(event.position);
      this.kept.set(event.position, event);
    }
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= KEPT_EVENTS_MAX) break;
      this.kept.delete(oldest);
    }
  }

  /** Says which positions are on screen; what is missing is fetched, what scrolled away is not. */
  want(positions: readonly (number | null)[]): void {
    this.wanted = positions
      .filter((at): at is number => at !== null && !this.kept.has(at) && !this.absent.has(at))
      .sort((a, b) => a - b);
    if (this.wanted.length > 0) void this.work();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private async work(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      for (let first = this.wanted[0]; first !== undefined; first = this.wanted[0]) {
        const page = await this.fetchAfter(first - 1, PAGE_EVENTS);
        this.put(page.events);
        this.settle(first, page);
        this.error = null;
        this.tell();
      }
    } catch (cause) {
      this.error = cause instanceof Error ? cause : new Error(String(cause));
      this.wanted = [];
      this.tell();
    } finally {
      this.busy = false;
    }
  }

  /**
   * What the page covers but does not hold does not exist for this reader, and is not asked for again.
   * Positions before `first` were wanted while the page was on its way: it says nothing of them.
   */
  private settle(first: number, page: EventsPage): void {
    const covered = page.next
      ? (page.events[page.events.length - 1]?.position ?? first)
      : page.as_of;
    for (const at of this.wanted) {
      if (at < first || at > Math.max(covered, first)) continue;
      if (!this.kept.has(at)) this.absent.add(at);
    }
    this.wanted = this.wanted.filter((at) => !this.kept.has(at) && !this.absent.has(at));
  }

  private tell(): void {
    this.version++;
    for (const listener of this.listeners) listener();
  }
}
