// Owns the choice of what to verify, the progress of it, and its stop.
import { type FormEvent, useState } from "react";
import { duration } from "../format/duration";
import { bytes, compact, count } from "../format/number";
import { TRUST_SCOPES, type TrustScope, type TrustSearch } from "../router";
import { useNow } from "../ui/hooks";
import { Icon } from "../ui/icons";
import { Failed } from "../ui/States";
import type { Progress, Scope } from "../verify/outcome";
import { OutcomeView } from "./OutcomeView";
import { useVerify, type VerifyState } from "./useVerify";

const SCOPE_SAID: Record<TrustScope, { label: string; why: string }> = {
  tree: {
    label: "Whole tree",
    why: "Every leaf hash of the log, from its tiles up to the signed root. It shows that nothing was changed, removed or put in, without reading a word.",
  },
  run: {
    label: "Run",
    why: "Every event of one run, word for word: its body, its header, its chain, its place in the tree.",
  },
  stream: {
    label: "Stream",
    why: "Every event of one stream from the first on, without a gap.",
  },
  range: {
    label: "Range",
    why: "The events between two positions, as far as they are this workspace's.",
  },
};

/** What the fields say, or why they say nothing yet. */
export function scopeFrom(search: TrustSearch, size: number): Scope | string {
  switch (search.scope ?? "tree") {
    case "tree":
      return { kind: "tree" };
    case "run":
      return search.run ? { kind: "run", runId: search.run } : "Name a run.";
    case "stream": {
      const [, streamType, streamId] = /^([^/]+)\/(.+)$/.exec(search.stream ?? "") ?? [];
      if (!streamType || !streamId) return "Name a stream as TYPE/ID, such as run/run_01.";
      return { kind: "stream", streamType, streamId };
    }
    case "range": {
      const from = positionOf(search.from ?? "1");
      const to = positionOf(search.to ?? String(size));
      if (from === null || to === null) return "Positions are whole numbers from 1.";
      return from <= to ? { kind: "range", from, to } : "The first position is after the last.";
    }
  }
}

function positionOf(text: string): number | null {
  const plain = text.replaceAll(/[\s,_.]/g, "");
  const position = Number(plain);
  return /^\d+$/.test(plain) && Number.isSafeInteger(position) && position > 0 ? position : null;
}

export function VerifyPanel({
  search,
  size,
  change,
  openEvent,
}: {
  search: TrustSearch;
  size: number;
  change(next: TrustSearch): void;
  openEvent(eventId: string): void;
}) {
  const verification = useVerify();
  const { state } = verification;
  const running = state.kind === "running";
  const [refused, setRefused] = useState<string | null>(null);
  const chosen = search.scope ?? "tree";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const scope = scopeFrom(search, size);
    setRefused(typeof scope === "string" ? scope : null);
    if (typeof scope !== "string") verification.start(scope);
  };
  return (
    <section className="verify" aria-label="Verify">
      <h2>Verify</h2>
      <p className="muted">
        This page does it, over the public API. It believes nothing that the server says: every hash
        is computed here again, from the bytes.
      </p>
      <form className="verify-form" onSubmit={submit}>
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would draw a frame; the group's name is all that is needed. */}
        <div className="segmented" role="group" aria-label="What to verify">
          {TRUST_SCOPES.map((scope) => (
            <button
              key={scope}
              type="button"
              aria-pressed={chosen === scope}
              disabled={running}
              onClick={() => {
                setRefused(null);
                change({ scope: scope === "tree" ? undefined : scope });
              }}
            >
              {SCOPE_SAID[scope].label}
            </button>
          ))}
        </div>
        <ScopeFields search={search} size={size} disabled={running} change={change} />
        {running ? (
          <button
            type="button"
            className="button"
            disabled={state.stopping}
            onClick={verification.stop}
          >
            <Icon name="pause" size={14} />
            {state.stopping ? "Stopping …" : "Stop"}
          </button>
        ) : (
          <button type="submit" className="button primary">
            <Icon name="trust" size={15} />
            Verify
          </button>
        )}
      </form>
      {refused ? (
        <p className="small fail" role="alert">
          {refused}
        </p>
      ) : (
        <p className="small faint">{SCOPE_SAID[chosen].why}</p>
      )}
      <VerifyProgress state={state} openEvent={openEvent} />
    </section>
  );
}

function ScopeFields({
  search,
  size,
  disabled,
  change,
}: {
  search: TrustSearch;
  size: number;
  disabled: boolean;
  change(next: TrustSearch): void;
}) {
  const field = (name: "run" | "stream" | "from" | "to", label: string, placeholder: string) => (
    <span className={name === "from" || name === "to" ? "field position-field" : "field wide"}>
      <input
        aria-label={label}
        placeholder={placeholder}
        spellCheck={false}
        autoComplete="off"
        inputMode={name === "from" || name === "to" ? "numeric" : undefined}
        disabled={disabled}
        value={search[name] ?? ""}
        onChange={(event) => change({ [name]: event.target.value || undefined })}
      />
    </span>
  );
  switch (search.scope) {
    case "run":
      return field("run", "Run id", "run id");
    case "stream":
      return field("stream", "Stream", "type/id");
    case "range":
      return (
        <span className="range-fields">
          {field("from", "From position", "1")}
          <span className="faint">to</span>
          {field("to", "To position", count(size))}
        </span>
      );
    default:
      return null;
  }
}

const TILE_BYTES = 8192;
const TILE_LEAVES = 256;

function progressSaid({ stage, done, total }: Progress): string {
  const of = total === null ? "" : ` of ${count(total)}`;
  switch (stage) {
    case "checkpoint":
      return "Reading the checkpoint, its signatures, and what this browser remembers";
    case "tiles":
      return `${count(done)}${of} tiles, ${bytes(done * TILE_BYTES)} of hashes`;
    case "events":
      return `${count(done)}${of} events`;
    case "redactions":
      return "Looking for the redactions of erased events";
  }
}

function VerifyProgress({
  state,
  openEvent,
}: {
  state: VerifyState;
  openEvent(eventId: string): void;
}) {
  const now = useNow();
  if (state.kind === "idle") return null;
  if (state.kind === "failed") {
    return <Failed what="The verification could not go on" error={state.error} />;
  }
  if (state.kind === "done") return <OutcomeView outcome={state.outcome} openEvent={openEvent} />;
  const { progress } = state;
  const share = progress?.total ? Math.min(1, progress.done / progress.total) : null;
  const took_ms = Math.max(0, now - state.began_ms);
  const leaves = (progress?.done ?? 0) * (progress?.stage === "tiles" ? TILE_LEAVES : 1);
  return (
    <div className="verify-progress">
      <div
        className="meter"
        role="progressbar"
        aria-label="Verification"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={share === null ? undefined : Math.floor(share * 100)}
        data-open={share === null}
      >
        <i style={{ width: `${(share ?? 0) * 100}%` }} />
      </div>
      <p className="small muted num">
        {progress ? progressSaid(progress) : "Starting"}
        {took_ms > 1_000 && leaves > 0 && (
          <span className="faint">
            {" "}
            · {compact(leaves / (took_ms / 1_000))}/s · {duration(took_ms)}
          </span>
        )}
      </p>
    </div>
  );
}
