//! The fact that a body was redacted, and its mark: what readers see where the body was.
//!
//! The mark says who took the body away, when and why. It is not part of the record: the record's bytes
//! and hashes are what they were, only salt and body are gone. Who may redact is not decided here.

use crate::envelope::Authority;
use crate::id::{EventId, Position, PrincipalId};
use crate::json::{member, string_into};
use crate::record::HeaderRef;
use crate::time::Timestamp;

/// The type of the fact that takes a body away. Persisted: never rename.
pub const REDACTED_TYPE: &str = "event.redacted";

/// Whether an event takes a body away. A report of a redaction, which any producer may send, does
/// not: it has another authority.
#[must_use]
pub fn is_redaction(header: &HeaderRef<'_>) -> bool {
    header.event_type == REDACTED_TYPE && header.authority == Authority::Control
}

/// The position of the event whose body an event takes away; none for any other event.
#[must_use]
pub fn redacted_position(header: &HeaderRef<'_>) -> Option<Position> {
    let control = header.control.filter(|_| is_redaction(header))?;
    member(control, "position")?.parse().ok().map(Position)
}

/// What is said in place of a redacted body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedactionMark {
    /// When the log took the redaction.
    pub redacted_at: Timestamp,
    /// Why, in the words of who asked; none where those words are lost.
    pub reason: Option<String>,
    /// The identity behind the credential that asked.
    pub redacted_by: PrincipalId,
    /// The event that says all this.
    pub redaction_event_id: EventId,
    /// What stands in for `data`: compact JSON text; null where it is absent.
    pub replacement: Option<String>,
}

/// The mark of an erased event that no redaction on the log explains: nobody knows more than that.
pub(crate) const UNEXPLAINED: &str = concat!(
    r#"{"redacted_at":null,"reason":null,"redacted_by":null,"#,
    r#""redaction_event_id":null,"replaced":false}"#
);

impl RedactionMark {
    /// Writes the mark as readers get it: a JSON object.
    pub(crate) fn write_json(&self, out: &mut String) {
        out.push_str("{\"redacted_at\":\"");
        out.push_str(&self.redacted_at.to_string());
        out.push_str("\",\"reason\":");
        match &self.reason {
            Some(reason) => string_into(out, reason),
            None => out.push_str("null"),
        }
        out.push_str(",\"redacted_by\":");
        string_into(out, self.redacted_by.as_str());
        out.push_str(",\"redaction_event_id\":\"");
        out.push_str(&self.redaction_event_id.to_string());
        out.push_str("\",\"replaced\":");
        out.push_str(if self.replacement.is_some() { "true}" } else { "false}" });
    }

    /// What stands in for `data`.
    pub(crate) fn data(&self) -> &str {
        self.replacement.as_deref().unwrap_or("null")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::members;

    #[test]
    fn a_mark_has_the_same_members_whether_or_not_anything_explains_it() {
        let mark = RedactionMark {
            redacted_at: Timestamp::from_micros(0),
            reason: None,
            redacted_by: PrincipalId::parse("owner").unwrap(),
            redaction_event_id: EventId::from_bytes([7; 16]),
            replacement: None,
        };
        let mut explained = String::new();
        mark.write_json(&mut explained);
        let names = |object: &str| -> Vec<String> {
            members(object).map(|(name, _)| name.to_owned()).collect()
        };
        assert_eq!(names(UNEXPLAINED), names(&explained));
        assert_eq!(names(UNEXPLAINED).len(), 5);
    }
}
