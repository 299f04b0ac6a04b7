//! A committed event: its kept bytes, its hash, and how it looks on the wire.
//!
//! Values are read from the stored bytes each time; nothing is kept twice.

use std::fmt::{Display, Write as _};

use crate::envelope::{write_raw_member, write_text_member};
use crate::hash::Digest;
use crate::id::{EventId, Position, Seq};
use crate::json::{members, string_into};
use crate::record::{
    HeaderDraft, HeaderError, HeaderRef, KeptRecord, Placement, Record, SALT_BYTES,
};
use crate::redaction::{RedactionMark, UNEXPLAINED};
use crate::secrets::same_but_for_marks;
use crate::time::Timestamp;
use crate::violation::{VIOLATION_MEMBER, violation_in};

/// An event of the log. Cloning shares its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    record: KeptRecord,
    event_hash: Digest,
    position: Position,
    stream_seq: Seq,
}

impl Event {
    /// Takes the parts of a record and computes its hash.
    ///
    /// # Errors
    /// When the header is broken or of a newer format.
    pub fn from_record(record: &Record) -> Result<Self, HeaderError> {
        Self::from_kept(KeptRecord::of(record))
    }

    /// Takes a stored record and computes its hash.
    ///
    /// # Errors
    /// When the header is broken or of a newer format.
    pub fn from_kept(record: KeptRecord) -> Result<Self, HeaderError> {
        HeaderRef::parse(record.header())?;
        let event_hash = record.event_hash();
        Self::just_written(record, event_hash)
    }

    /// Takes a record that the caller has just written from a [`HeaderDraft`] and hashed, so that
    /// its header need not be read once more.
    ///
    /// # Errors
    /// When the header is too short to hold a place.
    pub fn just_written(record: KeptRecord, event_hash: Digest) -> Result<Self, HeaderError> {
        let place = Placement::of_header(record.header())?;
        Ok(Self { record, event_hash, position: place.position, stream_seq: place.stream_seq })
    }

    /// The kept bytes, part by part.
    #[must_use]
    pub fn record(&self) -> Record {
        self.record.parts()
    }

    /// The header's fields.
    ///
    /// # Panics
    /// Never: the header was read when the event was made.
    #[must_use]
    pub fn header(&self) -> HeaderRef<'_> {
        HeaderRef::parse(self.record.header()).expect("the header was read when the event was made")
    }

    /// Whether salt and body were erased: every byte of them is zero.
    ///
    /// No body of an event starts with a zero byte, so this cannot be true by chance.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        let is_zero = |byte: &u8| *byte == 0;
        self.record.salt().iter().all(is_zero) && self.record.body().iter().all(is_zero)
    }

    /// The event without its salt and body. Its hash and place stay.
    #[must_use]
    pub fn erased(&self) -> Self {
        let mut record = self.record();
        record.salt = [0; SALT_BYTES];
        record.body = vec![0; record.body.len()].into();
        Self { record: KeptRecord::of(&record), ..*self }
    }

    /// The body: one compact JSON object, an empty one when the body was erased.
    #[must_use]
    pub fn body(&self) -> &str {
        match self.record.body().first() {
            Some(0) | None => "{}",
            Some(_) => std::str::from_utf8(self.record.body()).unwrap_or("{}"),
        }
    }

    /// One member of the body, such as `data`, as compact JSON text.
    #[must_use]
    pub fn body_member(&self, name: &str) -> Option<&str> {
        members(self.body()).find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// The payload, as compact JSON text.
    #[must_use]
    pub fn data(&self) -> &str {
        self.body_member("data").unwrap_or("null")
    }

    /// Its identity.
    ///
    /// # Panics
    /// Never: the header was read when the event was made.
    #[must_use]
    pub fn event_id(&self) -> EventId {
        let event_id = HeaderRef::event_id_of(self.record.header());
        event_id.expect("the header was read when the event was made")
    }

    /// When the log took it.
    ///
    /// # Panics
    /// Never: the header was read when the event was made.
    #[must_use]
    pub fn recorded_at(&self) -> Timestamp {
        let place = Placement::of_header(self.record.header());
        place.expect("the header was read when the event was made").recorded_at
    }

    /// What kind of fact it is.
    #[must_use]
    pub fn event_type(&self) -> &str {
        HeaderRef::event_type_of(self.record.header()).unwrap_or_default()
    }

    /// Its place in the log.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// Its place in its stream.
    #[must_use]
    pub fn stream_seq(&self) -> Seq {
        self.stream_seq
    }

    /// Its hash.
    #[must_use]
    pub fn event_hash(&self) -> Digest {
        self.event_hash
    }

    /// The hash of the event before it in its stream; none for the first.
    #[must_use]
    pub fn prev_event_hash(&self) -> Option<Digest> {
        (self.stream_seq > Seq(1)).then(|| self.record.prev_event_hash())
    }

    /// Bytes of header, salt and body.
    #[must_use]
    pub fn byte_count(&self) -> usize {
        self.record.header().len() + SALT_BYTES + self.record.body().len()
    }

    /// Whether a repeated append says the same as this event. With an erased body there is
    /// nothing left to compare, and the repetition is believed; so is what stands where the other
    /// has the mark of a secret.
    ///
    /// # Errors
    /// When the draft's header is broken, which encoding rules out.
    pub fn same_content(&self, header: &HeaderDraft, body: &[u8]) -> Result<bool, HeaderError> {
        if self.is_erased() {
            return Ok(true);
        }
        let (kept, sent) = (self.header(), header.view()?);
        let has_marks = kept.contains_secrets || sent.contains_secrets;
        let is_same_body =
            self.record.body() == body || has_marks && same_but_for_marks(self.record.body(), body);
        Ok(is_same_body && kept.same_content(&sent))
    }

    /// Writes the event as readers get it: one JSON object on one line.
    ///
    /// With a mark nothing of the body is written, whether or not its bytes are still there; the
    /// mark's replacement stands in for `data`. An erased event that comes without a mark says that
    /// nothing explains it.
    pub fn write_json(&self, out: &mut String, redaction: Option<&RedactionMark>) {
        let header = self.header();
        out.push('{');
        write_identity(out, &header);
        write_parties(out, &header);
        write_marks(out, &header);
        match redaction {
            Some(mark) => write_redacted(out, header.origin_dialect, mark),
            None => self.write_body(out, header.origin_dialect),
        }
        out.push_str(",\"prev_event_hash\":");
        match self.prev_event_hash() {
            Some(hash) => push_quoted(out, &hash),
            None => out.push_str("null"),
        }
        out.push_str(",\"event_hash\":");
        push_quoted(out, &self.event_hash);
        out.push('}');
    }

    /// The event as readers get it, without the mark of a redaction.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(self.byte_count() + 512);
        self.write_json(&mut out, None);
        out
    }

    fn write_body(&self, out: &mut String, dialect: Option<&str>) {
        let mut origin_written = false;
        for (name, value) in members(self.body()) {
            if name == "origin" {
                origin_written = true;
                write_origin(out, dialect, value);
            } else {
                push_member(out, name, value);
            }
        }
        if self.is_erased() {
            push_member(out, "data", "null");
        }
        if !origin_written && dialect.is_some() {
            write_origin(out, dialect, "{}");
        }
        if self.is_erased() {
            push_member(out, "redaction", UNEXPLAINED);
        }
    }
}

/// What is left of a body: its replacement, the dialect that the header names, and the mark.
fn write_redacted(out: &mut String, dialect: Option<&str>, mark: &RedactionMark) {
    push_member(out, "data", mark.data());
    if dialect.is_some() {
        write_origin(out, dialect, "{}");
    }
    out.push_str(",\"redaction\":");
    mark.write_json(out);
}

fn write_origin(out: &mut String, dialect: Option<&str>, object: &str) {
    let mut origin = String::from("{");
    write_text_member(&mut origin, "dialect", dialect.as_ref());
    for (name, value) in members(object) {
        write_raw_member(&mut origin, name, value);
    }
    origin.push('}');
    push_member(out, "origin", &origin);
}

fn write_identity(out: &mut String, header: &HeaderRef<'_>) {
    // The first member; every later one begins with its comma.
    // Writing to a String cannot fail.
    let _ = write!(out, "\"position\":{}", header.position);
    plain(out, "event_id", &header.event_id);
    plain(out, "event_type", &header.event_type);
    let _ = write!(out, ",\"event_version\":{}", header.event_version);
    plain(out, "occurred_at", &header.occurred_at);
    plain(out, "recorded_at", &header.recorded_at);
    escaped(out, "workspace_id", Some(header.workspace_id));
    escaped(out, "mission_id", header.mission_id);
    escaped(out, "room_id", header.room_id);
    escaped(out, "thread_id", header.thread_id);
    escaped(out, "run_id", header.run_id);
    escaped(out, "step_id", header.step_id);
}

fn write_parties(out: &mut String, header: &HeaderRef<'_>) {
    let _ = write!(out, ",\"actor\":{{\"actor_type\":\"{}\"", header.actor_type);
    escaped(out, "actor_id", Some(header.actor_id));
    out.push('}');
    escaped(out, "actor_principal_id", Some(header.actor_principal_id));
    plain(out, "zone", &header.zone);
    let _ = write!(out, ",\"stream\":{{\"stream_type\":\"{}\"", header.stream_type);
    escaped(out, "stream_id", Some(header.stream_id));
    let _ = write!(out, ",\"stream_seq\":{}}}", header.stream_seq);
    escaped(out, "correlation_id", Some(header.correlation_id));
    escaped(out, "causation_id", header.causation_id);
    escaped(out, "idempotency_key", header.idempotency_key);
}

fn write_marks(out: &mut String, header: &HeaderRef<'_>) {
    plain(out, "authority", &header.authority);
    plain(out, "redaction_level", &header.redaction_level);
    push_member(out, "contains_secrets", if header.contains_secrets { "true" } else { "false" });
    if let Some(violation) = violation_in(header) {
        push_member(out, VIOLATION_MEMBER, violation);
    }
}

/// Writes a text member whose grammar needs no escapes.
fn plain(out: &mut String, name: &str, text: &impl Display) {
    out.push_str(",\"");
    out.push_str(name);
    out.push_str("\":");
    push_quoted(out, text);
}

fn push_quoted(out: &mut String, text: &impl Display) {
    let _ = write!(out, "\"{text}\"");
}

fn escaped(out: &mut String, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        out.push_str(",\"");
        out.push_str(name);
        out.push_str("\":");
        string_into(out, text);
    }
}

fn push_member(out: &mut String, name: &str, value: &str) {
    out.push_str(",\"");
    out.push_str(name);
    out.push_str("\":");
    out.push_str(value);
}
