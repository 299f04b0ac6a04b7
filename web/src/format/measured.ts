// Owns how a measured number is said with its unit.
import { duration } from "./duration";
import { bytes, compact, count, money } from "./number";

const PER_SECOND_MS = 1_000;

/** UCUM as OpenTelemetry uses it: `ms`, `s`, `By`, `{token}`, `1`. */
export function measured(value: number | null | undefined, unit: string | null): string {
  if (value === null || value === undefined) return "–";
  switch (unit) {
    case "ms":
      return duration(value);
    case "s":
      return duration(value * PER_SECOND_MS);
    case "By":
    case "bytes":
      return bytes(value);
    case "USD":
    case "{USD}":
      return money(Math.round(value * 1e6));
    case null:
    case "":
    case "1":
      return number(value);
    default:
      return `${number(value)} ${unit.replace(/^\{(.*)\}$/, "$1")}`;
  }
}

function number(value: number): string {
  if (Math.abs(value) < 1) return String(Number(value.toPrecision(3)));
  return Number.isInteger(value) && Math.abs(value) < 100_000 ? count(value) : compact(value);
}

/** How many were measured, and their mean. */
export function measuredMany(size: number, sum: number | null, unit: string | null): string {
  if (size === 0) return "none measured";
  return sum === null
    ? `${count(size)} measured`
    : `${count(size)} × ${measured(sum / size, unit)}`;
}
