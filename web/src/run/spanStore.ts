// Owns the spans of one run on this screen: pages from the API, then live events folded in the same way.
import type { AnnalsEvent, JsonObject, RunAgent, Span, SpanKind, SpanStatus } from "../api/types";
import { asNumber, asObject, asText, inputHint } from "../format/summary";

/** A span with its times as numbers, milliseconds since the epoch with microseconds as fractions. */
export interface TimedSpan extends Span {
  start_ms: number;
  end_ms: number | null;
}

/** Milliseconds with the microseconds that `Date.parse` drops. */
export function timeMs(text: string): number {
  const ms = Date.parse(text);
  const micros = /\.\d{3}(\d{3})Z$/.exec(text)?.[1];
  return micros ? ms + Number(micros) / 1000 : ms;
}

function timed(span: Span): TimedSpan {
  const start_ms = timeMs(span.started_at);
  const end_ms = span.ended_at ? Math.max(start_ms, timeMs(span.ended_at)) : null;
  return { ...span, start_ms, end_ms };
}

/** By time, then by place in the log: an imported run has its sub-agents' events behind those of the main agent. */
export function inTime(spans: readonly TimedSpan[]): readonly TimedSpan[] {
  const ordered = spans.every(
    (span, at) => at === 0 || (spans[at - 1]?.start_ms ?? 0) <= span.start_ms,
  );
  if (ordered) return spans;
  return [...spans].sort((a, b) => a.start_ms - b.start_ms || a.start_position - b.start_position);
}

export class SpanStore {
  /** Ordered by start position. */
  readonly spans: TimedSpan[] = [];
  private readonly byKey = new Map<string, TimedSpan>();
  /** Highest position that is folded in; live events up to here are old news. */
  folded = 0;
  version = 0;

  addPage(spans: readonly Span[]): void {
    for (const span of spans) {
      if (this.byKey.has(spanKey(span.kind, span.span_id))) continue;
      this.insert(timed(span));
    }
    this.version++;
  }

  get(spanId: string): TimedSpan | undefined {
    return this.spans.find((span) => span.span_id === spanId);
  }

  /** Takes away the words that an event gave to spans; until they are read again, nothing stands in their place. */
  forget(position: number): void {
    for (const span of this.spans) {
      if (span.start_position !== position && span.end_position !== position) continue;
      span.name = span.kind === "agent" ? span.agent_id : span.kind;
      span.title = null;
    }
    this.version++;
  }

  /** Folds one live event; true when a span appeared or changed. */
  apply(event: AnnalsEvent): boolean {
    if (event.position <= this.folded) return false;
    this.folded = event.position;
    const data = asObject(event.data);
    const changed = this.fold(event, data);
    if (changed) this.version++;
    return changed;
  }

  /** The events that begin and end runs and agents, which the API has no spans for. */
  addLifecycle(events: readonly AnnalsEvent[]): void {
    for (const event of events) this.fold(event, asObject(event.data));
    this.version++;
  }

  /** What the run's totals know of its agents: those that were never announced, and when a silent one was last heard. */
  addAgents(agents: readonly RunAgent[], running: boolean): void {
    for (const agent of agents) {
      const known = this.byKey.get(spanKey("agent", agent.agent_id));
      const over = !running || agent.status !== "running";
      if (!known) this.insert(agentSpan(agent, over, this.firstPosition(agent.agent_id)));
      else if (known.end_position === null) {
        known.end_ms = over ? Math.max(known.start_ms, timeMs(agent.last_at)) : null;
        known.ended_at = over ? agent.last_at : null;
        known.duration_ms = known.end_ms === null ? null : known.end_ms - known.start_ms;
        known.status = over ? (agent.status === "failed" ? "error" : "ok") : "open";
      }
      const span = this.byKey.get(spanKey("agent", agent.agent_id));
      const parent = agent.parent_agent_id;
      if (span && parent && !this.byKey.has(spanKey("tool", span.parent_span_id ?? ""))) {
        span.parent_span_id = this.byKey.get(spanKey("agent", parent))?.span_id ?? null;
      }
    }
    this.version++;
  }

  private firstPosition(agentId: string): number {
    return this.spans.find((span) => span.agent_id === agentId)?.start_position ?? 0;
  }

  private fold(event: AnnalsEvent, data: JsonObject): boolean {
    const [noun, verb] = event.event_type.split(".");
    switch (noun) {
      case "run":
        if (verb === "started") return this.open(event, "run", runKey(event), asText(data.title));
        if (verb === "completed") return this.close(event, "run", runKey(event), "ok", data);
        if (verb === "failed") return this.close(event, "run", runKey(event), "error", data);
        if (verb === "cancelled") return this.close(event, "run", runKey(event), "ok", data);
        return false;
      case "agent": {
        const id = asText(data.agent_id) ?? event.actor.actor_id;
        if (verb === "started") return this.openAgent(event, id, data);
        if (verb !== "stopped") return false;
        return this.close(event, "agent", id, data.success === false ? "error" : "ok", data);
      }
      case "model":
        return this.call(event, "model", asText(data.model_call_id), verb, data);
      case "tool":
        return this.call(event, "tool", asText(data.tool_call_id), verb, data);
      case "message":
        return verb === "created" && this.message(event, data);
      default:
        return false;
    }
  }

  private call(
    event: AnnalsEvent,
    kind: "model" | "tool",
    id: string | null,
    verb: string | undefined,
    data: JsonObject,
  ): boolean {
    if (!id) return false;
    const name = asText(kind === "model" ? data.model : data.tool_name);
    if (verb === "invoked") return this.open(event, kind, id, name);
    const status: SpanStatus = verb === "failed" ? "error" : "ok";
    if (verb !== "completed" && verb !== "succeeded" && verb !== "failed") return false;
    return this.close(event, kind, id, status, data, name);
  }

  private message(event: AnnalsEvent, data: JsonObject): boolean {
    // The API names a message by its position.
    const id = String(event.position);
    const name = asText(data.kind) ?? asText(data.sender_type);
    if (!this.open(event, "message", id, name)) return false;
    return this.close(event, "message", id, "ok", {});
  }

  private openAgent(event: AnnalsEvent, id: string, data: JsonObject): boolean {
    const opened = this.open(event, "agent", id, asText(data.name) ?? id);
    const spawn = asText(data.tool_call_id);
    const span = this.byKey.get(spanKey("agent", id));
    const parent = spawn ? this.byKey.get(spanKey("tool", spawn)) : undefined;
    if (opened && span && parent) span.parent_span_id = parent.span_id;
    return opened;
  }

  private open(event: AnnalsEvent, kind: SpanKind, id: string, name: string | null): boolean {
    const data = asObject(event.data);
    if (this.byKey.has(spanKey(kind, id))) return false;
    const agent =
      kind === "agent" ? undefined : this.byKey.get(spanKey("agent", event.actor.actor_id));
    const run = kind === "run" ? undefined : this.byKey.get(spanKey("run", runKey(event)));
    this.insert(
      timed({
        span_id: id,
        kind,
        name: name ?? kind,
        title:
          kind === "run"
            ? null
            : (asText(data.title) ?? (data.input === undefined ? null : inputHint(data.input))),
        agent_id: event.actor.actor_id,
        parent_span_id: agent?.span_id ?? run?.span_id ?? null,
        started_at: event.occurred_at,
        ended_at: null,
        duration_ms: null,
        status: "open",
        start_position: event.position,
        end_position: null,
      }),
    );
    return true;
  }

  private close(
    event: AnnalsEvent,
    kind: SpanKind,
    id: string,
    status: SpanStatus,
    data: JsonObject,
    name: string | null = null,
  ): boolean {
    // An end whose start was never told is still shown, as an instant.
    if (!this.byKey.has(spanKey(kind, id))) this.open(event, kind, id, name);
    const span = this.byKey.get(spanKey(kind, id));
    if (!span) return false;
    span.ended_at = event.occurred_at;
    span.end_ms = Math.max(span.start_ms, timeMs(event.occurred_at));
    span.duration_ms = asNumber(data.duration_ms) ?? span.end_ms - span.start_ms;
    span.status = status;
    span.end_position = event.position;
    const usage = asObject(data.usage);
    if (data.usage) {
      span.tokens = {
        input: asNumber(usage.input_tokens) ?? 0,
        output: asNumber(usage.output_tokens) ?? 0,
        cache_read: asNumber(usage.cache_read_tokens) ?? 0,
        cache_write: asNumber(usage.cache_write_tokens) ?? 0,
      };
    }
    return true;
  }

  private insert(span: TimedSpan): void {
    this.byKey.set(spanKey(span.kind, span.span_id), span);
    const last = this.spans[this.spans.length - 1];
    if (!last || last.start_position <= span.start_position) {
      this.spans.push(span);
      return;
    }
    let at = this.spans.length;
    while (at > 0 && (this.spans[at - 1]?.start_position ?? 0) > span.start_position) at--;
    this.spans.splice(at, 0, span);
  }
}

function agentSpan(agent: RunAgent, over: boolean, start_position: number): TimedSpan {
  return timed({
    span_id: agent.agent_id,
    kind: "agent",
    name: agent.name ?? agent.agent_id,
    title: null,
    agent_id: agent.agent_id,
    parent_span_id: null,
    started_at: agent.first_at,
    ended_at: over ? agent.last_at : null,
    duration_ms: over ? timeMs(agent.last_at) - timeMs(agent.first_at) : null,
    status: over ? (agent.status === "failed" ? "error" : "ok") : "open",
    start_position,
    end_position: null,
  });
}

function runKey(event: AnnalsEvent): string {
  return event.run_id ?? event.stream.stream_id;
}

/** A span id may carry its kind in front ("tool:toolu_1"); the bare id is what live events name. */
function spanKey(kind: SpanKind, id: string): string {
  const bare = id.startsWith(`${kind}:`) ? id.slice(kind.length + 1) : id;
  return `${kind}\u0000${bare}`;
}
