// Owns the page of this moment: what runs and what it is doing, what failed, what was done.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { fetchEvents, runsByStatusQuery, usageQuery } from "../api/queries";
import type { AnnalsEvent, Run, UsageRow } from "../api/types";
import { compact, costSum, perSecond } from "../format/number";
import { isFailure, summarise } from "../format/summary";
import { runName } from "../format/text";
import { ActivityBoard } from "../live/activity";
import { primeRate, rate } from "../live/connection";
import type { TailFrame } from "../live/follow";
import { useRefresh, useTail } from "../live/useTail";
import { Ago, CostMark, RunTook, StatusMark, TokensSaid, TypeGlyph, tokensTitle } from "../ui/Bits";
import { annalsCommand } from "../ui/command";
import { useNow, usePageTitle } from "../ui/hooks";
import { stableOrder } from "../ui/order";
import { Sparkline } from "../ui/Sparkline";
import { Empty, Failed, SkeletonRows } from "../ui/States";

const RUNNING_SHOWN = 50;
const NEWEST_EVENTS = 200;
const FAILED_SHOWN = 5;
const COMPLETED_SHOWN = 12;

export function NowPage() {
  usePageTitle("Now");
  const running = useQuery(runsByStatusQuery("running", RUNNING_SHOWN));
  const failed = useQuery(runsByStatusQuery("failed", FAILED_SHOWN));
  const completed = useQuery(runsByStatusQuery("completed", COMPLETED_SHOWN));
  const [board] = useState(() => new ActivityBoard());
  const refresh = useRefresh([
    ["views", "runs-by-status"],
    ["views", "usage"],
  ]);
  useTail(
    { path: "/v1/tail", params: {}, after: null },
    {
      onFrames: (frames: TailFrame[]) => {
        board.take(frames, Date.now());
        refresh(frames);
      },
    },
  );
  const runs = useStable(running.data?.runs);
  const primed = usePrimed(board);
  useEffect(() => {
    if (primed) for (const run of runs) board.seed(run.run_id);
  }, [runs, board, primed]);

  const error = running.error ?? failed.error ?? completed.error;
  const settled = running.data && failed.data && completed.data;
  const nothing =
    settled && runs.length + failed.data.runs.length + completed.data.runs.length === 0;
  return (
    <>
      <div className="page-title">
        <h1>Now</h1>
        {settled && <Headline running={runs.length} more={Boolean(running.data.next)} />}
      </div>
      <Figures />
      <div className="page-body">
        <div className="scroll now">
          {error && !settled ? (
            <Failed
              what="The runs could not be read"
              error={error}
              retry={() => {
                void running.refetch();
                void failed.refetch();
                void completed.refetch();
              }}
            />
          ) : !settled ? (
            <SkeletonRows rows={8} height={60} columns="24px 2fr 2fr 80px 80px 120px 80px" />
          ) : nothing ? (
            <Empty
              icon="now"
              title="No agent has run yet"
              command={annalsCommand("import ~/.claude/projects")}
            >
              Runs appear here the moment an agent begins. Bring in the Claude Code sessions of this
              machine with the command below, or append events over HTTP. <code>annals demo</code>{" "}
              shows agents at work on a server of its own.
            </Empty>
          ) : (
            <>
              <section aria-labelledby="now-running">
                <h2 id="now-running" className="section-head">
                  Running <span className="faint num">{runs.length}</span>
                </h2>
                {runs.length === 0 ? (
                  <p className="section-none">Nothing runs at this moment.</p>
                ) : (
                  <ul>
                    {runs.map((run) => (
                      <RunningRow key={run.run_id} run={run} board={board} />
                    ))}
                  </ul>
                )}
              </section>
              <Recent name="Failed recently" runs={failed.data.runs} status="failed" />
              <Recent name="Completed recently" runs={completed.data.runs} status="completed" />
            </>
          )}
        </div>
      </div>
    </>
  );
}

/** One page of the newest events tells of all active runs at once. */
function usePrimed(board: ActivityBoard): boolean {
  const [primed, setPrimed] = useState(false);
  useEffect(() => {
    const abort = new AbortController();
    fetchEvents({}, { order: "desc", limit: NEWEST_EVENTS }, abort.signal)
      .then((page) => {
        board.prime(page.events, Date.now());
        primeRate(page.events);
      })
      // Without it each run is asked for by itself.
      .catch(() => undefined)
      .finally(() => setPrimed(true));
    return () => abort.abort();
  }, [board]);
  return primed;
}

/** Rows stay where they are while they run, whoever acted last. */
function useStable(fresh: Run[] | undefined): Run[] {
  const before = useRef<string[]>([]);
  return useMemo(() => {
    const ordered = stableOrder(before.current, fresh ?? [], (run) => run.run_id);
    before.current = ordered.map((run) => run.run_id);
    return ordered;
  }, [fresh]);
}

function Headline({ running, more }: { running: number; more: boolean }) {
  const text =
    running === 0
      ? "all quiet"
      : running === 1
        ? "1 run at work"
        : `${running}${more ? "+" : ""} runs at work`;
  return <span className="muted">{text}</span>;
}

function sum(rows: readonly UsageRow[], pick: (row: UsageRow) => number | null): number {
  return rows.reduce((total, row) => total + (pick(row) ?? 0), 0);
}

/** Rounded down to the minute, so that the question stays the same for a while. */
function useDayAgo(): string {
  const now = useNow();
  const minute = Math.floor(now / 60_000);
  return useMemo(() => new Date((minute - 24 * 60) * 60_000).toISOString(), [minute]);
}

function Figures() {
  const now = useNow();
  const usage = useQuery(usageQuery("model", useDayAgo()));
  const rows = usage.data?.rows;
  const said = (text: (rows: UsageRow[]) => string) => (rows ? text(rows) : "–");
  return (
    <dl className="figures">
      <div className="figure figure-rate">
        <dt>Events</dt>
        <dd>
          <span className="num">{perSecond(rate.perSecond(now))}/s</span>
          <Sparkline
            series={rate.series(now)}
            width={120}
            height={22}
            name="Events per second over the last minute"
          />
        </dd>
      </div>
      <div className="figure">
        <dt>Model calls, 24 h</dt>
        <dd className="num">{said((all) => compact(sum(all, (row) => row.model_calls)))}</dd>
      </div>
      <div className="figure">
        <dt>Input, 24 h</dt>
        <dd className="num">{said((all) => compact(sum(all, (row) => row.tokens.input)))}</dd>
      </div>
      <div className="figure">
        <dt>Cached, 24 h</dt>
        <dd className="num">
          {said((all) =>
            compact(sum(all, (row) => row.tokens.cache_read + row.tokens.cache_write)),
          )}
        </dd>
      </div>
      <div className="figure">
        <dt>Output, 24 h</dt>
        <dd className="num">{said((all) => compact(sum(all, (row) => row.tokens.output)))}</dd>
      </div>
      <div className="figure">
        <dt>Cost, 24 h</dt>
        <dd className="num">{said((all) => costSum(all.map((row) => row.cost_micros)).text)}</dd>
      </div>
    </dl>
  );
}

function RunningRow({ run, board }: { run: Run; board: ActivityBoard }) {
  useSyncExternalStore(board.subscribe, () => board.version);
  const now = useNow();
  const activity = board.of(run.run_id);
  return (
    <li className="running">
      <Link
        to="/runs/$runId"
        params={{ runId: run.run_id }}
        search={{}}
        className="running-link columns"
      >
        <StatusMark status={run.status} words={false} />
        <span className="running-name">
          <span className="one-line strong">{runName(run)}</span>
          <span className="one-line small muted">{whose(run)}</span>
        </span>
        <ActivityLine event={activity?.event ?? null} now={now} />
        <span className="running-pulse">
          {activity && (
            <Sparkline
              series={activity.pulse.series(now)}
              width={90}
              height={20}
              name="Events of this run over the last minute"
            />
          )}
        </span>
        <span className="cell-tools small">
          <ToolCount run={run} />
        </span>
        <span className="cell-tokens small">
          <TokensSaid tokens={run.tokens} calls={run.model_calls} />
        </span>
        <span className="cell-cost">
          <CostMark cost={run.cost_micros} source={false} />
        </span>
        <span className="cell-took">
          <RunTook startedAt={run.started_at} endedAt={run.ended_at} running ms={run.duration_ms} />
        </span>
      </Link>
    </li>
  );
}

function whose(run: Run): string {
  const where = run.cwd?.split("/").slice(-2).join("/");
  const crowd = run.agents > 1 ? `${run.agents} agents` : null;
  return [run.agent_name, run.model, crowd, where].filter(Boolean).join(" · ");
}

function ToolCount({ run }: { run: Run }) {
  return (
    <span className="num">
      {compact(run.tool_calls)} <span className="faint">tools</span>
      {run.tool_errors > 0 && <span className="fail"> {compact(run.tool_errors)} failed</span>}
    </span>
  );
}

function ActivityLine({ event, now }: { event: AnnalsEvent | null; now: number }) {
  if (!event) return <span className="activity faint">…</span>;
  const since = Math.max(0, Math.round((now - Date.parse(event.occurred_at)) / 1000));
  return (
    <span className="activity">
      <TypeGlyph eventType={event.event_type} />
      <span className="activity-words">
        <span className={isFailure(event.event_type) ? "one-line fail" : "one-line"}>
          {summarise(event)}
        </span>
        <span className="one-line small faint num">
          {event.event_type}
          {since >= 3 ? ` · ${since < 120 ? `${since} s` : `${Math.floor(since / 60)} m`} ago` : ""}
        </span>
      </span>
    </span>
  );
}

function Recent({
  name,
  runs,
  status,
}: {
  name: string;
  runs: Run[];
  status: "failed" | "completed";
}) {
  if (runs.length === 0) return null;
  return (
    <section aria-label={name}>
      <h2 className="section-head">
        {name}
        <Link to="/runs" search={{ status }} className="section-more">
          All
        </Link>
      </h2>
      <ul>
        {runs.map((run) => (
          <li key={run.run_id} className="recent">
            <Link
              to="/runs/$runId"
              params={{ runId: run.run_id }}
              search={{}}
              className="recent-link columns"
            >
              <StatusMark status={run.status} endedAt={run.ended_at} words={false} />
              <span className="recent-name">
                <span className="one-line strong">{runName(run)}</span>
                {run.error ? (
                  <span className="one-line small fail">{run.error}</span>
                ) : (
                  <span className="one-line small muted">{whose(run)}</span>
                )}
              </span>
              <span className="recent-when small muted">
                <Ago at={run.last_at} />
              </span>
              <span className="recent-tools small muted">
                <ToolCount run={run} />
              </span>
              <span className="recent-tokens small muted" title={tokensTitle(run.tokens)}>
                <TokensSaid tokens={run.tokens} calls={run.model_calls} />
              </span>
              <span className="recent-cost small">
                <CostMark cost={run.cost_micros} source={false} />
              </span>
              <span className="recent-took">
                <RunTook
                  startedAt={run.started_at}
                  endedAt={run.ended_at}
                  running={false}
                  ms={run.duration_ms}
                />
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
