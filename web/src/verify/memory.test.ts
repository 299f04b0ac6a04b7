// Owns the proof that the browser's memory of logs cannot be talked down, and survives what else lies in its storage.
import { expect, it } from "vitest";
import { forgetLog, knownLogs, rememberLog } from "./memory";
import type { Remembered } from "./outcome";

function storage(): Storage {
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

const log = (id: number, size: number, minute = 0): Remembered => ({
  logId: id.toString(16).padStart(32, "0"),
  origin: "o",
  size,
  root: "ab".repeat(32),
  keys: [],
  seenAt: `2026-11-20T12:${String(minute).padStart(2, "0")}:00.000Z`,
});

it("keeps the newest checkpoint of each log, and never a smaller one", () => {
  const place = storage();
  rememberLog(log(1, 10), place);
  rememberLog(log(2, 5, 1), place);
  rememberLog(log(1, 7, 2), place);
  expect(knownLogs(place).map((one) => one.size)).toEqual([5, 10]);
  rememberLog(log(1, 12, 3), place);
  expect(knownLogs(place).map((one) => one.size)).toEqual([12, 5]);
  forgetLog(log(1, 12).logId, place);
  expect(knownLogs(place)).toHaveLength(1);
});

it("passes over what is not its own or is broken, and lets the oldest go", () => {
  const place = storage();
  place.setItem("annals.theme", "dark");
  place.setItem("annals.log.x", "{");
  place.setItem("annals.log.y", '{"logId":"y"}');
  expect(knownLogs(place)).toEqual([]);
  for (let id = 1; id <= 20; id++) rememberLog(log(id, 1, id), place);
  expect(knownLogs(place)).toHaveLength(16);
  expect(knownLogs(place)[0]?.logId).toBe(log(20, 1).logId);
});
