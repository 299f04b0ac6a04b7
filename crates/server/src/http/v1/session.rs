//! The dashboard's login: a code in a link, traded once for a session's bearer.

use annals_api::{reason, routes, wire};
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
    let owner = app.recorder.access().owner();
    let opened =
        app.sessions.open(&request.code, owner, app.recorder.entropy().as_ref(), app.now());
    let Some((issued, principal)) = opened else {
        app.metrics.failed_authentications.inc();
        let detail = "the login code was used or has expired; `annals open` makes another link";
        return Err(ApiProblem::new(reason::INVALID_CODE, detail));
    };
    let session = wire::Session {
        token: issued.secret,
        expires_at: issued.expires_at.to_string(),
        workspace_id: principal.workspace_id.to_string(),
        rights: right_names(principal.rights),
    };
    Ok((StatusCode::CREATED, Json(session)).into_response())
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
    let issued = app.sessions.make_code(app.recorder.entropy().as_ref(), app.now());
    wire::LoginCode {
        url: format!("http://{host}/#login={}", issued.secret),
        code: issued.secret,
        expires_at: issued.expires_at.to_string(),
    }
}
