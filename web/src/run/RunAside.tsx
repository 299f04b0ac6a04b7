// Owns the column beside the transcript: the agents as a tree, the models used, and the failures to jump to.
import { useMemo } from "react";
import type { RunDetail } from "../api/types";
import { compact, count, tokensTotal } from "../format/number";
import { middle } from "../format/text";
import { CostMark, tokensTitle } from "../ui/Bits";
import { Icon } from "../ui/icons";
import { agentDepths } from "./lanes";
import { inTime } from "./spanStore";
import type { RunData } from "./useRun";

const FAILURES_SHOWN = 30;
const AGENTS_SHOWN = 60;

export function RunAside({
  run,
  data,
  agent,
  chooseAgent,
  subagents,
  setSubagents,
  jump,
}: {
  run: RunDetail;
  data: RunData;
  agent: string | undefined;
  chooseAgent(agent: string | undefined): void;
  subagents: boolean;
  setSubagents(shown: boolean): void;
  jump(spanId: string): void;
}) {
  const depths = useMemo(() => agentDepths(run.agents), [run.agents]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the store is mutable; its version says when it changed.
  const failures = useMemo(
    () =>
      inTime(
        data.store.spans.filter(
          (span) => span.status === "error" && (span.kind === "model" || span.kind === "tool"),
        ),
      ),
    [data.store, data.version],
  );
  const hasSubagents = run.agents.some((one) => (depths.get(one.agent_id) ?? 0) > 0);
  return (
    <aside className="run-aside" aria-label="Outline of the run">
      <section>
        <h2>
          Agents <span className="faint num">{count(run.agents.length)}</span>
          {hasSubagents && !agent && (
            <button
              type="button"
              className="aside-action"
              onClick={() => setSubagents(!subagents)}
              aria-pressed={!subagents}
            >
              {subagents ? "Hide sub-agents" : "Show sub-agents"}
            </button>
          )}
          {agent && (
            <button type="button" className="aside-action" onClick={() => chooseAgent(undefined)}>
              Show all
            </button>
          )}
        </h2>
        <ul>
          {run.agents.slice(0, AGENTS_SHOWN).map((one) => (
            <li key={one.agent_id}>
              <button
                type="button"
                className="aside-row"
                aria-pressed={agent === one.agent_id}
                style={{ paddingLeft: `${8 + (depths.get(one.agent_id) ?? 0) * 14}px` }}
                title={`${one.agent_id}\n${tokensTitle(one.tokens)}`}
                onClick={() => chooseAgent(agent === one.agent_id ? undefined : one.agent_id)}
              >
                <span className="dot" data-phase={one.status === "running" ? "live" : one.status} />
                <span className="one-line grow">{one.name ?? middle(one.agent_id, 28)}</span>
                {one.tool_errors > 0 && <span className="fail num">{count(one.tool_errors)}</span>}
                <span className="faint num">{compact(tokensTotal(one.tokens))}</span>
              </button>
            </li>
          ))}
        </ul>
        {run.agents.length > AGENTS_SHOWN && (
          <p className="small faint aside-note">
            and {count(run.agents.length - AGENTS_SHOWN)} more; see Lanes
          </p>
        )}
      </section>
      {run.models.length > 0 && (
        <section>
          <h2>Models</h2>
          <ul>
            {run.models.map((model) => (
              <li key={model.model ?? ""} className="aside-row" title={tokensTitle(model.tokens)}>
                <span className="one-line grow">{model.model ?? "not said"}</span>
                <span className="faint num">{count(model.model_calls)} calls</span>
                <CostMark cost={model.cost_micros} />
              </li>
            ))}
          </ul>
        </section>
      )}
      <section>
        <h2>
          Failures <span className="faint num">{count(failures.length)}</span>
        </h2>
        {failures.length === 0 && <p className="small muted aside-note">Nothing failed.</p>}
        <ul>
          {failures.slice(0, FAILURES_SHOWN).map((span) => (
            <li key={`${span.kind}:${span.span_id}`}>
              <button type="button" className="aside-row" onClick={() => jump(span.span_id)}>
                <span className="fail aside-icon">
                  <Icon name="cross" size={13} />
                </span>
                <span className="one-line grow">{span.name}</span>
                <span className="faint mono">{span.started_at.slice(11, 19)}</span>
              </button>
            </li>
          ))}
        </ul>
        {failures.length > FAILURES_SHOWN && (
          <p className="small faint aside-note">
            and {count(failures.length - FAILURES_SHOWN)} more: press e
          </p>
        )}
      </section>
    </aside>
  );
}
