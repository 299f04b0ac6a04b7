// Owns the table of agents over all runs.
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { agentsQuery } from "../api/queries";
import type { Agent } from "../api/types";
import { count } from "../format/number";
import { useCursor } from "../keys/useCursor";
import { useLiveViews } from "../live/useTail";
import { Ago, CostMark, TokensSaid } from "../ui/Bits";
import { annalsCommand } from "../ui/command";
import { useDebounced, usePageTitle, usePhone } from "../ui/hooks";
import { Icon } from "../ui/icons";
import { stableOrder } from "../ui/order";
import { Empty, Failed, SkeletonRows } from "../ui/States";
import { type ListHandle, VirtualList } from "../ui/VirtualList";

const route = getRouteApi("/agents");

export function AgentsPage() {
  usePageTitle("Agents");
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [text, setText] = useState(search.q ?? "");
  const q = useDebounced(text.trim(), 200);
  useEffect(() => {
    void navigate({ search: { q: q || undefined }, replace: true });
  }, [q, navigate]);
  const found = useInfiniteQuery(agentsQuery(search.q ?? ""));
  useLiveViews([["views", "agents"]]);
  const before = useRef<string[]>([]);
  const agents = stableOrder(
    before.current,
    found.data?.pages.flatMap((page) => page.agents) ?? [],
    (agent) => agent.agent_id,
  );
  useEffect(() => {
    before.current = agents.map((agent) => agent.agent_id);
  });

  return (
    <>
      <div className="page-title">
        <h1>Agents</h1>
        {found.data && (
          <span className="muted num">
            {count(agents.length)}
            {found.hasNextPage ? "+" : ""}
          </span>
        )}
      </div>
      <div className="page-filters">
        <span className="field wide">
          <Icon name="search" size={15} />
          <input
            data-filter-input
            type="search"
            aria-label="Search agents"
            placeholder="Agent id"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </span>
      </div>
      <div className="page-body">
        <div className="page-main">
          {found.isPending ? (
            <SkeletonRows height={38} columns="2fr 64px 80px 80px 110px 190px 108px 90px" />
          ) : found.error && !found.data ? (
            <Failed
              what="The agents could not be read"
              error={found.error}
              retry={() => void found.refetch()}
            />
          ) : agents.length === 0 ? (
            <NoAgents filtered={Boolean(search.q)} clear={() => setText("")} />
          ) : (
            <AgentsList
              agents={agents}
              more={
                found.hasNextPage && !found.isFetchingNextPage
                  ? () => void found.fetchNextPage()
                  : undefined
              }
            />
          )}
        </div>
      </div>
    </>
  );
}

function AgentsList({ agents, more }: { agents: Agent[]; more: (() => void) | undefined }) {
  const navigate = route.useNavigate();
  const list = useRef<ListHandle>(null);
  const phone = usePhone();
  const cursor = useCursor({
    count: agents.length,
    keyOf: (index) => agents[index]?.agent_id ?? null,
    open: (index) => void navigate({ to: "/runs", search: { agent: agents[index]?.agent_id } }),
    moved: (index) => list.current?.show(index),
  });
  return (
    <VirtualList
      name="Agents"
      count={agents.length}
      rowHeight={phone ? 66 : 38}
      keyOf={(index) => agents[index]?.agent_id ?? String(index)}
      active={cursor.index}
      handle={list}
      onNearEnd={more}
      header={
        <div className="list-head agents-columns" aria-hidden="true">
          <span>Agent</span>
          <span className="end">Runs</span>
          <span className="end wide-only">Events</span>
          <span className="end wide-only">Models</span>
          <span className="end">Tools</span>
          <span className="end">Tokens</span>
          <span className="end wide-only">Cost</span>
          <span className="end wide-only">First seen</span>
          <span className="end">Active</span>
        </div>
      }
      row={(index) => {
        const agent = agents[index];
        return agent ? <AgentLine agent={agent} /> : null;
      }}
    />
  );
}

/** The main agent in words, the sub-agent's own part behind it. */
function AgentName({ id }: { id: string }) {
  const slash = id.indexOf("/");
  return (
    <span className="one-line c-title" title={id}>
      <span className="strong">{slash < 0 ? id : id.slice(0, slash)}</span>
      {slash >= 0 && <span className="faint mono">{id.slice(slash)}</span>}
    </span>
  );
}

function AgentLine({ agent }: { agent: Agent }) {
  return (
    <Link to="/runs" search={{ agent: agent.agent_id }} className="row agents-columns columns">
      <AgentName id={agent.agent_id} />
      <span className="end num phone-hide">{count(agent.runs)}</span>
      <span className="end num small muted wide-only phone-hide">{count(agent.events)}</span>
      <span className="end num small muted wide-only phone-hide">{count(agent.model_calls)}</span>
      <span className="end num small c-tools">
        {count(agent.tool_calls)}
        <span className="phone-only-inline"> tools</span>
        {agent.tool_errors > 0 && <span className="fail"> {count(agent.tool_errors)} failed</span>}
      </span>
      <span className="end small c-tokens">
        <TokensSaid tokens={agent.tokens} calls={agent.model_calls} />
      </span>
      <span className="end wide-only phone-hide">
        <CostMark cost={agent.cost_micros} />
      </span>
      <span className="end small muted wide-only phone-hide">
        <Ago at={agent.first_at} />
      </span>
      <span className="end small muted c-when">
        <Ago at={agent.last_at} />
      </span>
    </Link>
  );
}

function NoAgents({ filtered, clear }: { filtered: boolean; clear: () => void }) {
  if (filtered) {
    return (
      <Empty icon="search" title="No agent is called that">
        <Link to="/agents" search={{}} className="button" onClick={clear}>
          Remove the filter
        </Link>
      </Empty>
    );
  }
  return (
    <Empty icon="agents" title="No agents yet" command={annalsCommand("import ~/.claude/projects")}>
      Whoever acts in an event as an agent appears here, with all its runs.
    </Empty>
  );
}
