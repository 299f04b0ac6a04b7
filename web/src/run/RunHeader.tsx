// Owns the top of the run page: what it is, how it stands, and its totals.
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { RunDetail } from "../api/types";
import { cachedShare, count, percent, tokensTotal } from "../format/number";
import { middle, runName } from "../format/text";
import { Ago, CostMark, Id, RunTook, StatusMark, TokensSplit } from "../ui/Bits";
import { Icon } from "../ui/icons";
import { RunProof } from "./RunProof";

export function RunHeader({ run, openFigures }: { run: RunDetail; openFigures(): void }) {
  const share = cachedShare(run.tokens);
  return (
    <>
      <div className="page-title run-title">
        <Link to="/runs" search={{}} className="icon-button" aria-label="Back to all runs">
          <Icon name="back" size={16} />
        </Link>
        <h1 className="one-line" title={runName(run)}>
          {runName(run)}
        </h1>
        <StatusMark status={run.status} endedAt={run.ended_at} />
        <span className="grow" />
        <span className="phone-hide">
          <Id value={run.run_id} name="run id" chars={22} />
        </span>
        <RunProof runId={run.run_id} />
      </div>
      {run.error && (
        <p className="run-error" role="note">
          <Icon name="alert" size={15} />
          <span>{run.error}</span>
        </p>
      )}
      <dl className="totals">
        <Total name="Duration">
          <RunTook
            startedAt={run.started_at}
            endedAt={run.ended_at}
            running={run.status === "running"}
            ms={run.duration_ms}
          />
        </Total>
        <Total name="Tokens">
          {tokensTotal(run.tokens) === 0 ? (
            "–"
          ) : (
            <FiguresButton open={openFigures}>
              <TokensSplit tokens={run.tokens} />
            </FiguresButton>
          )}
        </Total>
        {share !== null && (
          <Total name="From cache">
            <span title="Of what the models read">{percent(share)}</span>
          </Total>
        )}
        <Total name="Cost">
          <FiguresButton open={openFigures}>
            <CostMark cost={run.cost_micros} />
          </FiguresButton>
        </Total>
        <Total name="Model calls">
          {count(run.model_calls)}
          {run.model_errors > 0 && (
            <small className="fail"> {count(run.model_errors)} failed</small>
          )}
        </Total>
        <Total name="Tool calls">
          {count(run.tool_calls)}
          {run.tool_errors > 0 && <small className="fail"> {count(run.tool_errors)} failed</small>}
          {run.tool_calls_open > 0 && <small> {count(run.tool_calls_open)} open</small>}
        </Total>
        <Total name="Agents">{count(run.agents.length)}</Total>
        <Total name="Events">{count(run.events)}</Total>
        <Total name="Started">
          <Ago at={run.started_at} />
        </Total>
        {run.model && <Total name="Model">{run.model}</Total>}
        {run.cwd && (
          <Total name="Directory">
            <span title={run.cwd}>{middle(run.cwd, 28)}</span>
          </Total>
        )}
      </dl>
    </>
  );
}

/** The dotted line says that there is an answer to "why this number". */
function FiguresButton({ open, children }: { open(): void; children: ReactNode }) {
  return (
    <button type="button" className="explained" title="Where this comes from (i)" onClick={open}>
      {children}
    </button>
  );
}

function Total({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="num">{children}</dd>
    </div>
  );
}
