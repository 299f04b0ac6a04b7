// Owns what the dialects are called, what each is in a few words, and in which of them an event can go out.
import type { CatalogType } from "../api/types";

/** Of an event that no dialect translated. */
export const NATIVE = "native";

const SAID: Record<string, string> = {
  [NATIVE]: "appended as it is",
  agentos: "AgentOS event envelopes",
  hive: "Hive observability events",
  kernel: "Agent kernel events",
  cloudevents: "CloudEvents 1.0",
  envelope: "agent envelopes",
  hooks: "hooks of coding agents",
  otlp: "OpenTelemetry",
  openinference: "OpenInference spans",
  transcripts: "what coding agents leave on disk",
};

/** Those that the dashboard has heard of, in the order in which it lists them. */
export const DIALECTS: readonly string[] = Object.keys(SAID);

/** Formats in which the server gives events out; CloudEvents can carry any. */
const ANY_EVENT = "cloudevents";
const WRITTEN: readonly string[] = ["agentos", "hive", "kernel", ANY_EVENT, "envelope", "hooks"];

export function dialectSaid(name: string): string {
  return SAID[name] ?? "a dialect";
}

/** Known ones first, in their order; then whatever else the server names. */
export function inOrder(names: Iterable<string>): string[] {
  const place = (name: string) => {
    const at = DIALECTS.indexOf(name);
    return at < 0 ? DIALECTS.length : at;
  };
  return [...new Set(names)].sort((a, b) => place(a) - place(b) || a.localeCompare(b));
}

/** The dialects that may have a form for an event: the one it came by, those that spell its type, and CloudEvents. */
export function writtenIn(entry: CatalogType | undefined, cameBy: string | undefined): string[] {
  const spelled = Object.keys(entry?.spellings ?? {});
  return WRITTEN.filter((name) => name === ANY_EVENT || name === cameBy || spelled.includes(name));
}
