// Owns a verification's life on the page: one worker at a time, its progress, its end, and what the browser remembers of it.
import { useCallback, useEffect, useRef, useState } from "react";
import { sessionState } from "../api/session";
import { recall, rememberLog } from "../verify/memory";
import type { Outcome, Progress, Remembered, Scope } from "../verify/outcome";
import type { FromWorker, ToWorker } from "../verify/worker";

export type VerifyState =
  | { kind: "idle" }
  | { kind: "running"; progress: Progress | null; began_ms: number; stopping: boolean }
  | { kind: "done"; outcome: Outcome }
  | { kind: "failed"; error: Error };

export interface Verification {
  state: VerifyState;
  start(scope: Scope): void;
  stop(): void;
}

export function useVerify(): Verification {
  const [state, setState] = useState<VerifyState>({ kind: "idle" });
  const worker = useRef<Worker | null>(null);
  const end = useCallback(() => {
    worker.current?.terminate();
    worker.current = null;
  }, []);
  useEffect(() => end, [end]);

  const start = useCallback(
    (scope: Scope) => {
      end();
      const session = sessionState();
      if (session.kind !== "signed_in") return;
      const began_ms = Date.now();
      setState({ kind: "running", progress: null, began_ms, stopping: false });
      const made = new Worker(new URL("../verify/worker.ts", import.meta.url), { type: "module" });
      worker.current = made;
      made.onmessage = ({ data }: MessageEvent<FromWorker>) => {
        if (worker.current !== made) return;
        if ("progress" in data) {
          setState((before) =>
            before.kind === "running" ? { ...before, progress: data.progress } : before,
          );
          return;
        }
        if ("failed" in data) {
          end();
          setState({ kind: "failed", error: new Error(data.failed) });
          return;
        }
        const outcome = keep(data.outcome);
        if ("against" in outcome) {
          say(made, outcome);
          return;
        }
        end();
        setState({ kind: "done", outcome });
      };
      made.onerror = (event) => {
        end();
        const why = event.message || "The verification could not be started in this browser.";
        setState({ kind: "failed", error: new Error(why) });
      };
      const { token, workspace_id } = session.session;
      say(made, { start: { scope, token, workspaceId: workspace_id, memory: recall() } });
    },
    [end],
  );

  const stop = useCallback(() => {
    if (!worker.current) return;
    say(worker.current, { stop: true });
    setState((before) => (before.kind === "running" ? { ...before, stopping: true } : before));
  }, []);
  return { state, start, stop };
}

function say(worker: Worker, message: ToWorker): void {
  worker.postMessage(message);
}

/** Remembers what was found in order; asks for more where something else has been kept since it began. */
export function keep(outcome: Outcome, storage?: Storage): Outcome | { against: Remembered } {
  const { remember, since } = outcome;
  if (!remember) return outcome;
  try {
    const kept = rememberLog(remember, since, storage);
    return kept ? { against: kept } : outcome;
  } catch {
    const says =
      "This browser could not keep the checkpoint: on the next visit it cannot tell whether the log was cut or changed.";
    const doubt = outcome.doubt ?? says;
    return { ...outcome, doubt, checks: [...outcome.checks, { state: "unchecked", says }] };
  }
}
