// Owns what the server says of itself: log, views, durability, and what this session may do.
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useSyncExternalStore } from "react";
import { statusQuery } from "../api/queries";
import { sessionState } from "../api/session";
import type { Status } from "../api/types";
import { duration } from "../format/duration";
import { count, many, perSecond } from "../format/number";
import { Metrics } from "../health/Metrics";
import { currentConnection, onConnectionChange } from "../live/connection";
import { useLiveViews } from "../live/useTail";
import { Ago, Id } from "../ui/Bits";
import { Fact, Facts } from "../ui/Drawer";
import { useNow, usePageTitle } from "../ui/hooks";
import { Icon } from "../ui/icons";
import { Failed, SkeletonRows } from "../ui/States";

const LAG_EVENTS_FINE = 5_000;

export function HealthPage() {
  usePageTitle("Health");
  const status = useQuery(statusQuery());
  useLiveViews([["views", "metrics"]]);
  return (
    <>
      <div className="page-title">
        <h1>Health</h1>
      </div>
      <div className="page-body health-body">
        <div className="scroll">
          {status.isPending ? (
            <SkeletonRows rows={10} height={32} columns="140px 1fr" />
          ) : status.data ? (
            <>
              <HealthFacts status={status.data} error={status.error} />
              <Metrics />
            </>
          ) : (
            <Failed
              what="The server's state could not be read"
              error={status.error}
              retry={() => void status.refetch()}
            />
          )}
        </div>
      </div>
    </>
  );
}

function verdictOf(
  status: Status,
  error: Error | null,
): { ok: boolean; text: string; why: string } {
  if (error) {
    return {
      ok: false,
      text: "The server does not answer",
      why: "What follows is the last that was heard. This page keeps asking.",
    };
  }
  if (status.views.stale) {
    return {
      ok: false,
      text: "The views are being rebuilt",
      why: "The log is whole and takes events; lists and totals are behind until this is done.",
    };
  }
  if (status.views.lag_events > LAG_EVENTS_FINE) {
    return {
      ok: false,
      text: `The views are ${count(status.views.lag_events)} events behind`,
      why: "The log is ahead of lists and totals; they catch up by themselves.",
    };
  }
  return {
    ok: true,
    text: "All is well",
    why: "The log takes events, and lists and totals are up to date.",
  };
}

function HealthFacts({ status, error }: { status: Status; error: Error | null }) {
  const verdict = verdictOf(status, error);
  const line = useSyncExternalStore(onConnectionChange, currentConnection);
  const state = sessionState();
  const now = useNow();
  const ends = state.kind === "signed_in" ? Date.parse(state.session.expires_at) - now : null;
  return (
    <div className="health">
      <div className="verdict" data-ok={verdict.ok} role="status">
        <span className="state-icon">
          <Icon name={verdict.ok ? "check" : "alert"} />
        </span>
        <div>
          <h2 className="plain">{verdict.text}</h2>
          <p className="muted">{verdict.why}</p>
        </div>
      </div>
      <Group name="Log">
        <Fact name="Head position">
          <span className="mono">{count(status.head_position)}</span>
        </Fact>
        <Fact name="Last event">
          {status.recorded_at ? (
            <Ago at={status.recorded_at} />
          ) : (
            <span className="faint">none yet</span>
          )}
        </Fact>
        <Fact name="Rate">{perSecond(status.rate.events_per_s)} events/s</Fact>
        <Fact name="Durability">
          {status.durability}
          {status.durability !== "os" && (
            <span className="faint"> – acknowledged means on disk</span>
          )}
        </Fact>
        <Fact name="Log id">
          <Id value={status.log_id} name="log id" chars={40} />
        </Fact>
      </Group>
      <Group name="Views">
        <Fact name="Position">
          <span className="mono">{count(status.views.position)}</span>
        </Fact>
        <Fact name="Behind the log">
          {status.views.lag_events === 0 ? "nothing" : `${count(status.views.lag_events)} events`}
        </Fact>
        <Fact name="State">{status.views.stale ? "stale, rebuilding" : "current"}</Fact>
      </Group>
      <Group name="Server">
        <Fact name="Version">
          <span className="mono">{status.version}</span>
        </Fact>
        <Fact name="Up for">{duration(status.uptime_s * 1000)}</Fact>
        <Fact name="Open tails">{count(status.tails)}</Fact>
      </Group>
      <Group name="Doors">
        <Fact name="Schemas">{schemasSaid(status.schemas)}</Fact>
        <Fact name="Secrets">
          {status.secrets.enabled ? (
            <>
              looked for by {many(status.secrets.rule_count, "rule")}
              {status.secrets.exception_count > 0 &&
                `, ${many(status.secrets.exception_count, "exception")}`}
            </>
          ) : (
            <span className="fail">not looked for: whatever comes is kept as it is</span>
          )}
        </Fact>
      </Group>
      <Group name="This session">
        <Fact name="Workspace">{status.workspace_id}</Fact>
        <Fact name="Rights">
          <span className="badges">
            {status.rights.map((right) => (
              <span key={right} className="badge">
                {right}
              </span>
            ))}
          </span>
        </Fact>
        <Fact name="Ends in">{duration(ends)}</Fact>
        <Fact name="Tail">
          <span className="badges">
            <span className="dot" data-phase={line.phase} />
            {line.phase}
            {line.detail && <span className="faint">{line.detail}</span>}
          </span>
        </Fact>
      </Group>
    </div>
  );
}

function schemasSaid(schemas: Status["schemas"]): string {
  if (!schemas.checked) return "not checked";
  return schemas.mode === "lenient"
    ? "lenient: data that does not fit is kept and marked"
    : "strict: data that does not fit is refused";
}

function Group({ name, children }: { name: string; children: ReactNode }) {
  return (
    <section aria-label={name}>
      <h2>{name}</h2>
      <Facts>{children}</Facts>
    </section>
  );
}
