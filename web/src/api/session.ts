// Owns the bearer token of this tab: where it is kept, how it is won from a login code, and how it ends.
import type { Problem, SessionAnswer } from "./types";

const KEY = "annals.session";

export interface Session {
  token: string;
  expires_at: string;
  workspace_id: string;
  rights: string[];
}

export type SessionState =
  | { kind: "signed_in"; session: Session }
  | { kind: "signing_in" }
  | { kind: "signed_out"; reason: string | null };

let state: SessionState = { kind: "signed_out", reason: null };
const listeners = new Set<() => void>();

function set(next: SessionState): void {
  state = next;
  for (const listener of listeners) listener();
}

export function sessionState(): SessionState {
  return state;
}

export function onSessionChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function bearer(): string | null {
  return state.kind === "signed_in" ? state.session.token : null;
}

/** Whether this session may do it; the server decides, the page only spares a person the refusal. */
export function mayI(right: "append" | "read" | "verify" | "operate"): boolean {
  return state.kind === "signed_in" && state.session.rights.includes(right);
}

/** Forgets the token and shows the login page with the reason. */
export function endSession(reason: string | null): void {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // A blocked storage held nothing to forget.
  }
  if (state.kind !== "signed_out") set({ kind: "signed_out", reason });
}

/** The code in `#login=CODE`, a whole link that holds one, or a bare code. */
export function codeFrom(text: string): string | null {
  const inLink = /#login=([^&\s]+)/.exec(text);
  if (inLink?.[1]) return decodeURIComponent(inLink[1]);
  const bare = text.trim();
  return /^[A-Za-z0-9_-]{8,}$/.test(bare) ? bare : null;
}

function recall(): Session | null {
  try {
    const text = sessionStorage.getItem(KEY);
    if (!text) return null;
    const kept = JSON.parse(text) as Session;
    return typeof kept.token === "string" ? kept : null;
  } catch {
    return null;
  }
}

/** Trades a login code for a bearer; the code works once. */
export async function signIn(code: string): Promise<void> {
  set({ kind: "signing_in" });
  try {
    const answer = await fetch("/v1/session", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ code }),
    });
    if (!answer.ok) {
      const problem = (await answer.json().catch(() => null)) as Problem | null;
      set({
        kind: "signed_out",
        reason: problem?.detail ?? `The server answered ${answer.status}.`,
      });
      return;
    }
    const won = (await answer.json()) as SessionAnswer;
    const session: Session = {
      token: won.token,
      expires_at: won.expires_at,
      workspace_id: won.workspace_id,
      rights: won.rights,
    };
    try {
      sessionStorage.setItem(KEY, JSON.stringify(session));
    } catch {
      // Without storage the session lasts until the page is reloaded.
    }
    set({ kind: "signed_in", session });
  } catch {
    set({ kind: "signed_out", reason: "The server did not answer. Is `annals serve` running?" });
  }
}

/** Takes a login code out of the fragment, the address bar and the history, and signs in with it. */
function takeFragment(): boolean {
  const code = location.hash.startsWith("#login=") ? codeFrom(location.hash) : null;
  if (!code) return false;
  history.replaceState(null, "", location.pathname + location.search);
  void signIn(code);
  return true;
}

/** Signs in by the link that opened this tab, or goes on with the session that the tab had. */
export function startSession(): void {
  // A link pasted into a tab that is already open changes the fragment only.
  window.addEventListener("hashchange", takeFragment);
  if (takeFragment()) return;
  const kept = recall();
  if (kept && Date.parse(kept.expires_at) > Date.now()) set({ kind: "signed_in", session: kept });
  else if (kept) endSession("Your session has expired.");
}
