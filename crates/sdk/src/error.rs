//! What a caller can be told: few kinds, and two questions that decide what to do next.
//!
//! It does not retry; `retry` asks [`ClientError::is_retryable`].

use annals_api::Problem;

/// A problem for an answer that carries none of its own, such as a proxy's.
pub(crate) fn problem_of_status(status: u16, body: &str) -> Problem {
    Problem {
        type_uri: "about:blank".to_owned(),
        title: format!("HTTP status {status}"),
        status,
        detail: body.chars().take(200).collect(),
        reason_code: "unexpected_answer".to_owned(),
        retryable: matches!(status, 429 | 500 | 502 | 503 | 504),
        details: serde_json::Map::new(),
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
    #[error("{} ({} {})", if .0.detail.is_empty() { &.0.title } else { &.0.detail }, .0.status, .0.reason_code)]
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
                problem.status < 500
                    || matches!(problem.reason_code.as_str(), "overloaded" | "storage_full")
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
        let problem = Problem {
            reason_code: reason_code.to_owned(),
            retryable,
            ..problem_of_status(status, "")
        };
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
        assert!(problem_of_status(502, "bad gateway").retryable);
        assert!(!problem_of_status(404, "no").retryable);
    }
}
