// Owns the command palette: pages, runs, agents, types and a few actions behind one field.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { getJson } from "../api/client";
import { catalogQuery } from "../api/queries";
import { endSession } from "../api/session";
import type { AgentsPage, RunsPage } from "../api/types";
import { many } from "../format/number";
import { middle, runName } from "../format/text";
import { StatusMark, TypeGlyph } from "../ui/Bits";
import { useDebounced } from "../ui/hooks";
import { Icon } from "../ui/icons";
import { chooseTheme } from "../ui/theme";
import { NAV } from "./nav";

interface Found {
  id: string;
  group: string;
  label: string;
  hint?: string;
  mark: React.ReactNode;
  act: () => void;
}

function useFound(text: string, close: () => void): Found[] {
  const navigate = useNavigate();
  const q = useDebounced(text.trim(), 120);
  const runs = useQuery({
    queryKey: ["views", "palette-runs", q],
    queryFn: ({ signal }) => getJson<RunsPage>("/v1/runs", { q, limit: 8 }, signal),
    placeholderData: keepPreviousData,
  });
  const agents = useQuery({
    queryKey: ["views", "palette-agents", q],
    queryFn: ({ signal }) => getJson<AgentsPage>("/v1/agents", { q, limit: 5 }, signal),
    enabled: q !== "",
  });
  const catalog = useQuery(catalogQuery());

  return useMemo(() => {
    const needle = text.trim().toLowerCase();
    const go = (act: () => void) => () => {
      close();
      act();
    };
    const hit = (label: string) => label.toLowerCase().includes(needle);
    const pages: Found[] = NAV.filter((item) => hit(item.label)).map((item) => ({
      id: `page:${item.to}`,
      group: "Pages",
      label: item.label,
      hint: `g ${item.key}`,
      mark: <Icon name={item.icon} size={16} />,
      act: go(() => void navigate({ to: item.to })),
    }));
    // Until the server has answered for this text, what it said before is sifted here: Enter must never open what was not asked for.
    const asked = needle === q.toLowerCase() && !runs.isPlaceholderData ? () => true : hit;
    const foundRuns: Found[] = (runs.data?.runs ?? [])
      .filter((run) => asked(`${runName(run)} ${run.run_id} ${run.agent_name ?? ""}`))
      .map((run) => ({
        id: `run:${run.run_id}`,
        group: needle ? "Runs" : "Recent runs",
        label: runName(run),
        hint: run.agent_name ?? middle(run.run_id, 14),
        mark: <StatusMark status={run.status} endedAt={run.ended_at} words={false} />,
        act: go(
          () => void navigate({ to: "/runs/$runId", params: { runId: run.run_id }, search: {} }),
        ),
      }));
    const foundAgents: Found[] = (needle ? (agents.data?.agents ?? []) : []).map((agent) => ({
      id: `agent:${agent.agent_id}`,
      group: "Agents",
      label: agent.agent_id,
      hint: many(agent.runs, "run"),
      mark: <Icon name="agents" size={16} />,
      act: go(() => void navigate({ to: "/live", search: { agent: agent.agent_id } })),
    }));
    const types: Found[] = (needle ? (catalog.data?.types ?? []) : [])
      .filter((type) => hit(type.event_type))
      .slice(0, 6)
      .map((type) => ({
        id: `type:${type.event_type}`,
        group: "Types",
        label: type.event_type,
        hint: "show live",
        mark: <TypeGlyph eventType={type.event_type} />,
        act: go(() => void navigate({ to: "/live", search: { type: [type.event_type] } })),
      }));
    const actions: Found[] = [
      { label: "Theme: light", icon: "sun", act: () => chooseTheme("light") } as const,
      { label: "Theme: dark", icon: "moon", act: () => chooseTheme("dark") } as const,
      { label: "Theme: as the system", icon: "system", act: () => chooseTheme("system") } as const,
      { label: "Sign out of this tab", icon: "cross", act: () => endSession(null) } as const,
    ]
      .filter((action) => hit(action.label))
      .map((action) => ({
        id: `do:${action.label}`,
        group: "Actions",
        label: action.label,
        mark: <Icon name={action.icon} size={16} />,
        act: go(action.act),
      }));
    return [...pages, ...foundRuns, ...foundAgents, ...types, ...actions];
  }, [text, q, runs.data, runs.isPlaceholderData, agents.data, catalog.data, navigate, close]);
}

export function Palette({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const found = useFound(text, close);
  const index = Math.min(at, Math.max(0, found.length - 1));
  useEffect(() => dialog.current?.showModal(), []);
  useEffect(() => {
    const chosen = dialog.current?.querySelector("[aria-selected=true]");
    chosen?.scrollIntoView({ block: index === 0 ? "center" : "nearest" });
  }, [index]);

  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setAt((index + step + found.length) % Math.max(1, found.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      found[index]?.act();
    }
  };

  return (
    <dialog
      ref={dialog}
      className="dialog palette"
      aria-label="Find"
      onClose={close}
      onClick={(event) => event.target === dialog.current && close()}
      onKeyDown={onKeyDown}
    >
      <div className="palette-field">
        <Icon name="search" size={16} />
        <input
          autoFocus
          role="combobox"
          aria-expanded="true"
          aria-controls="palette-found"
          aria-activedescendant={found[index] ? `palette-${index}` : undefined}
          aria-label="Find pages, runs, agents and types"
          placeholder="Find pages, runs, agents, types …"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setAt(0);
          }}
        />
        <kbd>Esc</kbd>
      </div>
      <div id="palette-found" role="listbox" aria-label="Found" className="palette-found">
        {found.length === 0 && <p className="palette-none muted">Nothing is called that.</p>}
        {found.map((item, place) => (
          <div key={item.id}>
            {item.group !== found[place - 1]?.group && (
              <div className="palette-group" aria-hidden="true">
                {item.group}
              </div>
            )}
            {/* biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keyboard, as a combobox does. */}
            <div
              id={`palette-${place}`}
              role="option"
              tabIndex={-1}
              aria-selected={place === index}
              className="palette-item"
              onMouseMove={() => setAt(place)}
              onClick={item.act}
            >
              <span className="palette-mark">{item.mark}</span>
              <span className="one-line grow">{item.label}</span>
              {item.hint && <span className="faint small">{item.hint}</span>}
            </div>
          </div>
        ))}
      </div>
    </dialog>
  );
}
