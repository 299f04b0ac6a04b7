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
