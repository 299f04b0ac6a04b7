// Owns the verification thread: it asks and computes beside the page, so that the page stays awake and can stop it.
import { verify } from "./job";
import type { Outcome, Progress, Remembered, Scope } from "./outcome";
import { HttpSource, SourceFailure } from "./source";

export interface Start {
  scope: Scope;
  token: string | null;
  workspaceId: string;
  known: Remembered[];
}

export type ToWorker = { start: Start } | { stop: true };
export type FromWorker =
  | { progress: Progress }
  | { outcome: Outcome }
  | { failed: string; status: number | null };

const TELL_MS_MIN = 100;
const stop = new AbortController();
const say = (message: FromWorker) => postMessage(message);

addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  if ("start" in data) void run(data.start);
  else stop.abort();
});

async function run({ scope, token, workspaceId, known }: Start): Promise<void> {
  let told = 0;
  const tell = (progress: Progress) => {
    const now = performance.now();
    if (now - told < TELL_MS_MIN && progress.done > 0) return;
    told = now;
    say({ progress });
  };
  const source = new HttpSource(token, stop.signal, location.origin);
  try {
    const job = {
      scope,
      source,
      known,
      workspaceId,
      signal: stop.signal,
      tell,
      now: () => new Date(),
    };
    say({ outcome: await verify(job) });
  } catch (cause) {
    const status = cause instanceof SourceFailure ? cause.status : null;
    say({ failed: cause instanceof Error ? cause.message : String(cause), status });
  }
}
