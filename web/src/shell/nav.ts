// Owns the list of pages: only those that have something behind them.
import type { IconName } from "../ui/icons";

export interface NavItem {
  to: "/" | "/live" | "/runs" | "/agents" | "/usage" | "/types" | "/trust" | "/health";
  label: string;
  icon: IconName;
  key: string;
  /** On a phone's bar; the others are behind "More". */
  first: boolean;
}

export const NAV: readonly NavItem[] = [
  { to: "/", label: "Now", icon: "now", key: "n", first: true },
  { to: "/live", label: "Live", icon: "live", key: "l", first: true },
  { to: "/runs", label: "Runs", icon: "runs", key: "r", first: true },
  { to: "/agents", label: "Agents", icon: "agents", key: "a", first: true },
  { to: "/usage", label: "Usage", icon: "usage", key: "u", first: false },
  { to: "/types", label: "Types", icon: "types", key: "t", first: false },
  { to: "/trust", label: "Trust", icon: "trust", key: "v", first: false },
  { to: "/health", label: "Health", icon: "health", key: "h", first: false },
];
