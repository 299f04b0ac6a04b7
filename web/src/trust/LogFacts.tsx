// Owns what the log says of itself, and what this browser remembers of it: two columns to compare, not to believe.
import { type ReactNode, useState } from "react";
import type { LogStatus } from "../api/types";
import { count, many } from "../format/number";
import { Ago, CopyButton, Id } from "../ui/Bits";
import { Fact, Facts } from "../ui/Drawer";
import { useNow } from "../ui/hooks";
import { forgetDamaged, forgetLog, recall } from "../verify/memory";
import type { Remembered } from "../verify/outcome";

const plainId = (id: string) => id.replaceAll("-", "");

export function LogFacts({ status, note }: { status: LogStatus; note: string | null }) {
  const behind = status.head_position - status.size;
  return (
    <div className="trust-facts">
      <Group name="Log" after={note && <NoteText note={note} />}>
        <Fact name="Size">
          <span className="mono">{count(status.size)}</span> <span className="faint">events</span>
        </Fact>
        <Fact name="Root">
          <Id value={status.root_hash} name="root hash" chars={26} />
        </Fact>
        <Fact name="Signed">
          {status.checkpoint_at ? (
            <Ago at={status.checkpoint_at} />
          ) : (
            <span className="faint">before this start; nothing was added since</span>
          )}
          {behind > 0 && <span className="faint"> · {many(behind, "event")} since</span>}
        </Fact>
        <Fact name="Origin">
          <Id value={status.origin} name="origin" chars={30} />
        </Fact>
        <Fact name="Log id">
          <Id value={status.log_id} name="log id" chars={30} />
        </Fact>
      </Group>
      <Group name="Keys">
        <Fact name="Signs">
          <Id value={status.key} name="verifier key" chars={30} />
        </Fact>
        {status.former_keys.length === 0 ? (
          <Fact name="Former">
            <span className="faint">none</span>
          </Fact>
        ) : (
          status.former_keys.map((key, at) => (
            <Fact key={key} name={at === 0 ? "Former" : ""}>
              <Id value={key} name="former verifier key" chars={30} />
            </Fact>
          ))
        )}
      </Group>
      <Witnesses status={status} />
      {status.lineage.length > 0 && (
        <Group name="Restored from">
          {status.lineage.map((parent) => (
            <Fact key={parent.log_id} name={`to #${count(parent.last_position)}`}>
              <Id value={parent.log_id} name="parent log id" chars={30} />
            </Fact>
          ))}
        </Group>
      )}
      <BrowserMemory logId={plainId(status.log_id)} />
    </div>
  );
}

function NoteText({ note }: { note: string }) {
  return (
    <details className="note-text">
      <summary>Signed checkpoint</summary>
      <pre>{note}</pre>
      <CopyButton text={note} label="Copy" />
    </details>
  );
}

function Witnesses({ status }: { status: LogStatus }) {
  if (status.witnesses.length === 0) {
    const none = (
      <p className="small muted">
        None. A witness cosigns each checkpoint, so that nobody can be shown another history than
        everybody else. Name one in the configuration, under <code>[[trust.witness]]</code>.
      </p>
    );
    return <Group name="Witnesses" after={none} />;
  }
  return (
    <Group name="Witnesses">
      {status.witnesses.map((witness) => (
        <Fact key={witness.key} name={witness.name}>
          {witness.error ? (
            <span className="fail">{witness.error}</span>
          ) : witness.cosigned_at ? (
            <>
              {count(witness.cosigned_size)} events <Ago at={witness.cosigned_at} />
            </>
          ) : (
            <span className="faint">has not cosigned yet</span>
          )}
          <br />
          <Id value={witness.key} name={`verifier key of ${witness.name}`} chars={30} />
        </Fact>
      ))}
    </Group>
  );
}

const FORMER_SHOWN = 3;

function BrowserMemory({ logId }: { logId: string }) {
  const [, setVersion] = useState(0);
  // A verification elsewhere on the page writes here too.
  useNow();
  const { logs: all, state } = recall();
  const known = all.find((one) => one.logId === logId);
  const former = all.filter((one) => one.logId !== logId).slice(0, FORMER_SHOWN);
  const afterwards = (act: () => void) => {
    act();
    setVersion((before) => before + 1);
  };
  const forget = (log: Remembered) => (
    <button
      type="button"
      className="link small"
      aria-label={`Forget it: log ${log.logId}`}
      onClick={() => afterwards(() => forgetLog(log.logId))}
    >
      Forget it
    </button>
  );
  const none = (
    <p className="small muted">
      {state === "blocked"
        ? "Nothing: it lets this page keep nothing, so that a log that was cut or changed is not noticed here."
        : "Nothing of this log. The next check that finds its checkpoint in order is kept here, out of the server's reach."}
    </p>
  );
  return (
    <>
      <Group name="This browser remembers" after={known ? forget(known) : none}>
        {known && <MemoryFacts log={known} />}
      </Group>
      {state === "damaged" && (
        <Group name="Memory that cannot be read">
          <button type="button" className="link small" onClick={() => afterwards(forgetDamaged)}>
            Forget it
          </button>
        </Group>
      )}
      {former.map((log) => (
        <Group key={log.logId} name="Another log seen at this address" after={forget(log)}>
          <Fact name="Log id">
            <Id value={log.logId} name="log id of another log" chars={30} />
          </Fact>
          <MemoryFacts log={log} />
        </Group>
      ))}
    </>
  );
}

function MemoryFacts({ log }: { log: Remembered }) {
  return (
    <>
      <Fact name="Size">
        <span className="mono">{count(log.size)}</span> <span className="faint">events, seen</span>{" "}
        <Ago at={log.seenAt} />
      </Fact>
      <Fact name="Root">
        <Id value={log.root} name="remembered root hash" chars={26} />
      </Fact>
    </>
  );
}

function Group({
  name,
  children,
  after,
}: {
  name: string;
  children?: ReactNode;
  after?: ReactNode;
}) {
  return (
    <section aria-label={name}>
      <h2>{name}</h2>
      {children && <Facts>{children}</Facts>}
      {after}
    </section>
  );
}
