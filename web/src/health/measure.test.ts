// Owns the proof that measured numbers are said with the unit that they were measured in.
import { expect, it } from "vitest";
import type { MetricSeries } from "../api/types";
import { measured } from "../format/measured";
import { attributesSaid, isCalled, seriesSaid } from "./measure";

it.each([
  [1_234, "{token}", "1,234 token"],
  [12_345_678, "tokens", "12.3M tokens"],
  [0.056266, "USD", "$0.056"],
  [1_530, "ms", "1.5 s"],
  [2.5, "s", "2.5 s"],
  [2_048, "By", "2.05 kB"],
  [7, "1", "7"],
  [0.25, null, "0.25"],
  [0.123456, "1", "0.123"],
  [null, "ms", "–"],
])("says %s %s as %s", (value, unit, said) => expect(measured(value, unit)).toBe(said));

const series = (more: Partial<MetricSeries>): MetricSeries => ({
  name: "m",
  unit: "ms",
  kind: "histogram",
  attributes: {},
  resource: {},
  description: null,
  monotonic: null,
  value: null,
  count: null,
  sum: null,
  bounds: [],
  bucket_counts: [],
  first_at: "2026-11-20T12:00:00Z",
  last_at: "2026-11-20T12:00:00Z",
  points: 1,
  ...more,
});

it("says of a histogram how many were measured and their mean", () => {
  expect(seriesSaid(series({ count: 4, sum: 1_000 }))).toBe("4 × 250 ms");
  expect(seriesSaid(series({ count: 0, sum: 0 }))).toBe("none measured");
  expect(seriesSaid(series({ count: 4, sum: null }))).toBe("4 measured");
  expect(seriesSaid(series({ kind: "gauge", value: 12 }))).toBe("12 ms");
  expect(seriesSaid(series({}))).toBe("–");
});

it("says attributes as they are", () => {
  expect(attributesSaid({ type: "input", n: 3, deep: { a: 1 } })).toBe(
    'type=input  n=3  deep={"a":1}',
  );
});

it("finds a series by name, service and attribute", () => {
  const one = series({
    name: "claude_code.token.usage",
    attributes: { type: "input" },
    resource: { "service.name": "claude-code" },
  });
  expect(["TOKEN", "claude-code", "type=input", ""].map((text) => isCalled(one, text))).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(isCalled(one, "output")).toBe(false);
});
