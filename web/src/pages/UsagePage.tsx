// Owns tokens and cost by model, agent, run or day.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { usageQuery } from "../api/queries";
import type { Cost, Tokens, UsageGroup, UsageRow } from "../api/types";
import { useRunTitles } from "../api/useRunTitles";
import {
  type CostSaid,
  compact,
  costSaid,
  costSum,
  count,
  many,
  money,
  tokensTotal,
} from "../format/number";
import { middle } from "../format/text";
import { useLiveViews } from "../live/useTail";
import { USAGE_GROUPS } from "../router";
import { CostMark, CostSaidMark, TokensSplit, tokensTitle } from "../ui/Bits";
import { annalsCommand } from "../ui/command";
import { usePageTitle, usePhone } from "../ui/hooks";
import { Empty, Failed, SkeletonRows } from "../ui/States";
import { SinceSwitch, sinceTime } from "./RunsPage";

const route = getRouteApi("/usage");
const ROWS_SHOWN = 200;

export function UsagePage() {
  usePageTitle("Usage");
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const by = search.by ?? "model";
  const since = useMemo(() => sinceTime(search.since), [search.since]);
  const found = useQuery(usageQuery(by, since));
  useLiveViews([["views", "usage"]]);
  const rows = useMemo(() => sorted(found.data?.rows ?? [], by), [found.data, by]);
  return (
    <>
      <div className="page-title">
        <h1>Usage</h1>
        <div className="legend phone-hide" aria-hidden="true">
          <span>
            <i data-part="input" />
            input
          </span>
          <span>
            <i data-part="cached" />
            cached
          </span>
          <span>
            <i data-part="output" />
            output
          </span>
        </div>
      </div>
      <div className="page-filters">
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would draw a frame; the group's name is all that is needed. */}
        <div className="segmented" role="group" aria-label="Group by">
          {USAGE_GROUPS.map((group) => (
            <button
              key={group}
              type="button"
              aria-pressed={by === group}
              onClick={() => void navigate({ search: (before) => ({ ...before, by: group }) })}
            >
              By {group}
            </button>
          ))}
        </div>
        <span className="divider" />
        <SinceSwitch
          value={search.since}
          change={(value) => void navigate({ search: (before) => ({ ...before, since: value }) })}
        />
      </div>
      <div className="page-body">
        <div className="scroll usage-rows">
          {found.isPending ? (
            <SkeletonRows rows={8} height={40} columns="200px 1fr 84px 84px 84px 84px 110px" />
          ) : found.error && !found.data ? (
            <Failed
              what="The usage could not be read"
              error={found.error}
              retry={() => void found.refetch()}
            />
          ) : rows.length === 0 ? (
            <Empty
              icon="usage"
              title="No model call in this time"
              command={annalsCommand("import ~/.claude/projects")}
            >
              Each model call that reports its tokens is counted here, split into input, cached and
              output.
            </Empty>
          ) : (
            <>
              <Days since={since} />
              <UsageTable rows={rows} by={by} />
            </>
          )}
        </div>
      </div>
    </>
  );
}

function sorted(rows: readonly UsageRow[], by: UsageGroup): UsageRow[] {
  return [...rows].sort((a, b) =>
    by === "day"
      ? (b.key ?? "").localeCompare(a.key ?? "")
      : tokensTotal(b.tokens) - tokensTotal(a.tokens),
  );
}

function total(rows: readonly UsageRow[]): UsageRow {
  const tokens: Tokens = { input: 0, output: 0, cache_read: 0, cache_write: 0 };
  let model_calls = 0;
  let unpriced_calls = 0;
  for (const row of rows) {
    model_calls += row.model_calls;
    unpriced_calls += row.unpriced_calls;
    for (const part of ["input", "output", "cache_read", "cache_write"] as const) {
      tokens[part] += row.tokens[part];
    }
  }
  const cost_micros = { vendor: null, computed: null };
  return { key: "Total", model_calls, unpriced_calls, tokens, cost_micros };
}

function UsageTable({ rows, by }: { rows: UsageRow[]; by: UsageGroup }) {
  const most = Math.max(1, ...rows.map((row) => tokensTotal(row.tokens)));
  const shown = rows.slice(0, ROWS_SHOWN);
  return (
    <>
      <div className="list-head usage-columns" aria-hidden="true">
        <span>{by === "day" ? "Day" : by[0]?.toUpperCase() + by.slice(1)}</span>
        <span>Tokens</span>
        <span className="end">Calls</span>
        <span className="end">Input</span>
        <span className="end">Cached</span>
        <span className="end">Output</span>
        <span className="end">Cost</span>
      </div>
      <ul>
        {rows.length > 1 && (
          <li>
            <UsageLine
              row={total(rows)}
              most={0}
              by={by}
              cost={costSum(rows.map((row) => row.cost_micros))}
            />
          </li>
        )}
        {shown.map((row) => (
          <li key={row.key ?? ""}>
            <UsageLine row={row} most={most} by={by} />
          </li>
        ))}
      </ul>
      {rows.length > shown.length && (
        <p className="count-line">
          The first {count(shown.length)} of {count(rows.length)}. Choose a shorter time to narrow.
        </p>
      )}
    </>
  );
}

const PARTS = ["input", "cached", "output"] as const;

function part(tokens: Tokens, name: (typeof PARTS)[number]): number {
  return name === "cached" ? tokens.cache_read + tokens.cache_write : tokens[name];
}

function UsageLine({
  row,
  most,
  by,
  cost,
}: {
  row: UsageRow;
  most: number;
  by: UsageGroup;
  cost?: CostSaid;
}) {
  const all = tokensTotal(row.tokens);
  const isTotal = most === 0;
  return (
    <div className={isTotal ? "row usage-columns total-row" : "row usage-columns"}>
      <span className="one-line u-name">
        {isTotal ? "Total" : <UsageName value={row.key} by={by} />}
      </span>
      <span className="u-bar" title={tokensTitle(row.tokens)}>
        {!isTotal && (
          <span className="stack" style={{ width: `${(all / most) * 100}%` }}>
            {PARTS.map((name) => (
              <i
                key={name}
                data-part={name}
                style={{ width: `${(part(row.tokens, name) / Math.max(1, all)) * 100}%` }}
              />
            ))}
          </span>
        )}
      </span>
      <span className="end num u-number">{count(row.model_calls)}</span>
      {PARTS.map((name) => (
        <span key={name} className="end num u-number" title={count(part(row.tokens, name))}>
          {compact(part(row.tokens, name))}
        </span>
      ))}
      <span className="end u-cost">
        {cost ? <CostSaidMark said={cost} /> : <BothCosts cost={row.cost_micros} />}
        {row.unpriced_calls > 0 && (
          <small className="unpriced" title="Their model's price is not known; they are in no cost">
            {" "}
            + {many(row.unpriced_calls, "call")} unpriced
          </small>
        )}
      </span>
      <span className="u-split small muted">
        <TokensSplit tokens={row.tokens} />
      </span>
    </div>
  );
}

/** The figure that counts, and below it the other one where there are two. */
function BothCosts({ cost }: { cost: Cost }) {
  const said = costSaid(cost);
  const other = said.source === "vendor" ? cost.computed : cost.vendor;
  return (
    <>
      <CostMark cost={cost} />
      {said.source && other !== null && (
        <span className="u-other small faint num">
          {money(other)} {said.source === "vendor" ? "computed" : "vendor, some calls"}
        </span>
      )}
    </>
  );
}

function UsageName({ value, by }: { value: string | null; by: UsageGroup }) {
  const titles = useRunTitles();
  if (value === null || value === "") return <span className="muted">not said</span>;
  if (by === "run") {
    return (
      <Link to="/runs/$runId" params={{ runId: value }} search={{}} className="link" title={value}>
        {titles.get(value) ?? middle(value, 26)}
      </Link>
    );
  }
  if (by === "agent") {
    return (
      <Link to="/runs" search={{ agent: value }} className="link" title={value}>
        {middle(value, 32)}
      </Link>
    );
  }
  return <span title={value}>{value}</span>;
}

const DAYS_SHOWN = 60;
const LABELS_MAX = 18;
const PHONE_LABELS_MAX = 5;

/** Above every grouping, because it says when; a single day would say nothing. */
function Days({ since }: { since: string | undefined }) {
  const found = useQuery(usageQuery("day", since));
  const phone = usePhone();
  const byDay = sorted(found.data?.rows ?? [], "day")
    .reverse()
    .slice(-DAYS_SHOWN);
  const most = Math.max(1, ...byDay.map((row) => tokensTotal(row.tokens)));
  if (byDay.length < 2) return null;
  const every = Math.ceil(byDay.length / (phone ? PHONE_LABELS_MAX : LABELS_MAX));
  const year = (row: UsageRow | undefined) => row?.key?.slice(0, 4);
  const isOneYear = year(byDay[0]) === year(byDay.at(-1));
  return (
    <div className="days" role="img" aria-label={`Tokens per day over ${byDay.length} days`}>
      {byDay.map((row, at) => {
        const all = tokensTotal(row.tokens);
        return (
          <div
            key={row.key}
            className="day"
            title={`${row.key}\n${compact(all)} tokens\n${tokensTitle(row.tokens)}`}
          >
            <div
              className="day-bar"
              style={{ height: `${Math.max(1, (all / most) * 100)}%`, flexShrink: 1 }}
            >
              {PARTS.map((name) => (
                <i
                  key={name}
                  data-part={name}
                  style={{ height: `${(part(row.tokens, name) / Math.max(1, all)) * 100}%` }}
                />
              ))}
            </div>
            <span className="day-label">
              {at % every === 0 && at + every / 2 <= byDay.length
                ? row.key?.slice(isOneYear ? 5 : 2)
                : "\u00a0"}
            </span>
          </div>
        );
      })}
    </div>
  );
}
