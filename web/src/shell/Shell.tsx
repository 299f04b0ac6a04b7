// Owns the frame around every page: rail, keys that work everywhere, palette, help, and the state of the live line.
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate } from "@tanstack/react-router";
import { useEffect, useState, useSyncExternalStore } from "react";
import { catalogQuery, runsByStatusQuery } from "../api/queries";
import { learnCategories } from "../format/category";
import { perSecond } from "../format/number";
import { useKeys } from "../keys/useKeys";
import { currentConnection, onConnectionChange, rate } from "../live/connection";
import { useNow } from "../ui/hooks";
import { Icon, Mark } from "../ui/icons";
import { Empty } from "../ui/States";
import { chooseTheme, nextTheme, useTheme } from "../ui/theme";
import { KeysHelp } from "./KeysHelp";
import { NAV } from "./nav";
import { Palette } from "./Palette";

export function Shell() {
  const navigate = useNavigate();
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  const catalog = useQuery(catalogQuery());
  useEffect(() => {
    if (catalog.data) learnCategories(catalog.data.types);
  }, [catalog.data]);

  useKeys(
    {
      ...Object.fromEntries(
        NAV.map((item) => [`g ${item.key}`, () => void navigate({ to: item.to })]),
      ),
      "mod+k": () => setPalette(true),
      "?": () => setHelp(true),
      "/": () => document.querySelector<HTMLInputElement>("[data-filter-input]")?.focus(),
      Escape: () => {
        if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
      },
    },
    "ground",
  );

  return (
    <div className="shell">
      <a className="skip" href="#subject">
        Skip to the subject
      </a>
      <header className="rail">
        <Link to="/" className="rail-mark" aria-label="Annals: now">
          <Mark />
        </Link>
        <nav aria-label="Pages">
          {NAV.map((item) => (
            <RailLink key={item.to} item={item} />
          ))}
        </nav>
        <button type="button" className="rail-item phone-only" onClick={() => setPalette(true)}>
          <Icon name="more" size={20} />
          More
        </button>
        <div className="rail-foot">
          <LineState />
          <ThemeButton />
          <button
            type="button"
            className="rail-item"
            title="Keys (?)"
            aria-label="Keyboard help"
            onClick={() => setHelp(true)}
          >
            <Icon name="help" size={20} />
          </button>
        </div>
      </header>
      <main className="page" id="subject" tabIndex={-1}>
        <Outlet />
      </main>
      {palette && <Palette close={() => setPalette(false)} />}
      {help && <KeysHelp close={() => setHelp(false)} />}
    </div>
  );
}

function RailLink({ item }: { item: (typeof NAV)[number] }) {
  return (
    <Link
      to={item.to}
      className={item.first ? "rail-item" : "rail-item phone-hide"}
      activeOptions={{ exact: item.to === "/", includeSearch: false }}
      title={`${item.label} (g ${item.key})`}
    >
      <Icon name={item.icon} size={20} />
      {item.label}
      {item.to === "/" && <RunningBadge />}
    </Link>
  );
}

function RunningBadge() {
  const running = useQuery(runsByStatusQuery("running", 50));
  const count = running.data?.runs.length ?? 0;
  if (count === 0) return null;
  const text = running.data?.next ? "50+" : String(count);
  return (
    <span className="rail-badge">
      {text}
      <span className="hidden-visually"> running</span>
    </span>
  );
}

const PHASE_SAID = {
  live: "Live: every event arrives here as it is committed",
  connecting: "Connecting to the tail",
  waiting: "Reconnecting",
  ended: "The tail ended",
  asleep: "Asleep while hidden",
} as const;

function LineState() {
  const line = useSyncExternalStore(onConnectionChange, currentConnection);
  const now = useNow();
  const said = PHASE_SAID[line.phase] + (line.detail ? `: ${line.detail}` : "");
  return (
    <Link to="/health" className="line-state" title={said}>
      <span className="dot" data-phase={line.phase} />
      <span className="num">
        {line.phase === "live" ? `${perSecond(rate.perSecond(now))}/s` : line.phase}
      </span>
      <span className="hidden-visually">{said}</span>
    </Link>
  );
}

function ThemeButton() {
  const theme = useTheme();
  const icon = theme === "light" ? "sun" : theme === "dark" ? "moon" : "system";
  return (
    <button
      type="button"
      className="rail-item"
      title={`Theme: ${theme}`}
      aria-label={`Theme: ${theme}. Change`}
      onClick={() => chooseTheme(nextTheme(theme))}
    >
      <Icon name={icon} size={20} />
    </button>
  );
}

export function NotFound() {
  return (
    <Empty icon="search" title="There is nothing at this address">
      <Link to="/" className="button">
        Go to Now
      </Link>
    </Empty>
  );
}
