//! The one map from the domain's refusals to reason codes.
//!
//! INVARIANT (every refusal has a code): the matches are exhaustive and have no `_` arm, so that a
//! new refusal does not compile until somebody has chosen its code.

use annals_api::reason;
use annals_api::reason::Reason;
use annals_core::dialect::ForeignFault;
use annals_core::envelope::EnvelopeFault;
use annals_core::json::JsonError;
use annals_core::msgpack::MsgpackError;
use annals_recorder::access::AccessRefusal;
use annals_recorder::evidence::ExportFailure;
use annals_recorder::redaction::RedactRefusal;
use annals_recorder::refusal::{AppendRefusal, EventRefusal};
use annals_recorder::settings::SettingsRefusal;
use annals_recorder::trust::{ProofRefusal, RotationRefusal, TrustFailure};
use annals_store::contract::ReadFailure;

use crate::problem::ApiProblem;

/// A problem whose detail says what is wrong and then what to do.
fn advised(reason: &'static Reason, refusal: &dyn std::fmt::Display) -> ApiProblem {
    match advice(reason) {
        "" => ApiProblem::new(reason, refusal.to_string()),
        advice => ApiProblem::new(reason, format!("{refusal}; {advice}")),
    }
}

/// What to do, in a few words; nothing where the refusal itself says it.
fn advice(reason: &'static Reason) -> &'static str {
    match reason.code {
        "invalid_utf8" => "encode the text as UTF-8",
        "duplicate_key" => "send each key once",
        "unpaired_surrogate" => "send both halves of the pair, or the character itself",
        "too_deep" => "flatten the document",
        "too_many_values" => "split the event",
        "payload_too_large" => "split it, or keep large things elsewhere and name them",
        "clock_ahead" => "set the sender's clock, or leave occurred_at out",
        "unauthorized_workspace" => "leave it out, or use a token of that workspace",
        "idempotency_conflict" => "send it under a new identity, or repeat the first content",
        "seq_mismatch" => "read on from where you were, decide again, and send the actual seq",
        "empty_batch" => "send at least one event",
        "too_many_events" => "send several requests",
        "overloaded" | "shutting_down" => "send the same request again later",
        "storage_full" => "make room, then send the same request again",
        "log_failed" => "send the same request again when the server is back",
        _ => "",
    }
}

/// Why one event is refused.
pub(crate) fn event_problem(refusal: &EventRefusal) -> ApiProblem {
    let problem = advised(event_reason(refusal), refusal);
    match refusal {
        EventRefusal::Json(error) => json_problem(error),
        EventRefusal::Envelope(fault) => envelope_problem(fault),
        EventRefusal::Foreign(fault) => foreign_problem(fault),
        EventRefusal::TooLarge { byte_count, byte_count_max } => {
            problem.with("byte_count", *byte_count).with("byte_count_max", *byte_count_max)
        }
        EventRefusal::ClockAhead { occurred_at, now } => {
            problem.with("occurred_at", occurred_at.to_string()).with("now", now.to_string())
        }
        EventRefusal::UnauthorizedWorkspace { claimed } => {
            problem.with("workspace_id", claimed.as_str())
        }
        EventRefusal::OutOfScope { event_type, stream_type } => problem
            .with("event_type", event_type.as_str())
            .with("stream_type", stream_type.as_str()),
        EventRefusal::ReservedType { event_type } => {
            problem.with("event_type", event_type.as_str())
        }
        EventRefusal::ControlType { event_type, route } => {
            control_problem(event_type, route.as_deref())
        }
        EventRefusal::Schema { event_type, pointer, .. } => {
            problem.with("event_type", event_type.as_str()).with("path", pointer.as_str())
        }
        EventRefusal::RoomStreamMismatch { room_id, stream } => problem
            .with("room_id", room_id.as_deref())
            .with("stream_type", stream.stream_type.as_str())
            .with("stream_id", stream.stream_id.as_str()),
        EventRefusal::IdempotencyConflict { event_id, existing } => {
            problem.with("event_id", event_id.to_string()).with("existing_position", existing.get())
        }
        EventRefusal::SeqMismatch { stream, expected_seq, actual_seq } => problem
            .with("stream_type", stream.stream_type.as_str())
            .with("stream_id", stream.stream_id.as_str())
            .with("expected_seq", expected_seq.get())
            .with("actual_seq", actual_seq.get()),
        EventRefusal::Undecided => problem,
    }
}

fn event_reason(refusal: &EventRefusal) -> &'static Reason {
    match refusal {
        EventRefusal::Json(error) => json_reason(error),
        EventRefusal::Envelope(fault) => envelope_reason(fault),
        EventRefusal::Foreign(fault) => foreign_reason(fault),
        EventRefusal::TooLarge { .. } => reason::PAYLOAD_TOO_LARGE,
        EventRefusal::ClockAhead { .. } => reason::CLOCK_AHEAD,
        EventRefusal::UnauthorizedWorkspace { .. } => reason::UNAUTHORIZED_WORKSPACE,
        EventRefusal::OutOfScope { .. } => reason::FORBIDDEN,
        EventRefusal::ReservedType { .. } => reason::RESERVED_TYPE,
        EventRefusal::ControlType { .. } => reason::CONTROL_TYPE,
        EventRefusal::Schema { .. } => reason::SCHEMA_VIOLATION,
        EventRefusal::RoomStreamMismatch { .. } => reason::ROOM_STREAM_MISMATCH,
        EventRefusal::IdempotencyConflict { .. } => reason::IDEMPOTENCY_CONFLICT,
        EventRefusal::SeqMismatch { .. } => reason::SEQ_MISMATCH,
        EventRefusal::Undecided => reason::INTERNAL,
    }
}

fn control_problem(event_type: &str, route: Option<&str>) -> ApiProblem {
    let detail = match route {
        Some(route) => format!("`{event_type}` is written by the server alone; use {route}"),
        None => format!(
            "`{event_type}` is written by the server alone, and no route of this version writes it"
        ),
    };
    ApiProblem::new(reason::CONTROL_TYPE, detail)
        .with("event_type", event_type)
        .with("route", route)
}

/// Why a JSON text is refused.
pub(crate) fn json_problem(error: &JsonError) -> ApiProblem {
    let problem = advised(json_reason(error), error);
    match error {
        JsonError::Empty => problem,
        JsonError::Syntax { offset, .. }
        | JsonError::Utf8 { offset }
        | JsonError::TrailingData { offset }
        | JsonError::UnpairedSurrogate { offset } => problem.with("offset", *offset),
        JsonError::DuplicateKey { key, offset } => {
            problem.with("key", key.as_str()).with("offset", *offset)
        }
        JsonError::TooManyElements { element_count_max } => {
            problem.with("event_count_max", *element_count_max)
        }
        JsonError::TooDeep { depth_max } => problem.with("depth_max", *depth_max),
        JsonError::TooManyNodes { node_count_max } => {
            problem.with("node_count_max", *node_count_max)
        }
    }
}

fn json_reason(error: &JsonError) -> &'static Reason {
    match error {
        JsonError::Empty | JsonError::Syntax { .. } | JsonError::TrailingData { .. } => {
            reason::INVALID_JSON
        }
        JsonError::Utf8 { .. } => reason::INVALID_UTF8,
        JsonError::TooManyElements { .. } => reason::TOO_MANY_EVENTS,
        JsonError::TooDeep { .. } => reason::TOO_DEEP,
        JsonError::TooManyNodes { .. } => reason::TOO_MANY_VALUES,
        JsonError::DuplicateKey { .. } => reason::DUPLICATE_KEY,
        JsonError::UnpairedSurrogate { .. } => reason::UNPAIRED_SURROGATE,
    }
}

fn envelope_problem(fault: &EnvelopeFault) -> ApiProblem {
    let problem = ApiProblem::new(envelope_reason(fault), fault.to_string());
    match fault {
        EnvelopeFault::NotAnObject => problem,
        EnvelopeFault::UnknownField { field } | EnvelopeFault::ServerSetField { field } => {
            problem.with("field", field.as_str())
        }
        EnvelopeFault::MissingField { field } | EnvelopeFault::InvalidField { field, .. } => {
            problem.with("field", *field)
        }
    }
}

fn envelope_reason(fault: &EnvelopeFault) -> &'static Reason {
    match fault {
        EnvelopeFault::NotAnObject => reason::NOT_AN_OBJECT,
        EnvelopeFault::UnknownField { .. } => reason::UNKNOWN_FIELD,
        EnvelopeFault::ServerSetField { .. } => reason::SERVER_SET_FIELD,
        EnvelopeFault::MissingField { .. } => reason::MISSING_FIELD,
        EnvelopeFault::InvalidField { .. } => reason::INVALID_FIELD,
    }
}

fn foreign_problem(fault: &ForeignFault) -> ApiProblem {
    let problem = ApiProblem::new(foreign_reason(fault), fault.to_string());
    match fault {
        ForeignFault::NotAnObject => problem,
        ForeignFault::MissingMember { pointer } | ForeignFault::InvalidMember { pointer, .. } => {
            problem.with("path", pointer.as_str())
        }
        ForeignFault::TooLarge { pointer, byte_count_max, .. } => {
            problem.with("path", pointer.as_str()).with("byte_count_max", *byte_count_max)
        }
        ForeignFault::UnsupportedVersion { found, supported } => {
            problem.with("found", found.as_str()).with("supported", *supported)
        }
        ForeignFault::Envelope(fault) => envelope_problem(fault),
    }
}

fn foreign_reason(fault: &ForeignFault) -> &'static Reason {
    match fault {
        ForeignFault::NotAnObject => reason::NOT_AN_OBJECT,
        ForeignFault::MissingMember { .. } => reason::MISSING_FIELD,
        ForeignFault::InvalidMember { .. } => reason::INVALID_FIELD,
        ForeignFault::TooLarge { .. } => reason::PAYLOAD_TOO_LARGE,
        ForeignFault::UnsupportedVersion { .. } => reason::UNSUPPORTED_VERSION,
        ForeignFault::Envelope(fault) => envelope_reason(fault),
    }
}

fn msgpack_problem(error: &MsgpackError) -> ApiProblem {
    let problem = advised(msgpack_reason(error), error);
    match error {
        MsgpackError::Empty => problem,
        MsgpackError::UnexpectedEnd { offset }
        | MsgpackError::TrailingData { offset }
        | MsgpackError::ReservedMarker { offset }
        | MsgpackError::Extension { offset }
        | MsgpackError::NotFinite { offset }
        | MsgpackError::NonStringKey { offset }
        | MsgpackError::Utf8 { offset } => problem.with("offset", *offset),
        MsgpackError::DuplicateKey { key } => problem.with("key", key.as_str()),
        MsgpackError::TooDeep { depth_max } => problem.with("depth_max", *depth_max),
        MsgpackError::TooManyNodes { node_count_max } => {
            problem.with("node_count_max", *node_count_max)
        }
    }
}

fn msgpack_reason(error: &MsgpackError) -> &'static Reason {
    match error {
        MsgpackError::Empty
        | MsgpackError::UnexpectedEnd { .. }
        | MsgpackError::TrailingData { .. }
        | MsgpackError::ReservedMarker { .. }
        | MsgpackError::Extension { .. }
        | MsgpackError::NotFinite { .. }
        | MsgpackError::NonStringKey { .. } => reason::INVALID_MSGPACK,
        MsgpackError::Utf8 { .. } => reason::INVALID_UTF8,
        MsgpackError::DuplicateKey { .. } => reason::DUPLICATE_KEY,
        MsgpackError::TooDeep { .. } => reason::TOO_DEEP,
        MsgpackError::TooManyNodes { .. } => reason::TOO_MANY_VALUES,
    }
}

/// Why an append is refused as a whole. A batch of which nothing was stored has its own answer.
pub(crate) fn append_problem(refusal: &AppendRefusal) -> ApiProblem {
    let plain = |reason: &'static Reason| advised(reason, refusal);
    match refusal {
        AppendRefusal::Json(error) => json_problem(error),
        AppendRefusal::Msgpack(error) => msgpack_problem(error),
        AppendRefusal::EmptyBatch => plain(reason::EMPTY_BATCH),
        AppendRefusal::TooManyEvents { event_count_max } => {
            plain(reason::TOO_MANY_EVENTS).with("event_count_max", *event_count_max)
        }
        AppendRefusal::Options(fault) => ApiProblem::new(reason::INVALID_BATCH, fault.to_string()),
        AppendRefusal::ExpectedSeqMisplaced { .. } => plain(reason::INVALID_BATCH),
        AppendRefusal::Event { index, refusal } => {
            let problem = event_problem(refusal);
            match index {
                Some(index) => problem.with("index", *index),
                None => problem,
            }
        }
        AppendRefusal::AllRejected(results) => ApiProblem::new(
            reason::BATCH_REJECTED,
            format!("none of the {} events was stored", results.len()),
        ),
        AppendRefusal::CredentialEnded => plain(reason::UNAUTHORIZED),
        AppendRefusal::Overloaded => plain(reason::OVERLOADED),
        AppendRefusal::StorageFull => plain(reason::STORAGE_FULL),
        AppendRefusal::LogFailed => plain(reason::LOG_FAILED),
        AppendRefusal::Closing => plain(reason::SHUTTING_DOWN),
    }
}

/// Why a command about tokens is refused.
pub(crate) fn access_problem(refusal: &AccessRefusal) -> ApiProblem {
    let plain = |reason: &'static Reason| ApiProblem::new(reason, refusal.to_string());
    match refusal {
        AccessRefusal::Forbidden => plain(reason::FORBIDDEN),
        AccessRefusal::Rights | AccessRefusal::Lifetime => plain(reason::INVALID_BODY),
        AccessRefusal::UnknownToken { .. } => plain(reason::TOKEN_NOT_FOUND),
        AccessRefusal::Append(refusal) => append_problem(refusal),
    }
}

/// Why settings are not changed, or not shown.
pub(crate) fn settings_problem(refusal: &SettingsRefusal) -> ApiProblem {
    let plain = |reason: &'static Reason| ApiProblem::new(reason, refusal.to_string());
    match refusal {
        SettingsRefusal::Forbidden => plain(reason::FORBIDDEN),
        SettingsRefusal::UnknownWorkspace { workspace_id } => {
            plain(reason::WORKSPACE_NOT_FOUND).with("workspace_id", workspace_id.as_str())
        }
        SettingsRefusal::Append(refusal) => append_problem(refusal),
    }
}

/// A stored event cannot be read: the log says which, the client learns only that.
pub(crate) fn read_problem(failure: &ReadFailure) -> ApiProblem {
    tracing::error!(error = %failure, "the log cannot be read");
    ApiProblem::new(reason::INTERNAL, "stored events cannot be read; see the server's log")
}

/// Nothing can be signed or proved at the moment.
pub(crate) fn trust_problem(failure: &TrustFailure) -> ApiProblem {
    tracing::error!(error = failure as &dyn std::error::Error, "the log's tree cannot be used");
    match failure {
        TrustFailure::Read(_)
        | TrustFailure::Incomplete { .. }
        | TrustFailure::File { .. }
        | TrustFailure::Contradicts { .. } => {
            let detail = "the log's tree cannot be used; see the server's log";
            ApiProblem::new(reason::INTERNAL, detail)
        }
        TrustFailure::Closed => ApiProblem::new(reason::SHUTTING_DOWN, failure.to_string()),
    }
}

/// Why there is no proof.
pub(crate) fn proof_problem(refusal: &ProofRefusal) -> ApiProblem {
    let plain = |reason: &'static Reason| ApiProblem::new(reason, refusal.to_string());
    match refusal {
        ProofRefusal::NoSuchPosition { size, .. } => plain(reason::NOT_IN_TREE).with("size", *size),
        ProofRefusal::BeyondHead { head_size, .. } => {
            plain(reason::NOT_IN_TREE).with("size", *head_size)
        }
        ProofRefusal::SizesOutOfOrder { from, to } => {
            plain(reason::INVALID_PARAMETER).with("from", *from).with("to", *to)
        }
        ProofRefusal::Failed(failure) => trust_problem(failure),
    }
}

/// Why the log's key is not replaced.
pub(crate) fn rotation_problem(refusal: &RotationRefusal) -> ApiProblem {
    match refusal {
        RotationRefusal::Forbidden => ApiProblem::new(reason::FORBIDDEN, refusal.to_string()),
        RotationRefusal::Append(refusal) => append_problem(refusal),
        RotationRefusal::Failed(failure) => trust_problem(failure),
    }
}

/// Why a body is not erased.
pub(crate) fn redact_problem(refusal: &RedactRefusal) -> ApiProblem {
    let plain = |reason: &'static Reason| advised(reason, refusal);
    match refusal {
        RedactRefusal::Forbidden => plain(reason::FORBIDDEN),
        RedactRefusal::UnknownEvent { event_id } => {
            plain(reason::EVENT_NOT_FOUND).with("event_id", event_id.to_string())
        }
        RedactRefusal::NotRedactable { event_type } => {
            plain(reason::NOT_REDACTABLE).with("event_type", event_type.as_str())
        }
        RedactRefusal::Reason { byte_count_max } => {
            plain(reason::INVALID_BODY).with("byte_count_max", *byte_count_max)
        }
        RedactRefusal::ReplacementJson(error) => json_problem(error),
        RedactRefusal::ReplacementTooLarge { byte_count, byte_count_max } => {
            plain(reason::PAYLOAD_TOO_LARGE)
                .with("byte_count", *byte_count)
                .with("byte_count_max", *byte_count_max)
        }
        RedactRefusal::Unreadable(failure) => read_problem(failure),
        RedactRefusal::HiddenOnly => plain(reason::STORAGE_FULL),
        RedactRefusal::ViewsRemain { .. } => plain(reason::INTERNAL),
        RedactRefusal::Append(refusal) => append_problem(refusal),
    }
}

/// Why a run is not exported.
pub(crate) fn export_problem(failure: &ExportFailure) -> ApiProblem {
    match failure {
        ExportFailure::UnknownRun { run_id } => {
            ApiProblem::new(reason::RUN_NOT_FOUND, failure.to_string())
                .with("run_id", run_id.as_str())
        }
        ExportFailure::NotOfRun { event_id } => {
            ApiProblem::new(reason::EVENT_NOT_FOUND, failure.to_string())
                .with("event_id", event_id.to_string())
        }
        ExportFailure::Read(failure) => read_problem(failure),
        ExportFailure::Trust(failure) => trust_problem(failure),
        ExportFailure::Unsigned { .. } | ExportFailure::Write(_) => {
            tracing::error!(error = failure as &dyn std::error::Error, "a run cannot be exported");
            ApiProblem::new(reason::INTERNAL, "the run cannot be exported; see the server's log")
        }
    }
}
