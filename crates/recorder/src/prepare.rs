//! Steps 3 to 5 and 7 for one event, and making it ready for the sequencer.
//!
//! What only the server knows is added here: identity, tenant, principal, time, authority, salt.
//! The refusals come in a fixed order, authorization first.

use annals_core::catalog::Catalog;
use annals_core::envelope::{Authority, Draft, RedactionLevel};
use annals_core::id::{CorrelationId, LogId};
use annals_core::limits::CLOCK_AHEAD_SECONDS_MAX;
use annals_core::record::{Header, SALT_BYTES, Salt, ServerFields, commitment};
use annals_core::secrets::RedactedDraft;
use annals_core::time::Timestamp;
use annals_core::violation::SchemaViolation;
use annals_store::contract::Prepared;
use bytes::Bytes;

use crate::principal::Principal;
use crate::recorder::Inner;
use crate::refusal::EventRefusal;
use crate::request::{AppendRequest, Door};
use crate::schema::{SchemaFault, SchemaSet};
use crate::secrets::{SecretFilter, Source, companion};
use crate::settings::SchemaMode;
use crate::world::Entropy;

/// What preparing an event needs to know beside the event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Preparation<'a> {
    pub(crate) log_id: LogId,
    pub(crate) principal: &'a Principal,
    pub(crate) door: &'a Door,
    pub(crate) received_at: Timestamp,
    pub(crate) trace_correlation: Option<&'a CorrelationId>,
    pub(crate) catalog: &'a Catalog,
    pub(crate) schemas: Option<&'a SchemaSet>,
    pub(crate) schema_mode: SchemaMode,
    pub(crate) entropy: &'a dyn Entropy,
    pub(crate) secrets: &'a SecretFilter,
}

/// An event on its way to the sequencer.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) prepared: Prepared,
    /// What is to be said of it where it is kept.
    pub(crate) companion: Option<Box<Prepared>>,
    /// Whether it goes with the mark of a payload that does not fit its schema.
    pub(crate) is_marked: bool,
    /// Why it is refused unless it repeats an event that is kept already.
    pub(crate) unless_replayed: Option<EventRefusal>,
}

impl<'a> Preparation<'a> {
    /// What all events of a request share.
    pub(crate) fn of(
        inner: &'a Inner,
        request: &'a AppendRequest,
        trace_correlation: Option<&'a CorrelationId>,
    ) -> Self {
        Self {
            log_id: inner.reader.log_id(),
            principal: &request.principal,
            door: &request.door,
            received_at: inner.clock.now(),
            trace_correlation,
            catalog: &inner.catalog,
            schemas: inner.schemas.as_ref(),
            schema_mode: inner.settings.of(&request.principal.workspace_id).schemas,
            entropy: inner.entropy.as_ref(),
            secrets: &inner.secrets,
        }
    }

    /// Whether the principal may append the event at all. No replay answers past this.
    pub(crate) fn authorize(&self, draft: &Draft) -> Result<(), EventRefusal> {
        if let Some(claimed) = &draft.workspace_id
            && *claimed != self.principal.workspace_id
        {
            let claimed = claimed.to_string();
            return Err(EventRefusal::UnauthorizedWorkspace { claimed });
        }
        if !self.principal.covers(&draft.stream.stream_type, &draft.event_type) {
            return Err(EventRefusal::OutOfScope {
                event_type: draft.event_type.to_string(),
                stream_type: draft.stream.stream_type.to_string(),
            });
        }
        self.refuse_control_type(draft)
    }

    fn refuse_control_type(&self, draft: &Draft) -> Result<(), EventRefusal> {
        let event_type = draft.event_type.as_str();
        let is_control = self.catalog.authority(event_type) == Authority::Control;
        if !is_control || !matches!(self.door, Door::Native) {
            return Ok(());
        }
        let route = self.catalog.entry(event_type).and_then(|entry| entry.route.clone());
        Err(EventRefusal::ControlType { event_type: event_type.to_owned(), route })
    }

    /// Checks what may have been different when an event was first kept. What is wrong with a
    /// payload that is kept all the same is the answer.
    fn check(&self, draft: &Draft) -> Result<Option<SchemaViolation>, EventRefusal> {
        let ahead_max = i64::try_from(CLOCK_AHEAD_SECONDS_MAX).unwrap_or(i64::MAX);
        let latest = self.received_at.plus_seconds(ahead_max);
        if let Some(occurred_at) = draft.occurred_at.filter(|time| *time > latest) {
            return Err(EventRefusal::ClockAhead { occurred_at, now: self.received_at });
        }
        check_type(draft)?;
        check_room(draft)?;
        let event_type = draft.event_type.as_str();
        let Some(schemas) = self.schemas else { return Ok(None) };
        match schemas.check(event_type, &draft.data) {
            Ok(()) => Ok(None),
            Err(SchemaFault::Violation { mark, .. }) if self.tolerates(event_type) => {
                Ok(Some(mark))
            }
            Err(fault) => Err(fault.into_refusal(event_type)),
        }
    }

    /// Whether a wrong payload of a type is kept. Never that of a decision: what somebody reports of
    /// one has its shape or is not kept.
    fn tolerates(&self, event_type: &str) -> bool {
        self.schema_mode == SchemaMode::Lenient
            && self.catalog.authority(event_type) == Authority::Observed
    }

    /// Makes an authorized draft ready.
    pub(crate) fn prepare(&self, draft: &Draft, salt: Salt) -> Checked {
        let (violation, unless_replayed) = match self.check(draft) {
            Ok(violation) => (violation, None),
            Err(refusal) => (None, Some(refusal)),
        };
        // The identity and the words that other steps go by are the same in both drafts.
        let RedactedDraft { draft, report } = self.secrets.redact(draft);
        let draft = draft.as_ref();
        let server = ServerFields {
            event_id: draft.event_id.unwrap_or_else(|| self.entropy.event_id(self.received_at)),
            workspace_id: self.principal.workspace_id.clone(),
            principal_id: self.principal.principal_id.clone(),
            zone: draft.zone.min(self.principal.zone_max),
            received_at: self.received_at,
            trace_correlation: self.trace_correlation.cloned(),
            authority: Authority::Observed,
            control: violation.as_ref().map(SchemaViolation::control_json),
        };
        let mut header = Header::complete(draft, server);
        let companion = (!report.is_empty()).then(|| {
            header.contains_secrets = true;
            header.redaction_level = RedactionLevel::Partial;
            let mut salt = [0; SALT_BYTES];
            self.entropy.fill(&mut salt);
            Box::new(companion(self, &Source { header: &header, report: &report }, salt))
        });
        let header = header.encode(&self.log_id);
        let body = Bytes::from(draft.body_json());
        let commitment = commitment(&salt, &body);
        let prepared = Prepared { header, body, salt, commitment };
        Checked { prepared, companion, is_marked: violation.is_some(), unless_replayed }
    }
}

/// Names of frames are no types: what reads a live tail must tell the two apart.
fn check_type(draft: &Draft) -> Result<(), EventRefusal> {
    if draft.event_type.is_reserved() {
        return Err(EventRefusal::ReservedType { event_type: draft.event_type.to_string() });
    }
    Ok(())
}

fn check_room(draft: &Draft) -> Result<(), EventRefusal> {
    let is_room_stream = draft.stream.stream_type.as_str() == "room";
    let fits = match &draft.scope.room_id {
        Some(room_id) => is_room_stream && room_id.as_str() == draft.stream.stream_id.as_str(),
        None => !is_room_stream,
    };
    if fits {
        return Ok(());
    }
    Err(EventRefusal::RoomStreamMismatch {
        room_id: draft.scope.room_id.as_ref().map(ToString::to_string),
        stream: draft.stream.clone(),
    })
}

/// One salt an event. Those that are sure to be needed are drawn at once, because each draw is a call
/// into the system.
pub(crate) struct Salts<'a> {
    entropy: &'a dyn Entropy,
    drawn: std::vec::IntoIter<Salt>,
}

impl<'a> Salts<'a> {
    pub(crate) fn draw(entropy: &'a dyn Entropy, count: usize) -> Self {
        let mut bytes = vec![0; count * SALT_BYTES];
        entropy.fill(&mut bytes);
        Self { entropy, drawn: bytes.as_chunks().0.to_vec().into_iter() }
    }

    pub(crate) fn next(&mut self) -> Salt {
        self.drawn.next().unwrap_or_else(|| {
            let mut salt = [0; SALT_BYTES];
            self.entropy.fill(&mut salt);
            salt
        })
    }
}
