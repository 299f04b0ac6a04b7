// Owns the verification thread: it asks and computes beside the page, so that the page stays awake and can stop it.
import { holdAgainst, verify } from "./job";
import type { Memory, Outcome, Progress, Remembered, Scope } from "./outcome";
import { HttpSource, SourceFailure } from "./source";

export interface Start {
  scope: Scope;
  token: string | null;
  workspaceId: string;
  memory: Memory;
}

/** `against`: this browser kept another checkpoint meanwhile, and the outcome must fit it too. */
export type ToWorker = { start: Start } | { stop: true } | { against: Remembered };
export type FromWorker =
  | { progress: Progress }
  | { outcome: Outcome }
  | { failed: string; status: number | null };

const TELL_MS_MIN = 100;
const stop = new AbortController();
const say = (message: FromWorker) => postMessage(message);

let ended: { source: HttpSource; outcome: Outcome } | null = null;

addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  if ("start" in data) void answer(() => run(data.start));
  else if ("against" in data) void answer(() => compare(data.against));
  else stop.abort();
});

async function answer(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (cause) {
    const status = cause instanceof SourceFailure ? cause.status : null;
    say({ failed: cause instanceof Error ? cause.message : String(cause), status });
  }
}

async function compare(kept: Remembered): Promise<void> {
  if (!ended) return;
  ended.outcome = await holdAgainst(ended.source, ended.outcome, kept);
  say({ outcome: ended.outcome });
}

async function run({ scope, token, workspaceId, memory }: Start): Promise<void> {
  let told = 0;
  const tell = (progress: Progress) => {
    const now = performance.now();
    if (now - told < TELL_MS_MIN && progress.done > 0) return;
    told = now;
    say({ progress });
  };
  const source = new HttpSource(token, stop.signal, location.origin);
  const { signal } = stop;
  const now = () => new Date();
  const outcome = await verify({ scope, source, memory, workspaceId, signal, tell, now });
  ended = { source, outcome };
  say({ outcome });
}
