// Owns the icons: one stroke weight, drawn on a 20 × 20 grid, always beside words or a name.
import type { ReactNode } from "react";

const PATHS = {
  now: <path d="M10 3.5v6.5l4 2.5M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14Z" />,
  live: <path d="M2.5 10h3l2-5.5 4 11 2.2-5.5h3.8" />,
  runs: <path d="M3 5h7M6 10h9M9 15h8" />,
  agents: (
    <path d="M5 8.5A2.5 2.5 0 0 1 7.5 6h5A2.5 2.5 0 0 1 15 8.5v4a2.5 2.5 0 0 1-2.5 2.5h-5A2.5 2.5 0 0 1 5 12.5ZM10 6V3.5M8 10v1m4-1v1M3 10v2m14-2v2" />
  ),
  usage: <path d="M4 16V9m4 7V4m4 12v-5m4 5V7" />,
  types: <path d="m10 3 6.5 3.5L10 10 3.5 6.5ZM3.5 10 10 13.5 16.5 10M3.5 13.5 10 17l6.5-3.5" />,
  health: (
    <path d="M10 16.5S3.5 12.8 3.5 8.2A3.6 3.6 0 0 1 10 6a3.6 3.6 0 0 1 6.5 2.2c0 4.6-6.5 8.3-6.5 8.3Z" />
  ),
  trust: <path d="M10 3 16 5.2v4.3c0 4-2.6 6.4-6 7.5-3.4-1.1-6-3.5-6-7.5V5.2ZM7.3 10l2 2 3.6-4" />,
  redacted: <path d="M3.5 7.5h13v5h-13Z" fill="currentColor" />,
  download: <path d="M10 3.5v9M6 9l4 4 4-4M4 16.5h12" />,
  more: <path d="M5 10h.01M10 10h.01M15 10h.01" strokeWidth={2.6} />,
  search: <path d="m13.5 13.5 3.5 3.5M9 15A6 6 0 1 0 9 3a6 6 0 0 0 0 12Z" />,
  close: <path d="m5 5 10 10M15 5 5 15" />,
  copy: <path d="M7.5 7.5h8v8h-8ZM12.5 7.5v-3h-8v8h3" />,
  check: <path d="m4.5 10.5 3.5 3.5 7.5-8" />,
  cross: <path d="m6 6 8 8M14 6l-8 8" />,
  pause: <path d="M7 5v10m6-10v10" strokeWidth={2} />,
  stop: <path d="M5.5 5.5h9v9h-9Z" />,
  play: <path d="M7 4.5v11l8.5-5.5Z" />,
  up: <path d="M10 16V4.5M5 9l5-5 5 5" />,
  down: <path d="M10 4v11.5M5 11l5 5 5-5" />,
  sun: (
    <path d="M10 13a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM10 2.5v1.5m0 12v1.5M2.5 10H4m12 0h1.5M4.7 4.7l1 1m8.6 8.6 1 1m0-10.6-1 1m-8.6 8.6-1 1" />
  ),
  moon: <path d="M16 11.5A6.5 6.5 0 0 1 8.5 4 6.5 6.5 0 1 0 16 11.5Z" />,
  system: <path d="M3 4.5h14v9H3ZM7 16.5h6" />,
  help: <path d="M7.5 7.5a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8M10 14.5v.01" />,
  chevron: <path d="m7.5 5 5 5-5 5" />,
  back: <path d="m12 5-5 5 5 5" />,
  link: (
    <path d="M8.5 11.5a3 3 0 0 0 4.3 0l2.6-2.6a3 3 0 1 0-4.3-4.3l-1 1m1.4 2.9a3 3 0 0 0-4.3 0L4.6 11.1a3 3 0 1 0 4.3 4.3l1-1" />
  ),
  alert: <path d="M10 3.5 17.5 16h-15ZM10 8.5v3.5m0 2v.01" />,
  inbox: <path d="M3 11.5 5.5 4.5h9l2.5 7v4H3ZM3 11.5h4l1 2h4l1-2h4" />,
  external: <path d="M8 5H4.5v10.5H15V12M11 4.5h4.5V9M15.5 4.5 9 11" />,
  ring: <path d="M10 3.5a6.5 6.5 0 1 1-6.5 6.5" strokeWidth={2} />,
  circle: <path d="M10 15.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11Z" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof PATHS;

export function Icon({
  name,
  size = 18,
  className,
}: {
  name: IconName;
  size?: number;
  className?: string;
}) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.6}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      className={className}
    >
      {PATHS[name]}
    </svg>
  );
}

/** The mark of Annals: the lanes of a recorder. */
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect x="4" y="7" width="13" height="4.5" rx="2.25" fill="var(--cat-workflow)" />
      <rect x="10" y="13.75" width="18" height="4.5" rx="2.25" fill="var(--text)" />
      <rect x="6" y="20.5" width="9" height="4.5" rx="2.25" fill="var(--cat-tool)" />
      <circle cx="25" cy="22.75" r="2.75" fill="var(--text)" />
    </svg>
  );
}
