// Owns the proof that redacted words leave the screen as soon as the tail tells of it, and nothing else does.
import { expect, it } from "vitest";
import type { AnnalsEvent } from "../api/types";
import { summarise } from "../format/summary";
import { asItReads, noteRedactions, redactedPosition } from "./redactions";

const event = (event_id: string, data: unknown, more = {}): AnnalsEvent =>
  ({
    event_id,
    event_type: "note.made",
    recorded_at: "2026-11-20T12:00:00Z",
    actor_principal_id: "owner",
    authority: "observed",
    data,
    display: { text: "secret" },
    ...more,
  }) as unknown as AnnalsEvent;

const told = (said: object, more = {}) => {
  const redaction = event("r", said, {
    event_type: "event.redacted",
    authority: "control",
    ...more,
  });
  return [{ position: 9, event_type: "event.redacted", data: JSON.stringify(redaction) }];
};

it("takes the words away and leaves the rest", () => {
  const before = event("a", { title: "secret" });
  expect(asItReads(before)).toBe(before);
  noteRedactions(told({ event_id: "a", reason: "a password", redacted_by: "me" }));
  const after = asItReads(before);
  expect(JSON.stringify(after)).not.toContain("secret");
  expect(after).toMatchObject({
    event_id: "a",
    data: null,
    redaction: { reason: "a password", redacted_by: "me", replaced: false },
  });
  expect(summarise(after)).toBe("redacted: a password");
});

it("shows what was put in its place", () => {
  noteRedactions(told({ event_id: "b", reason: "x", replacement: { title: "[name]" } }));
  const after = asItReads(event("b", { title: "secret" }));
  expect(after).toMatchObject({ data: { title: "[name]" }, redaction: { replaced: true } });
  expect(summarise(after)).toBe("[name]");
});

it("does not believe an event of that name that the log itself did not write", () => {
  noteRedactions(told({ event_id: "c", reason: "x" }, { authority: "observed" }));
  expect(asItReads(event("c", { title: "words" })).redaction).toBeUndefined();
});

it("knows which place a redaction is about, and that a report of one is about none", () => {
  const of = (authority: string) =>
    event("r", { event_id: "a", position: 7 }, { event_type: "event.redacted", authority });
  expect(redactedPosition(of("control"))).toBe(7);
  expect(redactedPosition(of("observed"))).toBeNull();
  expect(redactedPosition(event("a", { position: 7 }))).toBeNull();
});
