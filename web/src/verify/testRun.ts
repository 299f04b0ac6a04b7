// Owns what the tests of verification share: one run against a test log, and what a browser may remember of it.
import { toHex } from "./bytes";
import { type Job, verify } from "./job";
import type { CheckState, Outcome, Remembered, Scope } from "./outcome";
import { LOG_ID, type TestLog } from "./testLog";
import { rootOf } from "./tree";

const SEEN_AT = "2026-11-20T12:00:00.000Z";

export function run(log: TestLog, scope: Scope, more: Partial<Job> = {}): Promise<Outcome> {
  return verify({
    scope,
    source: log,
    memory: { logs: [], state: "open" },
    workspaceId: "default",
    signal: new AbortController().signal,
    tell: () => undefined,
    now: () => new Date(SEEN_AT),
    ...more,
  });
}

export function remembering(logs: Remembered[]): Partial<Job> {
  return { memory: { logs, state: "open" } };
}

export function remembered(
  log: TestLog,
  size: number,
  change: Partial<Remembered> = {},
): Remembered {
  return {
    logId: LOG_ID,
    origin: log.signer.name,
    size,
    root: toHex(rootOf(log.leaves.slice(0, size))),
    keys: [log.signer.verifier],
    seenAt: SEEN_AT,
    ...change,
  };
}

export function said(outcome: Outcome, state: CheckState): string[] {
  return outcome.checks.filter((check) => check.state === state).map((check) => check.says);
}

/** A browser's storage in memory. */
export function testStorage(): Storage {
  const kept = new Map<string, string>();
  return {
    get length() {
      return kept.size;
    },
    key: (at) => [...kept.keys()][at] ?? null,
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
    clear: () => kept.clear(),
  };
}
