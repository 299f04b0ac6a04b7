// Owns how a choice of what an evidence file withholds is asked of the API.

/** What may be withheld at once: families of event types, by what people call them. */
export const FAMILIES = [
  { pattern: "message.*", name: "What was said" },
  { pattern: "tool.*", name: "Tool calls and their results" },
  { pattern: "model.*", name: "Model calls" },
  { pattern: "agent.*", name: "Agents" },
  { pattern: "event.redacted", name: "Redactions and their reasons" },
] as const;

export interface EvidenceChoice {
  types: string[];
  event_ids: string[];
}

/** The ids in what a person typed or pasted. */
export function namedIds(text: string): string[] {
  return [...new Set(text.split(/[\s,;]+/).filter((id) => id !== ""))];
}

/** Null shows everything. */
export function evidencePath(runId: string, choice: EvidenceChoice | null): string {
  const query = new URLSearchParams([
    ...(choice?.types ?? []).map((type) => ["hash_only_type", type]),
    ...(choice?.event_ids ?? []).map((id) => ["hash_only", id]),
  ]).toString();
  return `/v1/runs/${encodeURIComponent(runId)}/evidence${query && `?${query}`}`;
}
