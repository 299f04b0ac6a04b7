// Owns what a tab without a session shows: why, and the one command that opens a session.
import { type FormEvent, useState } from "react";
import { codeFrom, type SessionState, signIn } from "../api/session";
import { Command } from "../ui/Bits";
import { annalsCommand } from "../ui/command";
import { Mark } from "../ui/icons";

export function LoginPage({ state }: { state: Exclude<SessionState, { kind: "signed_in" }> }) {
  const [text, setText] = useState("");
  const [refused, setRefused] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const code = codeFrom(text);
    setRefused(code === null);
    if (code) void signIn(code);
  };
  if (state.kind === "signing_in") {
    return (
      <main className="login">
        <Mark size={44} />
        <p role="status" className="muted">
          Opening your session …
        </p>
      </main>
    );
  }
  return (
    <main className="login">
      <Mark size={44} />
      <h1>{state.reason ? "This session is over" : "Open Annals from your terminal"}</h1>
      {state.reason && (
        <p role="alert" className="login-reason">
          {state.reason}
        </p>
      )}
      <p className="muted">
        Only whoever can read the data directory may look inside. On the machine where Annals runs,
        ask for a link that signs you in:
      </p>
      <Command text={annalsCommand("open")} />
      <p className="muted small">
        The link works once, for 60 seconds. The session stays in this tab and ends after 12 hours.
      </p>
      <form onSubmit={submit} className="login-form">
        <label htmlFor="login-code" className="small muted">
          Or paste the link, or its code
        </label>
        <div className="login-row">
          <span className="field grow">
            <input
              id="login-code"
              value={text}
              autoComplete="off"
              spellCheck={false}
              placeholder="http://127.0.0.1:7171/#login=…"
              aria-describedby={refused ? "login-refused" : undefined}
              onChange={(event) => setText(event.target.value)}
            />
          </span>
          <button type="submit" className="button primary">
            Sign in
          </button>
        </div>
        {refused && (
          <p id="login-refused" role="alert" className="small fail">
            That holds no login code. Copy the whole line that `annals open` prints.
          </p>
        )}
      </form>
    </main>
  );
}
