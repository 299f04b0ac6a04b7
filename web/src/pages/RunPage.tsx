// Owns the page of one run: totals, the four views of it, and the drawer that the link names.
import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { ApiError } from "../api/client";
import type { RunDetail } from "../api/types";
import { middle } from "../format/text";
import { useKeys } from "../keys/useKeys";
import { RUN_VIEWS, type RunSearch, type RunView } from "../router";
import { EventsList } from "../run/EventsList";
import { FiguresDrawer } from "../run/FiguresDrawer";
import { LanesView } from "../run/LanesView";
import { RunHeader } from "../run/RunHeader";
import { SpanDrawer } from "../run/SpanDrawer";
import { timeMs } from "../run/spanStore";
import { TimeControls } from "../run/TimePane";
import { Transcript } from "../run/Transcript";
import { runScale } from "../run/timeScale";
import { redactedEventId } from "../run/transcript";
import { type RunData, useRunData, useRunDetail } from "../run/useRun";
import { type TimeViewState, useTimeView } from "../run/useTimeView";
import { Waterfall } from "../run/Waterfall";
import { EventDrawer } from "../ui/EventDrawer";
import { useNow, usePageTitle } from "../ui/hooks";
import { Icon } from "../ui/icons";
import { Failed, SkeletonRows } from "../ui/States";

const route = getRouteApi("/runs/$runId");

export function RunPage() {
  const { runId } = route.useParams();
  return <Run key={runId} runId={runId} />;
}

function Run({ runId }: { runId: string }) {
  const detail = useRunDetail(runId);
  const data = useRunData(runId, detail.data);
  const client = useQueryClient();
  const run = detail.data;
  usePageTitle(run?.title ?? middle(runId, 20));
  if (detail.isPending) {
    return (
      <>
        <div className="page-title" />
        <div className="page-filters" />
        <div className="page-body">
          <div className="scroll">
            <SkeletonRows rows={16} height={44} columns="64px 3fr 1fr" />
          </div>
        </div>
      </>
    );
  }
  if (!run) {
    const unknown = detail.error instanceof ApiError && detail.error.status === 404;
    return (
      <div className="page-body run-missing">
        <Failed
          what={unknown ? "There is no such run" : "The run could not be read"}
          error={detail.error ?? new Error("No answer")}
          retry={
            unknown
              ? undefined
              : () => void client.invalidateQueries({ queryKey: ["views", "run", runId] })
          }
        />
        <Link to="/runs" search={{}} className="button">
          All runs
        </Link>
      </div>
    );
  }
  return <Loaded run={run} data={data} />;
}

function useRunSearch() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const change = (next: Partial<RunSearch>) =>
    void navigate({ search: (before) => ({ ...before, ...next }), replace: true });
  return { search, change };
}

const LONG_CALLS = 300;

/** Where an open call ends for now: the clock while the run goes on, else the last that was heard of it. */
function useOpenEnd(run: RunDetail): number {
  const now = useNow();
  const last = timeMs(run.ended_at ?? run.last_at);
  return run.status === "running" ? Math.max(now, last) : last;
}

function Loaded({ run, data }: { run: RunDetail; data: RunData }) {
  const { search, change } = useRunSearch();
  const view: RunView = search.view ?? "transcript";
  const running = run.status === "running";
  const openEnd = useOpenEnd(run);
  const [timeState, setTimeState] = useState<TimeViewState>({
    view: null,
    compress: true,
    // The bars of a long run are too thin to read all at once.
    fit: run.model_calls + run.tool_calls > LONG_CALLS,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the store is mutable; its version says when it changed.
  const scale = useMemo(
    () =>
      runScale({
        spans: data.store.spans,
        now_ms: running ? openEnd : null,
        compress: timeState.compress,
      }),
    [data.store, data.version, running, openEnd, timeState.compress],
  );
  const time = useTimeView(scale, timeState, setTimeState);
  const errorsOnly = search.errors === "1";
  const toView = (next: RunView) => change({ view: next === "transcript" ? undefined : next });
  useKeys({
    ...Object.fromEntries(RUN_VIEWS.map((name, at) => [String(at + 1), () => toView(name)])),
    e: () => change({ errors: errorsOnly ? undefined : "1" }),
    i: () => openFigures(),
  });
  const openFigures = () => change({ figures: "1", span: undefined, event: undefined });
  const openSpan = (span: string) => {
    const event = redactedEventId(span);
    if (event) change({ event, span: undefined });
    else change({ span, event: undefined });
  };
  const picture = {
    data,
    time,
    openEnd,
    running,
    errorsOnly,
    chosen: search.span,
    open: openSpan,
  };
  return (
    <>
      <div className="run-head">
        <RunHeader run={run} openFigures={openFigures} />
      </div>
      <div className="page-filters">
        <ViewSwitch view={view} toView={toView} />
        {view !== "events" && <span className="divider" />}
        {view !== "events" && view !== "lanes" && (
          <button
            type="button"
            className="chip"
            aria-pressed={errorsOnly}
            title="Errors only (e)"
            onClick={() => change({ errors: errorsOnly ? undefined : "1" })}
          >
            Errors only
          </button>
        )}
        {view === "transcript" && search.agent && (
          <button type="button" className="chip set" onClick={() => change({ agent: undefined })}>
            <span className="hidden-visually">Remove the filter</span>
            <span className="chip-key">agent</span>
            {middle(search.agent, 24)}
            <Icon name="close" size={12} />
          </button>
        )}
        {(view === "waterfall" || view === "lanes") && (
          <TimeControls time={time} rows={view === "waterfall"} />
        )}
        {data.spansLoading && <span className="small muted">loading …</span>}
      </div>
      <div className="page-body">
        {data.spansError && view !== "events" ? (
          <Failed
            what="The course of this run could not be read"
            error={data.spansError}
            retry={() => location.reload()}
          />
        ) : (
          <>
            {view === "transcript" && (
              <Transcript
                run={run}
                data={data}
                agent={search.agent}
                errorsOnly={errorsOnly}
                chosen={search.span}
                drawerOpen={Boolean(search.span ?? search.event ?? search.figures)}
                chooseAgent={(agent) => change({ agent })}
                open={openSpan}
              />
            )}
            {view === "waterfall" && <Waterfall {...picture} />}
            {view === "lanes" && <LanesView {...picture} agents={run.agents} />}
            {view === "events" && (
              <EventsList
                run={run}
                chosen={search.event}
                open={(event) => change({ event, span: undefined })}
              />
            )}
          </>
        )}
        {search.event ? (
          <EventDrawer
            eventId={search.event}
            inRun
            close={() => change({ event: undefined, as: undefined })}
          />
        ) : search.span ? (
          <SpanDrawer
            spanId={search.span}
            data={data}
            close={() => change({ span: undefined })}
            openEvent={(event) => change({ event })}
            chooseAgent={(agent) => change({ agent, view: undefined, span: undefined })}
          />
        ) : search.figures ? (
          <FiguresDrawer run={run} close={() => change({ figures: undefined })} />
        ) : null}
      </div>
    </>
  );
}

function ViewSwitch({ view, toView }: { view: RunView; toView(view: RunView): void }) {
  return (
    <nav className="segmented" aria-label="Views of this run">
      {RUN_VIEWS.map((name, at) => (
        <button
          key={name}
          type="button"
          aria-current={view === name}
          title={`${name} (${at + 1})`}
          onClick={() => toView(name)}
        >
          {name[0]?.toUpperCase()}
          {name.slice(1)}
        </button>
      ))}
    </nav>
  );
}
