// Owns the shapes of the public API as the dashboard reads them: the views come from the server's own description,
// the envelope is written by hand because design §5 fixes it.
import type { components } from "./schema";

type Wire = components["schemas"];

/** The description calls a nullable member optional too; on the wire it is always there. */
type Told<T> = T extends readonly (infer Item)[]
  ? Told<Item>[]
  : T extends object
    ? { [Key in keyof T]-?: Told<Exclude<T[Key], undefined>> }
    : T;

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** What every answer says about the log position it reflects. */
export interface AsOf {
  as_of: number;
  stale?: boolean;
}

export type Tokens = Told<Wire["Tokens"]>;
/** Integer micro-dollars; a source that said nothing is null, never zero. */
export type Cost = Told<Wire["CostMicros"]>;
export type RunStatus = Wire["RunStatus"];
export type Run = Told<Wire["Run"]>;
export type RunAgent = Told<Wire["RunAgent"]>;
export type ModelUsage = Told<Wire["ModelUsage"]>;
export type UsageSource = Told<Wire["UsageSource"]>;
export type UsageDifference = Told<Wire["UsageDifference"]>;
export type PriceTable = Told<Wire["PriceTableInfo"]>;
export type RunDetail = Told<Wire["RunDetail"]>;
export type SpanKind = Wire["SpanKind"];
export type SpanStatus = Wire["SpanStatus"];
/** Only model calls have tokens. */
export type Span = Told<Omit<Wire["Span"], "tokens">> & { tokens?: Tokens | null };
export type Agent = Told<Wire["Agent"]>;
export type UsageRow = Told<Wire["UsageRow"]>;
export type Status = Told<Wire["Status"]>;
export type RunsPage = Told<Wire["RunsPage"]>;
export type SpansPage = Omit<Told<Wire["SpansPage"]>, "spans"> & { spans: Span[] };
export type AgentsPage = Told<Wire["AgentsPage"]>;
export type UsagePage = Told<Wire["UsageAnswer"]>;
export type SessionAnswer = Told<Wire["Session"]>;
export type LogStatus = Told<Wire["LogStatus"]>;
export type Redaction = Told<Wire["RedactionInfo"]>;
export type RedactionsPage = Told<Wire["RedactionsPage"]>;
export type RedactionReceipt = Told<Wire["RedactionReceipt"]>;
/** What stands where the words were. */
export type RedactionMark = Told<Wire["EventRedaction"]>;

export type SchemaViolation = Told<Wire["EventViolation"]>;

export type UsageGroup = "run" | "agent" | "model" | "day";

export type Category =
  | "workflow"
  | "agent"
  | "tool"
  | "memory"
  | "communication"
  | "recovery"
  | "system";

/** What a spelling does not need is absent. */
export type Spelling = Wire["CatalogSpelling"];
export type CatalogType = Omit<Told<Wire["CatalogType"]>, "spellings"> & {
  spellings: Record<string, Spelling[]>;
};

/** What came of a type, and what did not fit its schema. */
export type TypeCounts = Told<Wire["TypeCounts"]>;
export type TypesAnswer = Told<Wire["TypesPage"]>;

/** A measured number of some program, cumulative over its restarts. */
export type MetricSeries = Omit<Told<Wire["MetricSeries"]>, "attributes"> & {
  attributes: JsonObject;
};
export type MetricsPage = Omit<Told<Wire["MetricSeriesPage"]>, "series"> & {
  series: MetricSeries[];
};

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
  /** Only on an event whose body was erased. */
  redaction?: RedactionMark;
  /** Only on an event that a lenient workspace kept although its data does not fit. */
  schema_violation?: SchemaViolation;
}

export interface EventsPage extends AsOf {
  events: AnnalsEvent[];
  next: string | null;
}
export interface CatalogAnswer {
  types: CatalogType[];
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
