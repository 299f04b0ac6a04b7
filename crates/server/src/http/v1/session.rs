//! The dashboard's login: a code in a link, traded once for a session's bearer.

use std::sync::Arc;

use annals_api::{reason, routes, wire};
use annals_core::id::WorkspaceId;
use annals_recorder::access::{IssueToken, TokenKind};
use annals_recorder::principal::Rights;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use super::tokens::{read_json, right_names};
use crate::app::App;
use crate::auth::{Caller, Operate};
use crate::params::Params;
use crate::problem::ApiProblem;
use crate::refusals::access_problem;

/// How long a session is good: twelve hours.
const SESSION_SECONDS: i64 = 12 * 60 * 60;

/// Trade a login code for a session.
#[utoipa::path(post, path = routes::SESSION, operation_id = "openSession", tag = "access", security(()),
    request_body = wire::OpenSessionRequest,
    responses(
        (status = 201, description = "The session.", body = wire::Session),
        (status = 400, description = "The body is wrong.", body = annals_api::Problem),
        (status = 401, description = "The code opens nothing.", body = annals_api::Problem)))]
pub(crate) async fn open(
    State(app): State<App>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, ApiProblem> {
    Params::read(&uri, &[])?;
    let request: wire::OpenSessionRequest = read_json(&app, &headers, body).await?;
    if !app.login_codes.take(&request.code, app.now()) {
        app.metrics.failed_authentications.inc();
        let detail = "the login code was used or has expired; `annals open` makes another link";
        return Err(ApiProblem::new(reason::INVALID_CODE, detail));
    }
    let owner = Arc::clone(app.recorder.access().owner());
    let wanted = session_of(owner.workspace_id.clone());
    let issued = app.recorder.issue_token(owner, wanted).await;
    let issued = issued.map_err(|refusal| access_problem(&refusal))?;
    let session = wire::Session {
        token: issued.token,
        expires_at: issued.info.expires_at.map(|at| at.to_string()).unwrap_or_default(),
        workspace_id: issued.info.workspace_id.to_string(),
        rights: right_names(issued.info.rights),
    };
    Ok((StatusCode::CREATED, Json(session)).into_response())
}

/// What a person's session is: it reads for twelve hours, and never appends or administers.
fn session_of(workspace_id: WorkspaceId) -> IssueToken {
    IssueToken {
        kind: TokenKind::Session,
        workspace_id,
        rights: Rights::READ.with(Rights::VERIFY),
        name: Some("dashboard".to_owned()),
        expires_in_s: Some(SESSION_SECONDS),
        stream_types: None,
        event_types: None,
    }
}

/// Make a login code.
#[utoipa::path(post, path = routes::SESSION_CODES, operation_id = "makeLoginCode", tag = "access",
    responses(
        (status = 201, description = "The code, good once and for a minute.", body = wire::LoginCode),
        (status = 403, description = "The token may not administer.", body = annals_api::Problem)))]
pub(crate) async fn make_code(
    State(app): State<App>,
    _caller: Caller<Operate>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    Params::read(&uri, &[])?;
    let host = headers.get(axum::http::header::HOST).and_then(|value| value.to_str().ok());
    // The guard has checked the host: it is one of this server's names.
    let host = host
        .or_else(|| uri.authority().map(axum::http::uri::Authority::as_str))
        .unwrap_or("localhost");
    Ok((StatusCode::CREATED, Json(login_code(&app, host))).into_response())
}

/// A login code and the link that carries it in its fragment, which browsers never send.
pub(crate) fn login_code(app: &App, host: &str) -> wire::LoginCode {
    let issued = app.login_codes.make(app.recorder.entropy().as_ref(), app.now());
    wire::LoginCode {
        url: format!("http://{host}/#login={}", issued.secret),
        code: issued.secret,
        expires_at: issued.expires_at.to_string(),
    }
}
