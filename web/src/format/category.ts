// Owns the seven event categories: letter, hue, and which type belongs where.
import type { CatalogType, Category } from "../api/types";

export const CATEGORIES: readonly Category[] = [
  "workflow",
  "agent",
  "tool",
  "memory",
  "communication",
  "recovery",
  "system",
];

export const CATEGORY_LETTER: Record<Category, string> = {
  workflow: "W",
  agent: "A",
  tool: "T",
  memory: "M",
  communication: "C",
  recovery: "R",
  system: "S",
};

/** Only for types that no catalog entry names. */
const BY_NOUN: Record<string, Category> = {
  run: "workflow",
  step: "workflow",
  mission: "workflow",
  plan: "workflow",
  agent: "agent",
  model: "agent",
  tool: "tool",
  memory: "memory",
  artifact: "memory",
  message: "communication",
  room: "communication",
  thread: "communication",
  incident: "recovery",
  recovery: "recovery",
};

export function isCategory(text: string): text is Category {
  return (CATEGORIES as readonly string[]).includes(text);
}

let known = new Map<string, Category>();

export function learnCategories(types: readonly CatalogType[]): void {
  known = new Map(
    types.flatMap((type) => (isCategory(type.category) ? [[type.event_type, type.category]] : [])),
  );
}

export function categoryOf(eventType: string): Category {
  const noun = eventType.slice(0, Math.max(0, eventType.indexOf("."))) || eventType;
  return known.get(eventType) ?? BY_NOUN[noun] ?? "system";
}
