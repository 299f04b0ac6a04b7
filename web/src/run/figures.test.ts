// Owns the proof of how the sources of a run's figures are held against each other.
import { describe, expect, it } from "vitest";
import type { UsageSource } from "../api/types";
import { apart, costSentence, counts, figure, inStanding, standing } from "./figures";

const tokens = { input: 94, output: 8_181, cache_read: 1_182_746, cache_write: 59_206 };

function source(name: string, more: Partial<UsageSource> = {}): UsageSource {
  return {
    source: name,
    scope: "calls",
    model_calls: 24,
    model_calls_counted: 24,
    tokens,
    cost_micros: { vendor: null, computed: 699_842 },
    unpriced_calls: 0,
    counted: true,
    cost_counted: false,
    ...more,
  };
}

const check = { counted: false, model_calls_counted: 0 } as const;
const otlp = source("otlp", { ...check, tokens: { ...tokens, input: 91, cache_read: 1_182_750 } });
const differences = [
  {
    source: "otlp",
    scope: "calls" as const,
    tokens: { input: -3, output: 0, cache_read: 4, cache_write: 0 },
    cost_micros: { vendor: null, computed: -120_000 },
  },
];

describe("a difference", () => {
  it("is a number and its part of what counts", () => {
    expect(apart(otlp, differences, "input")).toBe("−3 (−3.2 %)");
    expect(apart(otlp, differences, "cache_read")).toBe("+4 (< 0.1 %)");
    expect(apart(otlp, differences, "computed")).toBe("−$0.12 (−15 %)");
  });
  it("is not said where there is none, or nobody says so", () => {
    expect(apart(otlp, differences, "output")).toBeNull();
    expect(apart(otlp, differences, "vendor")).toBeNull();
    expect(apart(otlp, null, "input")).toBeNull();
    expect(apart(source("transcripts"), differences, "input")).toBeNull();
  });
});

describe("a figure", () => {
  it("that nobody stated is not zero", () => {
    expect(figure(otlp, "vendor")).toBeNull();
    expect(figure(source("hooks", { tokens: null }), "input")).toBeNull();
    expect(figure(source("transcripts", { scope: "run", model_calls: 0 }), "calls")).toBeNull();
  });
  it("counts by itself: the tokens of one source, the cost of another", () => {
    const total = source("transcripts", { ...check, scope: "run", cost_counted: true });
    expect(counts(total, "vendor")).toBe(true);
    expect(counts(total, "input")).toBe(false);
    expect(standing(total)).toBe("its cost counts");
    expect(standing(otlp)).toBe("check only");
    expect(standing(source("otlp", { model_calls_counted: 23 }))).toBe("counts for 23 of 24");
  });
});

it("what counts stands first", () => {
  const cost = source("hooks", { ...check, scope: "run", cost_counted: true });
  const order = inStanding([otlp, cost, source("transcripts")]).map((one) => one.source);
  expect(order).toEqual(["transcripts", "hooks", "otlp"]);
});

describe("the cost", () => {
  const prices = { version: "2026-09", as_of: "2026-09-01" };
  it("says whose word it is, and what the other makes of it", () => {
    expect(costSentence({ vendor: 766_553, computed: 699_842 }, prices)).toBe(
      "The vendor states $0.767; the price table 2026-09 makes $0.70 of the tokens (−8.7 %).",
    );
    expect(costSentence({ vendor: 198_030, computed: 699_842 }, prices)).toBe(
      "$0.70 is what the price table 2026-09 makes of the tokens; the vendor stated $0.198, evidently for some of the calls only.",
    );
    expect(costSentence({ vendor: null, computed: 699_842 }, prices)).toContain("no vendor stated");
    expect(costSentence({ vendor: 284, computed: null }, prices)).toContain("no price is known");
    expect(costSentence({ vendor: null, computed: null }, prices)).toContain("No source");
  });
});
