// Owns the page of proofs: how the log stands to what this browser has seen, and the verification that a person asks for.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useEffect } from "react";
import { ApiError } from "../api/client";
import { logStatusQuery } from "../api/queries";
import { mayI } from "../api/session";
import type { LogStatus } from "../api/types";
import { count, many } from "../format/number";
import { ago } from "../format/time";
import { useLiveViews } from "../live/useTail";
import type { TrustSearch } from "../router";
import { LogFacts } from "../trust/LogFacts";
import { Checks, Verdict } from "../trust/OutcomeView";
import { Redactions } from "../trust/Redactions";
import { useVerify, type VerifyState } from "../trust/useVerify";
import { VerifyPanel } from "../trust/VerifyPanel";
import { annalsCommand } from "../ui/command";
import { EventDrawer } from "../ui/EventDrawer";
import { usePageTitle } from "../ui/hooks";
import { Icon } from "../ui/icons";
import { Empty, Failed, SkeletonRows } from "../ui/States";
import type { Outcome } from "../verify/outcome";

const route = getRouteApi("/trust");

export function TrustPage() {
  usePageTitle("Trust");
  const search = route.useSearch();
  const navigate = route.useNavigate();
  useLiveViews([["log-status"], ["redactions"]]);
  const change = (next: TrustSearch) =>
    void navigate({ search: (before) => ({ ...before, ...next }), replace: true });
  return (
    <>
      <div className="page-title">
        <h1>Trust</h1>
      </div>
      <div className="page-body health-body">
        <div className="scroll trust-frame">
          {mayI("verify") ? <Trust search={search} change={change} /> : <NotAllowed />}
        </div>
        {search.event && (
          <EventDrawer
            eventId={search.event}
            close={() => change({ event: undefined, as: undefined })}
          />
        )}
      </div>
    </>
  );
}

function NotAllowed() {
  return (
    <Empty
      icon="trust"
      title="This session may not verify"
      command={annalsCommand("token create --workspace default --rights read,verify")}
    >
      Proofs tell how many events the whole log holds, so they need the right <code>verify</code>.
      Ask whoever runs Annals for a token that has it:
    </Empty>
  );
}

function Trust({ search, change }: { search: TrustSearch; change(next: TrustSearch): void }) {
  const status = useQuery(logStatusQuery());
  const { state, start } = useVerify();
  const ready = status.data !== undefined;
  useEffect(() => {
    if (ready) start({ kind: "checkpoint" });
  }, [ready, start]);
  if (status.isPending) {
    return (
      <div className="trust">
        <SkeletonRows rows={12} height={32} columns="3fr 1fr" />
      </div>
    );
  }
  if (!status.data) {
    if (status.error instanceof ApiError && status.error.status === 403) return <NotAllowed />;
    return (
      <Failed
        what="The log's proofs could not be read"
        error={status.error}
        retry={() => void status.refetch()}
      />
    );
  }
  const note = state.kind === "done" ? (state.outcome.checkpoint?.note ?? null) : null;
  return (
    <div className="trust">
      <Standing state={state} status={status.data} again={() => start({ kind: "checkpoint" })} />
      <div className="trust-main">
        <VerifyPanel
          search={search}
          size={status.data.size}
          change={change}
          openEvent={(event) => change({ event })}
        />
        <Redactions total={status.data.redactions} chosen={search.event} />
      </div>
      <LogFacts status={status.data} note={note} />
    </div>
  );
}

/** How the log stands to what this browser has seen of it: looked at on every visit. */
function Standing({
  state,
  status,
  again,
}: {
  state: VerifyState;
  status: LogStatus;
  again(): void;
}) {
  if (state.kind === "failed") {
    return (
      <div className="standing">
        <Verdict state="failed" icon="alert" title="The checkpoint could not be checked">
          {state.error.message}
        </Verdict>
        <button type="button" className="button" onClick={again}>
          Try again
        </button>
      </div>
    );
  }
  if (state.kind !== "done") {
    return (
      <div className="standing">
        <Verdict state="checking" icon="ring" title="Checking the newest checkpoint">
          Its signature, and that it goes on from what this browser has seen.
        </Verdict>
      </div>
    );
  }
  const { outcome } = state;
  const said = standingSaid(outcome, status);
  return (
    <div className="standing">
      <Verdict
        state={outcome.doubt && outcome.verdict === "proved" ? "doubt" : outcome.verdict}
        icon={said.ok ? "check" : "alert"}
        title={said.title}
      >
        {said.why}
      </Verdict>
      <details>
        <summary>
          What was checked
          <Icon name="chevron" size={12} />
        </summary>
        <Checks checks={outcome.checks} />
        <button type="button" className="button" onClick={again}>
          Check again
        </button>
      </details>
    </div>
  );
}

function standingSaid(
  outcome: Outcome,
  status: LogStatus,
): { ok: boolean; title: string; why: string } {
  if (outcome.verdict === "wrong") {
    const wrong = outcome.checks.find((check) => check.state === "wrong");
    return {
      ok: false,
      title: "This is not the log that this browser has seen",
      why: wrong?.says ?? outcome.fault?.says ?? "",
    };
  }
  const events = many(outcome.checkpoint?.size ?? status.size, "event");
  if (outcome.doubt) {
    return {
      ok: false,
      title: "The checkpoint is signed, and something is open",
      why: outcome.doubt,
    };
  }
  return outcome.since
    ? {
        ok: true,
        title: "The log goes on from what this browser has seen",
        why: `${events}, signed. The ${count(outcome.since.size)} seen ${ago(outcome.since.seenAt, Date.now()).replace(/^now$/, "just now")} are all in it, unchanged.`,
      }
    : {
        ok: true,
        title: "The checkpoint is signed",
        why: `${events}. This browser sees this log for the first time; from now on it notices when anything before that changes.`,
      };
}
