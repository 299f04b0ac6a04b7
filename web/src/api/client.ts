// Owns the one way to ask the API: bearer, query strings, and problems as errors.
import { bearer, endSession } from "./session";
import type { Problem } from "./types";

export type QueryValue = string | number | boolean | null | undefined | readonly string[];
export type QueryParams = Record<string, QueryValue>;

/** A refusal or failure of the API, with what the server said to do about it. */
export class ApiError extends Error {
  readonly status: number;
  readonly reasonCode: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;

  constructor(problem: Problem, retryAfterMs: number | null = null) {
    super(problem.detail ?? problem.title);
    this.name = "ApiError";
    this.status = problem.status;
    this.reasonCode = problem.reason_code;
    this.retryable = problem.retryable;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The server could not be reached at all. */
export class UnreachableError extends Error {
  constructor() {
    super("The server did not answer. It may be restarting; is `annals serve` running?");
    this.name = "UnreachableError";
  }
}

export function withParams(path: string, params: QueryParams = {}): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    if (value === null || value === undefined || value === "") continue;
    if (Array.isArray(value)) for (const one of value) query.append(key, one);
    else query.append(key, String(value));
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

export async function problemOf(answer: Response): Promise<ApiError> {
  const fallback: Problem = {
    type: "about:blank",
    title: answer.statusText || "unexpected answer",
    status: answer.status,
    detail: `The server answered ${answer.status}.`,
    reason_code: `http_${answer.status}`,
    retryable: answer.status >= 500,
  };
  const body = (await answer.json().catch(() => null)) as Partial<Problem> | null;
  const wait = Number(answer.headers.get("retry-after"));
  return new ApiError(
    { ...fallback, ...body },
    Number.isFinite(wait) && wait > 0 ? wait * 1000 : null,
  );
}

/** Ends the session when the answer says that the token is no longer good. */
export function noticeAuthentication(error: ApiError): void {
  if (error.status !== 401) return;
  endSession(
    error.reasonCode === "token_expired"
      ? "Your session has expired."
      : "The server no longer knows this session; sessions end when it stops.",
  );
}

export async function getJson<T>(
  path: string,
  params: QueryParams = {},
  signal?: AbortSignal,
): Promise<T> {
  return (await (await ask(path, params, signal)).json()) as T;
}

/** The answer as it was written, for whoever must not lose a digit. */
export async function getText(
  path: string,
  params: QueryParams = {},
  signal?: AbortSignal,
): Promise<string> {
  return (await ask(path, params, signal)).text();
}

/** A file that needs the bearer, which a plain link could not bring along. */
export async function getBlob(path: string, signal?: AbortSignal): Promise<Blob> {
  return (await ask(path, {}, signal)).blob();
}

/** `body` is JSON text, so that a number that a person typed keeps its digits. */
export async function postJson<T>(path: string, body: string): Promise<T> {
  return (await (await ask(path, {}, undefined, body)).json()) as T;
}

async function ask(
  path: string,
  params: QueryParams,
  signal?: AbortSignal,
  body?: string,
): Promise<Response> {
  const headers: Record<string, string> = { accept: "application/json" };
  const token = bearer();
  if (token) headers.authorization = `Bearer ${token}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  const method = body === undefined ? "GET" : "POST";
  let answer: Response;
  try {
    answer = await fetch(withParams(path, params), {
      method,
      headers,
      signal: signal ?? null,
      body: body ?? null,
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new UnreachableError();
  }
  if (!answer.ok) {
    const error = await problemOf(answer);
    noticeAuthentication(error);
    throw error;
  }
  return answer;
}
