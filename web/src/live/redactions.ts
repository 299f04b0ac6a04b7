// Owns what this tab knows of redactions before any page is read again: words that are gone from the log
// go from the screen at once, wherever they are held.
import { useSyncExternalStore } from "react";
import type { AnnalsEvent, Json, RedactionMark } from "../api/types";
import type { TailFrame } from "./follow";

interface Noted {
  mark: RedactionMark;
  data: Json;
}

const noted = new Map<string, Noted>();
const reread = new WeakMap<AnnalsEvent, AnnalsEvent>();
const listeners = new Set<() => void>();
let version = 0;

export function noteRedaction(eventId: string, mark: RedactionMark, data: Json): void {
  noted.set(eventId, { mark, data });
  version++;
  for (const listener of listeners) listener();
}

/** Whether an event takes another one's words away; a report of such a thing, which anybody may send, does not. */
export function isRedaction(event: AnnalsEvent): boolean {
  return event.event_type === "event.redacted" && event.authority === "control";
}

interface Said {
  event_id?: string;
  position?: number;
  reason?: string;
  redacted_by?: string;
  replacement?: Json;
}

/** The position of the event whose words an event takes away. */
export function redactedPosition(event: AnnalsEvent): number | null {
  return isRedaction(event) ? ((event.data as Said | null)?.position ?? null) : null;
}

/** The log tells of a redaction by an event of its own. */
export function noteRedactions(frames: readonly TailFrame[]): void {
  for (const frame of frames) {
    if (frame.event_type !== "event.redacted") continue;
    const event = JSON.parse(frame.data) as AnnalsEvent;
    const said = event.data as Said | null;
    if (!isRedaction(event) || !said?.event_id) continue;
    const mark: RedactionMark = {
      redacted_at: event.recorded_at,
      reason: said.reason ?? null,
      redacted_by: said.redacted_by ?? event.actor_principal_id,
      redaction_event_id: event.event_id,
      replaced: said.replacement !== undefined,
    };
    noteRedaction(said.event_id, mark, said.replacement ?? null);
  }
}

/** The event as it reads now. */
export function asItReads(event: AnnalsEvent): AnnalsEvent {
  const known = event.redaction ? undefined : noted.get(event.event_id);
  if (!known) return event;
  const { display, extensions, model_context, origin, policy_context, ...header } = event;
  const bare = reread.get(event) ?? { ...header, data: known.data, redaction: known.mark };
  // The same object each time, so that whoever compares draws once.
  reread.set(event, bare);
  return bare;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Draws anew whenever something was redacted. */
export function useRedactions(): number {
  return useSyncExternalStore(subscribe, () => version);
}
