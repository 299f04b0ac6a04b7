// Owns what a run page offers to those who do not believe it: verification, and the run as one file that proves itself.
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { mayI } from "../api/session";
import { Icon } from "../ui/icons";
import { EvidenceDialog } from "./EvidenceDialog";

export function RunProof({ runId }: { runId: string }) {
  const [open, setOpen] = useState(false);
  const allowed = mayI("verify");
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
        disabled={!allowed}
        onClick={() => setOpen(true)}
      >
        <Icon name="download" size={15} />
        <span>Evidence</span>
      </button>
      {open && <EvidenceDialog runId={runId} close={() => setOpen(false)} />}
    </>
  );
}
