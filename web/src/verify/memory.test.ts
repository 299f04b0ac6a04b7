// Owns the proof that the browser's memory of logs is replaced only by what was held against it, and says when it is broken.
import { expect, it } from "vitest";
import { forgetDamaged, forgetLog, recall, rememberLog } from "./memory";
import type { Remembered } from "./outcome";
import { testStorage } from "./testRun";

const log = (id: number, size: number, minute = 0): Remembered => ({
  logId: id.toString(16).padStart(32, "0"),
  origin: "o",
  size,
  root: "ab".repeat(32),
  keys: ["k"],
  seenAt: `2026-11-20T12:${String(minute).padStart(2, "0")}:00.000Z`,
});

it("keeps the newest checkpoint of each log", () => {
  const place = testStorage();
  expect(rememberLog(log(1, 10), null, place)).toBeNull();
  rememberLog(log(2, 5, 1), null, place);
  expect(rememberLog(log(1, 12, 3), log(1, 10), place)).toBeNull();
  expect(recall(place).logs.map((one) => one.size)).toEqual([12, 5]);
  forgetLog(log(1, 12).logId, place);
  expect(recall(place)).toMatchObject({ logs: [{ size: 5 }], state: "open" });
});

it("keeps nothing that was not held against what is kept, and gives that", () => {
  const place = testStorage();
  rememberLog(log(1, 10), null, place);
  for (const since of [null, log(1, 9), { ...log(1, 10), root: "cd".repeat(32) }]) {
    expect(rememberLog(log(1, 30), since, place)).toEqual(log(1, 10));
  }
  expect(recall(place).logs).toEqual([log(1, 10)]);
});

it("passes over what is not its own, and lets the oldest go", () => {
  const place = testStorage();
  place.setItem("annals.theme", "dark");
  for (let id = 1; id <= 20; id++) rememberLog(log(id, 1, id), null, place);
  expect(recall(place).logs).toHaveLength(16);
  expect(recall(place).logs[0]?.logId).toBe(log(20, 1).logId);
});

it.each([
  ["no JSON", "{"],
  ["half of it", JSON.stringify({ logId: log(1, 1).logId })],
  ["no time", JSON.stringify({ ...log(1, 1), seenAt: undefined })],
  ["a time that is none", JSON.stringify({ ...log(1, 1), seenAt: "soon" })],
  ["no key", JSON.stringify({ ...log(1, 1), keys: [] })],
  ["another log", JSON.stringify(log(2, 1))],
])("says that it is damaged by %s, until that is forgotten", (_, text) => {
  const place = testStorage();
  rememberLog(log(3, 7), null, place);
  place.setItem(`annals.log.${log(1, 1).logId}`, text);
  expect(recall(place)).toEqual({ logs: [log(3, 7)], state: "damaged" });
  forgetDamaged(place);
  expect(recall(place)).toEqual({ logs: [log(3, 7)], state: "open" });
});

it("says that it is blocked", () => {
  const blocked = new Proxy(testStorage(), {
    get: () => {
      throw new DOMException("no", "SecurityError");
    },
  });
  expect(recall(blocked)).toEqual({ logs: [], state: "blocked" });
});
