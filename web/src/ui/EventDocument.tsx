// Owns the text of one event: its data, the whole as it is kept, or the document that it is in another dialect.
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { catalogQuery, documentQuery, eventQuery } from "../api/queries";
import type { AnnalsEvent } from "../api/types";
import { dialectSaid, writtenIn } from "../format/dialect";
import { indented, memberText } from "../format/jsonText";
import { bytes } from "../format/number";
import { asText } from "../format/summary";
import { CopyButton } from "./Bits";
import { JsonView } from "./JsonView";
import { Failed, SkeletonRows } from "./States";

/** The dialect that the link names, and how to name another. */
function useDialect(): [string | undefined, (dialect: string | undefined) => void] {
  const search: { as?: string } = useSearch({ strict: false });
  const navigate = useNavigate();
  const choose = (as: string | undefined) =>
    void navigate({ to: ".", search: (before: object) => ({ ...before, as }), replace: true });
  return [search.as, choose];
}

/** The value of `as` for the event as it is kept; no dialect is called so. */
const WHOLE = "event";

export function EventDocument({ event, text }: { event: AnnalsEvent; text: string }) {
  const [chosen, choose] = useDialect();
  const catalog = useQuery(catalogQuery());
  const entry = catalog.data?.types.find((type) => type.event_type === event.event_type);
  const cameBy = asText(event.origin?.dialect) ?? undefined;
  const dialects = writtenIn(entry, cameBy);
  // A dialect that the link names is asked for even where the catalog expects nothing: the server decides.
  const isMore = chosen !== undefined && chosen !== WHOLE && !dialects.includes(chosen);
  const chip = (value: string | undefined, label: string, title: string) => (
    <button
      key={label}
      type="button"
      className="chip"
      aria-pressed={chosen === value}
      title={title}
      onClick={() => choose(value)}
    >
      {label}
    </button>
  );
  return (
    <section aria-label="What it says">
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would draw a frame; the group's name is all that is needed. */}
      <div className="chips" role="group" aria-label="Show it as">
        {chip(undefined, "data", "What the event says, without its envelope")}
        {chip(WHOLE, "whole event", "The event as it is kept, with its envelope")}
        {(isMore ? [...dialects, chosen] : dialects).map((dialect) =>
          chip(
            dialect,
            dialect,
            `As ${dialectSaid(dialect)}${dialect === cameBy ? ": it came by this one" : ""}`,
          ),
        )}
      </div>
      {chosen === undefined ? (
        <Data event={event} text={text} />
      ) : chosen === WHOLE ? (
        <Document text={text} name="Whole event" />
      ) : (
        <Foreign event={event} dialect={chosen} envelope={text} />
      )}
    </section>
  );
}

/** The same for an event of which only the id is known. */
export function EventDocumentById({ eventId }: { eventId: string }) {
  const found = useQuery(eventQuery(eventId));
  if (found.isPending) return <SkeletonRows rows={6} height={18} columns="1fr" />;
  if (found.error) return <p className="small fail">{found.error.message}</p>;
  return <EventDocument event={found.data.event} text={found.data.text} />;
}

function Data({ event, text }: { event: AnnalsEvent; text: string }) {
  if (event.redaction && !event.redaction.replaced) {
    return (
      <p className="small muted">
        The words were erased from every file of the log. The event's place and hash are what they
        were, and its proofs still hold.
      </p>
    );
  }
  return <Document text={memberText(text, "data") ?? JSON.stringify(event.data)} name="Data" />;
}

function Foreign({
  event,
  dialect,
  envelope,
}: {
  event: AnnalsEvent;
  dialect: string;
  envelope: string;
}) {
  const found = useQuery(documentQuery(event.event_id, dialect));
  if (found.isPending) return <SkeletonRows rows={6} height={18} columns="1fr" />;
  if (found.error) {
    return (
      <Failed
        what={`The ${dialect} document could not be read`}
        error={found.error}
        retry={() => void found.refetch()}
      />
    );
  }
  // The server answers with the envelope where a dialect has no form for an event.
  if (found.data === envelope) {
    return (
      <p className="small muted">
        {event.redaction
          ? `The words are gone, so there is no ${dialect} document of it any more.`
          : `The dialect ${dialect} has no form for this event; it goes out as it is kept.`}
      </p>
    );
  }
  return <Document text={found.data} name={`As ${dialect}`} />;
}

function Document({ text, name }: { text: string; name: string }) {
  return (
    <div className="document">
      <div className="document-copy">
        <span className="faint small num">{bytes(new Blob([text]).size)}</span>
        <CopyButton text={indented(text)} label="Copy" />
      </div>
      <JsonView text={text} name={name} />
    </div>
  );
}
