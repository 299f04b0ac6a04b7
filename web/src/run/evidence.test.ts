// Owns the proof that what a person chose to withhold is what is asked for.
import { expect, test } from "vitest";
import { evidencePath, namedIds } from "./evidence";

test("everything is shown unless something is chosen", () => {
  expect(evidencePath("r 1", null)).toBe("/v1/runs/r%201/evidence");
  expect(evidencePath("r", { types: [], event_ids: [] })).toBe("/v1/runs/r/evidence");
});

test("types and events are named one by one", () => {
  const choice = { types: ["tool.*", "message.*"], event_ids: ["a", "b"] };
  expect(evidencePath("r", choice)).toBe(
    "/v1/runs/r/evidence?hash_only_type=tool.*&hash_only_type=message.*&hash_only=a&hash_only=b",
  );
});

test("pasted ids are taken apart and counted once", () => {
  expect(namedIds(" a\n b,c;a \n")).toEqual(["a", "b", "c"]);
  expect(namedIds("  ")).toEqual([]);
});
