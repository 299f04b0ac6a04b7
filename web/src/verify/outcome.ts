// Owns what a verification says when it ends: what was proved, what is wrong and where, and what was not looked at.

/** proved: computed here. wrong: computed here, and it does not hold. unchecked: nobody looked, or nobody could. */
export type CheckState = "proved" | "wrong" | "unchecked";

export interface Check {
  state: CheckState;
  /** One sentence for a person. */
  says: string;
}

/** The first wrong thing, as exactly as it can be named. */
export interface Fault {
  says: string;
  /** The event's position, where the fault is one event's. */
  position: number | null;
  /** Positions among which the wrong event is, where only a tile tells. */
  first: number | null;
  last: number | null;
  stream: string | null;
  streamSeq: number | null;
  eventId: string | null;
  eventType: string | null;
}

export interface Seen {
  origin: string;
  size: number;
  root: string;
}

/** The newest checkpoint that this browser has found in order, kept per log. */
export interface Remembered extends Seen {
  logId: string;
  /** Verifier keys that this browser has seen sign for the log, newest first. */
  keys: string[];
  seenAt: string;
}

/** blocked: the browser lets the page keep nothing. damaged: something is kept that cannot be read. */
export interface Memory {
  /** Checkpoints of this and other logs that this browser has kept for this address, newest first. */
  logs: readonly Remembered[];
  state: "open" | "blocked" | "damaged";
}

/** empty: there was nothing of it to check, so nothing is proved about it. */
export type Verdict = "proved" | "wrong" | "stopped" | "empty";

export interface Outcome {
  verdict: Verdict;
  scope: Scope;
  checkpoint: (Seen & { note: string }) | null;
  checks: Check[];
  /** The earlier checkpoint that this one was found to go on from; null when none was known. */
  since: Remembered | null;
  fault: Fault | null;
  /** What is not wrong and must not be taken for in order either; null when there is nothing of the kind. */
  doubt: string | null;
  tookMs: number;
  /** What to remember from now on; null when something was wrong with the checkpoint itself. */
  remember: Remembered | null;
}

export type Scope =
  | { kind: "checkpoint" }
  | { kind: "tree" }
  | { kind: "run"; runId: string }
  | { kind: "stream"; streamType: string; streamId: string }
  | { kind: "range"; from: number; to: number };

export interface Progress {
  stage: "checkpoint" | "tiles" | "events" | "redactions";
  done: number;
  /** Null while it is not known. */
  total: number | null;
}

export const NO_PLACE = {
  position: null,
  first: null,
  last: null,
  stream: null,
  streamSeq: null,
  eventId: null,
  eventType: null,
} as const;
