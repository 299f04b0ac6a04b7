// Owns the full view of one event: what it says, whose it is, where it stands, its hashes, its JSON.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { eventQuery } from "../api/queries";
import type { AnnalsEvent, SchemaViolation } from "../api/types";
import { categoryOf } from "../format/category";
import { isFailure, summarise } from "../format/summary";
import { absolute, clock } from "../format/time";
import { asItReads, useRedactions } from "../live/redactions";
import { CopyButton, Id, TypeGlyph } from "./Bits";
import { Drawer, Fact, Facts } from "./Drawer";
import { EventDocument } from "./EventDocument";
import { Icon } from "./icons";
import { RedactAction, RedactedNote } from "./Redaction";
import { Failed, SkeletonRows } from "./States";

export function EventDrawer({
  eventId,
  close,
  inRun = false,
}: {
  eventId: string;
  close: () => void;
  inRun?: boolean;
}) {
  const found = useQuery(eventQuery(eventId));
  useRedactions();
  const held = found.data?.event;
  const event = held && asItReads(held);
  const { refetch } = found;
  // What was kept here from before a redaction is read again; until then its words are not shown.
  const isOld = event !== held;
  useEffect(() => {
    if (isOld) void refetch();
  }, [isOld, refetch]);
  const title = event ? (
    <>
      <TypeGlyph eventType={event.event_type} />
      <h2 className={isFailure(event.event_type) ? "one-line fail" : "one-line"}>
        {event.event_type}
      </h2>
      <span className="faint num">#{event.position}</span>
    </>
  ) : (
    <h2>Event</h2>
  );
  return (
    <Drawer title={title} name="Event" close={close}>
      {found.isPending && <SkeletonRows rows={10} height={26} columns="100px 1fr" />}
      {found.error && (
        <Failed
          what="This event could not be read"
          error={found.error}
          retry={() => void found.refetch()}
        />
      )}
      {event && (
        <EventBody
          event={event}
          text={isOld ? JSON.stringify(event) : (found.data?.text ?? "")}
          inRun={inRun}
        />
      )}
    </Drawer>
  );
}

function EventBody({ event, text, inRun }: { event: AnnalsEvent; text: string; inRun: boolean }) {
  return (
    <>
      {event.redaction ? (
        <RedactedNote mark={event.redaction} link />
      ) : (
        <p className="drawer-lead">{summarise(event)}</p>
      )}
      <div className="drawer-actions">
        {event.run_id && !inRun && (
          <Link
            to="/runs/$runId"
            params={{ runId: event.run_id }}
            search={{}}
            className="button primary"
          >
            Open run
          </Link>
        )}
        <CopyButton text={location.href} label="Copy link" />
        <RedactAction event={event} />
      </div>
      {event.schema_violation && <ViolationNote violation={event.schema_violation} />}
      <EventDocument event={event} text={text} />
      <section>
        <h3>Envelope</h3>
        <EnvelopeFacts event={event} />
      </section>
      <section>
        <h3>Place in the log</h3>
        <Facts>
          <Fact name="Position">
            <span className="mono">{event.position}</span>
          </Fact>
          <Fact name="Stream">
            <Id
              value={`${event.stream.stream_type}/${event.stream.stream_id}`}
              name="stream"
              chars={30}
            />
            <span className="faint num"> seq {event.stream.stream_seq}</span>
          </Fact>
          <Fact name="Hash">
            <Id value={event.event_hash} name="hash" chars={26} />
          </Fact>
          <Fact name="Previous">
            {event.prev_event_hash ? (
              <Id value={event.prev_event_hash} name="previous hash" chars={26} />
            ) : (
              <span className="faint">none: first of its stream</span>
            )}
          </Fact>
        </Facts>
      </section>
    </>
  );
}

/** The workspace is lenient: what does not fit is kept, and says so. */
function ViolationNote({ violation }: { violation: SchemaViolation }) {
  const { pointer, problem } = violation;
  return (
    <p className="violation" role="note">
      <Icon name="alert" size={15} />
      <span>
        The data does not fit the schema of its type{" "}
        {pointer ? (
          <>
            at <code>{pointer}</code>
          </>
        ) : (
          "as a whole"
        )}
        : {problem}. This workspace keeps such events.
      </span>
    </p>
  );
}

function EnvelopeFacts({ event }: { event: AnnalsEvent }) {
  const ids = [
    ["Event id", event.event_id],
    ["Run", event.run_id],
    ["Step", event.step_id],
    ["Room", event.room_id],
    ["Thread", event.thread_id],
    ["Mission", event.mission_id],
    ["Correlation", event.correlation_id],
    ["Caused by", event.causation_id],
    ["Idempotency", event.idempotency_key],
  ] as const;
  return (
    <Facts>
      <Fact name="Happened">
        <time dateTime={event.occurred_at} title={absolute(event.occurred_at)} className="mono">
          {clock(event.occurred_at)}
        </time>{" "}
        <span className="faint small">{absolute(event.occurred_at).slice(0, 10)}</span>
      </Fact>
      <Fact name="Recorded">
        <time dateTime={event.recorded_at} title={absolute(event.recorded_at)} className="mono">
          {clock(event.recorded_at)}
        </time>
      </Fact>
      <Fact name="Actor">
        <span className="badge">{event.actor.actor_type}</span> {event.actor.actor_id}
      </Fact>
      <Fact name="Principal">
        <Id value={event.actor_principal_id} name="principal" chars={28} />
      </Fact>
      <Fact name="Category">{categoryOf(event.event_type)}</Fact>
      <Fact name="Authority">
        <span className={event.authority === "control" ? "badge control" : "badge"}>
          {event.authority}
        </span>
      </Fact>
      {ids.map(([name, value]) =>
        value ? (
          <Fact key={name} name={name}>
            <Id value={value} name={name.toLowerCase()} chars={30} />
          </Fact>
        ) : null,
      )}
      <Fact name="Zone">{event.zone}</Fact>
      {event.redaction_level !== "none" && <Fact name="Redaction">{event.redaction_level}</Fact>}
    </Facts>
  );
}
