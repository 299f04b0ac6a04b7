// Owns the detail of one span: what went in, what came out, how long it took, and the events that say so.
import { useEffect, useState, useSyncExternalStore } from "react";
import type { AnnalsEvent } from "../api/types";
import { asObject, errorText } from "../format/summary";
import { visible } from "../format/text";
import { absolute, clock } from "../format/time";
import { useRedactions } from "../live/redactions";
import { CopyButton, Glyph, Id, TokensSplit, Took } from "../ui/Bits";
import { Drawer, Fact, Facts } from "../ui/Drawer";
import { EventDocumentById } from "../ui/EventDocument";
import { JsonView } from "../ui/JsonView";
import { RedactedNote } from "../ui/Redaction";
import { Empty } from "../ui/States";
import type { TimedSpan } from "./spanStore";
import { messageText } from "./TranscriptEntry";
import { textOf } from "./transcript";
import type { RunData } from "./useRun";
import { KIND_CATEGORY } from "./Waterfall";

export function SpanDrawer({
  spanId,
  data,
  close,
  openEvent,
  chooseAgent,
}: {
  spanId: string;
  data: RunData;
  close(): void;
  openEvent(eventId: string): void;
  chooseAgent(agent: string): void;
}) {
  const { cache, store } = data;
  useSyncExternalStore(cache.subscribe, () => cache.version);
  useRedactions();
  const span = store.get(spanId);
  const positions = span ? [span.start_position, span.end_position] : [];
  const key = positions.join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the positions.
  useEffect(() => cache.want(positions), [key, cache]);
  if (!span) {
    return (
      <Drawer title={<h2>Span</h2>} name="Span" close={close}>
        {!data.spansLoading && (
          <Empty icon="search" title="This run has no such span">
            The link may belong to another run.
          </Empty>
        )}
      </Drawer>
    );
  }
  const start = cache.get(span.start_position);
  const end = cache.get(span.end_position);
  return (
    <Drawer
      name={`${span.kind} ${span.name}`}
      close={close}
      title={
        <>
          <Glyph category={KIND_CATEGORY[span.kind]} title={span.kind} />
          <h2 className={span.status === "error" ? "one-line fail" : "one-line"}>{span.name}</h2>
          <span className="badge">{span.kind}</span>
        </>
      }
    >
      <SpanFacts span={span} chooseAgent={chooseAgent} />
      <div className="drawer-actions">
        <CopyButton text={location.href} label="Copy link" />
      </div>
      {[start, end].map(
        (event, at) =>
          event?.redaction &&
          (at === 0 || event !== start) && (
            <RedactedNote key={event.event_id} mark={event.redaction} link />
          ),
      )}
      <SpanContent span={span} start={start} end={end} />
      <SpanEvents start={start} end={end} openEvent={openEvent} />
    </Drawer>
  );
}

function SpanFacts({ span, chooseAgent }: { span: TimedSpan; chooseAgent(agent: string): void }) {
  return (
    <Facts>
      <Fact name="State">
        <span className={span.status === "error" ? "fail" : undefined}>
          {span.status === "error"
            ? "failed"
            : span.status === "open"
              ? "open: no result yet"
              : "done"}
        </span>
      </Fact>
      <Fact name="Took">
        <Took ms={span.duration_ms} />
      </Fact>
      <Fact name="Began">
        <time className="mono" dateTime={span.started_at} title={absolute(span.started_at)}>
          {clock(span.started_at)}
        </time>
      </Fact>
      {span.ended_at && (
        <Fact name="Ended">
          <time className="mono" dateTime={span.ended_at} title={absolute(span.ended_at)}>
            {clock(span.ended_at)}
          </time>
        </Fact>
      )}
      <Fact name="Agent">
        <button type="button" className="link" onClick={() => chooseAgent(span.agent_id)}>
          {span.agent_id}
        </button>
      </Fact>
      {span.tokens && (
        <Fact name="Tokens">
          <TokensSplit tokens={span.tokens} />
        </Fact>
      )}
      <Fact name="Id">
        <Id value={span.span_id} name="span id" chars={30} />
      </Fact>
    </Facts>
  );
}

function SpanContent({
  span,
  start,
  end,
}: {
  span: TimedSpan;
  start: AnnalsEvent | undefined;
  end: AnnalsEvent | undefined;
}) {
  const call = asObject(start?.data);
  const result = asObject(end?.data);
  const error = span.status === "error" ? errorText(result) : null;
  if (span.kind === "message" && start?.redaction && !start.redaction.replaced) return null;
  if (span.kind === "message" && start) {
    return <TextPart name="Text" text={messageText(start)} />;
  }
  return (
    <>
      {error && <TextPart name="Error" text={error} failed />}
      {call.input !== undefined && (
        <section>
          <h3>Input</h3>
          <JsonView text={JSON.stringify(call.input)} name="Input" />
        </section>
      )}
      {result.output !== undefined && <TextPart name="Output" text={textOf(result.output)} />}
      {span.kind !== "tool" && end && end.data !== null && (
        <section>
          <h3>Data</h3>
          <JsonView text={JSON.stringify(end.data)} name="Data" />
        </section>
      )}
    </>
  );
}

/** The events that say all this, each in any dialect that has it. */
function SpanEvents({
  start,
  end,
  openEvent,
}: {
  start: AnnalsEvent | undefined;
  end: AnnalsEvent | undefined;
  openEvent(eventId: string): void;
}) {
  const events = [start, end === start ? undefined : end].filter((event) => event !== undefined);
  if (events.length === 0) return null;
  return (
    <section>
      <h3>{events.length === 1 ? "The event behind it" : "The events behind it"}</h3>
      <ul className="span-events">
        {events.map((event) => (
          <li key={event.event_id}>
            <SpanEvent event={event} open={() => openEvent(event.event_id)} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function SpanEvent({ event, open }: { event: AnnalsEvent; open(): void }) {
  const [shown, setShown] = useState(false);
  return (
    <>
      <div className="span-event">
        <button type="button" className="link one-line" onClick={open}>
          {event.event_type} <span className="faint num">#{event.position}</span>
        </button>
        <button
          type="button"
          className="button quiet"
          aria-expanded={shown}
          onClick={() => setShown(!shown)}
        >
          {shown ? "Hide" : "As a document"}
        </button>
      </div>
      {shown && <EventDocumentById eventId={event.event_id} />}
    </>
  );
}

const TEXT_SHOWN = 60_000;

function TextPart({
  name,
  text,
  failed = false,
}: {
  name: string;
  text: string;
  failed?: boolean;
}) {
  return (
    <section>
      <h3>{name}</h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
      <pre className={failed ? "text-part call-error" : "text-part"} tabIndex={0}>
        {visible(text.slice(0, TEXT_SHOWN))}
      </pre>
      {text.length > TEXT_SHOWN && (
        <p className="small faint">
          The first {TEXT_SHOWN.toLocaleString("en")} characters; copy the event for all.
        </p>
      )}
    </section>
  );
}
