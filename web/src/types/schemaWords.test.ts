// Owns the proof of how schemas are said in words.
import { expect, it } from "vitest";
import { kindSaid, schemaMembers } from "./schemaWords";

it.each([
  [{ type: "string" }, "text"],
  [{ type: ["integer", "null"], minimum: 0 }, "whole number or null"],
  [{ type: "array", items: { type: "string" } }, "list of text"],
  [{ enum: ["low", "high"] }, "one of low, high"],
  [{ const: true }, "true"],
  [{ anyOf: [{ type: "string" }, { type: "object" }] }, "text or object"],
  [{}, "any"],
  [true, "any"],
  [null, "any"],
])("says %j as %s", (schema, said) => expect(kindSaid(schema)).toBe(said));

it("lists what is required first", () => {
  const schema = {
    type: "object",
    required: ["id"],
    properties: { note: {}, id: { type: "string" } },
  };
  expect(schemaMembers(schema)).toEqual([
    { name: "id", kind: "text", required: true },
    { name: "note", kind: "any", required: false },
  ]);
  expect(schemaMembers(null)).toEqual([]);
});
