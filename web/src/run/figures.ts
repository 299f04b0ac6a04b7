// Owns what is said of where a run's figures come from: the sources side by side, which of them count, how far the others are off.
import type { Cost, PriceTable, Tokens, UsageDifference, UsageSource } from "../api/types";
import { costSaid, count, money, percent } from "../format/number";

export type FigureName =
  | "calls"
  | "input"
  | "cache_read"
  | "cache_write"
  | "output"
  | "vendor"
  | "computed";

export interface FigureLine {
  name: FigureName;
  said: string;
}

export const FIGURE_LINES: readonly FigureLine[] = [
  { name: "calls", said: "Model calls" },
  { name: "input", said: "Input" },
  { name: "cache_read", said: "From cache" },
  { name: "cache_write", said: "Into cache" },
  { name: "output", said: "Output" },
  { name: "vendor", said: "Cost by the vendor" },
  { name: "computed", said: "Cost by price table" },
];

interface Stated {
  tokens: Tokens | null;
  cost_micros: Cost;
}

function stated(of: Stated, name: Exclude<FigureName, "calls">): number | null {
  if (name === "vendor" || name === "computed") return of.cost_micros[name];
  return of.tokens?.[name] ?? null;
}

/** Null where the source does not say it, which is no zero. */
export function figure(source: UsageSource, name: FigureName): number | null {
  // What is said of the whole run says nothing of its calls.
  if (name === "calls") return source.scope === "calls" ? source.model_calls : null;
  return stated(source, name);
}

export function figureSaid(value: number | null, name: FigureName): string {
  return name === "vendor" || name === "computed" ? money(value) : count(value);
}

/** Whether the run's own figure of this name is made of what the source says. */
export function counts(source: UsageSource, name: FigureName): boolean {
  return name === "vendor" ? source.cost_counted : source.counted;
}

/** `counts`, or what part of it does. */
export function standing(source: UsageSource): string {
  if (source.counted) {
    const { model_calls, model_calls_counted } = source;
    return source.scope === "calls" && model_calls_counted < model_calls
      ? `counts for ${count(model_calls_counted)} of ${count(model_calls)}`
      : "counts";
  }
  return source.cost_counted ? "its cost counts" : "check only";
}

const SCOPE_SAID = { calls: "calls", reports: "reports", run: "whole run" } as const;

export function scopeSaid(source: UsageSource): string {
  return SCOPE_SAID[source.scope];
}

export const sourceKey = ({ source, scope }: Pick<UsageSource, "source" | "scope">) =>
  `${source} ${scope}`;

/** By how much a source is off what counts: the number and its part of that. Null where it is not. */
export function apart(
  source: UsageSource,
  differences: readonly UsageDifference[] | null,
  name: FigureName,
): string | null {
  if (name === "calls") return null;
  const key = sourceKey(source);
  const found = differences?.find((one) => sourceKey(one) === key);
  const by = found ? stated(found, name) : null;
  const value = figure(source, name);
  if (by === null || by === 0 || value === null) return null;
  const size = signed(figureSaid(by, name), by);
  const counted = value - by;
  return counted === 0 ? size : `${size} (${signed(percent(by / Math.abs(counted)), by)})`;
}

function signed(text: string, by: number): string {
  const bare = text.replace("$-", "−$").replace("-", "−");
  return by > 0 && !bare.startsWith("<") ? `+${bare}` : bare;
}

/** The sources whose word counts first, otherwise in the order in which the server gives them. */
export function inStanding(sources: readonly UsageSource[]): UsageSource[] {
  const rank = (one: UsageSource) => Number(one.counted) * 2 + Number(one.cost_counted);
  return [...sources].sort((a, b) => rank(b) - rank(a));
}

/** What the cost on the page is, in a sentence. */
export function costSentence(cost: Cost, prices: PriceTable): string {
  const { vendor, computed } = cost;
  const table = `the price table ${prices.version}`;
  if (vendor === null && computed === null) {
    return "No source stated a cost, and no price is known for what was used.";
  }
  if (vendor === null) {
    return `${money(computed)} is what ${table} makes of the tokens; no vendor stated a cost.`;
  }
  if (computed === null) {
    return `${money(vendor)} is the vendor's own figure; no price is known to compute it from the tokens.`;
  }
  if (costSaid(cost).source === "computed") {
    return `${money(computed)} is what ${table} makes of the tokens; the vendor stated ${money(vendor)}, evidently for some of the calls only.`;
  }
  const by = computed - vendor;
  const off = by === 0 || vendor === 0 ? "" : ` (${signed(percent(by / vendor), by)})`;
  return `The vendor states ${money(vendor)}; ${table} makes ${money(computed)} of the tokens${off}.`;
}
