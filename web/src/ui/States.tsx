// Owns the designed states of every list besides its rows: loading, empty, error.
import type { ReactNode } from "react";
import { ApiError, UnreachableError } from "../api/client";
import { Command } from "./Bits";
import { Icon, type IconName } from "./icons";

export function Empty({
  icon = "inbox",
  title,
  children,
  command,
}: {
  icon?: IconName;
  title: string;
  children?: ReactNode;
  command?: string;
}) {
  return (
    <div className="state" data-kind="empty">
      <span className="state-icon">
        <Icon name={icon} />
      </span>
      <h2>{title}</h2>
      {children && <div>{children}</div>}
      {command && <Command text={command} />}
    </div>
  );
}

function advice(error: Error): string {
  if (error instanceof UnreachableError) return "Start it again; this page picks up by itself.";
  if (error instanceof ApiError && error.status === 403) {
    return "This session lacks the right to. Open the dashboard with another token.";
  }
  if (error instanceof ApiError && error.retryable) return "This usually passes; try again.";
  if (error instanceof ApiError && error.status === 404) return "Check the link, or search for it.";
  return "Try again; if it stays, look at the server's log.";
}

export function Failed({
  what,
  error,
  retry,
}: {
  what: string;
  error: Error;
  retry?: (() => void) | undefined;
}) {
  return (
    <div className="state" data-kind="error" role="alert">
      <span className="state-icon">
        <Icon name="alert" />
      </span>
      <h2>{what}</h2>
      <p>{error.message}</p>
      <p className="small">
        {advice(error)}
        {error instanceof ApiError && <code> {error.reasonCode}</code>}
      </p>
      {retry && (
        <button type="button" className="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

const WIDTHS = [62, 48, 71, 55, 40, 66, 52, 58];

/** Rows of the real height, with bones where the words will be. */
export function SkeletonRows({
  rows = 14,
  height,
  columns,
}: {
  rows?: number;
  height: number;
  columns: string;
}) {
  const cells = columns.split(" ").length;
  return (
    <div aria-busy="true" role="status" className="skeleton">
      <span className="hidden-visually">Loading</span>
      {Array.from({ length: rows }, (_, row) => (
        <div
          // biome-ignore lint/suspicious/noArrayIndexKey: skeleton rows have no identity.
          key={row}
          className="skeleton-row"
          style={{ height, gridTemplateColumns: columns, opacity: 1 - row / (rows + 2) }}
        >
          {Array.from({ length: cells }, (_, cell) => (
            <div
              // biome-ignore lint/suspicious/noArrayIndexKey: skeleton cells have no identity.
              key={cell}
              className="bone"
              style={{ width: `${WIDTHS[(row + cell * 3) % WIDTHS.length]}%` }}
            />
          ))}
        </div>
      ))}
    </div>
  );
}
