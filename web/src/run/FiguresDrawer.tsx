// Owns the answer to "where does this number come from": each source's tokens, calls and cost, which counts, how far they are apart.
import type { RunDetail, UsageSource } from "../api/types";
import { dialectSaid } from "../format/dialect";
import { cachedShare, many, percent } from "../format/number";
import { CostMark, TokensSplit } from "../ui/Bits";
import { Drawer, Fact, Facts } from "../ui/Drawer";
import {
  apart,
  costSentence,
  counts,
  FIGURE_LINES,
  type FigureName,
  figure,
  figureSaid,
  inStanding,
  scopeSaid,
  sourceKey,
  standing,
} from "./figures";

export function FiguresDrawer({ run, close }: { run: RunDetail; close: () => void }) {
  const share = cachedShare(run.tokens);
  return (
    <Drawer name="Where the figures come from" close={close} title={<h2>Tokens and cost</h2>}>
      <section>
        <Facts>
          <Fact name="Counted">
            <TokensSplit tokens={run.tokens} />
          </Fact>
          <Fact name="From cache">
            {share === null ? (
              <span className="faint">nothing was read</span>
            ) : (
              <>
                <span className="num">{percent(share)}</span>
                <span className="faint small"> of what the models read</span>
              </>
            )}
          </Fact>
          <Fact name="Cost">
            <CostMark cost={run.cost_micros} />
          </Fact>
        </Facts>
      </section>
      <p className="small muted">{costSentence(run.cost_micros, run.price_table)}</p>
      <Unpriced run={run} />
      <Sources run={run} sources={inStanding(run.usage_sources)} />
      <Models run={run} />
    </Drawer>
  );
}

function Unpriced({ run }: { run: RunDetail }) {
  const size = run.unpriced_calls;
  if (size === 0) return null;
  const models = run.models.filter((model) => model.unpriced_calls > 0);
  const names = models.map((model) => model.model ?? "a model that nobody named").join(", ");
  return (
    <p className="unpriced" role="note">
      {many(size, "call")}
      {names && ` of ${names}`} {size === 1 ? "has" : "have"} no known price and{" "}
      {size === 1 ? "is" : "are"} in no computed cost.
    </p>
  );
}

function Sources({ run, sources }: { run: RunDetail; sources: UsageSource[] }) {
  if (sources.length === 0) {
    return (
      <section>
        <h3>Who told them</h3>
        <p className="small muted">Nobody has told tokens or cost of this run.</p>
      </section>
    );
  }
  return (
    <section>
      <h3>Who told them</h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls sideways must be reachable by keyboard. */}
      <section className="figures-scroll" aria-label="Figures by source" tabIndex={0}>
        <table className="figures-table">
          <thead>
            <tr>
              <td />
              {sources.map((source) => (
                <th key={sourceKey(source)} scope="col" title={dialectSaid(source.source)}>
                  {source.source} <div className="faint">{scopeSaid(source)}</div>
                  <div>
                    <span className={source.counted ? "badge control" : "badge"}>
                      {standing(source)}
                    </span>
                  </div>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {FIGURE_LINES.map((line) => (
              <tr key={line.name}>
                <th scope="row">{line.said}</th>
                {sources.map((source) => (
                  <FigureCell
                    key={sourceKey(source)}
                    source={source}
                    name={line.name}
                    difference={apart(source, run.usage_difference, line.name)}
                  />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {sources.length > 1 && (
        <p className="small muted">
          A call that several sources tell of is counted once. What does not count is held against
          what does.
        </p>
      )}
    </section>
  );
}

function FigureCell({
  source,
  name,
  difference,
}: {
  source: UsageSource;
  name: FigureName;
  difference: string | null;
}) {
  return (
    <td className="num" data-counts={counts(source, name)}>
      {figureSaid(figure(source, name), name)}
      {difference && <small>{difference}</small>}
    </td>
  );
}

function Models({ run }: { run: RunDetail }) {
  if (run.models.length === 0) return null;
  return (
    <section>
      <h3>By model</h3>
      <ul className="figure-models">
        {run.models.map((model) => {
          const share = cachedShare(model.tokens);
          return (
            <li key={model.model ?? ""}>
              <div className="figure-model">
                <span className="one-line strong">{model.model ?? "not said"}</span>
                <CostMark cost={model.cost_micros} />
              </div>
              <div className="figure-model small muted">
                <TokensSplit tokens={model.tokens} />
                <span className="num">
                  {many(model.model_calls, "call")}
                  {share !== null && `, ${percent(share)} from cache`}
                </span>
              </div>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
