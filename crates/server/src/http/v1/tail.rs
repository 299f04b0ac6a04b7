//! `GET /v1/tail`: the live tail of the caller's workspace.

use std::sync::Arc;

use annals_api::routes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use crate::app::App;
use crate::auth::{Caller, Read};
use crate::filter::{self, FILTER_PARAMETERS};
use crate::negotiate::{TAIL_FORMS, choose};
use crate::params::Params;
use crate::problem::ApiProblem;
use crate::resume::{self, ResumeClaim};
use crate::sse::{FrameIds, TailParts, tail_response};
use crate::work::blocking;

const TAIL_PARAMETERS: [&str; 4] = ["after_position", "after", "known", "dialect"];

/// Follow the workspace live.
///
/// Frames have the position as `id`, the event type as `event` and the envelope as `data`. Without
/// a resume point the tail starts with the next new event; `Last-Event-ID` wins over the query.
/// Every 15 seconds there is a comment, or a frame of only an `id`: the position looked at so far.
#[utoipa::path(get, path = routes::TAIL, operation_id = "followTail", tag = "streams",
    params(
        ("event_type" = Option<Vec<String>>, Query, description = "An event type, or a family such as `tool.*`; may be repeated."),
        ("category" = Option<String>, Query, description = "A category of the catalog."),
        ("origin" = Option<Vec<String>>, Query, description = "The dialect that an event came in by, or `native`; may be repeated."),
        ("stream_type" = Option<String>, Query, description = "With `stream_id`: events of one stream."),
        ("stream_id" = Option<String>, Query, description = "With `stream_type`: events of one stream."),
        ("run_id" = Option<String>, Query, description = "Events of a run."),
        ("room_id" = Option<String>, Query, description = "Events of a room."),
        ("thread_id" = Option<String>, Query, description = "Events of a thread."),
        ("mission_id" = Option<String>, Query, description = "Events of a mission."),
        ("step_id" = Option<String>, Query, description = "Events of a step."),
        ("actor_id" = Option<String>, Query, description = "Events of an actor."),
        ("correlation_id" = Option<String>, Query, description = "Events that belong together."),
        ("after_position" = Option<u64>, Query, description = "Start after this position."),
        ("dialect" = Option<String>, Query, description = "A foreign format, such as `hive`: events come as its documents where they have such a form, else as envelopes."),
        ("after" = Option<String>, Query, description = "`POSITION:HASH` of the last event seen, checked as a pair."),
        ("known" = Option<String>, Query, description = "`SIZE:ROOT` of a tree that you know; the first frame, `annals.consistency`, proves that the log still holds it. Needs the right `verify`."),
        ("Last-Event-ID" = Option<String>, Header, description = "Resume after this position.")),
    responses(
        (status = 200, description = "The live tail.", content((String = "text/event-stream"))),
        (status = 400, description = "A parameter or the resume point is wrong.", body = annals_api::Problem),
        (status = 409, description = "The log has another history than the reader saw.", body = annals_api::Problem),
        (status = 429, description = "Too many live tails.", body = annals_api::Problem)))]
pub(crate) async fn follow(
    State(app): State<App>,
    caller: Caller<Read>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    choose(&headers, TAIL_FORMS)?;
    let allowed: Vec<&str> = FILTER_PARAMETERS.iter().chain(&TAIL_PARAMETERS).copied().collect();
    let params = Params::read(&uri, &allowed)?;
    let dialect = filter::dialect(&params)?;
    let claim = ResumeClaim::read(&headers, &params)?;
    let after_position = params.parsed("after_position")?;
    let principal = caller.principal;
    let query = filter::query(app.recorder.catalog(), &principal.workspace_id, &params)?;
    let permit = app.tails.open(&principal.token_id)?;
    let (recorder, workspace_id) = (app.recorder.clone(), principal.workspace_id.clone());
    let asker = Arc::clone(&principal);
    let (first_frame, start) = blocking(move || {
        let first_frame = resume::known_tree_frame(&recorder, &asker, claim)?;
        let start = resume::tail_start(&recorder, &workspace_id, claim, after_position)?;
        Ok((first_frame, start))
    })
    .await?;
    let follower = app.recorder.follow(start, query);
    let ids = FrameIds::Positions;
    Ok(tail_response(TailParts { app, principal, follower, ids, dialect, permit, first_frame }))
}
