//! The companion of an event in which secrets were found: `secret.leaked.detected`.
//!
//! It goes on the workspace's own stream in the same commit as its event, so that neither is ever
//! there without the other. It says what was found where and never what was found.

use std::collections::BTreeMap;

use annals_core::envelope::{Actor, ActorType, Authority, Draft, Scope, StreamKey};
use annals_core::event::Event;
use annals_core::id::{ActorId, CausationId, EventType, StreamId, StreamType};
use annals_core::record::{Header, Salt, ServerFields, commitment};
use annals_core::secrets::{SecretReport, scanner_version};
use annals_store::contract::Prepared;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::prepare::Preparation;

/// The companion's type. Persisted: never rename.
const LEAKED_TYPE: &str = "secret.leaked.detected";
/// The streams that are a workspace's own; the id is the workspace's.
pub(crate) const WORKSPACE_STREAM_TYPE: &str = "workspace";
/// Who says it.
const DETECTOR: &str = "secret_scanner";

/// What the companion's payload has, for readers.
#[derive(Serialize)]
struct LeakedData<'a> {
    source_event_id: &'a str,
    source_event_type: &'a str,
    scanner_version: &'static str,
    match_count: u64,
    rule_ids: Vec<&'a str>,
    matches: Vec<MatchData<'a>>,
    reason: &'static str,
    intended_redaction_level: &'static str,
}

#[derive(Serialize)]
struct MatchData<'a> {
    rule_id: &'a str,
    fingerprint: String,
    pointer: &'a str,
}

/// Persisted in the header of `secret.leaked.detected`: add fields only as optional ones.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "fact", rename = "secret_leaked")]
struct LeakedFact {
    source_event_id: String,
    /// Finds by rule.
    rules: BTreeMap<String, u64>,
}

/// How many secrets of which rule a companion tells of.
pub(crate) fn counts_in(event: &Event) -> BTreeMap<String, u64> {
    let header = event.header();
    let fact = header.control.and_then(|text| serde_json::from_str::<LeakedFact>(text).ok());
    fact.map(|fact| fact.rules).unwrap_or_default()
}

/// The event that a companion is about, as it is kept.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub(crate) header: &'a Header<'a>,
    pub(crate) report: &'a SecretReport,
}

/// Makes the companion ready.
pub(crate) fn companion(
    preparation: &Preparation<'_>,
    source: &Source<'_>,
    salt: Salt,
) -> Prepared {
    let header = source.header;
    let source_event_id = header.event_id.to_string();
    let draft = draft(source, &source_event_id);
    let control = LeakedFact { source_event_id, rules: source.report.by_rule.clone() };
    let server = ServerFields {
        event_id: preparation.entropy.event_id(preparation.received_at),
        workspace_id: header.workspace_id.clone(),
        principal_id: header.actor_principal_id.clone(),
        zone: header.zone,
        received_at: preparation.received_at,
        trace_correlation: None,
        authority: Authority::Control,
        control: Some(render(&control)),
    };
    let header = Header::complete(&draft, server).encode(&preparation.log_id);
    let body = Bytes::from(draft.body_json());
    let commitment = commitment(&salt, &body);
    Prepared { header, body, salt, commitment }
}

fn draft(source: &Source<'_>, source_event_id: &str) -> Draft {
    let (header, report) = (source.header, source.report);
    let matches = report.matches.iter().map(|found| MatchData {
        rule_id: &found.rule_id,
        fingerprint: found.fingerprint.to_string(),
        pointer: &found.pointer,
    });
    let data = LeakedData {
        source_event_id,
        source_event_type: header.event_type.as_str(),
        scanner_version: scanner_version(),
        match_count: report.match_count(),
        rule_ids: report.by_rule.keys().map(String::as_str).collect(),
        matches: matches.collect(),
        reason: "secret_detected",
        intended_redaction_level: header.redaction_level.as_str(),
    };
    let actor = Actor {
        actor_type: ActorType::Service,
        actor_id: ActorId::parse(DETECTOR).expect("a literal that fits"),
    };
    let stream = StreamKey {
        stream_type: StreamType::parse(WORKSPACE_STREAM_TYPE).expect("a literal that fits"),
        stream_id: StreamId::parse(header.workspace_id.as_str())
            .expect("a workspace's id fits the grammar of a stream's"),
    };
    let event_type = EventType::parse(LEAKED_TYPE).expect("a literal that fits");
    let mut draft = Draft::new(event_type, actor, stream, render(&data));
    draft.causation_id = CausationId::parse(source_event_id).ok();
    draft.correlation_id = Some(header.correlation_id.clone().into_owned());
    // Not the room: what names a room is on that room's stream.
    draft.scope = Scope { room_id: None, ..header.scope.clone() };
    draft.zone = header.zone;
    draft
}

fn render(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts and numbers are JSON")
}
