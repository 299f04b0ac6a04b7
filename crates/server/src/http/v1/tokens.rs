//! Tokens: issued, listed and revoked by whoever may administer.

use annals_api::{reason, routes, wire};
use annals_core::id::{EventType, IdError, StreamType, TokenId, WorkspaceId};
use annals_recorder::access::{IssueToken, TokenInfo, TokenKind};
use annals_recorder::principal::Rights;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::auth::{Caller, Operate};
use crate::body::read_body;
use crate::negotiate::require_json;
use crate::params::{Params, PathParams, invalid};
use crate::problem::ApiProblem;
use crate::refusals::access_problem;

/// Reads a small JSON document.
pub(super) async fn read_json<T: DeserializeOwned>(
    app: &App,
    headers: &HeaderMap,
    body: Body,
) -> Result<T, ApiProblem> {
    require_json(headers)?;
    let held = read_body(headers, body, &app.bodies).await?;
    serde_json::from_slice(&held.bytes).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => {
            ApiProblem::new(reason::INVALID_BODY, error.to_string())
        }
        serde_json::error::Category::Io
        | serde_json::error::Category::Syntax
        | serde_json::error::Category::Eof => {
            ApiProblem::new(reason::INVALID_JSON, error.to_string())
        }
    })
}

/// The rights of a set, as the wire has them.
pub(super) fn right_names(rights: Rights) -> Vec<wire::RightName> {
    use wire::RightName::{Append, Operate, Read, Verify};
    let is_in = |name: &wire::RightName| rights.contains(right(*name));
    [Append, Read, Verify, Operate].into_iter().filter(is_in).collect()
}

fn right(name: wire::RightName) -> Rights {
    match name {
        wire::RightName::Append => Rights::APPEND,
        wire::RightName::Read => Rights::READ,
        wire::RightName::Verify => Rights::VERIFY,
        wire::RightName::Operate => Rights::OPERATE,
    }
}

/// Issue a token. Its text is in this answer and nowhere else.
#[utoipa::path(post, path = routes::TOKENS, operation_id = "issueToken", tag = "access",
    request_body = wire::IssueTokenRequest,
    responses(
        (status = 201, description = "The token.", body = wire::IssuedToken),
        (status = 400, description = "The body is wrong.", body = annals_api::Problem),
        (status = 403, description = "The token may not administer.", body = annals_api::Problem)))]
pub(crate) async fn issue(
    State(app): State<App>,
    caller: Caller<Operate>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, ApiProblem> {
    Params::read(&uri, &[])?;
    let request: wire::IssueTokenRequest = read_json(&app, &headers, body).await?;
    let issued = app.recorder.issue_token(caller.principal, issue_token(request)?).await;
    let issued = issued.map_err(|refusal| access_problem(&refusal))?;
    let token = wire::IssuedToken {
        token_id: issued.info.token_id.to_string(),
        token: issued.token,
        workspace_id: issued.info.workspace_id.to_string(),
        rights: right_names(issued.info.rights),
        expires_at: issued.info.expires_at.map(|at| at.to_string()),
    };
    Ok((StatusCode::CREATED, Json(token)).into_response())
}

fn issue_token(request: wire::IssueTokenRequest) -> Result<IssueToken, ApiProblem> {
    let wrong = |field: &'static str| move |error: IdError| invalid_member(field, &error);
    let stream_types = request.stream_types.map(|types| {
        types.iter().map(|text| StreamType::parse(text).map_err(wrong("stream_types"))).collect()
    });
    let event_types = request.event_types.map(|types| {
        types.iter().map(|text| EventType::parse(text).map_err(wrong("event_types"))).collect()
    });
    let expires_in_s =
        request.expires_in_s.map(|seconds| i64::try_from(seconds).unwrap_or(i64::MAX));
    Ok(IssueToken {
        kind: TokenKind::Token,
        workspace_id: WorkspaceId::parse(&request.workspace_id).map_err(wrong("workspace_id"))?,
        rights: request.rights.iter().fold(Rights::default(), |all, name| all.with(right(*name))),
        name: request.name,
        expires_in_s,
        stream_types: stream_types.transpose()?,
        event_types: event_types.transpose()?,
    })
}

fn invalid_member(field: &str, error: &IdError) -> ApiProblem {
    ApiProblem::new(reason::INVALID_BODY, format!("`{field}` is wrong: {error}"))
        .with("field", field)
}

/// List all tokens ever made, newest first, without their secrets.
#[utoipa::path(get, path = routes::TOKENS, operation_id = "listTokens", tag = "access",
    responses(
        (status = 200, description = "The tokens.", body = wire::TokenList),
        (status = 403, description = "The token may not administer.", body = annals_api::Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    _caller: Caller<Operate>,
    uri: Uri,
) -> Result<Json<wire::TokenList>, ApiProblem> {
    Params::read(&uri, &[])?;
    let tokens = app.recorder.access().list().into_iter().map(wire_info).collect();
    Ok(Json(wire::TokenList { tokens }))
}

fn wire_info(info: TokenInfo) -> wire::TokenInfo {
    wire::TokenInfo {
        token_id: info.token_id.to_string(),
        workspace_id: info.workspace_id.to_string(),
        rights: right_names(info.rights),
        name: info.name,
        issued_at: info.issued_at.to_string(),
        expires_at: info.expires_at.map(|at| at.to_string()),
        revoked: info.revoked,
    }
}

/// Revoke a token. It opens nothing from the answer on, and its live tails end.
#[utoipa::path(post, path = routes::TOKEN_REVOKE, operation_id = "revokeToken", tag = "access",
    params(("token_id" = String, Path, description = "The token's public part.")),
    responses(
        (status = 200, description = "The token opens nothing any more.", body = wire::RevokedToken),
        (status = 403, description = "The token may not administer.", body = annals_api::Problem),
        (status = 404, description = "There is no such token.", body = annals_api::Problem)))]
pub(crate) async fn revoke(
    State(app): State<App>,
    caller: Caller<Operate>,
    PathParams(token_id): PathParams<String>,
    uri: Uri,
) -> Result<Json<wire::RevokedToken>, ApiProblem> {
    Params::read(&uri, &[])?;
    let parsed = TokenId::parse(&token_id).map_err(|error| invalid("token_id", error))?;
    let revoked = app.recorder.revoke_token(caller.principal, parsed).await;
    revoked.map_err(|refusal| access_problem(&refusal))?;
    Ok(Json(wire::RevokedToken { token_id, revoked: true }))
}
