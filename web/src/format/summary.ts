// Owns the one line that says what an event is about, from its data.
import type { AnnalsEvent, Json, JsonObject } from "../api/types";
import { duration } from "./duration";
import { measured, measuredMany } from "./measured";
import { compact, money } from "./number";
import { oneLine } from "./text";

export function asObject(value: Json | undefined): JsonObject {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
}

export function asText(value: Json | undefined): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

export function asNumber(value: Json | undefined): number | null {
  return typeof value === "number" ? value : null;
}

/** The argument that tells most about a tool call: its command, path, pattern, question … */
export function inputHint(input: Json | undefined): string {
  if (typeof input === "string") return oneLine(input);
  const fields = asObject(input);
  for (const key of [
    "command",
    "file_path",
    "path",
    "pattern",
    "url",
    "query",
    "description",
    "prompt",
  ]) {
    const found = asText(fields[key]);
    if (found) return oneLine(found);
  }
  const rest = Object.entries(fields);
  return rest.length === 0 ? "" : oneLine(JSON.stringify(Object.fromEntries(rest)));
}

export function errorText(data: JsonObject): string | null {
  const error = data.error;
  return (
    asText(data.message) ??
    asText(error) ??
    asText(asObject(error).message) ??
    (error ? JSON.stringify(error) : null)
  );
}

function usageHint(data: JsonObject): string {
  const usage = asObject(data.usage);
  const parts: string[] = [];
  const input = asNumber(usage.input_tokens);
  const cached = asNumber(usage.cache_read_tokens);
  const output = asNumber(usage.output_tokens);
  if (input !== null) parts.push(`${compact(input)} in`);
  if (cached) parts.push(`${compact(cached)} cached`);
  if (output !== null) parts.push(`${compact(output)} out`);
  const took = asNumber(data.duration_ms);
  if (took !== null) parts.push(duration(took));
  return parts.join(" · ");
}

/** What is said twice is said once. */
const join = (...parts: (string | null | undefined)[]) =>
  [...new Set(parts.filter(Boolean))].join(" · ");

/** A single line; falls back to the compact JSON of the data. */
export function summarise(event: AnnalsEvent): string {
  if (event.redaction && !event.redaction.replaced) {
    return oneLine(join("redacted", event.redaction.reason).replace(" · ", ": "));
  }
  const data = asObject(event.data);
  const took = asNumber(data.duration_ms);
  const tookText = took === null ? null : duration(took);
  switch (event.event_type) {
    case "run.started":
      return oneLine(asText(data.title) ?? asText(data.goal) ?? asText(data.cwd) ?? "a run began");
    case "run.completed":
      return oneLine(join(asText(data.summary) ?? asText(data.output) ?? "completed", tookText));
    case "run.failed":
      return oneLine(join(errorText(data) ?? "failed", tookText));
    case "agent.started":
      return oneLine(join(asText(data.name) ?? asText(data.agent_id), asText(data.agent_type)));
    case "agent.stopped":
      return oneLine(join(asText(data.agent_id), asText(data.reason), tookText));
    case "message.created":
      return oneLine(join(asText(data.kind), messageSaid(data) ?? "(empty)"));
    case "model.invoked":
      return oneLine(asText(data.model) ?? "");
    case "model.completed":
      return oneLine(join(asText(data.model), usageHint(data)));
    case "model.failed":
      return oneLine(join(asText(data.model), errorText(data)));
    case "tool.invoked":
      return oneLine(join(asText(data.tool_name), asText(data.title) ?? inputHint(data.input)));
    case "tool.succeeded":
      return oneLine(join(asText(data.tool_name), tookText, outputHint(data.output)));
    case "tool.failed":
      return oneLine(join(asText(data.tool_name), tookText, errorText(data)));
    case "event.redacted":
      return oneLine(join(`event #${asNumber(data.position) ?? "?"}`, asText(data.reason)));
    case "log.key_rotated":
      return `a new key signs from ${(asNumber(data.last_size) ?? 0) + 1} on`;
    case "log.restored":
      return `from a copy of ${asText(data.parent_log_id)} with ${asNumber(data.size)} events`;
    case "agent.notified":
      return oneLine(join(asText(data.title), asText(data.message)));
    case "usage.reported":
      return oneLine(join(scopeText(data), asText(data.model), usageHint(data), costHint(data)));
    case "metric.reported":
      return oneLine(join(asText(data.name), metricHint(data)));
    default:
      return oneLine(wordsOf(data) ?? scalarsOf(data) ?? JSON.stringify(event.data));
  }
}

/** The words of a message, or what it carries instead of words. */
function messageSaid(data: JsonObject): string | null {
  return asText(data.content_md) ?? scalarsOf(asObject(data.payload));
}

/** The member that people wrote for people, if there is one. */
function wordsOf(data: JsonObject): string | null {
  for (const key of ["title", "message", "summary", "content_md", "text", "name"]) {
    const found = asText(data[key]);
    if (found) return found;
  }
  return null;
}

const SCALARS_SHOWN = 6;

/** Members that fit on a line, as `name value`; what is nested is left to the drawer. */
function scalarsOf(data: JsonObject): string | null {
  const said: string[] = [];
  for (const [key, value] of Object.entries(data)) {
    if (value === null || value === "" || typeof value === "object") continue;
    said.push(`${key} ${value}`);
    if (said.length === SCALARS_SHOWN) break;
  }
  return said.length > 0 ? said.join(" · ") : null;
}

function scopeText(data: JsonObject): string | null {
  return data.scope === "run" ? "whole run" : null;
}

function costHint(data: JsonObject): string | null {
  const micros = asNumber(data.cost_micros);
  return micros === null ? null : money(micros);
}

function metricHint(data: JsonObject): string | null {
  const unit = asText(data.unit);
  const value = asNumber(data.value);
  if (value !== null) return measured(value, unit);
  const size = asNumber(data.count);
  return size === null ? null : measuredMany(size, asNumber(data.sum), unit);
}

function outputHint(output: Json | undefined): string | null {
  if (output === undefined || output === null) return null;
  return typeof output === "string" ? oneLine(output, 160) : oneLine(JSON.stringify(output), 160);
}

/** True for the types that report a failure: the only ones shown red. */
export function isFailure(eventType: string): boolean {
  return eventType.endsWith(".failed") || eventType === "agent.crashed";
}
