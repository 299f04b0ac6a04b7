// Owns the shapes of the public API as the dashboard reads them; every optional part may be absent.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** What every answer says about the log position it reflects. */
export interface AsOf {
  as_of: number;
  stale?: boolean;
}

export interface Tokens {
  input: number;
  output: number;
  cache_read: number;
  cache_write: number;
}

/** Integer micro-dollars; a source that said nothing is null, never zero. */
export interface Cost {
  vendor: number | null;
  computed: number | null;
}

export type RunStatus = "running" | "completed" | "failed" | "idle";

export interface Run {
  run_id: string;
  title: string | null;
  status: RunStatus;
  source: string | null;
  agent_name: string | null;
  cwd: string | null;
  model: string | null;
  started_at: string;
  last_at: string;
  ended_at: string | null;
  duration_ms: number;
  agents: number;
  events: number;
  messages: number;
  model_calls: number;
  model_errors: number;
  tool_calls: number;
  tool_errors: number;
  tool_calls_open: number;
  tokens: Tokens;
  cost_micros: Cost;
  error: string | null;
  first_position: number;
  last_position: number;
}

export interface RunAgent {
  agent_id: string;
  name: string | null;
  agent_type: string | null;
  parent_agent_id: string | null;
  status: "running" | "stopped" | "failed";
  first_at: string;
  last_at: string;
  events: number;
  model_calls: number;
  tool_calls: number;
  tool_errors: number;
  tokens: Tokens;
}

export interface ModelUsage {
  model: string | null;
  model_calls: number;
  tokens: Tokens;
  cost_micros: Cost;
}

export interface RunDetail extends Omit<Run, "agents">, AsOf {
  agents: RunAgent[];
  models: ModelUsage[];
}

export type SpanKind = "model" | "tool" | "agent" | "message" | "run";
export type SpanStatus = "ok" | "error" | "open";

export interface Span {
  span_id: string;
  kind: SpanKind;
  name: string;
  title?: string | null;
  agent_id: string;
  parent_span_id: string | null;
  started_at: string;
  ended_at: string | null;
  duration_ms: number | null;
  status: SpanStatus;
  start_position: number;
  end_position: number | null;
  tokens?: Tokens | null;
}

export interface Agent {
  agent_id: string;
  runs: number;
  events: number;
  model_calls: number;
  tool_calls: number;
  tool_errors: number;
  tokens: Tokens;
  cost_micros: Cost;
  first_at: string;
  last_at: string;
  last_run_id: string | null;
}

export type UsageGroup = "run" | "agent" | "model" | "day";

export interface UsageRow {
  key: string | null;
  model_calls: number;
  tokens: Tokens;
  cost_micros: Cost;
  /** Calls whose price is not known; they are in no cost. */
  unpriced_calls?: number;
}

export interface Status {
  version: string;
  log_id: string;
  head_position: number;
  recorded_at: string | null;
  workspace_id: string;
  rights: string[];
  durability: string;
  views: { position: number; lag_events: number; stale: boolean };
  tails: number;
  uptime_s: number;
  rate: { events_per_s: number };
}

export type Category =
  | "workflow"
  | "agent"
  | "tool"
  | "memory"
  | "communication"
  | "recovery"
  | "system";

export interface CatalogType {
  event_type: string;
  event_version?: number;
  category: string;
  authority: "control" | "observed" | string;
  meaning: string;
  [more: string]: Json | undefined;
}

export interface AnnalsEvent {
  position: number;
  event_id: string;
  event_type: string;
  event_version: number;
  occurred_at: string;
  recorded_at: string;
  workspace_id: string;
  mission_id?: string;
  room_id?: string;
  thread_id?: string;
  run_id?: string;
  step_id?: string;
  actor: { actor_type: "user" | "service" | "agent"; actor_id: string };
  actor_principal_id: string;
  zone: string;
  stream: { stream_type: string; stream_id: string; stream_seq: number };
  correlation_id: string;
  causation_id?: string;
  idempotency_key?: string;
  authority: "control" | "observed";
  redaction_level: string;
  contains_secrets: boolean;
  data: Json;
  policy_context?: JsonObject;
  model_context?: JsonObject;
  display?: JsonObject;
  extensions?: JsonObject;
  origin?: JsonObject;
  prev_event_hash: string | null;
  event_hash: string;
}

export interface RunsPage extends AsOf {
  runs: Run[];
  next: string | null;
}
export interface SpansPage extends AsOf {
  spans: Span[];
  next: string | null;
}
export interface EventsPage extends AsOf {
  events: AnnalsEvent[];
  next: string | null;
}
export interface AgentsPage extends AsOf {
  agents: Agent[];
  next: string | null;
}
export interface UsagePage extends AsOf {
  rows: UsageRow[];
}
export interface CatalogAnswer {
  types: CatalogType[];
}
export interface SessionAnswer {
  token: string;
  expires_at: string;
  workspace_id: string;
  rights: string[];
}

/** RFC 9457, as every refusal of the API is written. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  reason_code: string;
  retryable: boolean;
  details?: JsonObject;
}
