// Owns what verification asks of a server: the public routes, whose every answer is checked and none believed.
import { FormatFault, wholeNumber } from "./bytes";
import type { Scope } from "./outcome";
import type { WireRecord } from "./record";
import { type TileName, tilePath } from "./tiles";

export interface LogSource {
  checkpoint(): Promise<string>;
  keys(): Promise<string>;
  status(): Promise<LogSaid>;
  tile(name: TileName): Promise<Uint8Array>;
  consistency(from: number, to: number): Promise<string[]>;
  events(query: Record<string, string | number>): Promise<WireRecord[]>;
  /** How many events the server says there are, for the progress alone; null when it does not say. */
  expected(scope: Scope): Promise<number | null>;
  /** Null when there is no such stream. */
  stream(type: string, id: string, fromSeq: number): Promise<WireRecord[] | null>;
}

/** The few things of `GET /v1/log/status` that verification starts from. */
export interface LogSaid {
  logId: string;
  lineage: { logId: string; lastPosition: number }[];
  witnessKeys: string[];
  /** Notes by which one key of the log gave way to the next, oldest first. */
  rotations: string[];
}

export const PAGE_RECORDS = 200;
const ATTEMPTS_MAX = 5;
const RETRY_MS = 400;

/** The server refused, or could not be reached: that says nothing about the log. */
export class SourceFailure extends Error {
  constructor(
    message: string,
    readonly status: number | null,
  ) {
    super(message);
    this.name = "SourceFailure";
  }

  /** Whether it is worth asking again. */
  get passes(): boolean {
    return this.status === null || this.status === 429 || this.status >= 500;
  }
}

export class HttpSource implements LogSource {
  constructor(
    private readonly token: string | null,
    private readonly signal: AbortSignal,
    private readonly base = "",
  ) {}

  checkpoint = async () => (await this.ask("/v1/log/checkpoint")).text();
  keys = async () => (await this.ask("/v1/log/key")).text();

  status = async (): Promise<LogSaid> => {
    const said = (await (await this.ask("/v1/log/status")).json()) as {
      log_id: unknown;
      lineage?: { log_id: unknown; last_position: unknown }[];
      witnesses?: { key: string }[];
      rotations?: string[];
    };
    return {
      logId: logIdOf(said.log_id),
      lineage: (said.lineage ?? []).map((one) => ({
        logId: logIdOf(one.log_id),
        lastPosition: wholeNumber(one.last_position),
      })),
      witnessKeys: (said.witnesses ?? []).map((one) => one.key),
      rotations: said.rotations ?? [],
    };
  };

  tile = async (name: TileName): Promise<Uint8Array> => {
    const answer = await this.ask(`/v1/log/tile/${tilePath(name)}`);
    return new Uint8Array(await answer.arrayBuffer());
  };

  consistency = async (from: number, to: number): Promise<string[]> => {
    const answer = await this.ask(`/v1/log/consistency?from=${from}&to=${to}`);
    const said = (await answer.json()) as { path?: unknown };
    if (!Array.isArray(said.path)) throw new FormatFault("a consistency proof without a path");
    return said.path as string[];
  };

  events = async (query: Record<string, string | number>): Promise<WireRecord[]> => {
    const params = new URLSearchParams({ as: "record", order: "asc", limit: String(PAGE_RECORDS) });
    for (const [name, value] of Object.entries(query)) params.set(name, String(value));
    return records(await this.ask(`/v1/events?${params}`));
  };

  stream = async (type: string, id: string, fromSeq: number): Promise<WireRecord[] | null> => {
    const path = `/v1/streams/${encodeURIComponent(type)}/${encodeURIComponent(id)}/events`;
    try {
      return await records(
        await this.ask(`${path}?as=record&from_seq=${fromSeq}&limit=${PAGE_RECORDS}`),
      );
    } catch (cause) {
      if (cause instanceof SourceFailure && cause.status === 404) return null;
      throw cause;
    }
  };

  expected = async (scope: Scope): Promise<number | null> => {
    const path =
      scope.kind === "run"
        ? `/v1/runs/${encodeURIComponent(scope.runId)}`
        : scope.kind === "stream"
          ? `/v1/streams/${encodeURIComponent(scope.streamType)}/${encodeURIComponent(scope.streamId)}`
          : null;
    if (path === null) return null;
    const said = await this.ask(path)
      .then((answer) => answer.json() as Promise<{ events?: number; event_count?: number }>)
      .catch(() => null);
    return said?.events ?? said?.event_count ?? null;
  };

  /** A long verification outlives a restart of the server: what passes is asked again. */
  private async ask(path: string): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.askOnce(path);
      } catch (cause) {
        const passes = cause instanceof SourceFailure && cause.passes;
        if (!passes || attempt === ATTEMPTS_MAX) throw cause;
        await pause(RETRY_MS * 2 ** (attempt - 1), this.signal);
      }
    }
  }

  private async askOnce(path: string): Promise<Response> {
    const headers: Record<string, string> = {};
    if (this.token) headers.authorization = `Bearer ${this.token}`;
    let answer: Response;
    try {
      answer = await fetch(this.base + path, { headers, signal: this.signal, cache: "no-store" });
    } catch (cause) {
      if (this.signal.aborted) throw cause;
      throw new SourceFailure("The server did not answer.", null);
    }
    if (answer.ok) return answer;
    const problem = (await answer.json().catch(() => null)) as { detail?: string } | null;
    const detail = problem?.detail ?? `the server answered ${answer.status}`;
    throw new SourceFailure(`${path.split("?")[0]}: ${detail}`, answer.status);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
}

async function records(answer: Response): Promise<WireRecord[]> {
  const page = (await answer.json()) as { events?: unknown };
  if (!Array.isArray(page.events)) throw new FormatFault("a page without events");
  return page.events as WireRecord[];
}

/** A log id as the API gives it: a hyphenated UUID, so that one log never has two names. */
function logIdOf(text: unknown): string {
  if (typeof text !== "string" || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) {
    throw new FormatFault("a log id that is no UUID");
  }
  return plainId(text);
}

/** Log ids are UUIDs in the API and 32 hex digits in header and origin. */
export function plainId(logId: string): string {
  return logId.replaceAll("-", "").toLowerCase();
}
