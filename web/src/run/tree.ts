// Owns the rows of the waterfall: spans nested under what caused them, flattened for a virtual list.
import type { SpanKind } from "../api/types";
import { inTime, type TimedSpan } from "./spanStore";

export interface TreeRow {
  span: TimedSpan;
  depth: number;
  child_count: number;
  collapsed: boolean;
}

export interface TreeFilter {
  kinds: ReadonlySet<SpanKind>;
  errors_only: boolean;
  text: string;
  collapsed: ReadonlySet<string>;
}

/** Model calls do not nest their tools: both are steps of the agent, in the order in which they happened. */
function parentOf(span: TimedSpan, family: Family): TimedSpan | undefined {
  const { byId } = family;
  let parent = span.parent_span_id ? byId.get(span.parent_span_id) : undefined;
  // The bound keeps a malformed cycle of parents from hanging the page.
  for (let hops = 0; parent?.kind === "model" && hops < 8; hops++) {
    parent = parent.parent_span_id ? byId.get(parent.parent_span_id) : undefined;
  }
  if (parent && parent !== span) return parent;
  // What names no cause belongs to its agent, and an agent to the run.
  const agent = span.kind === "agent" ? undefined : family.agents.get(span.agent_id);
  const found = agent ?? family.run;
  return found === span || span.kind === "run" ? undefined : found;
}

interface Family {
  byId: ReadonlyMap<string, TimedSpan>;
  agents: ReadonlyMap<string, TimedSpan>;
  run: TimedSpan | undefined;
}

function familyOf(spans: readonly TimedSpan[]): Family {
  const agents = spans.filter((span) => span.kind === "agent");
  return {
    byId: new Map(spans.map((span) => [span.span_id, span])),
    agents: new Map(agents.map((span) => [span.agent_id, span])),
    run: spans.find((span) => span.kind === "run"),
  };
}

export function treeRows(spans: readonly TimedSpan[], filter: TreeFilter): TreeRow[] {
  const wanted = (span: TimedSpan) =>
    filter.kinds.has(span.kind) &&
    (!filter.errors_only || span.status === "error") &&
    (filter.text === "" || `${span.name} ${span.title ?? ""}`.toLowerCase().includes(filter.text));
  const flat = filter.errors_only || filter.text !== "";
  if (flat) {
    return inTime(spans)
      .filter(wanted)
      .map((span) => ({ span, depth: 0, child_count: 0, collapsed: false }));
  }

  const family = familyOf(spans);
  const children = new Map<TimedSpan | null, TimedSpan[]>();
  for (const span of inTime(spans)) {
    if (!wanted(span)) continue;
    let parent = parentOf(span, family);
    for (let hops = 0; parent && !wanted(parent) && hops < 64; hops++)
      parent = parentOf(parent, family);
    const list = children.get(parent ?? null);
    if (list) list.push(span);
    else children.set(parent ?? null, [span]);
  }
  const rows: TreeRow[] = [];
  const seen = new Set<TimedSpan>();
  const stack = (children.get(null) ?? []).map((span) => ({ span, depth: 0 })).reverse();
  for (let next = stack.pop(); next; next = stack.pop()) {
    if (seen.has(next.span)) continue;
    seen.add(next.span);
    const below = children.get(next.span) ?? [];
    const collapsed = filter.collapsed.has(next.span.span_id);
    rows.push({ ...next, child_count: below.length, collapsed });
    if (collapsed) continue;
    for (let at = below.length - 1; at >= 0; at--) {
      const span = below[at];
      if (span) stack.push({ span, depth: next.depth + 1 });
    }
  }
  return rows;
}
