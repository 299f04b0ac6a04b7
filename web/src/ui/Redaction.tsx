// Owns the mark of a redacted event, and the one action that takes an event's words away for good.
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { postJson } from "../api/client";
import { mayI } from "../api/session";
import type { AnnalsEvent, Json, RedactionMark, RedactionReceipt } from "../api/types";
import { count } from "../format/number";
import { visible } from "../format/text";
import { noteRedaction } from "../live/redactions";
import { Ago, Command } from "./Bits";
import { annalsCommand } from "./command";
import { Icon } from "./icons";

/** Where the words were: why they are gone, who took them, when. */
export function RedactedNote({ mark, link = false }: { mark: RedactionMark; link?: boolean }) {
  return (
    <p className="redacted-note">
      <Icon name="redacted" size={15} />
      <span>
        {mark.replaced ? "Redacted and replaced" : "Redacted"}
        {mark.reason && <>: {visible(mark.reason)}</>}{" "}
        <span className="faint">
          {mark.redacted_by && mark.redacted_at ? (
            <>
              · by {mark.redacted_by}, <Ago at={mark.redacted_at} />
            </>
          ) : (
            "· in a backup that this log was restored from"
          )}
        </span>
        {link && mark.redaction_event_id && (
          <>
            {" "}
            <Link to="/live" search={{ event: mark.redaction_event_id }} className="link">
              Redaction
            </Link>
          </>
        )}
      </span>
    </p>
  );
}

export function RedactAction({ event }: { event: AnnalsEvent }) {
  const [open, setOpen] = useState(false);
  if (event.redaction || event.event_type === "event.redacted") return null;
  return (
    <>
      <button type="button" className="button" onClick={() => setOpen(true)}>
        <Icon name="redacted" size={14} />
        Redact …
      </button>
      {open && <RedactDialog event={event} close={() => setOpen(false)} />}
    </>
  );
}

function useRedact(event: AnnalsEvent, done: () => void) {
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const redact = async (reason: string, replacement: string) => {
    const replaced = replacement.trim() !== "";
    let data: Json = null;
    try {
      data = replaced ? (JSON.parse(replacement) as Json) : null;
    } catch {
      setError("What is put in its place must be JSON: text stands in quotation marks.");
      return;
    }
    setBusy(true);
    setError(null);
    try {
      const said = `{"reason":${JSON.stringify(reason)}${replaced ? `,"replacement":${replacement}` : ""}}`;
      const path = `/v1/events/${encodeURIComponent(event.event_id)}/redact`;
      const receipt = await postJson<RedactionReceipt>(path, said);
      const { redacted_at, redaction_event_id } = receipt;
      const mark = { redacted_at, redaction_event_id, reason, redacted_by: "you", replaced };
      noteRedaction(event.event_id, mark, data);
      await client.resetQueries({ queryKey: ["event", event.event_id] });
      for (const queryKey of [["views"], ["redactions"], ["log-status"]]) {
        void client.invalidateQueries({ queryKey });
      }
      done();
    } catch (cause) {
      setError(cause instanceof Error ? cause.message : String(cause));
      setBusy(false);
    }
  };
  return { busy, error, redact };
}

function RedactDialog({ event, close }: { event: AnnalsEvent; close(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    dialog.current?.querySelector("textarea")?.focus();
  }, []);
  return (
    <dialog ref={dialog} className="dialog redact" aria-labelledby="redact-title" onClose={close}>
      <header className="dialog-head">
        <h2 id="redact-title">Redact this event</h2>
        <button type="button" className="icon-button" aria-label="Close" onClick={close}>
          <Icon name="close" size={16} />
        </button>
      </header>
      <div className="redact-body">
        <p>
          The words of <strong>{event.event_type}</strong>{" "}
          <span className="num">#{count(event.position)}</span> are erased from every file of this
          server, for good. Its place, header and hash stay, and every proof still holds.
        </p>
        <p className="small muted">
          Backups and evidence files made before still hold them; for a backup there is{" "}
          <code>annals redact --in</code>.
        </p>
        {mayI("operate") ? (
          <RedactForm event={event} close={close} />
        ) : (
          <>
            <p>
              This session may read and verify. On the machine where Annals runs, its owner may:
            </p>
            <Command text={annalsCommand(`redact ${event.event_id} --reason "…"`)} />
          </>
        )}
      </div>
    </dialog>
  );
}

function RedactForm({ event, close }: { event: AnnalsEvent; close(): void }) {
  const [reason, setReason] = useState("");
  const [replacement, setReplacement] = useState("");
  const [sure, setSure] = useState(false);
  const { busy, error, redact } = useRedact(event, close);
  const submit = (submitted: FormEvent) => {
    submitted.preventDefault();
    void redact(reason.trim(), replacement);
  };
  return (
    <form className="redact-form" onSubmit={submit}>
      <label className="redact-field">
        <span>
          Reason <span className="faint">stays on the log; put nothing secret in</span>
        </span>
        <textarea
          rows={2}
          required
          value={reason}
          onChange={(change) => setReason(change.target.value)}
        />
      </label>
      <details>
        <summary>Put something in its place</summary>
        <label className="redact-field">
          <span>
            JSON <span className="faint">what readers get as data; null when empty</span>
          </span>
          <textarea
            rows={3}
            spellCheck={false}
            className="mono"
            placeholder='{"content_md":"[a name]"}'
            value={replacement}
            onChange={(change) => setReplacement(change.target.value)}
          />
        </label>
      </details>
      <label className="redact-sure">
        <input
          type="checkbox"
          required
          checked={sure}
          onChange={(change) => setSure(change.target.checked)}
        />
        I have looked at it: this is the right event, and nothing brings its words back.
      </label>
      {error && (
        <p role="alert" className="login-reason">
          {error}
        </p>
      )}
      <div className="redact-actions">
        <button type="button" className="button" onClick={close}>
          Cancel
        </button>
        <button
          type="submit"
          className="button danger"
          disabled={busy || !sure || reason.trim() === ""}
        >
          {busy ? "Erasing …" : "Erase for good"}
        </button>
      </div>
    </form>
  );
}
