// Owns what this browser remembers of logs: the newest checkpoint found in order, per log id, outside of any server's reach.
// INVARIANT (held against): what is kept is replaced only by what was checked against it.
import type { Memory, Remembered } from "./outcome";

const PREFIX = "annals.log.";
const LOGS_KEPT_MAX = 16;

/** Every log that this address has shown, newest first; never throws. */
export function recall(place?: Storage): Memory {
  try {
    const storage = place ?? localStorage;
    const kept = keysOf(storage).map((key) => read(storage, key));
    const logs = kept.filter((log) => log !== null).sort(newestFirst);
    return { logs, state: logs.length < kept.length ? "damaged" : "open" };
  } catch {
    return { logs: [], state: "blocked" };
  }
}

function newestFirst(a: Remembered, b: Remembered): number {
  return b.seenAt.localeCompare(a.seenAt);
}

function keysOf(storage: Storage): string[] {
  return Array.from({ length: storage.length }, (_, at) => storage.key(at) ?? "").filter((key) =>
    key.startsWith(PREFIX),
  );
}

function read(storage: Storage, key: string): Remembered | null {
  try {
    const log = JSON.parse(storage.getItem(key) ?? "null") as Remembered | null;
    const isWhole =
      log &&
      /^[0-9a-f]{32}$/.test(log.logId) &&
      key === PREFIX + log.logId &&
      typeof log.origin === "string" &&
      /^[0-9a-f]{64}$/.test(log.root) &&
      Number.isSafeInteger(log.size) &&
      log.size >= 0 &&
      Array.isArray(log.keys) &&
      log.keys.length > 0 &&
      log.keys.every((one) => typeof one === "string") &&
      typeof log.seenAt === "string" &&
      !Number.isNaN(Date.parse(log.seenAt));
    return isWhole ? log : null;
  } catch {
    return null;
  }
}

/**
 * Keeps a checkpoint if `since` is still what is kept, because it was held against nothing else.
 * Otherwise gives what is kept now. Throws where the browser keeps nothing.
 */
export function rememberLog(
  log: Remembered,
  since: Remembered | null,
  storage: Storage = localStorage,
): Remembered | null {
  const key = PREFIX + log.logId;
  const kept = read(storage, key);
  const isAsBefore = kept?.size === since?.size && kept?.root === since?.root;
  if (!isAsBefore) return kept;
  storage.setItem(key, JSON.stringify(log));
  for (const old of recall(storage).logs.slice(LOGS_KEPT_MAX)) forgetLog(old.logId, storage);
  return null;
}

export function forgetLog(logId: string, storage: Storage = localStorage): void {
  storage.removeItem(PREFIX + logId);
}

/** Lets go of what cannot be read. */
export function forgetDamaged(storage: Storage = localStorage): void {
  for (const key of keysOf(storage)) if (read(storage, key) === null) storage.removeItem(key);
}
