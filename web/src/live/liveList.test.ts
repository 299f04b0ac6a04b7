// Owns the proof that the live rows neither jump, nor double, nor grow without bound.
import { describe, expect, it } from "vitest";
import { isCategory } from "../format/category";
import {
  addOlder,
  arrive,
  eventOf,
  filterWord,
  frameRow,
  type LiveRow,
  letIn,
  markRow,
  NO_ROWS,
  ROWS_MAX,
  waitingEvents,
} from "./liveList";

const rows = (...positions: number[]) =>
  positions.map((position) =>
    frameRow({ position, event_type: "tool.invoked", data: `{"position":${position}}` }),
  );
const keys = (list: readonly LiveRow[]) => list.map((row) => row.key);

describe("live rows", () => {
  it("wait until they are let in, newest on top", () => {
    let state = letIn(arrive(NO_ROWS, rows(1, 2)));
    state = arrive(state, rows(3));
    state = arrive(state, [
      markRow({ after: 3, reason: "x", gap: false, away_ms: 900, at_ms: 7 }),
      ...rows(4),
    ]);
    expect(keys(state.shown)).toEqual(["e2", "e1"]);
    expect(waitingEvents(state)).toBe(2);
    expect(keys(letIn(state).shown)).toEqual(["e4", "m7", "e3", "e2", "e1"]);
  });

  it("stay within the bound and say so", () => {
    const many = rows(...Array.from({ length: ROWS_MAX }, (_, at) => at + 1));
    const state = letIn(arrive(letIn(arrive(NO_ROWS, many)), rows(ROWS_MAX + 1)));
    expect(state.shown).toHaveLength(ROWS_MAX);
    expect(state.cut).toBe(true);
    expect(state.shown[0]?.key).toBe(`e${ROWS_MAX + 1}`);
  });

  it("take older pages below without doubling", () => {
    const state = letIn(arrive(NO_ROWS, rows(5, 6)));
    const older = [6, 5, 4, 3].map((position) => ({ position }) as never);
    expect(keys(addOlder(state, older).shown)).toEqual(["e6", "e5", "e4", "e3"]);
  });

  it("are parsed once, when drawn", () => {
    const [row] = rows(9);
    if (row?.kind !== "event") throw new Error("not an event row");
    expect(eventOf(row)).toBe(eventOf(row));
    expect(row.data).toBeNull();
  });

  it("name the reason of an interruption, and whether something is missing", () => {
    const calm = markRow({
      after: 7,
      reason: "the server did not answer",
      gap: false,
      away_ms: 3200,
      at_ms: 1,
    });
    const gap = markRow({ after: null, reason: "trimmed", gap: true, away_ms: 1, at_ms: 1 });
    expect(calm).toMatchObject({
      text: "Reconnected after 3.2 s: the server did not answer. Resumed exactly after #7, nothing missed.",
    });
    expect(gap).toMatchObject({ gap: true });
  });
});

it.each([
  ["tool.*", { key: "type", value: "tool.*" }],
  ["run.failed", { key: "type", value: "run.failed" }],
  ["message", { key: "type", value: "message.*" }],
  ["tool", { key: "category", value: "tool" }],
  ["run:abc", { key: "run", value: "abc" }],
  ["run_123", { key: "run", value: "run_123" }],
  ["dialect:hive", { key: "origin", value: "hive" }],
  ["agent:claude-code/x", { key: "agent", value: "claude-code/x" }],
  ["  ", null],
])("reads the filter word %s", (text, meant) => {
  expect(filterWord(text, isCategory)).toEqual(meant);
});
