// Owns the swimlanes: one lane per agent, its model calls on the first line, its tool calls packed below so that parallel work shows.
import type { RunAgent } from "../api/types";
import type { TimedSpan } from "./spanStore";

export interface Lane {
  agent_id: string;
  name: string;
  depth: number;
  /** Lines of bars that do not overlap, each ordered by time; line 0 holds the model calls. */
  lines: TimedSpan[][];
  /** Instants, ordered by time. */
  messages: TimedSpan[];
  errors: number;
}

const LINES_MAX = 8;

/** Depth below the main agent, bounded so that a cycle of claims cannot hang the page. */
export function agentDepths(agents: readonly RunAgent[]): Map<string, number> {
  const parents = new Map(agents.map((agent) => [agent.agent_id, agent.parent_agent_id]));
  const depths = new Map<string, number>();
  for (const agent of agents) {
    let depth = 0;
    let parent = agent.parent_agent_id;
    while (parent && depth < 16) {
      depth++;
      parent = parents.get(parent) ?? null;
    }
    depths.set(agent.agent_id, depth);
  }
  return depths;
}

export interface LanesInput {
  spans: readonly TimedSpan[];
  agents: readonly RunAgent[];
  /** Where an open call ends for now: the moving edge, or the end of the run. */
  open_end_ms: number;
}

export function lanesOf({ spans, agents, open_end_ms }: LanesInput): Lane[] {
  const depths = agentDepths(agents);
  const names = new Map(agents.map((agent) => [agent.agent_id, agent.name]));
  const lanes = new Map<string, Lane>();
  const ends = new Map<string, number[]>();
  const byTime = [...spans].sort((a, b) => a.start_ms - b.start_ms);
  for (const span of byTime) {
    if (span.kind === "run") continue;
    let lane = lanes.get(span.agent_id);
    if (!lane) {
      const depth = depths.get(span.agent_id) ?? 0;
      const name = names.get(span.agent_id) ?? span.agent_id;
      lane = { agent_id: span.agent_id, name, depth, lines: [[]], messages: [], errors: 0 };
      lanes.set(span.agent_id, lane);
      ends.set(span.agent_id, []);
    }
    if (span.status === "error" && span.kind !== "agent") lane.errors++;
    if (span.kind === "message") lane.messages.push(span);
    else if (span.kind === "model") lane.lines[0]?.push(span);
    else if (span.kind === "tool") pack(lane, ends.get(span.agent_id) ?? [], span, open_end_ms);
  }
  return inFamilyOrder([...lanes.values()], agents);
}

function pack(lane: Lane, ends: number[], span: TimedSpan, open_end_ms: number): void {
  const end = span.end_ms ?? open_end_ms;
  let line = ends.findIndex((busyUntil) => busyUntil <= span.start_ms);
  if (line < 0) line = Math.min(ends.length, LINES_MAX - 1);
  ends[line] = Math.max(ends[line] ?? 0, end);
  const spans = lane.lines[line + 1];
  if (spans) spans.push(span);
  else lane.lines[line + 1] = [span];
}

/** Sub-agents directly below the agent that started them, in the order in which they began; the user first. */
function inFamilyOrder(lanes: Lane[], agents: readonly RunAgent[]): Lane[] {
  const parents = new Map(agents.map((agent) => [agent.agent_id, agent.parent_agent_id]));
  const present = new Set(lanes.map((lane) => lane.agent_id));
  const below = (parent: string | null) =>
    lanes.filter((lane) => {
      const claimed = parents.get(lane.agent_id) ?? null;
      return (
        (claimed && present.has(claimed) && claimed !== lane.agent_id ? claimed : null) === parent
      );
    });
  const ordered: Lane[] = [];
  const seen = new Set<string>();
  const visit = (parent: string | null) => {
    for (const lane of below(parent)) {
      if (seen.has(lane.agent_id)) continue;
      seen.add(lane.agent_id);
      ordered.push(lane);
      visit(lane.agent_id);
    }
  };
  visit(null);
  const known = new Set(agents.map((agent) => agent.agent_id));
  ordered.sort((a, b) => Number(known.has(a.agent_id)) - Number(known.has(b.agent_id)));
  return [...ordered, ...lanes.filter((lane) => !seen.has(lane.agent_id))];
}

/** First bar of a line that may reach into the view; lines do not overlap, so ends ascend with starts. */
export function firstVisible(
  line: readonly TimedSpan[],
  from_ms: number,
  open_end_ms: number,
): number {
  let low = 0;
  let high = line.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    const span = line[mid];
    if (span && (span.end_ms ?? open_end_ms) < from_ms) low = mid + 1;
    else high = mid;
  }
  return low;
}

const SUBAGENT_LANES_MAX = 24;

/** Many sub-agents share lanes: those that worked one after the other stand in one, so that what is parallel still shows. */
export function foldLanes(lanes: readonly Lane[], open_end_ms: number): Lane[] {
  const subs = lanes.filter((lane) => lane.depth > 0);
  if (subs.length <= SUBAGENT_LANES_MAX) return [...lanes];
  const reach = subs.map((lane) => ({ lane, ...laneReach(lane, open_end_ms) }));
  reach.sort((a, b) => a.from - b.from);
  const slots: { lane: Lane; until: number; agents: number }[] = [];
  for (const one of reach) {
    let slot = slots.find((busy) => busy.until <= one.from);
    if (!slot) {
      slot = { lane: emptyLane(`slot ${slots.length + 1}`), until: 0, agents: 0 };
      slots.push(slot);
    }
    join(slot.lane, one.lane);
    slot.until = one.to;
    slot.agents++;
  }
  for (const slot of slots) slot.lane.name = `${slot.agents.toLocaleString("en")} sub-agents`;
  return [...lanes.filter((lane) => lane.depth === 0), ...slots.map((slot) => slot.lane)];
}

function laneReach(lane: Lane, open_end_ms: number): { from: number; to: number } {
  let from = Number.POSITIVE_INFINITY;
  let to = 0;
  for (const line of [...lane.lines, lane.messages]) {
    const first = line[0];
    const last = line[line.length - 1];
    if (first) from = Math.min(from, first.start_ms);
    if (last) to = Math.max(to, last.end_ms ?? open_end_ms);
  }
  return { from, to };
}

function emptyLane(agent_id: string): Lane {
  return { agent_id, name: agent_id, depth: 1, lines: [[]], messages: [], errors: 0 };
}

function join(into: Lane, lane: Lane): void {
  lane.lines.forEach((line, at) => {
    const spans = into.lines[at];
    if (spans) spans.push(...line);
    else into.lines[at] = [...line];
  });
  into.messages.push(...lane.messages);
  into.errors += lane.errors;
}
