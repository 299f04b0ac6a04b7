// Owns one live tail: connects by fetch, resumes exactly after the last event seen, and says aloud when it was away.
import {
  type ApiError,
  noticeAuthentication,
  problemOf,
  type QueryParams,
  withParams,
} from "../api/client";
import { bearer } from "../api/session";
import {
  advance,
  backoffMs,
  judgeRefusal,
  laggedPoint,
  type ResumePoint,
  type TailMark,
  type TailPhase,
} from "./resume";
import { type SseFrame, SseParser } from "./sse";

/** The server promises something every 15 s; after this silence the line is taken for dead. */
const SILENCE_MS_MAX = 40_000;

export interface TailFrame {
  position: number;
  event_type: string;
  /** The envelope as JSON text; parsed only by whoever needs it. */
  data: string;
}

export interface TailHandlers {
  onFrames(frames: TailFrame[]): void;
  onPhase(phase: TailPhase, detail: string | null): void;
  onMark(mark: TailMark): void;
}

export interface TailRequest {
  path: string;
  params: QueryParams;
  /** Resume after this position; null starts with the next new event. */
  after: number | null;
}

interface Attempt {
  reason: string;
  retryAfterMs: number | null;
  restart: boolean;
  stop: boolean;
  connected: boolean;
}

export class Follower {
  private readonly point: ResumePoint;
  private readonly abort = new AbortController();
  private serverRetryMs: number | null = null;
  private lostAt: number | null = null;
  private lostReason = "";
  private gap = false;

  constructor(
    private readonly request: TailRequest,
    private readonly handlers: TailHandlers,
  ) {
    this.point = { position: request.after };
  }

  get position(): number | null {
    return this.point.position;
  }

  stop(): void {
    this.abort.abort();
  }

  async run(): Promise<void> {
    let attempt = 0;
    while (!this.abort.signal.aborted) {
      this.handlers.onPhase("connecting", null);
      const ended = await this.connect();
      if (this.abort.signal.aborted) return;
      if (ended.stop) {
        this.handlers.onPhase("ended", ended.reason);
        return;
      }
      attempt = ended.connected ? 1 : attempt + 1;
      this.lostAt ??= Date.now();
      this.lostReason = ended.reason;
      if (ended.restart) {
        this.point.position = null;
        this.gap = true;
      }
      this.handlers.onPhase("waiting", ended.reason);
      await this.pause(
        backoffMs({
          attempt,
          server_retry_ms: this.serverRetryMs,
          retry_after_ms: ended.retryAfterMs,
          jitter: Math.random(),
        }),
      );
    }
  }

  private async connect(): Promise<Attempt> {
    const ended: Attempt = {
      reason: "the connection closed",
      retryAfterMs: null,
      restart: false,
      stop: false,
      connected: false,
    };
    const line = new AbortController();
    const stopped = () => line.abort();
    this.abort.signal.addEventListener("abort", stopped);
    try {
      const answer = await fetch(withParams(this.request.path, this.request.params), {
        headers: this.headers(),
        signal: line.signal,
        cache: "no-store",
      });
      if (!answer.ok || !answer.body) return this.refused(await problemOf(answer), ended);
      ended.connected = true;
      this.backAgain();
      const lagged = await this.read(answer.body, line);
      if (lagged) ended.reason = "this reader fell behind and was cut off";
    } catch {
      ended.reason = line.signal.aborted ? "the server fell silent" : "the server did not answer";
    } finally {
      this.abort.signal.removeEventListener("abort", stopped);
    }
    return ended;
  }

  private headers(): Record<string, string> {
    const headers: Record<string, string> = { accept: "text/event-stream" };
    const token = bearer();
    if (token) headers.authorization = `Bearer ${token}`;
    if (this.point.position !== null) headers["last-event-id"] = String(this.point.position);
    return headers;
  }

  private refused(error: ApiError, ended: Attempt): Attempt {
    noticeAuthentication(error);
    const verdict = judgeRefusal(error);
    ended.reason = verdict.reason;
    ended.restart = verdict.do === "restart";
    ended.stop = verdict.do === "stop";
    ended.retryAfterMs = error.retryAfterMs;
    return ended;
  }

  private backAgain(): void {
    this.handlers.onPhase("live", null);
    if (this.lostAt === null) return;
    this.handlers.onMark({
      after: this.point.position,
      reason: this.lostReason,
      gap: this.gap,
      away_ms: Date.now() - this.lostAt,
      at_ms: Date.now(),
    });
    this.lostAt = null;
    this.gap = false;
  }

  /** Reads until the stream ends; true when the server cut this reader off. */
  private async read(body: ReadableStream<Uint8Array>, line: AbortController): Promise<boolean> {
    const parser = new SseParser();
    const decoder = new TextDecoder();
    const reader = body.getReader();
    let silence = setTimeout(() => line.abort(), SILENCE_MS_MAX);
    try {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return false;
        clearTimeout(silence);
        silence = setTimeout(() => line.abort(), SILENCE_MS_MAX);
        if (this.take(parser.push(decoder.decode(value, { stream: true })))) return true;
      }
    } finally {
      clearTimeout(silence);
      reader.cancel().catch(() => undefined);
    }
  }

  private take(frames: SseFrame[]): boolean {
    const news: TailFrame[] = [];
    let lagged = false;
    for (const frame of frames) {
      if (frame.kind === "retry") this.serverRetryMs = frame.ms;
      else if (frame.kind === "progress") advance(this.point, frame.id);
      else if (frame.kind === "event" && frame.event === "annals.lagged") {
        lagged = true;
        // The frame may name a point before ours only if it is wrong; the last event seen is exact.
        const named = laggedPoint(frame.data);
        if (this.point.position === null && named !== null) this.point.position = named;
      } else if (frame.kind === "event" && advance(this.point, frame.id)) {
        news.push({ position: Number(frame.id), event_type: frame.event, data: frame.data });
      }
    }
    if (news.length > 0) this.handlers.onFrames(news);
    return lagged;
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.abort.signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
