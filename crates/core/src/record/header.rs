//! The header of a record: what is said about an event beside its body, as bytes.
//!
//! The bytes are a fixed order of fields (`docs/formats/record.md`), the last 24 of them the
//! event's place: position, stream_seq and recorded_at. All before is known when the event
//! enters the sequencer and is encoded outside it.

use std::borrow::Cow;

use super::wire::{FieldReader, put_field, put_optional};
use crate::envelope::{Actor, ActorType, Authority, Draft, RedactionLevel, Scope, StreamKey, Zone};
use crate::id::{
    CausationId, CorrelationId, DialectName, EventId, EventType, IdempotencyKey, LogId, Position,
    PrincipalId, Seq, WorkspaceId,
};
use crate::time::Timestamp;

const FORMAT: u8 = 1;
const HASH_SUITE: u8 = 1;
const PLACEMENT_BYTES: usize = 24;
/// Behind the format, the hash suite and the log's id.
const FIRST_FIELD_OFFSET: usize = 18;

/// Header bytes are not a header of format 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The format or hash suite is not known to this version of Annals.
    #[error("header format {format} with hash suite {suite} is not known here; use a newer Annals")]
    UnknownFormat {
        /// The format number.
        format: u8,
        /// The hash suite number.
        suite: u8,
    },
    /// A field is cut off or has an impossible value.
    #[error("header field `{field}` is broken")]
    Broken {
        /// The field.
        field: &'static str,
    },
}

/// Which optional fields the server filled because the sender left them out.
///
/// A sender who repeats an event leaves them out again; the two are then the same content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServerFilled(u8);

impl ServerFilled {
    /// The server made the event_id.
    pub const EVENT_ID: Self = Self(1);
    /// The server took its own clock for occurred_at.
    pub const OCCURRED_AT: Self = Self(2);
    /// The server derived the correlation_id.
    pub const CORRELATION_ID: Self = Self(4);

    /// Nothing was filled.
    #[must_use]
    pub const fn none() -> Self {
        Self(0)
    }

    /// Both of two sets.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a field is in the set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Where an event stands, decided by the sequencer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// Its place in the log.
    pub position: Position,
    /// Its place in its stream.
    pub stream_seq: Seq,
    /// When the log took it.
    pub recorded_at: Timestamp,
}

impl Placement {
    /// The last bytes of a header.
    ///
    /// # Errors
    /// When there are too few bytes.
    pub fn of_header(bytes: &[u8]) -> Result<Self, HeaderError> {
        let broken = HeaderError::Broken { field: "placement" };
        let (_, place) = bytes.split_last_chunk::<PLACEMENT_BYTES>().ok_or(broken.clone())?;
        let ([position, stream_seq, recorded_at], []) = place.as_chunks::<8>() else {
            return Err(broken);
        };
        Ok(Self {
            position: Position(u64::from_le_bytes(*position)),
            stream_seq: Seq(u64::from_le_bytes(*stream_seq)),
            recorded_at: Timestamp::from_micros(i64::from_le_bytes(*recorded_at)),
        })
    }
}

/// Everything a header says but the placement, as values; those of the draft stay there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header<'a> {
    /// The event's identity.
    pub event_id: EventId,
    /// What kind of fact it is.
    pub event_type: &'a EventType,
    /// The version of the payload.
    pub event_version: u32,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The tenant.
    pub workspace_id: WorkspaceId,
    /// The units of work.
    pub scope: &'a Scope,
    /// Who did it, by claim.
    pub actor: &'a Actor,
    /// Whose credential sent it.
    pub actor_principal_id: PrincipalId,
    /// The zone, already capped.
    pub zone: Zone,
    /// The stream.
    pub stream: &'a StreamKey,
    /// What ties it to others.
    pub correlation_id: Cow<'a, CorrelationId>,
    /// What made it happen.
    pub causation_id: Option<&'a CausationId>,
    /// The sender's name for the append.
    pub idempotency_key: Option<&'a IdempotencyKey>,
    /// The dialect it came in by.
    pub origin_dialect: Option<&'a DialectName>,
    /// Decided here or reported.
    pub authority: Authority,
    /// How much was replaced before it was kept.
    pub redaction_level: RedactionLevel,
    /// Whether a secret was found in it.
    pub contains_secrets: bool,
    /// What the server filled.
    pub server_filled: ServerFilled,
    /// Compact JSON in the server's own words: of a control fact what `evolve` needs, so that no
    /// body is needed for it; of an observed one the mark of a payload that does not fit its schema.
    pub control: Option<String>,
}

impl Header<'_> {
    /// The bytes of all fields but the placement.
    #[must_use]
    pub fn encode(&self, log_id: &LogId) -> HeaderDraft {
        let mut out = Vec::with_capacity(384);
        out.push(FORMAT);
        out.push(HASH_SUITE);
        out.extend_from_slice(log_id.as_bytes());
        self.put_identity(&mut out);
        self.put_parties(&mut out);
        self.put_marks(&mut out);
        HeaderDraft { bytes: out }
    }

    fn put_identity(&self, out: &mut Vec<u8>) {
        put_field(out, self.event_id.as_bytes());
        put_field(out, self.event_type.as_str().as_bytes());
        put_field(out, &self.event_version.to_le_bytes());
        put_field(out, &self.occurred_at.as_micros().to_le_bytes());
        put_field(out, self.workspace_id.as_str().as_bytes());
        put_optional(out, self.scope.mission_id.as_ref().map(AsRef::as_ref));
        put_optional(out, self.scope.room_id.as_ref().map(AsRef::as_ref));
        put_optional(out, self.scope.thread_id.as_ref().map(AsRef::as_ref));
        put_optional(out, self.scope.run_id.as_ref().map(AsRef::as_ref));
        put_optional(out, self.scope.step_id.as_ref().map(AsRef::as_ref));
    }

    fn put_parties(&self, out: &mut Vec<u8>) {
        put_field(out, &[self.actor.actor_type.code()]);
        put_field(out, self.actor.actor_id.as_str().as_bytes());
        put_field(out, self.actor_principal_id.as_str().as_bytes());
        put_field(out, &[self.zone.code()]);
        put_field(out, self.stream.stream_type.as_str().as_bytes());
        put_field(out, self.stream.stream_id.as_str().as_bytes());
        put_field(out, self.correlation_id.as_str().as_bytes());
        put_optional(out, self.causation_id.map(AsRef::as_ref));
        put_optional(out, self.idempotency_key.map(AsRef::as_ref));
    }

    fn put_marks(&self, out: &mut Vec<u8>) {
        put_optional(out, self.origin_dialect.map(AsRef::as_ref));
        put_field(out, &[self.authority.code()]);
        put_field(out, &[self.redaction_level.code()]);
        put_field(out, &[u8::from(self.contains_secrets)]);
        put_field(out, &[self.server_filled.0]);
        put_optional(out, self.control.as_deref());
    }
}

/// Header bytes that lack only the placement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderDraft {
    bytes: Vec<u8>,
}

impl HeaderDraft {
    /// The bytes so far; a header is these followed by the placement.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes that the placement adds.
    #[must_use]
    pub fn placement_bytes(placement: &Placement) -> [u8; PLACEMENT_BYTES] {
        let mut out = [0; PLACEMENT_BYTES];
        let (position, rest) = out.split_at_mut(8);
        let (stream_seq, recorded_at) = rest.split_at_mut(8);
        position.copy_from_slice(&placement.position.get().to_le_bytes());
        stream_seq.copy_from_slice(&placement.stream_seq.get().to_le_bytes());
        recorded_at.copy_from_slice(&placement.recorded_at.as_micros().to_le_bytes());
        out
    }

    /// The fields, with a placement of zeros.
    ///
    /// # Errors
    /// None for bytes that [`Header::encode`] made.
    pub fn view(&self) -> Result<HeaderRef<'_>, HeaderError> {
        let placement = Placement {
            position: Position(0),
            stream_seq: Seq(0),
            recorded_at: Timestamp::from_micros(0),
        };
        HeaderRef::parse_fields(&self.bytes, placement)
    }
}

/// A header's fields, read where they lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each field is the one of the same name in `Header` or `Placement`"
)]
pub struct HeaderRef<'a> {
    pub log_id: LogId,
    pub event_id: EventId,
    pub event_type: &'a str,
    pub event_version: u32,
    pub occurred_at: Timestamp,
    pub workspace_id: &'a str,
    pub mission_id: Option<&'a str>,
    pub room_id: Option<&'a str>,
    pub thread_id: Option<&'a str>,
    pub run_id: Option<&'a str>,
    pub step_id: Option<&'a str>,
    pub actor_type: ActorType,
    pub actor_id: &'a str,
    pub actor_principal_id: &'a str,
    pub zone: Zone,
    pub stream_type: &'a str,
    pub stream_id: &'a str,
    pub correlation_id: &'a str,
    pub causation_id: Option<&'a str>,
    pub idempotency_key: Option<&'a str>,
    pub origin_dialect: Option<&'a str>,
    pub authority: Authority,
    pub redaction_level: RedactionLevel,
    pub contains_secrets: bool,
    pub server_filled: ServerFilled,
    pub control: Option<&'a str>,
    pub position: Position,
    pub stream_seq: Seq,
    pub recorded_at: Timestamp,
}

impl<'a> HeaderRef<'a> {
    /// Reads header bytes.
    ///
    /// # Errors
    /// An unknown format, or the first field that is broken.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, HeaderError> {
        let placement = Placement::of_header(bytes)?;
        let split = bytes.len().saturating_sub(PLACEMENT_BYTES);
        Self::parse_fields(bytes.get(..split).unwrap_or_default(), placement)
    }

    /// The identity alone, for those who need nothing else of many headers.
    #[must_use]
    pub fn event_id_of(bytes: &[u8]) -> Option<EventId> {
        let mut reader = FieldReader::new(bytes.get(FIRST_FIELD_OFFSET..)?);
        reader.array("event_id").ok().map(EventId::from_bytes)
    }

    /// The event type alone, for those who need nothing else of many headers.
    #[must_use]
    pub fn event_type_of(bytes: &'a [u8]) -> Option<&'a str> {
        let mut reader = FieldReader::new(bytes.get(FIRST_FIELD_OFFSET..)?);
        reader.optional("event_id").ok()?;
        reader.text("event_type").ok()
    }

    fn parse_fields(bytes: &'a [u8], placement: Placement) -> Result<Self, HeaderError> {
        let [format, suite, rest @ ..] = bytes else {
            return Err(HeaderError::Broken { field: "format" });
        };
        let (format, suite) = (*format, *suite);
        if (format, suite) != (FORMAT, HASH_SUITE) {
            return Err(HeaderError::UnknownFormat { format, suite });
        }
        let (log_id, rest) =
            rest.split_first_chunk().ok_or(HeaderError::Broken { field: "log_id" })?;
        let mut reader = FieldReader::new(rest);
        let header = Self::read_fields(&mut reader, LogId::from_bytes(*log_id), placement)?;
        if reader.rest.is_empty() { Ok(header) } else { Err(HeaderError::Broken { field: "end" }) }
    }

    // One line per persisted field, in their order on disk: splitting it would hide the order.
    fn read_fields(
        reader: &mut FieldReader<'a>,
        log_id: LogId,
        placement: Placement,
    ) -> Result<Self, HeaderError> {
        // Struct fields are evaluated in the order written, which is the order on disk.
        Ok(Self {
            log_id,
            event_id: EventId::from_bytes(reader.array("event_id")?),
            event_type: reader.text("event_type")?,
            event_version: u32::from_le_bytes(reader.array("event_version")?),
            occurred_at: Timestamp::from_micros(i64::from_le_bytes(reader.array("occurred_at")?)),
            workspace_id: {
                reader.expect_texts();
                reader.text("workspace_id")?
            },
            mission_id: reader.optional_text("mission_id")?,
            room_id: reader.optional_text("room_id")?,
            thread_id: reader.optional_text("thread_id")?,
            run_id: reader.optional_text("run_id")?,
            step_id: reader.optional_text("step_id")?,
            actor_type: code(reader, "actor_type", ActorType::from_code)?,
            actor_id: reader.text("actor_id")?,
            actor_principal_id: reader.text("actor_principal_id")?,
            zone: code(reader, "zone", Zone::from_code)?,
            stream_type: reader.text("stream_type")?,
            stream_id: reader.text("stream_id")?,
            correlation_id: reader.text("correlation_id")?,
            causation_id: reader.optional_text("causation_id")?,
            idempotency_key: reader.optional_text("idempotency_key")?,
            origin_dialect: reader.optional_text("origin_dialect")?,
            authority: code(reader, "authority", Authority::from_code)?,
            redaction_level: code(reader, "redaction_level", RedactionLevel::from_code)?,
            contains_secrets: code(reader, "contains_secrets", flag)?,
            server_filled: code(reader, "server_filled", |bits| Some(ServerFilled(bits)))?,
            control: reader.optional_text("control")?,
            position: placement.position,
            stream_seq: placement.stream_seq,
            recorded_at: placement.recorded_at,
        })
    }

    /// The stream's name, owned.
    #[must_use]
    pub fn stream_key(&self) -> Option<StreamKey> {
        Some(StreamKey {
            stream_type: self.stream_type.parse().ok()?,
            stream_id: self.stream_id.parse().ok()?,
        })
    }

    /// Whether another header says the same, seen from its sender.
    ///
    /// What the server filled in both is not compared, nor what only the server sets.
    /// `event_id` is left out too, because either it is equal or the match was by key.
    #[must_use]
    pub fn same_content(&self, other: &HeaderRef<'_>) -> bool {
        let filled_alike =
            |field| self.server_filled.contains(field) == other.server_filled.contains(field);
        let same_or_filled =
            |field, same: bool| filled_alike(field) && (same || self.server_filled.contains(field));
        let same_time = self.occurred_at == other.occurred_at;
        let same_correlation = self.correlation_id == other.correlation_id;
        self.event_type == other.event_type
            && self.event_version == other.event_version
            && self.workspace_id == other.workspace_id
            && self.mission_id == other.mission_id
            && self.room_id == other.room_id
            && self.thread_id == other.thread_id
            && self.run_id == other.run_id
            && self.step_id == other.step_id
            && self.actor_type == other.actor_type
            && self.actor_id == other.actor_id
            && self.zone == other.zone
            && self.stream_type == other.stream_type
            && self.stream_id == other.stream_id
            && self.causation_id == other.causation_id
            && self.idempotency_key == other.idempotency_key
            && self.origin_dialect == other.origin_dialect
            && same_or_filled(ServerFilled::OCCURRED_AT, same_time)
            && same_or_filled(ServerFilled::CORRELATION_ID, same_correlation)
    }
}

fn flag(code: u8) -> Option<bool> {
    match code {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

fn code<T>(
    reader: &mut FieldReader<'_>,
    field: &'static str,
    decode: impl Fn(u8) -> Option<T>,
) -> Result<T, HeaderError> {
    let [byte] = reader.array(field)?;
    decode(byte).ok_or(HeaderError::Broken { field })
}

/// What the server adds to a draft to make a header.
#[derive(Debug, Clone)]
pub struct ServerFields {
    /// The event's identity: the sender's, or a new one.
    pub event_id: EventId,
    /// The tenant of the credential.
    pub workspace_id: WorkspaceId,
    /// The identity behind the credential.
    pub principal_id: PrincipalId,
    /// The zone after the credential's cap.
    pub zone: Zone,
    /// When the request came in.
    pub received_at: Timestamp,
    /// The correlation the request's trace context gives, if any.
    pub trace_correlation: Option<CorrelationId>,
    /// Decided here or reported.
    pub authority: Authority,
    /// What `evolve` needs of a control fact, or the mark of an observed one.
    pub control: Option<String>,
}

impl<'a> Header<'a> {
    /// Completes what a sender said with what only the server knows.
    #[must_use]
    pub fn complete(draft: &'a Draft, server: ServerFields) -> Self {
        let mut filled = ServerFilled::none();
        if draft.event_id.is_none() {
            filled = filled.with(ServerFilled::EVENT_ID);
        }
        if draft.occurred_at.is_none() {
            filled = filled.with(ServerFilled::OCCURRED_AT);
        }
        let correlation_id = draft.correlation_id.as_ref().map_or_else(
            || {
                filled = filled.with(ServerFilled::CORRELATION_ID);
                let made = || CorrelationId::of_event(&server.event_id);
                Cow::Owned(server.trace_correlation.unwrap_or_else(made))
            },
            Cow::Borrowed,
        );
        Self {
            event_id: server.event_id,
            event_type: &draft.event_type,
            event_version: draft.event_version,
            occurred_at: draft.occurred_at.unwrap_or(server.received_at),
            workspace_id: server.workspace_id,
            scope: &draft.scope,
            actor: &draft.actor,
            actor_principal_id: server.principal_id,
            zone: server.zone,
            stream: &draft.stream,
            correlation_id,
            causation_id: draft.causation_id.as_ref(),
            idempotency_key: draft.idempotency_key.as_ref(),
            origin_dialect: draft.origin.dialect.as_ref(),
            authority: server.authority,
            redaction_level: RedactionLevel::None,
            contains_secrets: false,
            server_filled: filled,
            control: server.control,
        }
    }
}
