// Owns the choice of what a run's evidence file shows: everything, or of some events nothing but their hashes.
import { type FormEvent, useEffect, useRef, useState } from "react";
import { getBlob } from "../api/client";
import { Icon } from "../ui/icons";
import { type EvidenceChoice, evidencePath, FAMILIES, namedIds } from "./evidence";

export function EvidenceDialog({ runId, close }: { runId: string; close(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const save = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    save.current?.focus();
  }, []);
  const [withholds, setWithholds] = useState(false);
  const [families, setFamilies] = useState<ReadonlySet<string>>(new Set());
  const [ids, setIds] = useState("");
  const { busy, error, fetchFile } = useFile(runId, close);
  const chosen = namedIds(ids);
  const nothing = withholds && families.size === 0 && chosen.length === 0;
  const submit = (submitted: FormEvent) => {
    submitted.preventDefault();
    void fetchFile(withholds ? { types: [...families], event_ids: chosen } : null);
  };
  const toggle = (pattern: string) =>
    setFamilies((before) => {
      const after = new Set(before);
      if (!after.delete(pattern)) after.add(pattern);
      return after;
    });
  return (
    <dialog ref={dialog} className="dialog redact" aria-labelledby="evidence-title" onClose={close}>
      <header className="dialog-head">
        <h2 id="evidence-title">Save this run as evidence</h2>
        <button type="button" className="icon-button" aria-label="Close" onClick={close}>
          <Icon name="close" size={16} />
        </button>
      </header>
      <div className="redact-body">
        <p>
          One file with the run's events, a proof for each, and the signed checkpoint.{" "}
          <code>annals verify FILE</code> checks it without this server.
        </p>
        <form className="redact-form" onSubmit={submit}>
          <fieldset className="evidence-choice">
            <legend className="hidden-visually">What the file shows</legend>
            <label>
              <input
                type="radio"
                name="shows"
                checked={!withholds}
                onChange={() => setWithholds(false)}
              />
              All events in full
            </label>
            <label>
              <input
                type="radio"
                name="shows"
                checked={withholds}
                onChange={() => setWithholds(true)}
              />
              Withhold some: of these only the hash, which proves that they are there
            </label>
          </fieldset>
          {withholds && (
            <fieldset className="evidence-choice evidence-withheld">
              <legend>Withhold</legend>
              {FAMILIES.map(({ pattern, name }) => (
                <label key={pattern}>
                  <input
                    type="checkbox"
                    checked={families.has(pattern)}
                    onChange={() => toggle(pattern)}
                  />
                  {name} <code className="faint">{pattern}</code>
                </label>
              ))}
              <label className="redact-field">
                <span>
                  Single events <span className="faint">their ids, one a line</span>
                </span>
                <textarea
                  rows={2}
                  spellCheck={false}
                  className="mono"
                  value={ids}
                  onChange={(change) => setIds(change.target.value)}
                />
              </label>
            </fieldset>
          )}
          {error && (
            <p role="alert" className="login-reason">
              The evidence could not be made: {error}
            </p>
          )}
          <div className="redact-actions">
            <button type="button" className="button" onClick={close}>
              Cancel
            </button>
            <button
              ref={save}
              type="submit"
              className="button primary"
              disabled={busy || nothing}
              title={nothing ? "Nothing is chosen to be withheld" : undefined}
            >
              {busy ? "Making the file …" : "Save the file"}
            </button>
          </div>
        </form>
      </div>
    </dialog>
  );
}

function useFile(runId: string, done: () => void) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const fetchFile = async (choice: EvidenceChoice | null) => {
    setBusy(true);
    setError(null);
    try {
      const file = await getBlob(evidencePath(runId, choice));
      saveAs(file, `evidence-${runId.replaceAll(/[^\w.-]/g, "_")}.json`);
      done();
    } catch (cause) {
      setError(cause instanceof Error ? cause.message : String(cause));
      setBusy(false);
    }
  };
  return { busy, error, fetchFile };
}

function saveAs(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  // The download has its own hold on the bytes once it began.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
