// Owns small builders of spans and events for the tests of this folder.
import type { AnnalsEvent, JsonObject, RunAgent } from "../api/types";
import { type TimedSpan, timeMs } from "./spanStore";

const DAY = "2026-11-20T";

/** A time of the test day, `ms` after midnight, as the API writes it. */
export function at(ms: number): string {
  return `${DAY}${new Date(ms).toISOString().slice(11, 23)}000Z`;
}

export function span(part: Partial<TimedSpan> & { start_ms: number }): TimedSpan {
  const started_at = at(part.start_ms);
  const end = part.end_ms === undefined ? part.start_ms : part.end_ms;
  return {
    span_id: `s${part.start_position ?? part.start_ms}`,
    kind: "tool",
    name: "Bash",
    title: null,
    agent_id: "main",
    parent_span_id: null,
    started_at,
    ended_at: end === null ? null : at(end),
    duration_ms: end === null ? null : end - part.start_ms,
    status: end === null ? "open" : "ok",
    start_position: part.start_ms,
    end_position: end,
    ...part,
    end_ms: end,
  };
}

export function agent(agent_id: string, parent_agent_id: string | null = null): RunAgent {
  return {
    agent_id,
    parent_agent_id,
    name: agent_id,
    agent_type: null,
    status: "running",
    first_at: at(0),
    last_at: at(0),
    events: 0,
    model_calls: 0,
    tool_calls: 0,
    tool_errors: 0,
    tokens: { input: 0, output: 0, cache_read: 0, cache_write: 0 },
  };
}

export function event(
  position: number,
  event_type: string,
  data: JsonObject,
  ms = position,
  actor_id = "main",
): AnnalsEvent {
  return {
    position,
    event_id: `00000000-0000-7000-8000-${String(position).padStart(12, "0")}`,
    event_type,
    event_version: 1,
    occurred_at: at(ms),
    recorded_at: at(ms),
    workspace_id: "default",
    run_id: "r1",
    actor: { actor_type: "agent", actor_id },
    actor_principal_id: "owner",
    zone: "supervised",
    stream: { stream_type: "run", stream_id: "r1", stream_seq: position },
    correlation_id: "r1",
    authority: "observed",
    redaction_level: "none",
    contains_secrets: false,
    data,
    prev_event_hash: null,
    event_hash: "0".repeat(64),
  };
}

export const DAY_MS = timeMs(at(0));
