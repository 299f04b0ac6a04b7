// Owns the proof that squeezing idle gaps keeps order, work and the way back.
import { describe, expect, it } from "vitest";
import { span } from "./testSpans";
import { clamped, panned, rulerStep, runScale, zoomed } from "./timeScale";

const work = [
  span({ start_ms: 0, end_ms: 2_000 }),
  span({ start_ms: 1_500, end_ms: 4_000 }),
  span({ start_ms: 3_604_000, end_ms: 3_606_000 }),
  span({ start_ms: 0, end_ms: 3_606_000, kind: "agent" }),
];

describe("runScale", () => {
  it("leaves time alone when asked not to compress", () => {
    const scale = runScale({ spans: work, now_ms: null, compress: false });
    expect(scale.gaps).toEqual([]);
    expect(scale.drawn).toBe(3_606_000);
    expect(scale.place(1234)).toBe(1234);
  });

  it("squeezes an idle hour and keeps the length of all work", () => {
    const scale = runScale({ spans: work, now_ms: null, compress: true });
    expect(scale.gaps).toHaveLength(1);
    expect(scale.place(4_000) - scale.place(0)).toBe(4_000);
    expect(scale.place(3_606_000) - scale.place(3_604_000)).toBe(2_000);
    expect(scale.drawn).toBe(4_000 + 500 + 2_000);
  });

  it("is monotonous and has an exact inverse", () => {
    const scale = runScale({ spans: work, now_ms: null, compress: true });
    let last = -1;
    for (let at = 0; at <= 3_606_000; at += 2_003) {
      const place = scale.place(at);
      expect(place).toBeGreaterThan(last);
      expect(scale.time(place)).toBeCloseTo(at, 3);
      last = place;
    }
  });

  it("does not count an open call as idle while the run goes on", () => {
    const open = [
      span({ start_ms: 0, end_ms: null }),
      span({ start_ms: 100_000, end_ms: 100_500 }),
    ];
    expect(runScale({ spans: open, now_ms: 120_000, compress: true }).gaps).toEqual([]);
    expect(runScale({ spans: open, now_ms: 120_000, compress: true }).drawn).toBe(120_000);
  });

  it("survives a run without spans", () => {
    expect(runScale({ spans: [], now_ms: null, compress: true }).drawn).toBe(1);
  });
});

describe("viewport", () => {
  it("zooms around the pointer and never leaves the axis", () => {
    const half = zoomed({ from: 0, to: 1000 }, 250, 0.5, 1000);
    expect(half).toEqual({ from: 125, to: 625 });
    expect(zoomed(half, 125, 10, 1000)).toEqual({ from: 0, to: 1000 });
    expect(panned({ from: 100, to: 200 }, -500, 1000)).toEqual({ from: 0, to: 100 });
    expect(panned({ from: 100, to: 200 }, 5000, 1000)).toEqual({ from: 900, to: 1000 });
    expect(clamped({ from: 5, to: 5 }, 1000).to).toBeGreaterThan(5);
  });
});

it("picks round ruler steps", () => {
  expect(rulerStep(1000, 10)).toBe(100);
  expect(rulerStep(90, 10)).toBe(10);
  expect(rulerStep(7_000, 10)).toBe(1000);
  expect(rulerStep(600_000, 8)).toBe(120_000);
  expect(rulerStep(30 * 86_400_000, 10)).toBe(3 * 86_400_000);
});
