// Owns how lengths of time are said: 4 ms, 1.2 s, 3 m 12 s, 2 h 05 m, 3 d 4 h.

export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return "–";
  const span = Math.max(0, ms);
  if (span === 0) return "0 ms";
  if (span < 1) return "< 1 ms";
  if (span < 999.5) return `${Math.round(span)} ms`;
  if (span < 59_950) return `${(span / 1000).toFixed(1)} s`;
  const seconds = Math.round(span / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** With every millisecond, for hovering. */
export function durationExact(ms: number | null | undefined): string {
  return ms === null || ms === undefined
    ? "not known"
    : `${Math.round(ms).toLocaleString("en")} ms`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
