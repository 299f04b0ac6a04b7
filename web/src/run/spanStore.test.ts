// Owns the proof that live events and pages of spans come to the same picture.
import { describe, expect, it } from "vitest";
import { SpanStore, timeMs } from "./spanStore";
import { event } from "./testSpans";

describe("SpanStore", () => {
  it("pairs calls with their results and keeps what is open open", () => {
    const store = new SpanStore();
    store.apply(event(1, "run.started", { run_id: "r1", title: "T" }));
    store.apply(event(2, "agent.started", { agent_id: "main", name: "Main" }));
    store.apply(event(3, "tool.invoked", { tool_call_id: "a", tool_name: "Bash" }));
    store.apply(event(4, "tool.invoked", { tool_call_id: "b", tool_name: "Read" }));
    store.apply(event(5, "tool.failed", { tool_call_id: "b", message: "no" }));
    const [run, main, a, b] = store.spans;
    expect([run?.status, main?.status, a?.status, b?.status]).toEqual([
      "open",
      "open",
      "open",
      "error",
    ]);
    expect(a?.parent_span_id).toBe("main");
    expect(b).toMatchObject({ start_position: 4, end_position: 5, duration_ms: 1 });
  });

  it("forgets the words of a redacted event, and of no other", () => {
    const store = new SpanStore();
    const secret = { tool_call_id: "a", tool_name: "Bash", input: { command: "login hunter2" } };
    store.apply(event(3, "tool.invoked", secret));
    store.apply(event(4, "tool.invoked", { ...secret, tool_call_id: "b", title: "ls" }));
    store.forget(3);
    expect(store.spans[0]).toMatchObject({ name: "tool", title: null, start_position: 3 });
    expect(store.spans[1]).toMatchObject({ name: "Bash", title: "ls" });
  });

  it("folds no event twice", () => {
    const store = new SpanStore();
    const open = event(3, "tool.invoked", { tool_call_id: "a", tool_name: "Bash" });
    expect(store.apply(open)).toBe(true);
    expect(store.apply(open)).toBe(false);
    expect(store.spans).toHaveLength(1);
  });

  it("closes a span that came in a page, also when its id carries the kind", () => {
    const store = new SpanStore();
    store.addPage([
      {
        span_id: "tool:a",
        kind: "tool",
        name: "Bash",
        title: null,
        agent_id: "main",
        parent_span_id: null,
        started_at: "2026-11-20T00:00:00.000500Z",
        ended_at: null,
        duration_ms: null,
        status: "open",
        start_position: 1,
        end_position: null,
      },
    ]);
    store.apply(event(9, "tool.succeeded", { tool_call_id: "a", duration_ms: 7 }));
    expect(store.spans).toHaveLength(1);
    expect(store.spans[0]).toMatchObject({ status: "ok", duration_ms: 7, end_position: 9 });
  });

  it("shows a result whose call was never told, as an instant", () => {
    const store = new SpanStore();
    store.apply(event(4, "tool.succeeded", { tool_call_id: "x", tool_name: "Read" }));
    expect(store.spans[0]).toMatchObject({ name: "Read", status: "ok", start_position: 4 });
  });

  it("takes the newest statement of a model call", () => {
    const store = new SpanStore();
    store.apply(event(1, "model.invoked", { model_call_id: "m", model: "opus" }));
    const usage = (output_tokens: number) => ({ model_call_id: "m", usage: { output_tokens } });
    store.apply(event(2, "model.completed", usage(5)));
    store.apply(event(3, "model.completed", usage(9)));
    expect(store.spans).toHaveLength(1);
    expect(store.spans[0]?.tokens?.output).toBe(9);
  });

  it("hangs a sub-agent below the call that spawned it", () => {
    const store = new SpanStore();
    store.apply(event(1, "tool.invoked", { tool_call_id: "t", tool_name: "Task" }));
    store.apply(event(2, "agent.started", { agent_id: "main/x", tool_call_id: "t" }, 2, "main/x"));
    expect(store.spans[1]?.parent_span_id).toBe("t");
  });

  it("keeps microseconds", () => {
    expect(timeMs("2026-11-20T00:00:00.000500Z") % 1).toBeCloseTo(0.5, 3);
  });
});
