//! The reason codes of refusals: the one table that the server, the clients and the pages in
//! `docs/errors` are made from.
//!
//! Which refusal gets which code is the server's matter. Codes are on the wire: never reuse or
//! rename one.

mod page;
mod table;

pub use page::{index, page};
pub use table::*;

/// One reason why a request, or one event of it, is refused.
#[derive(Debug, PartialEq, Eq)]
pub struct Reason {
    /// The stable word that programs match on.
    pub code: &'static str,
    /// The HTTP status that goes with it.
    pub status: u16,
    /// A short name for a person.
    pub title: &'static str,
    /// Whether the same request can succeed later without a change.
    pub retryable: bool,
    /// What happened and why it is refused.
    pub meaning: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
    /// An example of the problem's `detail`.
    pub example_detail: &'static str,
    /// An example of the problem's `details`, a JSON object; empty when it has none.
    pub example_details: &'static str,
}

impl Reason {
    /// The `type` member of problems with this reason: a name, not an address.
    #[must_use]
    pub fn type_uri(&self) -> String {
        format!("urn:annals:error:{}", self.code)
    }

    /// The reason with this code.
    #[must_use]
    pub fn by_code(code: &str) -> Option<&'static Self> {
        ALL.iter().copied().find(|reason| reason.code == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_words_with_an_error_status() {
        for (index, reason) in ALL.iter().enumerate() {
            assert!((400..600).contains(&reason.status), "{}", reason.code);
            assert!(
                reason
                    .code
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
            );
            assert!(ALL[..index].iter().all(|other| other.code != reason.code), "{}", reason.code);
        }
    }

    #[test]
    fn examples_are_json_objects() {
        for reason in ALL.iter().filter(|reason| !reason.example_details.is_empty()) {
            let value: serde_json::Value = serde_json::from_str(reason.example_details).unwrap();
            assert!(value.is_object(), "{}", reason.code);
        }
    }

    #[test]
    fn has_every_code_that_programs_rely_on_today() {
        let fixed = [
            ("invalid_json", 400),
            ("invalid_limit", 400),
            ("unknown_field", 400),
            ("server_set_field", 400),
            ("duplicate_key", 400),
            ("unauthorized", 401),
            ("token_expired", 401),
            ("forbidden", 403),
            ("unauthorized_workspace", 403),
            ("control_type", 403),
            ("stream_not_found", 404),
            ("idempotency_conflict", 409),
            ("seq_mismatch", 409),
            ("history_diverged", 409),
            ("payload_too_large", 413),
            ("schema_violation", 422),
            ("batch_rejected", 422),
            ("room_stream_mismatch", 422),
            ("overloaded", 503),
            ("storage_full", 507),
        ];
        for (code, status) in fixed {
            assert_eq!(Reason::by_code(code).map(|reason| reason.status), Some(status), "{code}");
        }
    }
}
