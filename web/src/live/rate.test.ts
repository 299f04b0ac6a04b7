// Owns the proof that the rate counts what came in the last minute and nothing older.
import { expect, it } from "vitest";
import { RateMeter } from "./rate";

it("averages complete seconds and forgets after a minute", () => {
  const meter = new RateMeter();
  const start = 1_000_000;
  for (let s = 0; s < 5; s++) meter.add(10, start + s * 1000);
  expect(meter.perSecond(start + 5000)).toBe(10);
  expect(meter.series(start + 5000).slice(-6)).toEqual([10, 10, 10, 10, 10, 0]);
  expect(meter.series(start + 59_000).reduce((a, b) => a + b)).toBe(50);
  expect(meter.series(start + 62_000).reduce((a, b) => a + b)).toBe(20);
  expect(meter.series(start + 500_000).reduce((a, b) => a + b)).toBe(0);
});

it("fills in what happened just before it watched, and nothing older", () => {
  const meter = new RateMeter();
  expect(meter.untouched).toBe(true);
  const now = 1_000_500;
  meter.addPast([now - 2_000, now - 2_100, now - 59_000, now - 61_000, now + 5_000], now);
  expect(meter.untouched).toBe(false);
  expect(meter.series(now).reduce((a, b) => a + b)).toBe(3);
  expect(meter.series(now).slice(-4)).toEqual([0, 2, 0, 0]);
});
