// Owns how points in time are said: relative in lists, to the millisecond in tails, absolute with its zone on hover.
import { duration } from "./duration";

/** "now", "12 s ago", "3 m ago", "2 h ago", "4 d ago", then the date. */
export function ago(text: string, now_ms: number): string {
  const at = Date.parse(text);
  if (Number.isNaN(at)) return "–";
  const seconds = Math.round((now_ms - at) / 1000);
  if (seconds < -5) return `in ${duration(-seconds * 1000)}`;
  if (seconds < 3) return "now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  if (seconds < 7 * 86_400) return `${Math.floor(seconds / 86_400)} d ago`;
  return dateOf(at);
}

/** Local wall clock, HH:MM:SS.mmm. */
export function clock(text: string): string {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return "–";
  return `${clockOf(at)}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

/** Local date, time and zone, then the UTC text as the log has it. */
export function absolute(text: string): string {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return text;
  return `${dateOf(at.getTime())} ${clockOf(at)} ${zone(at)} · ${text}`;
}

export function dateOf(at_ms: number): string {
  const at = new Date(at_ms);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

function clockOf(at: Date): string {
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

function zone(at: Date): string {
  const minutes = -at.getTimezoneOffset();
  if (minutes === 0) return "UTC";
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? "−" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
