// Owns the rows of the live page: what is shown, what waits behind the pill, and the lines drawn for interruptions.
import type { AnnalsEvent } from "../api/types";
import { duration } from "../format/duration";
import type { TailFrame } from "./follow";
import type { TailMark } from "./resume";

export type LiveRow =
  | { kind: "event"; key: string; position: number; data: string | null; event: AnnalsEvent | null }
  | { kind: "mark"; key: string; text: string; gap: boolean };

/** Rows kept in this tab; older ones are in the log, and reachable by narrowing. */
export const ROWS_MAX = 20_000;

export interface LiveRows {
  /** Newest first. */
  shown: LiveRow[];
  waiting: LiveRow[];
  /** True when older rows were let go to stay within ROWS_MAX. */
  cut: boolean;
}

export const NO_ROWS: LiveRows = { shown: [], waiting: [], cut: false };

export function frameRow(frame: TailFrame): LiveRow {
  return {
    kind: "event",
    key: `e${frame.position}`,
    position: frame.position,
    data: frame.data,
    event: null,
  };
}

export function eventRow(event: AnnalsEvent): LiveRow {
  return { kind: "event", key: `e${event.position}`, position: event.position, data: null, event };
}

/** Parsed when it is first drawn: most rows of a fast tail never are. */
export function eventOf(row: LiveRow & { kind: "event" }): AnnalsEvent {
  row.event ??= JSON.parse(row.data ?? "null") as AnnalsEvent;
  row.data = null;
  return row.event;
}

export function markRow(mark: TailMark): LiveRow {
  const from = mark.after === null ? "from the head of the log" : `exactly after #${mark.after}`;
  const text = mark.gap
    ? `Gap: ${mark.reason}. Shown again ${from}; events in between may be missing here.`
    : `Reconnected after ${duration(mark.away_ms)}: ${mark.reason}. Resumed ${from}, nothing missed.`;
  return { kind: "mark", key: `m${mark.at_ms}`, text, gap: mark.gap };
}

/** Rows that came in, oldest first, wait until they are let in. */
export function arrive(rows: LiveRows, news: readonly LiveRow[]): LiveRows {
  if (news.length === 0) return rows;
  const waiting = [...news].reverse().concat(rows.waiting);
  if (waiting.length <= ROWS_MAX) return { ...rows, waiting };
  return { shown: [], waiting: waiting.slice(0, ROWS_MAX), cut: true };
}

export function letIn(rows: LiveRows): LiveRows {
  if (rows.waiting.length === 0) return rows;
  const shown = rows.waiting.concat(rows.shown);
  const cut = rows.cut || shown.length > ROWS_MAX;
  return { shown: shown.length > ROWS_MAX ? shown.slice(0, ROWS_MAX) : shown, waiting: [], cut };
}

export function addOlder(rows: LiveRows, older: readonly AnnalsEvent[]): LiveRows {
  const last = rows.shown.findLast((row) => row.kind === "event");
  const before = last?.kind === "event" ? last.position : Number.POSITIVE_INFINITY;
  const fresh = older.filter((event) => event.position < before).map(eventRow);
  return { ...rows, shown: rows.shown.concat(fresh) };
}

export function waitingEvents(rows: LiveRows): number {
  return rows.waiting.reduce((sum, row) => sum + (row.kind === "event" ? 1 : 0), 0);
}

export interface FilterWord {
  key: "type" | "category" | "origin" | "run" | "agent";
  value: string;
}

/** What a typed word means: `run:ID`, `agent:ID`, `category:tool`, `dialect:hive`, a type, or a noun for all its types. */
export function filterWord(text: string, isCategory: (word: string) => boolean): FilterWord | null {
  const word = text.trim();
  if (word === "") return null;
  const named = /^(type|category|dialect|origin|run|agent):(.+)$/.exec(word);
  if (named?.[1] && named[2]) {
    const key = named[1] === "dialect" ? "origin" : (named[1] as FilterWord["key"]);
    return { key, value: named[2].trim() };
  }
  if (word.startsWith("run_")) return { key: "run", value: word };
  if (word.includes(".") || word.includes("*")) return { key: "type", value: word };
  if (isCategory(word)) return { key: "category", value: word };
  return { key: "type", value: `${word}.*` };
}
