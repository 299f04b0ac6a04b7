//! The strict native door: compact JSON text of one envelope → [`Draft`].
//!
//! An unknown top-level field and a field that only the server sets are refused by name,
//! so that a typing mistake is no silent loss. The text must have passed `json::compact`.

use std::borrow::Cow;

use super::{Actor, Draft, Origin, Scope, StreamKey, Zone};
use crate::id::{
    CausationId, CorrelationId, DialectName, EventId, EventType, IdError, IdempotencyKey,
    WorkspaceId,
};
use crate::json::{JsonKind, kind, members, unescape};
use crate::time::Timestamp;

/// How strictly an envelope is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness<'a> {
    /// A native writer: `origin` is the doors' alone.
    Native,
    /// A client that translated with the named dialect: `origin` may come along.
    Translated(&'a DialectName),
}

/// Why an envelope is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeFault {
    /// The event is not a JSON object.
    #[error("an event is a JSON object")]
    NotAnObject,
    /// A top-level field is not part of the envelope.
    #[error("`{field}` is no field of an event; put extra things into `extensions`")]
    UnknownField {
        /// The field.
        field: String,
    },
    /// A field is the server's to set.
    #[error("`{field}` is set by the server; leave it out")]
    ServerSetField {
        /// The field.
        field: String,
    },
    /// A required field is absent.
    #[error("`{field}` is required")]
    MissingField {
        /// The field.
        field: &'static str,
    },
    /// A field has the wrong type or breaks its grammar.
    #[error("`{field}` is wrong: {problem}")]
    InvalidField {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

type Fault = EnvelopeFault;

/// Fields that exist on stored events and are never taken from a sender.
const SERVER_SET_FIELDS: [&str; 9] = [
    "position",
    "recorded_at",
    "actor_principal_id",
    "authority",
    "redaction_level",
    "contains_secrets",
    "schema_violation",
    "prev_event_hash",
    "event_hash",
];

/// The fields read so far; the required ones may still be missing.
#[derive(Default)]
struct Fields {
    event_id: Option<EventId>,
    event_type: Option<EventType>,
    event_version: Option<u32>,
    occurred_at: Option<Timestamp>,
    workspace_id: Option<WorkspaceId>,
    scope: Scope,
    actor: Option<Actor>,
    zone: Option<Zone>,
    stream: Option<StreamKey>,
    correlation_id: Option<CorrelationId>,
    causation_id: Option<CausationId>,
    idempotency_key: Option<IdempotencyKey>,
    data: Option<String>,
    policy_context: Option<String>,
    model_context: Option<String>,
    display: Option<String>,
    extensions: Option<String>,
    origin: Origin,
    time_text: Option<String>,
}

impl Draft {
    /// Reads one envelope strictly.
    ///
    /// # Errors
    /// Names the first field at fault and what to do about it.
    pub fn parse(compact: &str, strictness: Strictness<'_>) -> Result<Self, EnvelopeFault> {
        if kind(compact) != JsonKind::Object {
            return Err(Fault::NotAnObject);
        }
        Self::from_members(members(compact), strictness)
    }

    /// Reads one envelope strictly from its top-level members, for callers that have found them.
    ///
    /// # Errors
    /// As for [`Self::parse`].
    pub fn from_members<'a>(
        members: impl Iterator<Item = (&'a str, &'a str)>,
        strictness: Strictness<'_>,
    ) -> Result<Self, EnvelopeFault> {
        let mut fields = Fields::default();
        for (raw_key, value) in members {
            let key = unescape(raw_key);
            if !fields.take_optional(&key, value)? {
                fields.take_rest(&key, value, strictness)?;
            }
        }
        fields.into_draft()
    }
}

impl Fields {
    fn into_draft(mut self) -> Result<Draft, Fault> {
        let missing = |field| Fault::MissingField { field };
        if self.origin.time.is_none() {
            self.origin.time = self.time_text;
        }
        Ok(Draft {
            event_id: self.event_id,
            event_type: self.event_type.ok_or(missing("event_type"))?,
            event_version: self.event_version.unwrap_or(1),
            occurred_at: self.occurred_at,
            workspace_id: self.workspace_id,
            scope: self.scope,
            actor: self.actor.ok_or(missing("actor"))?,
            zone: self.zone.unwrap_or(Zone::Supervised),
            stream: self.stream.ok_or(missing("stream"))?,
            correlation_id: self.correlation_id,
            causation_id: self.causation_id,
            idempotency_key: self.idempotency_key,
            data: self.data.ok_or(missing("data"))?,
            policy_context: self.policy_context,
            model_context: self.model_context,
            display: self.display,
            extensions: self.extensions,
            origin: self.origin,
        })
    }

    fn take_optional(&mut self, key: &str, value: &str) -> Result<bool, Fault> {
        match key {
            "event_id" => self.event_id = Some(id("event_id", value)?),
            "event_version" => self.event_version = Some(version(value)?),
            "occurred_at" => self.take_time(value)?,
            "workspace_id" => self.workspace_id = Some(id("workspace_id", value)?),
            "mission_id" => self.scope.mission_id = Some(id("mission_id", value)?),
            "room_id" => self.scope.room_id = Some(id("room_id", value)?),
            "thread_id" => self.scope.thread_id = Some(id("thread_id", value)?),
            "run_id" => self.scope.run_id = Some(id("run_id", value)?),
            "step_id" => self.scope.step_id = Some(id("step_id", value)?),
            "zone" => self.zone = Some(word("zone", value)?),
            "correlation_id" => self.correlation_id = Some(id("correlation_id", value)?),
            "causation_id" => self.causation_id = Some(id("causation_id", value)?),
            "idempotency_key" => self.idempotency_key = Some(id("idempotency_key", value)?),
            "policy_context" => {
                self.policy_context = Some(object("policy_context", value)?.to_owned())
            }
            "model_context" => {
                self.model_context = Some(object("model_context", value)?.to_owned())
            }
            "display" => self.display = Some(object("display", value)?.to_owned()),
            "extensions" => self.extensions = Some(object("extensions", value)?.to_owned()),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn take_rest(
        &mut self,
        key: &str,
        value: &str,
        strictness: Strictness<'_>,
    ) -> Result<(), Fault> {
        match key {
            "event_type" => self.event_type = Some(id("event_type", value)?),
            "actor" => self.actor = Some(actor(value)?),
            "stream" => self.stream = Some(stream(value)?),
            "data" => self.data = Some(value.to_owned()),
            "origin" => match strictness {
                Strictness::Native => return Err(server_set("origin")),
                Strictness::Translated(dialect) => self.origin = origin(value, dialect)?,
            },
            field if SERVER_SET_FIELDS.contains(&field) => return Err(server_set(field)),
            field => return Err(Fault::UnknownField { field: field.to_owned() }),
        }
        Ok(())
    }

    /// Takes the time, and its text where normalising changed it.
    fn take_time(&mut self, value: &str) -> Result<(), Fault> {
        let text = text("occurred_at", value)?;
        let parsed = Timestamp::parse(&text).map_err(|error| invalid("occurred_at", &error))?;
        self.occurred_at = Some(parsed.at);
        self.time_text = (!parsed.exact).then(|| text.into_owned());
        Ok(())
    }
}

fn server_set(field: &str) -> Fault {
    Fault::ServerSetField { field: field.to_owned() }
}

fn invalid(field: &'static str, problem: &dyn std::fmt::Display) -> Fault {
    Fault::InvalidField { field, problem: problem.to_string() }
}

fn text<'a>(field: &'static str, value: &'a str) -> Result<Cow<'a, str>, Fault> {
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner {
        Some(raw) => Ok(unescape(raw)),
        None => Err(invalid(field, &"it must be a string")),
    }
}

fn id<T: std::str::FromStr<Err = IdError>>(field: &'static str, value: &str) -> Result<T, Fault> {
    text(field, value)?.parse().map_err(|error| invalid(field, &error))
}

fn word<T>(field: &'static str, value: &str) -> Result<T, Fault>
where
    T: std::str::FromStr<Err = super::UnknownWord>,
{
    text(field, value)?.parse().map_err(|error| invalid(field, &error))
}

fn version(value: &str) -> Result<u32, Fault> {
    match value.parse() {
        Ok(version) if version >= 1 => Ok(version),
        _ => Err(invalid("event_version", &"it must be an integer from 1 to 4294967295")),
    }
}

fn object<'a>(field: &'static str, value: &'a str) -> Result<&'a str, Fault> {
    if kind(value) == JsonKind::Object {
        Ok(value)
    } else {
        Err(invalid(field, &"it must be an object"))
    }
}

fn actor(value: &str) -> Result<Actor, Fault> {
    let (mut actor_type, mut actor_id) = (None, None);
    for (key, value) in members(object("actor", value)?) {
        match unescape(key).as_ref() {
            "actor_type" => actor_type = Some(word("actor.actor_type", value)?),
            "actor_id" => actor_id = Some(id("actor.actor_id", value)?),
            other => return Err(Fault::UnknownField { field: format!("actor.{other}") }),
        }
    }
    Ok(Actor {
        actor_type: actor_type.ok_or(Fault::MissingField { field: "actor.actor_type" })?,
        actor_id: actor_id.ok_or(Fault::MissingField { field: "actor.actor_id" })?,
    })
}

fn stream(value: &str) -> Result<StreamKey, Fault> {
    let (mut stream_type, mut stream_id) = (None, None);
    for (key, value) in members(object("stream", value)?) {
        match unescape(key).as_ref() {
            "stream_type" => stream_type = Some(id("stream.stream_type", value)?),
            "stream_id" => stream_id = Some(id("stream.stream_id", value)?),
            "stream_seq" => return Err(server_set("stream.stream_seq")),
            other => return Err(Fault::UnknownField { field: format!("stream.{other}") }),
        }
    }
    Ok(StreamKey {
        stream_type: stream_type.ok_or(Fault::MissingField { field: "stream.stream_type" })?,
        stream_id: stream_id.ok_or(Fault::MissingField { field: "stream.stream_id" })?,
    })
}

fn origin(value: &str, dialect: &DialectName) -> Result<Origin, Fault> {
    let mut origin = Origin::default();
    for (key, value) in members(object("origin", value)?) {
        match unescape(key).as_ref() {
            "dialect" => origin.dialect = Some(id("origin.dialect", value)?),
            "type" => origin.origin_type = Some(text("origin.type", value)?.into_owned()),
            "id" => origin.id = Some(text("origin.id", value)?.into_owned()),
            "time" => origin.time = Some(text("origin.time", value)?.into_owned()),
            "raw" => origin.raw = Some(value.to_owned()),
            other => return Err(Fault::UnknownField { field: format!("origin.{other}") }),
        }
    }
    if origin.dialect.as_ref() == Some(dialect) {
        Ok(origin)
    } else {
        Err(invalid("origin.dialect", &format!("it must be `{dialect}`, as the request says")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"event_type":"tool.invoked","actor":{"actor_type":"agent","actor_id":"a"},"stream":{"stream_type":"run","stream_id":"r"},"data":{"n":1.0e2}}"#;

    fn parse(text: &str) -> Result<Draft, EnvelopeFault> {
        Draft::parse(text, Strictness::Native)
    }

    fn with(field: &str) -> String {
        GOOD.replacen('{', &format!("{{{field},"), 1)
    }

    #[test]
    fn reads_the_least_event_and_writes_it_back() {
        let draft = parse(GOOD).unwrap();
        assert_eq!(draft.data, r#"{"n":1.0e2}"#);
        assert_eq!(draft.event_version, 1);
        assert_eq!(parse(&draft.to_json()).unwrap(), draft);
    }

    #[test]
    fn keeps_the_text_of_a_time_that_normalising_changed() {
        let draft = parse(&with(r#""occurred_at":"2026-01-01T02:00:00+02:00""#)).unwrap();
        assert_eq!(draft.occurred_at.unwrap().to_string(), "2026-01-01T00:00:00.000000Z");
        assert_eq!(draft.origin.time.as_deref(), Some("2026-01-01T02:00:00+02:00"));
        assert_eq!(
            draft.body_json(),
            r#"{"data":{"n":1.0e2},"origin":{"time":"2026-01-01T02:00:00+02:00"}}"#
        );
    }

    /// A draft with such a time was written with an `origin`, and the server refused that.
    #[test]
    fn writes_back_a_time_that_normalising_changed() {
        for time in ["2026-01-01T02:00:00+02:00", "2026-01-02T03:04:05.6789012Z"] {
            let draft = parse(&with(&format!("\"occurred_at\":\"{time}\""))).unwrap();
            assert_eq!(parse(&draft.to_json()).unwrap(), draft);
        }
    }

    #[test]
    fn refuses_each_wrong_field_by_its_name() {
        let cases = [
            (r#""evnt_id":1"#, "`evnt_id` is no field"),
            (r#""position":1"#, "`position` is set by the server"),
            (r#""event\u005fhash":null"#, "`event_hash` is set by the server"),
            (r#""origin":{}"#, "`origin` is set by the server"),
            (r#""event_id":"x""#, "`event_id` is wrong: it is not a UUID"),
            (r#""event_version":0"#, "`event_version` is wrong"),
            (r#""event_version":1.0"#, "`event_version` is wrong"),
            (r#""occurred_at":"yesterday""#, "`occurred_at` is wrong"),
            (r#""zone":"moon""#, "`zone` is wrong: allowed are sandbox"),
            (r#""run_id":7"#, "`run_id` is wrong: it must be a string"),
            (r#""display":[]"#, "`display` is wrong: it must be an object"),
        ];
        for (field, message) in cases {
            let fault = parse(&with(field)).unwrap_err().to_string();
            assert!(fault.starts_with(message), "{field}: {fault}");
        }
    }

    #[test]
    fn a_translated_event_brings_its_origin() {
        let dialect = DialectName::parse("transcripts").unwrap();
        let text = with(r#""origin":{"dialect":"transcripts","type":"user","raw":{"v":1}}"#);
        let draft = Draft::parse(&text, Strictness::Translated(&dialect)).unwrap();
        assert_eq!(draft.origin.raw.as_deref(), Some(r#"{"v":1}"#));
        assert_eq!(
            Draft::parse(&draft.to_json(), Strictness::Translated(&dialect)).unwrap(),
            draft
        );
        let other = DialectName::parse("hive").unwrap();
        assert!(Draft::parse(&text, Strictness::Translated(&other)).is_err());
    }
}
