// Owns a verification's life on the page: one worker at a time, its progress, its end, and what the browser remembers of it.
import { useCallback, useEffect, useRef, useState } from "react";
import { sessionState } from "../api/session";
import { knownLogs, rememberLog } from "../verify/memory";
import type { Outcome, Progress, Scope } from "../verify/outcome";
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
        end();
        if ("failed" in data) setState({ kind: "failed", error: new Error(data.failed) });
        else setState({ kind: "done", outcome: keep(data.outcome) });
      };
      made.onerror = (event) => {
        end();
        const why = event.message || "The verification could not be started in this browser.";
        setState({ kind: "failed", error: new Error(why) });
      };
      const { token, workspace_id } = session.session;
      say(made, { start: { scope, token, workspaceId: workspace_id, known: recalled() } });
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

function recalled() {
  try {
    return knownLogs();
  } catch {
    // A blocked storage remembers nothing; the outcome then says so.
    return [];
  }
}

function keep(outcome: Outcome): Outcome {
  try {
    if (outcome.remember) rememberLog(outcome.remember);
  } catch {
    // Nothing to be done: the next visit says that nothing is remembered.
  }
  return outcome;
}
