// Owns the data of the run page: totals, spans page by page, and live events folded into both.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { getJson } from "../api/client";
import { fetchEvents, runQuery } from "../api/queries";
import type { AnnalsEvent, RunDetail, SpansPage } from "../api/types";
import type { TailFrame } from "../live/follow";
import { redactedPosition } from "../live/redactions";
import { useRefresh, useTail } from "../live/useTail";
import { EventCache } from "./eventCache";
import { SpanStore } from "./spanStore";

const SPANS_PAGE = 10_000;
const LIFECYCLE_PAGE = 1_000;
const LIFECYCLE = [
  "run.started",
  "run.completed",
  "run.failed",
  "run.cancelled",
  "agent.started",
  "agent.stopped",
];
const TELL_MS_MIN = 200;

export interface RunData {
  store: SpanStore;
  cache: EventCache;
  /** Changes whenever the spans do. */
  version: number;
  spansLoading: boolean;
  spansError: Error | null;
}

export function useRunDetail(runId: string) {
  return useQuery(runQuery(runId));
}

export function useRunData(runId: string, detail: RunDetail | undefined): RunData {
  const [store, setStore] = useState(() => new SpanStore());
  const cache = useMemo(
    () =>
      new EventCache((after_position, limit) =>
        fetchEvents({ run_id: runId }, { after_position, limit, order: "asc" }),
      ),
    [runId],
  );
  const [version, setVersion] = useState(0);
  const [after, setAfter] = useState<number | null>(null);
  const [spansLoading, setLoading] = useState(true);
  const [spansError, setError] = useState<Error | null>(null);
  const early = useRef<AnnalsEvent[]>([]);
  /** The store that live events go to; the one on screen may be behind it until the next drawing. */
  const current = useRef(store);

  useEffect(() => {
    const store = current.current;
    const abort = new AbortController();
    loadSpans(runId, store, abort.signal, (page, first) => {
      // The first page is shown at once; laying out each of many pages anew would only slow them down.
      if (!first) return;
      setAfter(page.as_of);
      setVersion(store.version);
    })
      .then(() => loadLifecycle(runId, store, abort.signal))
      .then(() => {
        for (const event of early.current) store.apply(event);
        early.current = [];
        setVersion(store.version);
        setLoading(false);
      })
      .catch((cause: unknown) => {
        if (abort.signal.aborted) return;
        setError(cause instanceof Error ? cause : new Error(String(cause)));
        setLoading(false);
      });
    return () => abort.abort();
  }, [runId]);

  useEffect(() => {
    if (!detail || spansLoading) return;
    store.addAgents(detail.agents, detail.status === "running");
    setVersion(store.version);
  }, [detail, spansLoading, store]);

  const client = useQueryClient();
  const [redactedAt, setRedactedAt] = useState(0);
  const late = useRef<AnnalsEvent[] | null>(null);
  useEffect(() => {
    if (redactedAt === 0) return;
    const abort = new AbortController();
    const fresh = new SpanStore();
    late.current = [];
    // What an event said may have become part of any span, so all are read again without it.
    loadSpans(runId, fresh, abort.signal, () => undefined, redactedAt)
      .then(() => loadLifecycle(runId, fresh, abort.signal))
      .then(() => {
        for (const event of late.current ?? []) fresh.apply(event);
        late.current = null;
        current.current = fresh;
        setStore(fresh);
        setVersion(fresh.version);
        void client.invalidateQueries({ queryKey: ["views", "run", runId] });
      })
      .catch(() => {
        // The words are gone from the old spans already; what is left of them may stay.
        if (!abort.signal.aborted) late.current = null;
      });
    void client.invalidateQueries({ queryKey: ["redactions", "run", runId] });
    return () => abort.abort();
  }, [redactedAt, runId, client]);

  const refresh = useRefresh([["views", "run", runId]]);
  const telling = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(telling.current), []);
  useTail(after === null ? null : { path: "/v1/tail", params: { run_id: runId }, after }, {
    onFrames: (frames: TailFrame[]) => {
      const told = frames.map((frame) => JSON.parse(frame.data) as AnnalsEvent);
      const redactions = told.filter((event) => redactedPosition(event) !== null);
      const events = told.filter((event) => redactedPosition(event) === null);
      cache.put(events);
      // Spans of later pages must stand before live events refer to them.
      if (spansLoading) early.current.push(...events);
      else for (const event of events) current.current.apply(event);
      late.current?.push(...events);
      for (const one of redactions) current.current.forget(redactedPosition(one) ?? 0);
      const newest = redactions.at(-1);
      if (newest) setRedactedAt(newest.position);
      telling.current ??= setTimeout(() => {
        telling.current = undefined;
        setVersion(current.current.version);
      }, TELL_MS_MIN);
      refresh(frames);
    },
  });
  return { store, cache, version, spansLoading, spansError };
}

async function loadSpans(
  runId: string,
  store: SpanStore,
  signal: AbortSignal,
  onPage: (page: SpansPage, first: boolean) => void,
  min_position?: number,
): Promise<void> {
  let after: string | undefined;
  let first = true;
  do {
    const page: SpansPage = await getJson<SpansPage>(
      `/v1/runs/${encodeURIComponent(runId)}/spans`,
      { after, limit: SPANS_PAGE, min_position },
      signal,
    );
    store.addPage(page.spans);
    onPage(page, first);
    first = false;
    after = page.next ?? undefined;
  } while (after);
}

async function loadLifecycle(runId: string, store: SpanStore, signal: AbortSignal): Promise<void> {
  let cursor: string | undefined;
  do {
    const page = await fetchEvents(
      { run_id: runId, event_type: LIFECYCLE },
      { limit: LIFECYCLE_PAGE, cursor, order: "asc" },
      signal,
    );
    store.addLifecycle(page.events);
    cursor = page.next ?? undefined;
  } while (cursor);
}
