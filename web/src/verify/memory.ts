// Owns what this browser remembers of logs: the newest checkpoint found in order, per log id, outside of any server's reach.
import type { Remembered } from "./outcome";

const PREFIX = "annals.log.";
const LOGS_KEPT_MAX = 16;

/** Every log that this address has shown, newest first. */
export function knownLogs(storage: Storage = localStorage): Remembered[] {
  const logs: Remembered[] = [];
  for (let at = 0; at < storage.length; at++) {
    const key = storage.key(at);
    const log = key?.startsWith(PREFIX) ? read(storage.getItem(key)) : null;
    if (log) logs.push(log);
  }
  return logs.sort((a, b) => b.seenAt.localeCompare(a.seenAt));
}

function read(text: string | null): Remembered | null {
  try {
    const log = JSON.parse(text ?? "null") as Remembered | null;
    const isWhole =
      log &&
      /^[0-9a-f]{32}$/.test(log.logId) &&
      /^[0-9a-f]{64}$/.test(log.root) &&
      Number.isSafeInteger(log.size) &&
      Array.isArray(log.keys);
    return isWhole ? log : null;
  } catch {
    return null;
  }
}

/** Keeps a checkpoint; a smaller one never takes the place of a larger. */
export function rememberLog(log: Remembered, storage: Storage = localStorage): void {
  const kept = read(storage.getItem(PREFIX + log.logId));
  if (kept && kept.size > log.size) return;
  storage.setItem(PREFIX + log.logId, JSON.stringify(log));
  for (const old of knownLogs(storage).slice(LOGS_KEPT_MAX)) forgetLog(old.logId, storage);
}

export function forgetLog(logId: string, storage: Storage = localStorage): void {
  storage.removeItem(PREFIX + logId);
}
