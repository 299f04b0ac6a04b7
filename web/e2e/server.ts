// Owns what the browser tests ask of the server besides the page: seeding, login codes, restarting.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

export const SERVER = process.env.ANNALS_URL ?? "http://127.0.0.1:7171";
const TOKEN = process.env.ANNALS_TOKEN ?? "";

export type Data = Record<string, unknown>;

export interface Draft {
  event_type: string;
  occurred_at?: string;
  run_id?: string;
  actor: { actor_type: "agent" | "user" | "service"; actor_id: string };
  stream: { stream_type: string; stream_id: string };
  data: Data;
}

const BATCH_EVENTS = 5_000;

/** Appends by NDJSON; resolves when all is durable, with the last position. */
export async function append(events: readonly Draft[]): Promise<number> {
  let last = 0;
  for (let from = 0; from < events.length; from += BATCH_EVENTS) {
    const lines = events.slice(from, from + BATCH_EVENTS).map((event) => JSON.stringify(event));
    const answer = await fetch(`${SERVER}/v1/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/x-ndjson" },
      body: `${lines.join("\n")}\n`,
    });
    const said = (await answer.json()) as {
      rejected?: number;
      results?: { position?: number }[];
    };
    if (!answer.ok || said.rejected) {
      throw new Error(`append: ${answer.status} ${JSON.stringify(said).slice(0, 500)}`);
    }
    last = said.results?.at(-1)?.position ?? last;
  }
  return last;
}

/** Sends documents of a foreign format through its door; resolves with the ids of their events. */
export async function throughDoor(dialect: string, documents: readonly Data[]): Promise<string[]> {
  const answer = await fetch(`${SERVER}/v1/doors/${dialect}`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/x-ndjson" },
    body: `${documents.map((document) => JSON.stringify(document)).join("\n")}\n`,
  });
  const said = (await answer.json()) as { rejected?: number; results?: { event_id: string }[] };
  if (!answer.ok || said.rejected) {
    throw new Error(`${dialect}: ${answer.status} ${JSON.stringify(said).slice(0, 500)}`);
  }
  return (said.results ?? []).map((result) => result.event_id);
}

/** Appends what must be refused; resolves with the reason. */
export async function refused(event: Draft): Promise<string> {
  const answer = await fetch(`${SERVER}/v1/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify(event),
  });
  if (answer.ok) throw new Error("it was taken");
  return ((await answer.json()) as { reason_code: string }).reason_code;
}

/** Waits until the views have folded everything up to `position`. */
export async function viewsReach(position: number): Promise<void> {
  for (let tries = 0; tries < 60; tries++) {
    const answer = await fetch(`${SERVER}/v1/runs?limit=1&min_position=${position}`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    if (answer.ok) return;
  }
  throw new Error(`the views did not reach ${position}`);
}

/** A fresh login link: the one from the environment lives for a minute only. */
export async function loginUrl(): Promise<string> {
  const answer = await fetch(`${SERVER}/v1/session/codes`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  if (answer.ok) return ((await answer.json()) as { url: string }).url;
  const given = process.env.ANNALS_LOGIN_URL;
  if (given) return given;
  throw new Error(`no login code: ${answer.status}`);
}

/** The first event of a type in a run. */
export async function eventId(run: string, event_type: string): Promise<string> {
  const query = `run_id=${run}&event_type=${event_type}&limit=1`;
  const found = await fetch(`${SERVER}/v1/events?${query}`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  const { events } = (await found.json()) as { events: { event_id: string }[] };
  if (!events[0]) throw new Error(`${run} has no ${event_type}`);
  return events[0].event_id;
}

/** Erases an event of a run by its type; resolves when its words are gone. */
export async function redact(run: string, event_type: string, reason: string): Promise<void> {
  const answer = await fetch(`${SERVER}/v1/events/${await eventId(run, event_type)}/redact`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify({ reason }),
  });
  if (!answer.ok) throw new Error(`redact: ${answer.status} ${await answer.text()}`);
}

/** Makes another key sign the log from here on. */
export async function rotateKey(): Promise<void> {
  const answer = await fetch(`${SERVER}/v1/log/key/rotate`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  if (!answer.ok) throw new Error(`rotate: ${answer.status} ${await answer.text()}`);
}

/** What the page keeps of a session, with the owner's own token and all of its rights. */
export function ownerSession(): string {
  return JSON.stringify({
    token: TOKEN,
    expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    workspace_id: "default",
    rights: ["append", "read", "verify", "operate"],
  });
}

const RESTART = process.env.ANNALS_RESTART_CMD;

export async function restartServer(): Promise<void> {
  if (!RESTART) throw new Error("ANNALS_RESTART_CMD is not set");
  await run("sh", ["-c", RESTART], { timeout: 60_000 });
}

let unique = 0;

/** Ids that no other test and no earlier run of the tests has used. */
export function freshId(prefix: string): string {
  unique++;
  return `${prefix}_${Date.now().toString(36)}${process.pid.toString(36)}${unique}`;
}
