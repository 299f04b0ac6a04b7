// Owns the proof of the waterfall's tree, the swimlanes and the transcript's rows.
import { describe, expect, it } from "vitest";
import type { Redaction, SpanKind } from "../api/types";
import { firstVisible, foldLanes, lanesOf } from "./lanes";
import { agent, event, span } from "./testSpans";
import {
  editDiff,
  redactedEventId,
  textOf,
  toolSaid,
  transcriptRows,
  withRedactions,
} from "./transcript";
import { treeRows } from "./tree";

const ALL: ReadonlySet<SpanKind> = new Set(["run", "agent", "model", "tool", "message"]);
const open = { kinds: ALL, errors_only: false, text: "", collapsed: new Set<string>() };

const run = span({ span_id: "run", kind: "run", start_ms: 0, end_ms: 100 });
const main = span({
  span_id: "main",
  kind: "agent",
  start_ms: 1,
  end_ms: 99,
  parent_span_id: "run",
});
const model = span({ span_id: "m", kind: "model", start_ms: 2, end_ms: 9, parent_span_id: "main" });
const task = span({ span_id: "t", name: "Task", start_ms: 10, end_ms: 60, parent_span_id: "m" });
const sub = span({
  span_id: "sub",
  kind: "agent",
  agent_id: "sub",
  start_ms: 11,
  end_ms: 59,
  parent_span_id: "t",
});
const read = span({
  span_id: "r",
  name: "Read",
  agent_id: "sub",
  start_ms: 12,
  end_ms: 20,
  parent_span_id: "sub",
  status: "error",
});
const family = [run, main, model, task, sub, read];

describe("treeRows", () => {
  const shape = (rows: ReturnType<typeof treeRows>) =>
    rows.map((row) => `${" ".repeat(row.depth)}${row.span.span_id}`);

  it("nests by cause, with model and tool calls side by side", () => {
    expect(shape(treeRows(family, open))).toEqual([
      "run",
      " main",
      "  m",
      "  t",
      "   sub",
      "    r",
    ]);
  });
  it("folds a branch and says how much is in it", () => {
    const rows = treeRows(family, { ...open, collapsed: new Set(["t"]) });
    expect(shape(rows)).toEqual(["run", " main", "  m", "  t"]);
    expect(rows[3]).toMatchObject({ child_count: 1, collapsed: true });
  });
  it("keeps children of a kind that is hidden", () => {
    const kinds = new Set<SpanKind>(["tool"]);
    expect(shape(treeRows(family, { ...open, kinds }))).toEqual(["t", " r"]);
  });
  it("is flat when only errors or a name are wanted", () => {
    expect(shape(treeRows(family, { ...open, errors_only: true }))).toEqual(["r"]);
    expect(shape(treeRows(family, { ...open, text: "task" }))).toEqual(["t"]);
  });
  it("does not hang on parents that form a circle", () => {
    const a = span({ span_id: "a", start_ms: 1, parent_span_id: "b", kind: "model" });
    const b = span({ span_id: "b", start_ms: 2, parent_span_id: "a", kind: "model" });
    expect(() => treeRows([a, b], open)).not.toThrow();
  });
});

describe("lanesOf", () => {
  it("puts parallel calls on lines of their own and reuses a free line", () => {
    const calls = [
      span({ start_ms: 0, end_ms: 50 }),
      span({ start_ms: 10, end_ms: 20 }),
      span({ start_ms: 30, end_ms: 40 }),
      span({ start_ms: 45, end_ms: null }),
      span({ start_ms: 60, end_ms: 70 }),
    ];
    const [lane] = lanesOf({ spans: calls, agents: [agent("main")], open_end_ms: 100 });
    expect(lane?.lines.map((line) => line.map((one) => one.start_ms))).toEqual([
      [],
      [0, 60],
      [10, 30, 45],
    ]);
  });
  it("orders sub-agents below their parent", () => {
    const agents = [agent("main"), agent("other"), agent("sub", "main")];
    const spans = ["main", "other", "sub"].map((agent_id, at) =>
      span({ agent_id, start_ms: at, end_ms: at + 1 }),
    );
    const lanes = lanesOf({ spans, agents, open_end_ms: 9 });
    expect(lanes.map((lane) => `${lane.agent_id}:${lane.depth}`)).toEqual([
      "main:0",
      "sub:1",
      "other:0",
    ]);
  });
  it("lets many sub-agents share lanes when they did not overlap", () => {
    const ids = Array.from({ length: 40 }, (_, at) => `sub${at}`);
    const spans = ids.map((agent_id, at) =>
      span({ agent_id, start_ms: at * 10, end_ms: at * 10 + 15 }),
    );
    const agents = [agent("main"), ...ids.map((id) => agent(id, "main"))];
    const lanes = foldLanes(lanesOf({ spans, agents, open_end_ms: 999 }), 999);
    expect(lanes.map((lane) => lane.name)).toEqual(["20 sub-agents", "20 sub-agents"]);
  });
  it("finds the first bar that reaches into the view", () => {
    const line = [0, 10, 20, 30].map((start_ms) => span({ start_ms, end_ms: start_ms + 5 }));
    expect([-1, 5, 6, 33, 99].map((at) => firstVisible(line, at, 100))).toEqual([0, 0, 1, 3, 4]);
  });
});

describe("redactions in a transcript", () => {
  const redaction = (position: number): Redaction => ({
    event_id: `e${position}`,
    position,
    event_type: "tool.invoked",
    stream: { stream_type: "run", stream_id: "r" },
    reason: "x",
    redacted_by: "me",
    redacted_at: "2026-11-20T12:00:00Z",
    redaction_event_id: "z",
  });
  const spans = [span({ start_ms: 10, end_ms: 11 }), span({ start_ms: 20, end_ms: 21 })];
  const rows = transcriptRows(spans, [], {
    agent_id: null,
    models: true,
    errors_only: false,
    subagents: true,
  });

  it("have a row of their own where no call tells of them any more", () => {
    const whole = withRedactions(rows, [redaction(30), redaction(15), redaction(5)], spans);
    expect(whole.map((row) => row.span.start_position)).toEqual([5, 10, 15, 20, 30]);
    expect(whole.map((row) => redactedEventId(row.span.span_id))).toEqual([
      "e5",
      null,
      "e15",
      null,
      "e30",
    ]);
  });

  it("have none where a row has the event already", () => {
    expect(withRedactions(rows, [redaction(11), redaction(20)], spans)).toBe(rows);
  });
});

describe("transcript", () => {
  const all = { agent_id: null, models: true, errors_only: false, subagents: true };
  const agents = [agent("main"), agent("sub", "main")];

  it("indents sub-agents and marks who speaks", () => {
    const rows = transcriptRows(family, agents, all);
    expect(rows.map((row) => [row.span.span_id, row.depth, row.speaker_changed])).toEqual([
      ["m", 0, true],
      ["t", 0, false],
      ["sub", 1, true],
      ["r", 1, false],
    ]);
  });
  it("can leave out sub-agents and model calls", () => {
    const rows = transcriptRows(family, agents, { ...all, subagents: false, models: false });
    expect(rows.map((row) => row.span.span_id)).toEqual(["t"]);
  });
  it("says how long nothing happened", () => {
    const spans = [span({ start_ms: 0, end_ms: 5 }), span({ start_ms: 44_005, end_ms: 44_006 })];
    expect(transcriptRows(spans, agents, all).map((row) => row.waited_ms)).toEqual([null, 44_000]);
  });

  it("pairs a call with its failure", () => {
    const start = event(1, "tool.invoked", { tool_name: "Bash", input: { command: "make test" } });
    const end = event(2, "tool.failed", { tool_call_id: "a", message: "Exit code 2" });
    expect(toolSaid(span({ start_ms: 1, status: "error" }), start, end)).toMatchObject({
      tool_name: "Bash",
      title: "make test",
      error: "Exit code 2",
      output: null,
    });
  });
  it("tells a call without a result as open, not as an error", () => {
    const start = event(1, "tool.invoked", { tool_name: "Bash", input: { command: "sleep 9" } });
    const said = toolSaid(span({ start_ms: 1, end_ms: null }), start, undefined);
    expect(said).toMatchObject({ status: "open", error: null, output: null });
  });
  it("tells a failure whose only words are its output", () => {
    const end = event(2, "tool.failed", { output: "boom" });
    expect(toolSaid(span({ start_ms: 1 }), undefined, end).error).toBe("boom");
  });
  it("shows blocks and JSON as text", () => {
    expect(
      textOf([
        { type: "text", text: "a" },
        { type: "text", text: "b" },
      ]),
    ).toBe("a\nb");
    expect(textOf({ a: 1 })).toBe('{\n  "a": 1\n}');
  });
  it("keeps shared lines of an edit as context", () => {
    const lines = editDiff({ old_string: "a\nb\nc", new_string: "a\nB\nB2\nc" });
    expect(lines?.map((line) => line.sign + line.text)).toEqual([" a", "-b", "+B", "+B2", " c"]);
    expect(editDiff({ file_path: "x" })).toBeNull();
  });
});
