//! The mark of a payload that does not fit the schema of its type, where a workspace keeps such payloads.
//!
//! The server alone writes it, into the hashed header of an observed event, so no sender can set it
//! and no redaction takes it away. For that reason it holds nothing of the payload: only words of
//! the schema, and places in an array. What a lenient workspace is, is not decided here.

use crate::envelope::Authority;
use crate::json::{member, string_into};
use crate::record::HeaderRef;

/// The member that holds the mark, in the header's `control` and on the wire. Persisted: never rename.
pub const VIOLATION_MEMBER: &str = "schema_violation";

/// Which place of a payload broke which rule of its type's schema, the first of all that did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaViolation {
    /// The place in `data`, as a JSON Pointer. A step that the schema does not name is `*`.
    pub pointer: String,
    /// The rule, as a JSON Pointer into the schema of the type.
    pub rule: String,
    /// What is wrong there, in words that quote nothing of the payload.
    pub problem: String,
}

impl SchemaViolation {
    /// What the header says of it.
    #[must_use]
    pub fn control_json(&self) -> String {
        let mut out = String::from("{\"schema_violation\":{\"pointer\":");
        string_into(&mut out, &self.pointer);
        out.push_str(",\"rule\":");
        string_into(&mut out, &self.rule);
        out.push_str(",\"problem\":");
        string_into(&mut out, &self.problem);
        out.push_str("}}");
        out
    }
}

/// The mark of an event, as the JSON object that readers get; none where its payload was in order or
/// was not held against a schema.
#[must_use]
pub fn violation_in<'a>(header: &HeaderRef<'a>) -> Option<&'a str> {
    // A control fact has something else there.
    let control = header.control.filter(|_| header.authority == Authority::Observed)?;
    member(control, VIOLATION_MEMBER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::{Actor, ActorType, Draft, StreamKey};
    use crate::id::{ActorId, EventId, EventType, LogId, PrincipalId, WorkspaceId};
    use crate::record::{Header, ServerFields};
    use crate::time::Timestamp;

    fn mark_of(authority: Authority, control: Option<String>) -> Option<String> {
        let actor = Actor { actor_type: ActorType::Agent, actor_id: ActorId::parse("a").unwrap() };
        let stream =
            StreamKey { stream_type: "run".parse().unwrap(), stream_id: "r".parse().unwrap() };
        let event_type = EventType::parse("tool.invoked").unwrap();
        let draft = Draft::new(event_type, actor, stream, "{}".to_owned());
        let server = ServerFields {
            event_id: EventId::from_bytes([1; 16]),
            workspace_id: WorkspaceId::parse("default").unwrap(),
            principal_id: PrincipalId::parse("p").unwrap(),
            zone: draft.zone,
            received_at: Timestamp::from_micros(1),
            trace_correlation: None,
            authority,
            control,
        };
        let header = Header::complete(&draft, server).encode(&LogId::from_bytes([7; 16]));
        violation_in(&header.view().unwrap()).map(str::to_owned)
    }

    #[test]
    fn an_observed_event_shows_its_mark_and_a_control_fact_has_none() {
        let violation = SchemaViolation {
            pointer: "/a~1b/0".to_owned(),
            rule: "/properties/a/type".to_owned(),
            problem: "value is not of type \"string\"".to_owned(),
        };
        let control = violation.control_json();
        let shown = mark_of(Authority::Observed, Some(control.clone())).unwrap();
        assert_eq!(
            shown,
            r#"{"pointer":"/a~1b/0","rule":"/properties/a/type","problem":"value is not of type \"string\""}"#
        );
        assert_eq!(mark_of(Authority::Control, Some(control)), None);
        assert_eq!(mark_of(Authority::Observed, Some("{\"fact\":\"x\"}".to_owned())), None);
        assert_eq!(mark_of(Authority::Observed, None), None);
    }
}
