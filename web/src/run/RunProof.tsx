// Owns what a run page offers to those who do not believe it: verification, and the run as one file that proves itself.
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { getBlob } from "../api/client";
import { mayI } from "../api/session";
import { Icon } from "../ui/icons";

type Export = { kind: "idle" } | { kind: "busy" } | { kind: "failed"; why: string };

export function RunProof({ runId }: { runId: string }) {
  const [state, setState] = useState<Export>({ kind: "idle" });
  const allowed = mayI("verify");
  const save = async () => {
    setState({ kind: "busy" });
    try {
      const file = await getBlob(`/v1/runs/${encodeURIComponent(runId)}/evidence`);
      saveAs(file, `evidence-${runId.replaceAll(/[^\w.-]/g, "_")}.json`);
      setState({ kind: "idle" });
    } catch (cause) {
      setState({ kind: "failed", why: cause instanceof Error ? cause.message : String(cause) });
    }
  };
  const title = allowed
    ? "One file with the run's events, their proofs and the signed checkpoint; annals verify checks it without a server"
    : "This session may not verify";
  return (
    <>
      <Link
        to="/trust"
        search={{ scope: "run", run: runId }}
        className="button run-proof"
        title="Verify this run"
      >
        <Icon name="trust" size={15} />
        <span>Verify</span>
      </Link>
      <button
        type="button"
        className="button run-proof"
        title={title}
        disabled={!allowed || state.kind === "busy"}
        onClick={() => void save()}
      >
        <Icon name={state.kind === "busy" ? "ring" : "download"} size={15} />
        <span>Evidence</span>
      </button>
      {state.kind === "failed" && (
        <p className="notice toast" data-kind="error" role="alert">
          The evidence could not be made: {state.why}
          <button type="button" className="button" onClick={() => setState({ kind: "idle" })}>
            Close
          </button>
        </p>
      )}
    </>
  );
}

function saveAs(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  // The download has its own hold on the bytes once it began.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
