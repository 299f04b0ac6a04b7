//! Where a tail resumes: what the client says it saw, checked against the log.
//!
//! INVARIANT (no silent replay): a resume point that is malformed, beyond the head or of another
//! history is refused. It is never taken for a start from the beginning or from the end.

use annals_api::reason;
use annals_api::routes::CONSISTENCY_FRAME;
use annals_api::wire::KnownTree;
use annals_core::envelope::StreamKey;
use annals_core::event::Event;
use annals_core::hash::Digest;
use annals_core::id::{Position, Seq, WorkspaceId};
use annals_recorder::Recorder;
use annals_recorder::live::FollowStart;
use annals_recorder::principal::{Principal, Rights};
use annals_store::query::PageLimit;
use axum::body::Bytes;
use axum::http::HeaderMap;

use crate::filter::diverged;
use crate::http::v1::log::wire_consistency;
use crate::params::{Params, invalid};
use crate::problem::ApiProblem;
use crate::refusals::{proof_problem, read_problem, trust_problem};

pub(crate) const LAST_EVENT_ID: &str = "last-event-id";

/// What a client says about the last frame that it saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ResumeClaim {
    /// Go on after this id; the header wins over the query.
    pub(crate) after: Option<u64>,
    /// An event that the client saw, with its hash.
    pub(crate) seen: Option<(u64, Digest)>,
    /// A tree that the client knows: its size and root.
    pub(crate) known: Option<(u64, Digest)>,
}

impl ResumeClaim {
    pub(crate) fn read(headers: &HeaderMap, params: &Params) -> Result<Self, ApiProblem> {
        let seen = params.one("after")?.map(parse_pair).transpose()?;
        let known = params.one("known")?.map(parse_known).transpose()?;
        let header = headers.get(LAST_EVENT_ID).map(|value| value.to_str().unwrap_or_default());
        let after = match header {
            Some(text) => Some(parse_id(text, "Last-Event-ID")?),
            None => seen.map(|(id, _)| id),
        };
        Ok(Self { after, seen, known })
    }
}

fn parse_id(text: &str, name: &str) -> Result<u64, ApiProblem> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(id) if is_number => Ok(id),
        _ => {
            let detail = format!("`{name}` must be the id of a frame: a number");
            Err(ApiProblem::new(reason::INVALID_RESUME, detail).with("given", text))
        }
    }
}

fn parse_pair(text: &str) -> Result<(u64, Digest), ApiProblem> {
    let detail = "`after` must be ID:HASH: the last event's id and its 64 hex digits";
    let problem = || ApiProblem::new(reason::INVALID_RESUME, detail).with("given", text);
    let (id, hash) = text.split_once(':').ok_or_else(problem)?;
    let id = parse_id(id, "after").map_err(|_| problem())?;
    let hash = hash.parse().map_err(|_| problem())?;
    if id == 0 { Err(problem()) } else { Ok((id, hash)) }
}

fn parse_known(text: &str) -> Result<(u64, Digest), ApiProblem> {
    let detail = "`known` must be SIZE:ROOT: a tree's leaves and the 64 hex digits of its root";
    let problem = || ApiProblem::new(reason::INVALID_RESUME, detail).with("given", text);
    let (size, root) = text.split_once(':').ok_or_else(problem)?;
    let size = parse_id(size, "known").map_err(|_| problem())?;
    Ok((size, root.parse().map_err(|_| problem())?))
}

/// The frame that proves to a client that the log still holds the tree that it knows; none when
/// it did not name one. Blocks.
pub(crate) fn known_tree_frame(
    recorder: &Recorder,
    principal: &Principal,
    claim: ResumeClaim,
) -> Result<Option<Bytes>, ApiProblem> {
    let Some((size, root)) = claim.known else { return Ok(None) };
    if !principal.rights.contains(Rights::VERIFY) {
        let detail = "`known` needs the right `verify`, which the token does not have";
        return Err(ApiProblem::new(reason::FORBIDDEN, detail).with("needs", "verify"));
    }
    let trust = recorder.trust();
    let signed = trust.checkpoint().map_err(|failure| trust_problem(&failure))?;
    let signed_size = signed.checkpoint().size;
    if size > signed_size {
        let detail =
            format!("the log has {signed_size} events; the known tree of {size} lies beyond it");
        return Err(diverged(detail).with("size", signed_size).with("known_size", size));
    }
    let proof = trust.consistency(size, signed_size).map_err(|refusal| proof_problem(&refusal))?;
    if proof.from_root != root {
        let detail = format!("the tree of the first {size} events has another root");
        let actual = proof.from_root.to_string();
        return Err(diverged(detail)
            .with("known_root", root.to_string())
            .with("actual_root", actual));
    }
    let known = KnownTree { proof: wire_consistency(&proof), checkpoint: signed.to_string() };
    let data = serde_json::to_string(&known).map_err(|error| {
        tracing::error!(%error, "a proof could not be written");
        ApiProblem::new(reason::INTERNAL, "the proof could not be written")
    })?;
    Ok(Some(Bytes::from(format!("event:{CONSISTENCY_FRAME}\ndata:{data}\n\n"))))
}

/// Where a stream's tail starts. Blocks.
pub(crate) fn stream_start(
    recorder: &Recorder,
    workspace_id: &WorkspaceId,
    stream: &StreamKey,
    claim: ResumeClaim,
    from_seq: Option<u64>,
) -> Result<FollowStart, ApiProblem> {
    let head = recorder
        .log()
        .stream_head(workspace_id, stream)
        .map_err(|failure| read_problem(&failure))?;
    let last_seq = head.map_or(0, |head| head.last_seq.get());
    let after = match (claim.after, from_seq) {
        (Some(after), _) => after,
        (None, Some(0)) => return Err(invalid("from_seq", "it is the first wanted seq, from 1")),
        (None, Some(from_seq)) => from_seq - 1,
        (None, None) => 0,
    };
    if after > last_seq {
        let detail = format!(
            "stream {stream} ends at seq {last_seq}; the resume point {after} lies beyond it"
        );
        return Err(diverged(detail).with("last_seq", last_seq).with("resume_after", after));
    }
    if let Some((seq, hash)) = claim.seen {
        let page = recorder.log().stream_page(workspace_id, stream, Seq(seq), PageLimit::events(1));
        let page = page.map_err(|failure| read_problem(&failure))?;
        let found = page.into_iter().find(|event| event.stream_seq() == Seq(seq));
        verify(found.as_ref(), seq, hash)?;
    }
    Ok(FollowStart::StreamFrom {
        workspace_id: workspace_id.clone(),
        stream: stream.clone(),
        from_seq: Seq(after + 1),
    })
}

/// Where a workspace's tail starts, and the position that it starts after. Blocks.
pub(crate) fn tail_start(
    recorder: &Recorder,
    workspace_id: &WorkspaceId,
    claim: ResumeClaim,
    after_position: Option<u64>,
) -> Result<FollowStart, ApiProblem> {
    if let Some((position, hash)) = claim.seen {
        let found = recorder
            .log()
            .event_at(Position(position))
            .map_err(|failure| read_problem(&failure))?;
        let found = found.filter(|event| event.header().workspace_id == workspace_id.as_str());
        verify(found.as_ref(), position, hash)?;
    }
    let Some(after) = claim.after.or(after_position) else {
        return Ok(FollowStart::Now);
    };
    let head = recorder.head().position.get();
    if after > head {
        let detail =
            format!("the log ends at position {head}; the resume point {after} lies beyond it");
        return Err(diverged(detail).with("head_position", head).with("resume_after", after));
    }
    Ok(FollowStart::AfterPosition(Position(after)))
}

fn verify(found: Option<&Event>, id: u64, hash: Digest) -> Result<(), ApiProblem> {
    match found {
        Some(event) if event.event_hash() == hash => Ok(()),
        Some(event) => {
            let detail = format!("the event at {id} has another hash than the one that was seen");
            let actual = event.event_hash().to_string();
            Err(diverged(detail).with("seen_hash", hash.to_string()).with("actual_hash", actual))
        }
        None => Err(diverged(format!("there is no event at {id}, which was seen"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(header: Option<&str>, after: Option<&str>) -> Result<ResumeClaim, &'static str> {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(LAST_EVENT_ID, header.parse().unwrap());
        }
        let query = after.map_or(String::new(), |after| format!("?after={after}"));
        let params = Params::read(&format!("/x{query}").parse().unwrap(), &["after"]).unwrap();
        ResumeClaim::read(&headers, &params).map_err(|problem| problem.reason().code)
    }

    #[test]
    fn the_header_wins_and_the_pair_is_still_checked() {
        let hash = "ab".repeat(32);
        let claimed = claim(Some("9"), Some(&format!("7:{hash}"))).unwrap();
        assert_eq!(claimed.after, Some(9));
        assert_eq!(claimed.seen, Some((7, hash.parse().unwrap())));
        assert_eq!(claim(None, None).unwrap().after, None);
        assert_eq!(claim(None, Some(&format!("7:{hash}"))).unwrap().after, Some(7));
    }

    #[test]
    fn refuses_what_is_no_resume_point() {
        for wrong in ["", "abc", "-1", "+1", "1.0", " 1", "18446744073709551616"] {
            assert_eq!(claim(Some(wrong), None), Err("invalid_resume"), "{wrong:?}");
        }
        for wrong in ["7", "7:", "7:xyz", ":ab", "0:00"] {
            assert_eq!(claim(None, Some(wrong)), Err("invalid_resume"), "{wrong:?}");
        }
    }
}
