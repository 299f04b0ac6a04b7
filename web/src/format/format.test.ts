// Owns the proof of how lengths, counts, money, times and untrusted text are said.

import { describe, expect, it } from "vitest";
import type { AnnalsEvent, Json } from "../api/types";
import { duration, durationExact } from "./duration";
import { cachedShare, compact, costSaid, costSum, money, percent, perSecond } from "./number";
import { summarise } from "./summary";
import { lastParts, middle, oneLine, visible } from "./text";
import { ago, clock } from "./time";

describe("duration", () => {
  it.each([
    [null, "–"],
    [0, "0 ms"],
    [0.4, "< 1 ms"],
    [4, "4 ms"],
    [999.4, "999 ms"],
    [999.6, "1.0 s"],
    [1234, "1.2 s"],
    [59_940, "59.9 s"],
    [59_960, "1 m 00 s"],
    [192_000, "3 m 12 s"],
    [3_599_400, "59 m 59 s"],
    [3_599_600, "1 h 00 m"],
    [7_500_000, "2 h 05 m"],
    [100 * 3_600_000, "4 d 4 h"],
    [-5, "0 ms"],
  ])("says %s as %s", (ms, said) => expect(duration(ms)).toBe(said));

  it("keeps every millisecond on hover", () => expect(durationExact(83_123)).toBe("83,123 ms"));
});

describe("compact", () => {
  it.each([
    [0, "0"],
    [950, "950"],
    [1000, "1k"],
    [1234, "1.23k"],
    [12_345, "12.3k"],
    [999_499, "999k"],
    [999_999, "1M"],
    [4_560_000, "4.56M"],
    [2e9, "2G"],
    [undefined, "–"],
  ])("says %s as %s", (value, said) => expect(compact(value)).toBe(said));
});

describe("money", () => {
  it.each([
    [null, "–"],
    [0, "$0"],
    [42, "< $0.0001"],
    [1_234, "$0.0012"],
    [45_600, "$0.046"],
    [1_239_000, "$1.24"],
    [12_345_678, "$12.35"],
    [1_234_567_890, "$1,235"],
  ])("says %s micro-dollars as %s", (micros, said) => expect(money(micros)).toBe(said));

  it("prefers the vendor's figure and names the source", () => {
    expect(costSaid({ vendor: 19_000, computed: 20_000 })).toMatchObject({ source: "vendor" });
    expect(costSaid({ vendor: 30_000, computed: 20_000 })).toMatchObject({ source: "vendor" });
    expect(costSaid({ vendor: null, computed: 20_000 })).toMatchObject({ source: "computed" });
    expect(costSaid({ vendor: null, computed: null })).toMatchObject({ text: "–", source: null });
    expect(costSaid({ vendor: 0, computed: null }).text).toBe("$0");
  });

  it("does not take what a vendor said of a few calls for the cost of all", () => {
    // Two of 13,371 calls had stated their cost, and the page showed $0.0084 for $560.
    const some = { vendor: 8_400, computed: 559_910_000 };
    expect(costSaid(some)).toMatchObject({ text: "$559.91", source: "computed" });
  });

  it("sums what is said of each, whatever its source", () => {
    const only = { vendor: 1_000_000, computed: null };
    expect(costSum([only, { vendor: null, computed: 2_000_000 }])).toMatchObject({
      text: "$3.00",
      source: "mixed",
    });
    expect(costSum([only, only])).toMatchObject({ text: "$2.00", source: "vendor" });
    expect(costSum([{ vendor: null, computed: null }]).text).toBe("–");
  });
});

describe("shares", () => {
  it.each([
    [0, "0 %"],
    [0.0004, "< 0.1 %"],
    [0.0134, "1.3 %"],
    [0.954, "95 %"],
    [0.9996, "99.9 %"],
    [1, "100 %"],
    [-0.087, "−8.7 %"],
    [-0.0002, "> −0.1 %"],
  ])("says %s as %s", (share, said) => expect(percent(share)).toBe(said));
  it("of the cache are of what was read, and nothing where nothing was", () => {
    expect(cachedShare({ input: 50, output: 9, cache_read: 150, cache_write: 0 })).toBe(0.75);
    expect(cachedShare({ input: 0, output: 9, cache_read: 0, cache_write: 0 })).toBeNull();
  });
});

it("says rates with one digit below ten", () => {
  expect([0, 0.44, 9.96, 14.2, 15_300].map(perSecond)).toEqual(["0", "0.4", "10", "14", "15.3k"]);
});

describe("time", () => {
  const now = Date.parse("2026-11-20T12:00:00Z");
  it.each([
    ["2026-11-20T11:59:59Z", "now"],
    ["2026-11-20T11:59:20Z", "40 s ago"],
    ["2026-11-20T11:30:00Z", "30 m ago"],
    ["2026-11-20T01:00:00Z", "11 h ago"],
    ["2026-11-17T12:00:00Z", "3 d ago"],
    ["2026-11-20T12:01:00Z", "in 1 m 00 s"],
    ["nonsense", "–"],
  ])("says %s as %s", (text, said) => expect(ago(text, now)).toBe(said));

  it("keeps milliseconds on the clock", () => {
    expect(clock("2026-11-20T09:06:31.526000Z")).toMatch(/^\d\d:\d\d:31\.526$/);
  });
});

describe("untrusted text", () => {
  it("shortens ids in the middle", () => {
    expect(middle("run_c580fe3192ab48d582c5", 14)).toBe("run_c580…582c5");
    expect(middle("short")).toBe("short");
  });
  it("shortens dotted names at the front, where a family stands", () => {
    expect(lastParts("tool.failed", 28)).toBe("tool.failed");
    expect(lastParts("io.knative.lambda.command.build.cancel", 24)).toBe("…command.build.cancel");
    expect(lastParts("averyveryverylongname", 8)).toBe("…ongname");
  });
  it("shows control and direction characters instead of obeying them", () => {
    expect(visible("\u001b[31mred\u0000\u202eabc")).toBe("^[[31mred^@⟨U+202E⟩abc");
    expect(visible("tab\tand\nline")).toBe("tab\tand\nline");
  });
  it("makes one bounded line", () => {
    expect(oneLine("a\n  b\tc")).toBe("a b c");
    expect(oneLine("x".repeat(500), 10)).toBe("xxxxxxxxx…");
  });
});

describe("the line about an event", () => {
  const said = (event_type: string, data: Json) =>
    summarise({ event_type, data } as unknown as AnnalsEvent);
  it("of a type that the dashboard does not know is made of its plain members", () => {
    expect(said("io.x.firing", { status: "firing", labels: { a: 1 }, n: 0, note: null })).toBe(
      "status firing · n 0",
    );
    expect(said("io.x.firing", { status: "firing", summary: "a shell was opened" })).toBe(
      "a shell was opened",
    );
    expect(said("io.x.firing", { labels: { a: 1 } })).toBe('{"labels":{"a":1}}');
  });
  it("of a message without words is what it carries", () => {
    const data = { kind: "question", payload: { task: "testing", tries: 2 } };
    expect(said("message.created", data)).toBe("question · task testing · tries 2");
    expect(said("message.created", { kind: "question" })).toBe("question · (empty)");
  });
  it("says usage and measured numbers", () => {
    const usage = { input_tokens: 94, output_tokens: 8_181, cache_read_tokens: 1_182_746 };
    expect(said("usage.reported", { scope: "run", usage, cost_micros: 766_553 })).toBe(
      "whole run · 94 in · 1.18M cached · 8.18k out · $0.767",
    );
    expect(said("metric.reported", { name: "x.tokens", value: 12, unit: "tokens" })).toBe(
      "x.tokens · 12 tokens",
    );
    expect(said("metric.reported", { name: "x.took", count: 4, sum: 10, unit: "s" })).toBe(
      "x.took · 4 × 2.5 s",
    );
  });
});
