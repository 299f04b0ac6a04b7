// Owns the rows of the Types page: the catalog joined with what was counted, which of them are wanted, and their order.
import type { CatalogType, Category, TypeCounts } from "../api/types";
import { categoryOf, isCategory } from "../format/category";

export interface TypeRow {
  event_type: string;
  category: Category;
  /** Null for a type that the catalog does not know; such events are kept all the same. */
  entry: CatalogType | null;
  /** Null for a type of which nothing came. */
  counts: TypeCounts | null;
}

export interface Spelled {
  dialect: string;
  name: string;
}

export interface FoundType {
  row: TypeRow;
  /** The spelling to show: in the dialect that was asked for, or the one that the words were found in. */
  spelled: Spelled[];
}

export const TYPE_SORTS = ["events", "type", "minute", "hour", "failures", "last"] as const;
export type TypeSort = (typeof TYPE_SORTS)[number];

export interface TypesQuestion {
  text: string;
  category: string | undefined;
  dialect: string | undefined;
  seen: boolean;
}

export function typeRows(
  entries: readonly CatalogType[],
  counted: readonly TypeCounts[],
): TypeRow[] {
  const counts = new Map(counted.map((one) => [one.event_type, one]));
  const rows: TypeRow[] = entries.map((entry) => ({
    event_type: entry.event_type,
    category: isCategory(entry.category) ? entry.category : "system",
    entry,
    counts: counts.get(entry.event_type) ?? null,
  }));
  const known = new Set(entries.map((entry) => entry.event_type));
  for (const one of counted) {
    if (known.has(one.event_type)) continue;
    const { event_type } = one;
    rows.push({ event_type, category: categoryOf(event_type), entry: null, counts: one });
  }
  return rows;
}

export function spellingsOf(entry: CatalogType | null, dialect?: string): Spelled[] {
  const found: Spelled[] = [];
  for (const [name, spellings] of Object.entries(entry?.spellings ?? {})) {
    if (dialect !== undefined && name !== dialect) continue;
    for (const spelling of spellings) found.push({ dialect: name, name: spelling.name });
  }
  return found;
}

/** Every dialect that spells a type or that an event came by. */
export function dialectsOf(rows: readonly TypeRow[]): Set<string> {
  const found = new Set<string>();
  for (const { entry, counts } of rows) {
    for (const name of Object.keys(entry?.spellings ?? {})) found.add(name);
    for (const name of Object.keys(counts?.dialects ?? {})) found.add(name);
  }
  return found;
}

export function findTypes(rows: readonly TypeRow[], question: TypesQuestion): FoundType[] {
  const needle = question.text.trim().toLowerCase();
  const has = (text: string) => text.toLowerCase().includes(needle);
  const found: FoundType[] = [];
  for (const row of rows) {
    if (question.category && row.category !== question.category) continue;
    if (question.seen && !isSeen(row)) continue;
    const { dialect } = question;
    const spelled = spellingsOf(row.entry, dialect);
    if (dialect && spelled.length === 0 && !row.counts?.dialects[dialect]) continue;
    const bySpelling = needle === "" ? [] : spelled.filter((one) => has(one.name));
    const itself = has(row.event_type) || has(row.entry?.meaning ?? "");
    if (!itself && bySpelling.length === 0) continue;
    found.push({ row, spelled: shownSpellings(itself, bySpelling, dialect ? spelled : []) });
  }
  return found;
}

/** Those that the words were found in; of a type that is called so itself, none but those of the chosen dialect. */
function shownSpellings(itself: boolean, bySpelling: Spelled[], chosen: Spelled[]): Spelled[] {
  if (chosen.length > 0) return bySpelling.length > 0 ? bySpelling : chosen;
  return itself ? [] : bySpelling;
}

export function isSeen(row: TypeRow): boolean {
  return (row.counts?.events ?? 0) > 0;
}

function figure({ counts }: TypeRow, sort: TypeSort): number {
  switch (sort) {
    case "events":
      return counts?.events ?? 0;
    case "minute":
      return counts?.events_last_minute ?? 0;
    case "hour":
      return counts?.events_last_hour ?? 0;
    case "failures":
      return counts?.schema_failures ?? 0;
    case "last":
      return counts?.last_position ?? 0;
    case "type":
      return 0;
  }
}

/** The most first; what is equal stands by how much came of it, then by its name. */
export function sortTypes(found: readonly FoundType[], sort: TypeSort): FoundType[] {
  return [...found].sort(
    (a, b) =>
      figure(b.row, sort) - figure(a.row, sort) ||
      (sort === "type" ? 0 : figure(b.row, "events") - figure(a.row, "events")) ||
      a.row.event_type.localeCompare(b.row.event_type),
  );
}

export interface TypesSum {
  known: number;
  seen: number;
  foreign: number;
  failures: number;
}

export function sumTypes(rows: readonly TypeRow[]): TypesSum {
  const sum = { known: 0, seen: 0, foreign: 0, failures: 0 };
  for (const row of rows) {
    if (row.entry) sum.known++;
    else sum.foreign++;
    if (isSeen(row)) sum.seen++;
    sum.failures += row.counts?.schema_failures ?? 0;
  }
  return sum;
}
