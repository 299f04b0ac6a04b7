// Owns the proof of which types the page shows, in which order, and with which spelling.
import { describe, expect, it } from "vitest";
import type { CatalogType, TypeCounts } from "../api/types";
import {
  dialectsOf,
  findTypes,
  sortTypes,
  sumTypes,
  type TypesQuestion,
  typeRows,
} from "./typeRows";

function entry(event_type: string, more: Partial<CatalogType> = {}): CatalogType {
  return {
    event_type,
    event_version: 1,
    family: "tool",
    category: "tool",
    authority: "observed",
    meaning: "A call of a tool.",
    stream: "run",
    severity: "info",
    audit: "tool_call",
    sensitive: [],
    spellings: {},
    schema: null,
    example: null,
    route: null,
    ...more,
  };
}

function counts(event_type: string, events: number, more: Partial<TypeCounts> = {}): TypeCounts {
  return {
    event_type,
    events,
    dialects: { native: events },
    last_at: "2026-11-20T12:00:00Z",
    last_position: events,
    events_last_minute: 0,
    events_last_hour: 0,
    schema_failures: 0,
    ...more,
  };
}

const rows = typeRows(
  [
    entry("tool.invoked", { spellings: { hive: [{ name: "PreToolUse" }] } }),
    entry("tool.failed", {
      meaning: "A call ended in an error.",
      spellings: {
        hive: [{ name: "PostToolUse" }],
        hooks: [{ name: "codex/PostToolUse" }, { name: "gemini/AfterTool" }],
      },
    }),
    entry("memory.stored", { category: "memory", meaning: "Something was kept." }),
  ],
  [
    counts("tool.failed", 3, { dialects: { hooks: 3 }, events_last_minute: 2 }),
    counts("note.made", 9),
    counts("memory.stored", 0, { schema_failures: 4, dialects: {} }),
  ],
);

const all: TypesQuestion = { text: "", category: undefined, dialect: undefined, seen: false };
const names = (question: Partial<TypesQuestion>) =>
  findTypes(rows, { ...all, ...question }).map((found) => found.row.event_type);

describe("the rows", () => {
  it("hold types that no catalog names, once something of them came", () => {
    const row = rows.find((one) => one.event_type === "note.made");
    expect(row).toMatchObject({ entry: null, category: "system", counts: { events: 9 } });
  });
  it("are summed", () => {
    expect(sumTypes(rows)).toEqual({ known: 3, seen: 2, foreign: 1, failures: 4 });
  });
  it("know the dialects that spell or brought something", () => {
    expect([...dialectsOf(rows)].sort()).toEqual(["hive", "hooks", "native"]);
  });
});

describe("what is found", () => {
  it("by name, meaning and category", () => {
    expect(names({ text: "TOOL." })).toEqual(["tool.invoked", "tool.failed"]);
    expect(names({ text: "error" })).toEqual(["tool.failed"]);
    expect(names({ category: "memory" })).toEqual(["memory.stored"]);
  });
  it("by how a dialect spells it, and shows that spelling", () => {
    const [found, ...rest] = findTypes(rows, { ...all, text: "posttool" });
    expect(rest).toEqual([]);
    expect(found?.spelled).toEqual([
      { dialect: "hive", name: "PostToolUse" },
      { dialect: "hooks", name: "codex/PostToolUse" },
    ]);
  });
  it("by its own name, and then no spelling needs to be shown", () => {
    const [found] = findTypes(
      typeRows([entry("tool.invoked", { spellings: { agentos: [{ name: "tool.invoked" }] } })], []),
      { ...all, text: "tool.invoked" },
    );
    expect(found?.spelled).toEqual([]);
  });
  it("in a dialect: what it spells and what came by it", () => {
    expect(names({ dialect: "hooks" })).toEqual(["tool.failed"]);
    expect(names({ dialect: "native" })).toEqual(["note.made"]);
    const [found] = findTypes(rows, { ...all, dialect: "hooks" });
    expect(found?.spelled.map((one) => one.name)).toEqual([
      "codex/PostToolUse",
      "gemini/AfterTool",
    ]);
  });
  it("does not search the spellings of other dialects than the chosen one", () => {
    expect(names({ dialect: "hooks", text: "PreToolUse" })).toEqual([]);
  });
  it("only what came, when that is wanted: a type that only failed has not come", () => {
    expect(names({ seen: true })).toEqual(["tool.failed", "note.made"]);
  });
});

describe("the order", () => {
  const order = (sort: Parameters<typeof sortTypes>[1]) =>
    sortTypes(findTypes(rows, all), sort).map((found) => found.row.event_type);
  it("is the most first, then what came most, then the name", () => {
    expect(order("hour")).toEqual(["note.made", "tool.failed", "memory.stored", "tool.invoked"]);
    expect(order("events")).toEqual(["note.made", "tool.failed", "memory.stored", "tool.invoked"]);
    expect(order("minute")[0]).toBe("tool.failed");
    expect(order("failures")[0]).toBe("memory.stored");
    expect(order("last")[0]).toBe("note.made");
    expect(order("type")).toEqual(["memory.stored", "note.made", "tool.failed", "tool.invoked"]);
  });
});
