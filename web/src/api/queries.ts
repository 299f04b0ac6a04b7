// Owns what the pages ask of the API: one query option per question, keyed so that live events can refresh it.
import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { getJson, getText } from "./client";
import type {
  AgentsPage,
  AnnalsEvent,
  CatalogAnswer,
  EventsPage,
  LogStatus,
  MetricsPage,
  Redaction,
  RedactionsPage,
  RunDetail,
  RunsPage,
  Status,
  TypesAnswer,
  UsageGroup,
  UsagePage,
} from "./types";

export interface RunsFilter {
  status?: string;
  agent_id?: string;
  q?: string;
  since?: string;
}

const RUNS_PAGE = 50;
const METRICS_PAGE = 1_000;

export const runsQuery = (filter: RunsFilter) =>
  infiniteQueryOptions({
    queryKey: ["views", "runs", filter],
    queryFn: ({ pageParam, signal }) =>
      getJson<RunsPage>(
        "/v1/runs",
        { ...filter, limit: RUNS_PAGE, cursor: pageParam || undefined },
        signal,
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
  });

export const runsByStatusQuery = (status: string, limit: number) =>
  queryOptions({
    queryKey: ["views", "runs-by-status", status, limit],
    queryFn: ({ signal }) => getJson<RunsPage>("/v1/runs", { status, limit }, signal),
  });

export const runQuery = (runId: string) =>
  queryOptions({
    queryKey: ["views", "run", runId],
    queryFn: ({ signal }) =>
      getJson<RunDetail>(`/v1/runs/${encodeURIComponent(runId)}`, {}, signal),
  });

export const agentsQuery = (q: string) =>
  infiniteQueryOptions({
    queryKey: ["views", "agents", q],
    queryFn: ({ pageParam, signal }) =>
      getJson<AgentsPage>("/v1/agents", { q, limit: 100, cursor: pageParam || undefined }, signal),
    initialPageParam: "",
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
  });

export const usageQuery = (groupBy: UsageGroup, since: string | undefined) =>
  queryOptions({
    queryKey: ["views", "usage", groupBy, since ?? null],
    queryFn: ({ signal }) => getJson<UsagePage>("/v1/usage", { group_by: groupBy, since }, signal),
    placeholderData: keepPreviousData,
  });

export const statusQuery = () =>
  queryOptions({
    queryKey: ["status"],
    queryFn: ({ signal }) => getJson<Status>("/v1/status", {}, signal),
    refetchInterval: 5_000,
  });

export const catalogQuery = () =>
  queryOptions({
    queryKey: ["catalog"],
    queryFn: ({ signal }) => getJson<CatalogAnswer>("/v1/catalog", {}, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** A minute passes without an event too, so it is asked again by itself. */
const COUNTS_MS = 5_000;

/** More than this no list holds; whoever invents a type for each event sees the first of them. */
const TYPES_MAX = 5_000;

async function allTypes(signal: AbortSignal): Promise<TypesAnswer> {
  const first = await getJson<TypesAnswer>("/v1/types", { limit: 1_000 }, signal);
  const types = [...first.types];
  let next = first.next;
  while (next && types.length < TYPES_MAX) {
    const page: TypesAnswer = await getJson("/v1/types", { limit: 1_000, cursor: next }, signal);
    types.push(...page.types);
    next = page.next;
  }
  return { ...first, types, next };
}

export const typesQuery = () =>
  queryOptions({
    queryKey: ["views", "types"],
    queryFn: ({ signal }) => allTypes(signal),
    refetchInterval: COUNTS_MS,
  });

export const metricsQuery = () =>
  infiniteQueryOptions({
    queryKey: ["views", "metrics"],
    queryFn: ({ pageParam, signal }) =>
      getJson<MetricsPage>(
        "/v1/metrics",
        { limit: METRICS_PAGE, cursor: pageParam || undefined },
        signal,
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next,
  });

export const eventQuery = (eventId: string) =>
  queryOptions({
    queryKey: ["event", eventId],
    queryFn: async ({ signal }) => {
      const text = await getText(`/v1/events/${encodeURIComponent(eventId)}`, {}, signal);
      return { event: JSON.parse(text) as AnnalsEvent, text };
    },
    // An event never changes, apart from redaction, which a reload shows.
    staleTime: Number.POSITIVE_INFINITY,
  });

/** The event in a foreign format: its document, or the envelope where the format has no form for it. */
export const documentQuery = (eventId: string, dialect: string) =>
  queryOptions({
    queryKey: ["event", eventId, dialect],
    queryFn: ({ signal }) =>
      getText(`/v1/events/${encodeURIComponent(eventId)}`, { dialect }, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const logStatusQuery = () =>
  queryOptions({
    queryKey: ["log-status"],
    queryFn: ({ signal }) => getJson<LogStatus>("/v1/log/status", {}, signal),
    refetchInterval: 5_000,
  });

const REDACTIONS_PAGE = 50;

export const redactionsQuery = () =>
  infiniteQueryOptions({
    queryKey: ["redactions"],
    queryFn: ({ pageParam, signal }) =>
      getJson<RedactionsPage>(
        "/v1/redactions",
        { limit: REDACTIONS_PAGE, cursor: pageParam || undefined },
        signal,
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next,
  });

/** All redactions of a run's events. */
export const runRedactionsQuery = (runId: string) =>
  queryOptions({
    queryKey: ["redactions", "run", runId],
    queryFn: async ({ signal }) => {
      const found: Redaction[] = [];
      let cursor: string | undefined;
      do {
        const answer: RedactionsPage = await getJson<RedactionsPage>(
          "/v1/redactions",
          { run_id: runId, limit: 1_000, cursor },
          signal,
        );
        found.push(...answer.redactions);
        cursor = answer.next ?? undefined;
      } while (cursor);
      return found;
    },
  });

export interface EventsFilter {
  event_type?: readonly string[];
  category?: string;
  /** Dialects that events came by. */
  origin?: readonly string[];
  run_id?: string;
  actor_id?: string;
}

export function fetchEvents(
  filter: EventsFilter,
  page: { order?: "asc" | "desc"; limit?: number; cursor?: string; after_position?: number },
  signal?: AbortSignal,
): Promise<EventsPage> {
  return getJson<EventsPage>("/v1/events", { ...filter, ...page }, signal);
}
