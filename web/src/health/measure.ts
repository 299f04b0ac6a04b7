// Owns what is said of a metric series: its figure, and what tells it from the others of its name.
import type { Json, JsonObject, MetricSeries } from "../api/types";
import { measured, measuredMany } from "../format/measured";

/** The figure of a series in a few words: its value, or how many were measured and their mean. */
export function seriesSaid(series: MetricSeries): string {
  const { count: size, sum, unit, value } = series;
  if (value !== null) return measured(value, unit);
  if (size === null) return "–";
  return measuredMany(size, sum, unit);
}

const plain = (value: Json | undefined) =>
  typeof value === "string" ? value : JSON.stringify(value);

/** `model=claude-opus-4-8 type=input`, without what is the same in all of them. */
export function attributesSaid(attributes: JsonObject): string {
  return Object.entries(attributes)
    .map(([key, value]) => `${key}=${plain(value)}`)
    .join("  ");
}

export function serviceOf(series: MetricSeries): string | null {
  return series.resource["service.name"] || null;
}

/** Whether its name, its service or an attribute holds the words. */
export function isCalled(series: MetricSeries, text: string): boolean {
  const words = `${series.name} ${serviceOf(series) ?? ""} ${attributesSaid(series.attributes)}`;
  return words.toLowerCase().includes(text.trim().toLowerCase());
}
