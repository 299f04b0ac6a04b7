// Owns the reading of a run as a conversation: which rows there are, and what a row says once its events are here.
import type { AnnalsEvent, Json, Redaction, RunAgent, SpanStatus } from "../api/types";
import { asObject, asText, errorText, inputHint } from "../format/summary";
import { agentDepths } from "./lanes";
import { inTime, type TimedSpan } from "./spanStore";

export interface TranscriptRow {
  span: TimedSpan;
  depth: number;
  /** Someone else speaks than in the row before. */
  speaker_changed: boolean;
  /** Idle time before this row, when it is long enough to be worth a line. */
  waited_ms: number | null;
}

export interface TranscriptFilter {
  /** Only this agent; null for all. */
  agent_id: string | null;
  models: boolean;
  errors_only: boolean;
  subagents: boolean;
}

const WAIT_SHOWN_MS_MIN = 30_000;

export function transcriptRows(
  spans: readonly TimedSpan[],
  agents: readonly RunAgent[],
  filter: TranscriptFilter,
): TranscriptRow[] {
  const depths = agentDepths(agents);
  const rows: TranscriptRow[] = [];
  let speaker = "";
  let lastEnd: number | null = null;
  for (const span of inTime(spans)) {
    const idle = lastEnd === null ? 0 : span.start_ms - lastEnd;
    const end = span.end_ms ?? span.start_ms;
    if (span.kind !== "run" && span.kind !== "agent") lastEnd = Math.max(lastEnd ?? 0, end);
    const depth = depths.get(span.agent_id) ?? 0;
    if (!shown(span, depth, filter)) continue;
    const waited_ms = idle > WAIT_SHOWN_MS_MIN ? idle : null;
    rows.push({ span, depth, speaker_changed: span.agent_id !== speaker, waited_ms });
    speaker = span.agent_id;
  }
  return rows;
}

/** What stands for a redacted event whose words were all that tied it to a call: a row of its own, at its place. */
export function withRedactions(
  rows: TranscriptRow[],
  redactions: readonly Redaction[],
  spans: readonly TimedSpan[],
): TranscriptRow[] {
  const told = new Set(spans.flatMap((span) => [span.start_position, span.end_position]));
  const untold = redactions
    .filter((one) => !told.has(one.position))
    .sort((a, b) => a.position - b.position);
  if (untold.length === 0) return rows;
  const whole: TranscriptRow[] = [];
  let next = 0;
  for (const row of rows) {
    for (
      let one = untold[next];
      one && one.position < row.span.start_position;
      one = untold[next]
    ) {
      whole.push(redactedRow(one, row));
      next++;
    }
    whole.push(row);
  }
  const last = rows.at(-1);
  if (last) whole.push(...untold.slice(next).map((one) => redactedRow(one, last)));
  return whole;
}

const REDACTED_SPAN = "redacted:";

/** The event that such a row stands for; null for the id of a real span. */
export function redactedEventId(spanId: string): string | null {
  return spanId.startsWith(REDACTED_SPAN) ? spanId.slice(REDACTED_SPAN.length) : null;
}

function redactedRow(one: Redaction, near: TranscriptRow): TranscriptRow {
  const { agent_id, started_at, start_ms } = near.span;
  const span: TimedSpan = {
    span_id: `${REDACTED_SPAN}${one.event_id}`,
    kind: "message",
    name: one.event_type,
    title: null,
    agent_id,
    parent_span_id: null,
    started_at,
    ended_at: started_at,
    duration_ms: 0,
    status: "ok",
    start_position: one.position,
    end_position: one.position,
    start_ms,
    end_ms: start_ms,
  };
  return { span, depth: near.depth, speaker_changed: false, waited_ms: null };
}

function shown(span: TimedSpan, depth: number, filter: TranscriptFilter): boolean {
  if (span.kind === "run") return false;
  // The main agent's start says nothing that the page's title does not.
  if (span.kind === "agent" && depth === 0) return false;
  if (filter.errors_only && span.status !== "error") return false;
  if (filter.agent_id !== null && span.agent_id !== filter.agent_id) return false;
  if (!filter.subagents && depth > 0) return false;
  return filter.models || span.kind !== "model" || span.status === "error";
}

/** A tool call with its result: a pair, or a call that is still open or never returned. */
export interface ToolSaid {
  tool_name: string;
  title: string;
  input: Json | undefined;
  output: string | null;
  error: string | null;
  status: SpanStatus;
}

export function toolSaid(
  span: TimedSpan,
  start: AnnalsEvent | undefined,
  end: AnnalsEvent | undefined,
): ToolSaid {
  // An end without a start has the span begin at the end event; its name and output are still told.
  const call = asObject(start?.data);
  const result = asObject(end?.data);
  const name = asText(call.tool_name) ?? asText(result.tool_name) ?? span.name;
  const failed = end ? end.event_type.endsWith(".failed") : span.status === "error";
  const output = result.output === undefined ? null : textOf(result.output);
  return {
    tool_name: name,
    title: asText(call.title) ?? inputHint(call.input),
    input: call.input,
    output: failed && output === null ? null : output,
    error: failed ? (errorText(result) ?? output ?? "failed without a message") : null,
    status: span.status,
  };
}

/** Tool output is text, or blocks of text, or any JSON; each is shown as text. */
export function textOf(value: Json | undefined): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  if (Array.isArray(value)) {
    const blocks = value.map((block) => asText(asObject(block).text));
    if (blocks.length > 0 && blocks.every((block) => block !== null)) return blocks.join("\n");
  }
  return JSON.stringify(value, null, 2);
}

export interface DiffLine {
  sign: " " | "-" | "+";
  text: string;
}

/** The change that an edit tool's input describes, with the lines that both sides share kept as context. */
export function editDiff(input: Json | undefined): DiffLine[] | null {
  const fields = asObject(input);
  const before = fields.old_string;
  const after = fields.new_string;
  if (typeof before !== "string" || typeof after !== "string") return null;
  const old = before === "" ? [] : before.split("\n");
  const fresh = after === "" ? [] : after.split("\n");
  let head = 0;
  while (head < old.length && head < fresh.length && old[head] === fresh[head]) head++;
  let tail = 0;
  while (
    tail < old.length - head &&
    tail < fresh.length - head &&
    old[old.length - 1 - tail] === fresh[fresh.length - 1 - tail]
  ) {
    tail++;
  }
  const line = (sign: DiffLine["sign"]) => (text: string) => ({ sign, text });
  return [
    ...old.slice(0, head).map(line(" ")),
    ...old.slice(head, old.length - tail).map(line("-")),
    ...fresh.slice(head, fresh.length - tail).map(line("+")),
    ...old.slice(old.length - tail).map(line(" ")),
  ];
}
