// Owns the list of runs: search, status and time filters in the link, rows that keep their place while runs go on.
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import { runsQuery } from "../api/queries";
import type { Run } from "../api/types";
import { count } from "../format/number";
import { middle, runName } from "../format/text";
import { useCursor } from "../keys/useCursor";
import { useLiveViews } from "../live/useTail";
import type { Since } from "../router";
import { Ago, CostMark, RunTook, StatusMark, TokensSaid } from "../ui/Bits";
import { annalsCommand } from "../ui/command";
import { useDebounced, usePageTitle, usePhone } from "../ui/hooks";
import { Icon } from "../ui/icons";
import { stableOrder } from "../ui/order";
import { Empty, Failed, SkeletonRows } from "../ui/States";
import { type ListHandle, VirtualList } from "../ui/VirtualList";

const route = getRouteApi("/runs");
const STATUSES = ["running", "failed", "completed", "cancelled", "idle"] as const;
const SPANS: { key: Since; label: string; ms: number }[] = [
  { key: "24h", label: "24 h", ms: 86_400_000 },
  { key: "7d", label: "7 d", ms: 7 * 86_400_000 },
  { key: "30d", label: "30 d", ms: 30 * 86_400_000 },
];

/** The start of a span of time, to the minute, so that one choice is one question. */
export function sinceTime(since: Since | undefined): string | undefined {
  const span = SPANS.find((item) => item.key === since);
  if (!span) return undefined;
  return new Date(Math.floor((Date.now() - span.ms) / 60_000) * 60_000).toISOString();
}

export function SinceSwitch({
  value,
  change,
}: {
  value: Since | undefined;
  change: (value: Since | undefined) => void;
}) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would draw a frame; the group's name is all that is needed.
    <div className="segmented" role="group" aria-label="Time">
      {SPANS.map((span) => (
        <button
          key={span.key}
          type="button"
          aria-pressed={value === span.key}
          onClick={() => change(span.key)}
        >
          {span.label}
        </button>
      ))}
      <button type="button" aria-pressed={value === undefined} onClick={() => change(undefined)}>
        All
      </button>
    </div>
  );
}

export function RunsPage() {
  usePageTitle("Runs");
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [text, setText] = useState(search.q ?? "");
  const q = useDebounced(text.trim(), 200);
  useEffect(() => {
    void navigate({ search: (before) => ({ ...before, q: q || undefined }), replace: true });
  }, [q, navigate]);

  const since = useMemo(() => sinceTime(search.since), [search.since]);
  const filter = { status: search.status, agent_id: search.agent, q: search.q, since };
  const found = useInfiniteQuery(runsQuery(filter));
  useLiveViews([["views", "runs"]]);
  const runs = useStableRuns(
    found.data?.pages.flatMap((page) => page.runs),
    JSON.stringify(filter),
  );
  const filtered = Boolean(search.status || search.agent || search.q || search.since);

  return (
    <>
      <div className="page-title">
        <h1>Runs</h1>
        {found.data && (
          <span className="muted num">
            {count(runs.length)}
            {found.hasNextPage ? "+" : ""}
          </span>
        )}
      </div>
      <div className="page-filters">
        <span className="field wide">
          <Icon name="search" size={15} />
          <input
            data-filter-input
            type="search"
            aria-label="Search runs"
            placeholder="Title, agent, directory, id"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </span>
        {STATUSES.map((status) => (
          <button
            key={status}
            type="button"
            className="chip"
            aria-pressed={search.status === status}
            onClick={() =>
              void navigate({
                search: (before) => ({
                  ...before,
                  status: before.status === status ? undefined : status,
                }),
              })
            }
          >
            <StatusMark status={status} />
          </button>
        ))}
        {search.agent && (
          <button
            type="button"
            className="chip set"
            onClick={() => void navigate({ search: (before) => ({ ...before, agent: undefined }) })}
          >
            <span className="hidden-visually">Remove the filter</span>
            <span className="chip-key">agent</span>
            {middle(search.agent, 26)}
            <Icon name="close" size={12} />
          </button>
        )}
        <span className="divider" />
        <SinceSwitch
          value={search.since}
          change={(value) => void navigate({ search: (before) => ({ ...before, since: value }) })}
        />
      </div>
      <div className="page-body">
        <div className="page-main">
          {found.isPending ? (
            <SkeletonRows height={38} columns="92px 2fr 120px 74px 110px 190px 108px 76px" />
          ) : found.error && !found.data ? (
            <Failed
              what="The runs could not be read"
              error={found.error}
              retry={() => void found.refetch()}
            />
          ) : runs.length === 0 ? (
            <NoRuns filtered={filtered} clear={() => setText("")} />
          ) : (
            <RunsList
              runs={runs}
              more={
                found.hasNextPage && !found.isFetchingNextPage
                  ? () => void found.fetchNextPage()
                  : undefined
              }
              end={!found.hasNextPage}
            />
          )}
        </div>
      </div>
    </>
  );
}

/** Refreshed rows keep their places; another filter starts afresh. */
function useStableRuns(fresh: Run[] | undefined, filterKey: string): Run[] {
  const before = useRef({ filterKey, keys: [] as string[] });
  const joined = fresh ?? [];
  const known = before.current.filterKey === filterKey ? before.current.keys : [];
  const unique = [...new Map(joined.map((run) => [run.run_id, run])).values()];
  const ordered = stableOrder(known, unique, (run) => run.run_id);
  useEffect(() => {
    before.current = { filterKey, keys: ordered.map((run) => run.run_id) };
  });
  return ordered;
}

function RunsList({
  runs,
  more,
  end,
}: {
  runs: Run[];
  more: (() => void) | undefined;
  end: boolean;
}) {
  const navigate = route.useNavigate();
  const list = useRef<ListHandle>(null);
  const phone = usePhone();
  const cursor = useCursor({
    count: runs.length,
    keyOf: (index) => runs[index]?.run_id ?? null,
    open: (index) => {
      const run = runs[index];
      if (run) void navigate({ to: "/runs/$runId", params: { runId: run.run_id }, search: {} });
    },
    moved: (index) => list.current?.show(index),
  });
  return (
    <VirtualList
      name="Runs"
      count={runs.length}
      rowHeight={phone ? 92 : 38}
      keyOf={(index) => runs[index]?.run_id ?? String(index)}
      active={cursor.index}
      handle={list}
      onNearEnd={more}
      header={
        <div className="list-head runs-columns" aria-hidden="true">
          <span>Status</span>
          <span>Run</span>
          <span className="wide-only">Agent</span>
          <span className="end">Duration</span>
          <span className="end">Tools</span>
          <span className="end">Tokens</span>
          <span className="end wide-only">Cost</span>
          <span className="end">Active</span>
        </div>
      }
      footer={
        <p className="count-line">
          {end ? `${count(runs.length)} runs, that is all` : "Loading more runs …"}
        </p>
      }
      row={(index) => {
        const run = runs[index];
        return run ? <RunLine run={run} /> : null;
      }}
    />
  );
}

function RunLine({ run }: { run: Run }) {
  return (
    <Link
      to="/runs/$runId"
      params={{ runId: run.run_id }}
      search={{}}
      className="row runs-columns columns"
      title={run.error ?? undefined}
    >
      <span className="c-status">
        <StatusMark status={run.status} endedAt={run.ended_at} />
      </span>
      <span className="c-title one-line">
        <span className="strong">{runName(run)}</span>
        {run.cwd && (
          <span className="faint small phone-hide"> {run.cwd.split("/").slice(-2).join("/")}</span>
        )}
      </span>
      <span className="one-line small muted wide-only phone-hide">{run.agent_name ?? "–"}</span>
      <span className="end c-took">
        <RunTook
          startedAt={run.started_at}
          endedAt={run.ended_at}
          running={run.status === "running"}
          ms={run.duration_ms}
        />
      </span>
      <span className="end small num c-tools">
        {count(run.tool_calls)}
        <span className="phone-only-inline"> tools</span>
        {run.tool_errors > 0 && <span className="fail"> {count(run.tool_errors)} failed</span>}
      </span>
      <span className="end small c-tokens">
        <TokensSaid tokens={run.tokens} calls={run.model_calls} />
      </span>
      <span className="end c-cost wide-only">
        <CostMark cost={run.cost_micros} />
      </span>
      <span className="end small muted c-when">
        <Ago at={run.last_at} />
      </span>
    </Link>
  );
}

function NoRuns({ filtered, clear }: { filtered: boolean; clear: () => void }) {
  if (!filtered) {
    return (
      <Empty icon="runs" title="No runs yet" command={annalsCommand("import ~/.claude/projects")}>
        A run is one session of an agent. Bring in the Claude Code sessions of this machine:
      </Empty>
    );
  }
  return (
    <Empty icon="search" title="No run matches">
      <Link to="/runs" search={{}} className="button" onClick={clear}>
        Remove the filters
      </Link>
    </Empty>
  );
}
