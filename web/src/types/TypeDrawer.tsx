// Owns the whole of one type: what came of it, how each dialect spells it, what its data holds, an example.
import { Link } from "@tanstack/react-router";
import { dialectSaid, inOrder } from "../format/dialect";
import { count } from "../format/number";
import { absolute, clock } from "../format/time";
import { Ago, CopyButton, Glyph } from "../ui/Bits";
import { Drawer, Fact, Facts } from "../ui/Drawer";
import { JsonView } from "../ui/JsonView";
import { SchemaMembers } from "./SchemaMembers";
import { Spellings } from "./Spellings";
import { isSeen, type TypeRow } from "./typeRows";

export function TypeDrawer({
  row,
  since,
  close,
}: {
  row: TypeRow;
  since: string | undefined;
  close: () => void;
}) {
  const { entry, event_type } = row;
  return (
    <Drawer
      name={`Type ${event_type}`}
      close={close}
      title={
        <>
          <Glyph category={row.category} />
          <h2 className="one-line" title={event_type}>
            {event_type}
          </h2>
        </>
      }
    >
      <p>
        {entry?.meaning ??
          "The catalog has no entry for this type. Its events are kept under their own name; their data is not checked."}
      </p>
      <div className="drawer-actions">
        <Link to="/live" search={{ type: [event_type] }} className="button primary">
          Show live
        </Link>
        <CopyButton text={event_type} label="Copy name" />
        <CopyButton text={location.href} label="Copy link" />
      </div>
      <What row={row} since={since} />
      {entry && (
        <>
          <About row={row} />
          <Spellings entry={entry} dialects={row.counts?.dialects ?? {}} />
          <SchemaMembers schema={entry.schema} sensitive={entry.sensitive} />
          {entry.example !== null && (
            <section>
              <h3>Example of its data</h3>
              <JsonView text={JSON.stringify(entry.example)} name="Example" />
            </section>
          )}
        </>
      )}
    </Drawer>
  );
}

function What({ row, since }: { row: TypeRow; since: string | undefined }) {
  const { counts, event_type } = row;
  return (
    <section>
      <h3>What came of it</h3>
      <Facts>
        <Fact name="Events">
          <span className="num">{count(counts?.events ?? 0)}</span>
          {counts && isSeen(row) && (
            <span className="faint small num">
              {" "}
              – {count(counts.events_last_minute)} in the last minute,{" "}
              {count(counts.events_last_hour)} in the last hour
            </span>
          )}
        </Fact>
        {counts?.last_at && (
          <Fact name="Newest">
            <Ago at={counts.last_at} />{" "}
            <span className="faint small num">at #{counts.last_position}</span>
          </Fact>
        )}
        {counts && isSeen(row) && (
          <Fact name="Came by">
            <span className="badges">
              {inOrder(Object.keys(counts.dialects)).map((dialect) => (
                <Link
                  key={dialect}
                  to="/live"
                  search={{ type: [event_type], origin: [dialect] }}
                  className="badge badge-link num"
                  title={`${dialectSaid(dialect)}; show these live`}
                >
                  {dialect} {count(counts.dialects[dialect])}
                </Link>
              ))}
            </span>
          </Fact>
        )}
        {since && (
          <Fact name="Schema failures">
            <span className={counts?.schema_failures ? "fail num" : "num"}>
              {count(counts?.schema_failures ?? 0)}
            </span>
            <span className="faint small" title={absolute(since)}>
              {" "}
              since {clock(since).slice(0, 8)}, when the server started
            </span>
          </Fact>
        )}
      </Facts>
    </section>
  );
}

function About({ row: { entry, category } }: { row: TypeRow }) {
  if (!entry) return null;
  return (
    <section>
      <h3>What it is</h3>
      <Facts>
        <Fact name="Category">{category}</Fact>
        <Fact name="Authority">
          {entry.authority === "control"
            ? "control: only the server itself writes it; a report of it is stored as observed"
            : "observed: anyone who may append may report it"}
        </Fact>
        {entry.route && (
          <Fact name="Written by">
            <code>{entry.route}</code>
          </Fact>
        )}
        <Fact name="Stream">of its {entry.stream}</Fact>
        <Fact name="Severity">{entry.severity}</Fact>
        <Fact name="In the audit">{entry.audit.replaceAll("_", " ")}</Fact>
        <Fact name="Family">{entry.family}</Fact>
        <Fact name="Version">{entry.event_version}</Fact>
      </Facts>
    </section>
  );
}
