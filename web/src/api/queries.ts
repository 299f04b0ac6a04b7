// Owns what the pages ask of the API: one query option per question, keyed so that live events can refresh it.
import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { getJson, getText } from "./client";
import type {
  AgentsPage,
  AnnalsEvent,
  CatalogAnswer,
  EventsPage,
  LogStatus,
  Redaction,
  RedactionsPage,
  RunDetail,
  RunsPage,
  Status,
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
