// Owns what the edge of the screen says about the live line: its phase, the newest position seen, and the rate.
import { RateMeter } from "./rate";
import type { TailPhase } from "./resume";

export interface Connection {
  phase: TailPhase;
  detail: string | null;
  /** Newest position that this tab has seen. */
  head: number | null;
}

export const rate = new RateMeter();

/** Fills the rate with the newest events of the log, so that a page that just opened is not blind. */
export function primeRate(events: readonly { recorded_at: string }[]): void {
  if (!rate.untouched) return;
  rate.addPast(
    events.map((event) => Date.parse(event.recorded_at)),
    Date.now(),
  );
}

let connection: Connection = { phase: "connecting", detail: null, head: null };
const listeners = new Set<() => void>();

export function currentConnection(): Connection {
  return connection;
}

export function onConnectionChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function setConnection(change: Partial<Connection>): void {
  connection = { ...connection, ...change };
  for (const listener of listeners) listener();
}
