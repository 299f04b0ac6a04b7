//! What a caller can be told: few kinds, and two questions that decide what to do next.
//!
//! It does not retry; `retry` asks [`ClientError::is_retryable`].

use serde::Deserialize;

/// The server's refusal or failure, as RFC 9457 has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Problem {
    /// The HTTP status.
    #[serde(default)]
    pub status: u16,
    /// What went wrong, in short.
    #[serde(default)]
    pub title: String,
    /// What went wrong here, and what to do.
    #[serde(default)]
    pub detail: String,
    /// The stable name of the reason.
    #[serde(default)]
    pub reason_code: String,
    /// Whether the same request may succeed later.
    #[serde(default)]
    pub retryable: bool,
    /// Facts about this case.
    #[serde(default)]
    pub details: serde_json::Value,
}

impl Problem {
    /// A problem for an answer that carries none of its own, such as a proxy's.
    pub(crate) fn of_status(status: u16, body: &str) -> Self {
        Self {
            status,
            title: format!("HTTP status {status}"),
            detail: body.chars().take(200).collect(),
            reason_code: "unexpected_answer".to_owned(),
            retryable: matches!(status, 429 | 500 | 502 | 503 | 504),
            details: serde_json::Value::Null,
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = if self.detail.is_empty() { &self.title } else { &self.detail };
        write!(formatter, "{text} ({} {})", self.status, self.reason_code)
    }
}

/// Why a call of the client did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The caller's input or configuration cannot be sent.
    #[error("{0}")]
    Invalid(String),
    /// No connection came about, so nothing was sent.
    #[error("cannot reach {url}")]
    Unreachable {
        /// The server that was tried.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The connection broke after the request began: it may have had its effect.
    #[error("the connection broke before the answer came")]
    Interrupted(#[source] reqwest::Error),
    /// The server said no, or that it cannot now.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// The answer is not one that this client understands.
    #[error("the server's answer makes no sense: {0}")]
    Protocol(String),
}

impl ClientError {
    /// Whether the same call may succeed later without a change by the caller.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Interrupted(_) => true,
            Self::Refused(problem) => problem.retryable,
            Self::Invalid(_) | Self::Protocol(_) => false,
        }
    }

    /// Whether it is certain that the call changed nothing.
    #[must_use]
    pub fn has_no_side_effects(&self) -> bool {
        match self {
            Self::Invalid(_) | Self::Unreachable { .. } => true,
            Self::Refused(problem) => {
                problem.status < 500 || matches!(problem.reason_code.as_str(), "overloaded" | "storage_full")
            }
            Self::Interrupted(_) | Self::Protocol(_) => false,
        }
    }

    /// The server's problem, where it sent one.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            _ => None,
        }
    }

    pub(crate) fn from_transport(url: &str, source: reqwest::Error) -> Self {
        if source.is_connect() {
            Self::Unreachable { url: url.to_owned(), source: source.without_url() }
        } else {
            Self::Interrupted(source.without_url())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, reason_code: &str, retryable: bool) -> ClientError {
        let problem = Problem { reason_code: reason_code.to_owned(), retryable, ..Problem::of_status(status, "") };
        ClientError::Refused(Box::new(problem))
    }

    #[test]
    fn only_answers_that_may_have_stored_something_have_side_effects() {
        assert!(refused(409, "seq_mismatch", false).has_no_side_effects());
        assert!(refused(503, "overloaded", true).has_no_side_effects());
        assert!(refused(507, "storage_full", true).has_no_side_effects());
        assert!(!refused(503, "log_failed", true).has_no_side_effects());
        assert!(!ClientError::Protocol(String::new()).has_no_side_effects());
    }

    #[test]
    fn a_problem_without_a_body_of_its_own_is_retried_only_for_passing_troubles() {
        assert!(Problem::of_status(502, "bad gateway").retryable);
        assert!(!Problem::of_status(404, "no").retryable);
    }
}
