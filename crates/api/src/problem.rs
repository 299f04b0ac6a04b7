//! The wire form of a refusal: RFC 9457 problem details with a reason code.
//!
//! Media type `application/problem+json`. Clients match on `reason_code` and `retryable`, never
//! on the texts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::reason::Reason;

/// The media type of problems.
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";

/// A refusal or failure, as every route answers it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A name for the kind of problem: `urn:annals:error:` and the reason code.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// The kind of problem in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this request, and what to do.
    pub detail: String,
    /// The stable word to match on.
    pub reason_code: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// Facts for programs, such as the actual seq.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub details: serde_json::Map<String, serde_json::Value>,
}

impl Problem {
    /// A problem of a kind, with its own detail.
    #[must_use]
    pub fn new(reason: &Reason, detail: impl Into<String>) -> Self {
        Self {
            type_uri: reason.type_uri(),
            title: reason.title.to_owned(),
            status: reason.status,
            detail: detail.into(),
            reason_code: reason.code.to_owned(),
            retryable: reason.retryable,
            details: serde_json::Map::new(),
        }
    }
}
