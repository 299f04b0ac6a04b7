// Owns the count of events per second over the last minute, for the sparkline and the figure beside it.

export const RATE_WINDOW_S = 60;

export class RateMeter {
  private readonly counts = new Float64Array(RATE_WINDOW_S);
  private second = 0;

  /** Counts events that arrived at `now_ms`. */
  add(count: number, now_ms: number): void {
    this.roll(now_ms);
    const at = this.second % RATE_WINDOW_S;
    this.counts[at] = (this.counts[at] ?? 0) + count;
  }

  /** True until something was counted: only then may the past be filled in. */
  get untouched(): boolean {
    return this.second === 0;
  }

  /** Counts events that happened before this meter watched, as far as the window reaches back. */
  addPast(times_ms: readonly number[], now_ms: number): void {
    this.roll(now_ms);
    for (const at_ms of times_ms) {
      const second = Math.floor(at_ms / 1000);
      if (second > this.second || second <= this.second - RATE_WINDOW_S) continue;
      const at = second % RATE_WINDOW_S;
      this.counts[at] = (this.counts[at] ?? 0) + 1;
    }
  }

  /** Events in each of the last 60 whole or begun seconds, oldest first. */
  series(now_ms: number): number[] {
    this.roll(now_ms);
    return Array.from(
      { length: RATE_WINDOW_S },
      (_, at) => this.counts[(this.second + 1 + at) % RATE_WINDOW_S] ?? 0,
    );
  }

  /** Mean over the last five complete seconds. */
  perSecond(now_ms: number): number {
    const complete = this.series(now_ms).slice(-6, -1);
    return complete.reduce((sum, count) => sum + count, 0) / complete.length;
  }

  private roll(now_ms: number): void {
    const second = Math.floor(now_ms / 1000);
    if (second <= this.second) return;
    const steps = Math.min(second - this.second, RATE_WINDOW_S);
    for (let at = 1; at <= steps; at++) this.counts[(second - steps + at) % RATE_WINDOW_S] = 0;
    this.second = second;
  }
}
