// Owns the map of links to pages, and how the state of a page is written in its link.
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from "@tanstack/react-router";
import type { RunStatus, UsageGroup } from "./api/types";
import { NotFound, Shell } from "./shell/Shell";
import { TYPE_SORTS, type TypeSort } from "./types/typeRows";

type RawSearch = Record<string, unknown>;

/** Links read like links: `?type=tool.*&type=run.failed`, no JSON in them. */
export function readSearch(text: string): Record<string, string | string[]> {
  const found: Record<string, string | string[]> = {};
  const query = new URLSearchParams(text);
  for (const key of new Set(query.keys())) {
    const values = query.getAll(key);
    found[key] = values.length > 1 ? values : (values[0] ?? "");
  }
  return found;
}

export function writeSearch(search: RawSearch): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== "") query.append(key, String(one));
    }
  }
  const text = query.toString();
  return text ? `?${text.replaceAll("%2F", "/").replaceAll("%3A", ":")}` : "";
}

const one = (value: unknown): string | undefined => {
  const first = Array.isArray(value) ? value[0] : value;
  return typeof first === "string" && first !== "" ? first : undefined;
};
const many = (value: unknown): string[] | undefined => {
  const all = (Array.isArray(value) ? value : [value]).filter(
    (item): item is string => typeof item === "string" && item !== "",
  );
  return all.length > 0 ? all : undefined;
};
const among = <T extends string>(value: unknown, allowed: readonly T[]): T | undefined =>
  allowed.find((item) => item === one(value));

export const RUN_VIEWS = ["transcript", "waterfall", "lanes", "events"] as const;
export type RunView = (typeof RUN_VIEWS)[number];
export const USAGE_GROUPS = ["model", "agent", "run", "day"] as const satisfies UsageGroup[];
export const SINCE = ["24h", "7d", "30d"] as const;
export type Since = (typeof SINCE)[number];

export interface LiveSearch {
  type?: string[];
  category?: string;
  /** Dialects that events came by. */
  origin?: string[];
  run?: string;
  agent?: string;
  event?: string;
  /** The dialect that the open event is shown in. */
  as?: string;
}
export interface RunsSearch {
  status?: RunStatus;
  q?: string;
  agent?: string;
  since?: Since;
}
export interface RunSearch {
  view?: RunView;
  span?: string;
  event?: string;
  agent?: string;
  errors?: string;
  as?: string;
  /** Whether the drawer is open that says where the figures come from. */
  figures?: string;
}
export interface AgentsSearch {
  q?: string;
}
export interface UsageSearch {
  by?: UsageGroup;
  since?: Since;
}
export const TRUST_SCOPES = ["tree", "run", "stream", "range"] as const;
export type TrustScope = (typeof TRUST_SCOPES)[number];
export interface TrustSearch {
  scope?: TrustScope;
  run?: string;
  /** TYPE/ID */
  stream?: string;
  from?: string;
  to?: string;
  event?: string;
  as?: string;
}
export interface TypesSearch {
  q?: string;
  category?: string;
  dialect?: string;
  /** "1" leaves out what never came. */
  seen?: string;
  sort?: TypeSort;
  type?: string;
}

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });

const now = createRoute({
  getParentRoute: () => root,
  path: "/",
  component: lazyRouteComponent(() => import("./pages/NowPage"), "NowPage"),
});

const live = createRoute({
  getParentRoute: () => root,
  path: "/live",
  validateSearch: (raw: RawSearch): LiveSearch => ({
    type: many(raw.type),
    category: one(raw.category),
    origin: many(raw.origin),
    run: one(raw.run),
    agent: one(raw.agent),
    event: one(raw.event),
    as: one(raw.as),
  }),
  component: lazyRouteComponent(() => import("./pages/LivePage"), "LivePage"),
});

const runs = createRoute({
  getParentRoute: () => root,
  path: "/runs",
  validateSearch: (raw: RawSearch): RunsSearch => ({
    status: among(raw.status, ["running", "completed", "failed", "cancelled", "idle"] as const),
    q: one(raw.q),
    agent: one(raw.agent),
    since: among(raw.since, SINCE),
  }),
  component: lazyRouteComponent(() => import("./pages/RunsPage"), "RunsPage"),
});

const run = createRoute({
  getParentRoute: () => root,
  path: "/runs/$runId",
  validateSearch: (raw: RawSearch): RunSearch => ({
    view: among(raw.view, RUN_VIEWS),
    span: one(raw.span),
    event: one(raw.event),
    agent: one(raw.agent),
    errors: one(raw.errors),
    as: one(raw.as),
    figures: one(raw.figures),
  }),
  component: lazyRouteComponent(() => import("./pages/RunPage"), "RunPage"),
});

const agents = createRoute({
  getParentRoute: () => root,
  path: "/agents",
  validateSearch: (raw: RawSearch): AgentsSearch => ({ q: one(raw.q) }),
  component: lazyRouteComponent(() => import("./pages/AgentsPage"), "AgentsPage"),
});

const usage = createRoute({
  getParentRoute: () => root,
  path: "/usage",
  validateSearch: (raw: RawSearch): UsageSearch => ({
    by: among(raw.by, USAGE_GROUPS),
    since: among(raw.since, SINCE),
  }),
  component: lazyRouteComponent(() => import("./pages/UsagePage"), "UsagePage"),
});

const types = createRoute({
  getParentRoute: () => root,
  path: "/types",
  validateSearch: (raw: RawSearch): TypesSearch => ({
    q: one(raw.q),
    category: one(raw.category),
    dialect: one(raw.dialect),
    seen: one(raw.seen),
    sort: among(raw.sort, TYPE_SORTS),
    type: one(raw.type),
  }),
  component: lazyRouteComponent(() => import("./pages/TypesPage"), "TypesPage"),
});

const trust = createRoute({
  getParentRoute: () => root,
  path: "/trust",
  validateSearch: (raw: RawSearch): TrustSearch => ({
    scope: among(raw.scope, TRUST_SCOPES),
    run: one(raw.run),
    stream: one(raw.stream),
    from: one(raw.from),
    to: one(raw.to),
    event: one(raw.event),
    as: one(raw.as),
  }),
  component: lazyRouteComponent(() => import("./pages/TrustPage"), "TrustPage"),
});

const health = createRoute({
  getParentRoute: () => root,
  path: "/health",
  component: lazyRouteComponent(() => import("./pages/HealthPage"), "HealthPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([now, live, runs, run, agents, usage, types, trust, health]),
  parseSearch: readSearch,
  stringifySearch: writeSearch,
  defaultPreload: "intent",
  scrollRestoration: false,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
