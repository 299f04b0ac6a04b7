// Owns how counts, tokens and money are said; a missing number is a dash, never a zero.
import type { Cost, Tokens } from "../api/types";

export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : value.toLocaleString("en");
}

/** 950, 12.3k, 4.56M: three digits that matter. */
export function compact(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size < 1000) return String(Math.round(value * 10) / 10);
  if (size < 999_500) return `${digits(value / 1e3)}k`;
  if (size < 999_500_000) return `${digits(value / 1e6)}M`;
  if (size < 999_500_000_000) return `${digits(value / 1e9)}G`;
  // Nobody means such a number; it is shown as what it is all the same.
  return size < 1e15 ? `${digits(value / 1e12)}T` : value.toExponential(2);
}

function digits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size < 9.995 ? 2 : size < 99.95 ? 1 : 0).replace(/\.0+$/, "");
}

export function tokensTotal(tokens: Tokens): number {
  return tokens.input + tokens.output + tokens.cache_read + tokens.cache_write;
}

/** The part of what a model read that came from a cache; null where it read nothing. */
export function cachedShare(tokens: Tokens): number | null {
  const read = tokens.input + tokens.cache_read + tokens.cache_write;
  return read === 0 ? null : tokens.cache_read / read;
}

/** 97 %, 0.4 %; never 100 % of what is not all, nor 0 % of what is something. */
export function percent(share: number): string {
  const value = share * 100;
  const size = Math.abs(value);
  if (size === 0 || size === 100) return `${value} %`;
  if (size < 0.1) return value < 0 ? "> −0.1 %" : "< 0.1 %";
  if (size > 99 && size < 100) return `${Math.floor(value * 10) / 10} %`;
  return `${size < 10 ? Math.round(value * 10) / 10 : Math.round(value)} %`.replace("-", "−");
}

/** Integer micro-dollars as dollars with the digits that matter. */
export function money(micros: number | null | undefined): string {
  if (micros === null || micros === undefined) return "–";
  if (micros === 0) return "$0";
  const dollars = micros / 1e6;
  const size = Math.abs(dollars);
  if (size < 0.0001) return "< $0.0001";
  const places = size >= 1000 ? 0 : size >= 1 ? 2 : size >= 0.01 ? 3 : 4;
  const text = dollars.toLocaleString("en", {
    minimumFractionDigits: Math.min(places, 2),
    maximumFractionDigits: places,
  });
  return `$${text}`;
}

export interface CostSaid {
  text: string;
  source: "vendor" | "computed" | "mixed" | null;
  micros: number | null;
}

/** Below this share of the computed cost, the vendor has evidently spoken of some of the calls only. */
const VENDOR_WHOLE_SHARE = 0.9;

/** The vendor's own figure where it speaks of all calls, else ours; always with its source. */
export function costSaid(cost: Cost): CostSaid {
  const { vendor, computed } = cost;
  const partial = vendor !== null && vendor < (computed ?? 0) * VENDOR_WHOLE_SHARE;
  if (vendor !== null && !partial) return { text: money(vendor), source: "vendor", micros: vendor };
  if (computed !== null) return { text: money(computed), source: "computed", micros: computed };
  return { text: "–", source: null, micros: null };
}

/** The sum of what is said of each, so that a cost known from one source only is in it. */
export function costSum(costs: readonly Cost[]): CostSaid {
  const said = costs.map(costSaid).filter((one) => one.micros !== null);
  if (said.length === 0) return { text: "–", source: null, micros: null };
  const micros = said.reduce((sum, one) => sum + (one.micros ?? 0), 0);
  const sources = new Set(said.map((one) => one.source));
  const source = sources.size === 1 ? (said[0]?.source ?? null) : "mixed";
  return { text: money(micros), source, micros };
}

/** 0.4, 14.2, 1.2k events a second. */
export function perSecond(rate: number): string {
  return rate < 10 ? (Math.round(rate * 10) / 10).toString() : compact(Math.round(rate));
}

export function bytes(size: number): string {
  if (size < 1000) return `${size} B`;
  if (size < 1e6) return `${digits(size / 1e3)} kB`;
  return `${digits(size / 1e6)} MB`;
}

/** "1 call", "12 calls". */
export function many(size: number, noun: string): string {
  return `${count(size)} ${noun}${size === 1 ? "" : "s"}`;
}
