//! The log as a whole: its newest checkpoint, its keys, its tiles and its proofs.
//!
//! Formats are those of C2SP: signed-note, tlog-checkpoint, tlog-tiles.

use annals_api::{reason, routes, wire};
use annals_core::hash::Digest;
use annals_core::id::Position;
use annals_core::tiles::TilePath;
use annals_recorder::config::Durability;
use annals_recorder::trust::{Consistency, TrustStatus};
use annals_store::contract::Ancestor;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::answer::document;
use crate::app::App;
use crate::auth::{Caller, Operate, Verify};
use crate::negotiate::{DOCUMENT_FORMS, choose};
use crate::params::{Params, PathParams, invalid};
use crate::problem::ApiProblem;
use crate::refusals::{proof_problem, rotation_problem, trust_problem};
use crate::work::blocking;

/// Read the newest signed checkpoint. It covers every event that is durable when it is asked for.
#[utoipa::path(get, path = routes::LOG_CHECKPOINT, operation_id = "getCheckpoint", tag = "log",
    responses(
        (status = 200, description = "A C2SP signed note.", body = String, content_type = "text/plain"),
        (status = 403, description = "The token may not verify.", body = annals_api::Problem)))]
pub(crate) async fn checkpoint(
    State(app): State<App>,
    _caller: Caller<Verify>,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    Params::read(&uri, &[])?;
    let trust = app.clone();
    let signed = blocking(move || {
        trust.recorder.trust().checkpoint().map_err(|failure| trust_problem(&failure))
    })
    .await?;
    Ok(plain_text(signed.to_string()))
}

/// Read the keys that sign checkpoints: C2SP verifier keys, one a line, the present one first.
#[utoipa::path(get, path = routes::LOG_KEY, operation_id = "getLogKey", tag = "log",
    responses(
        (status = 200, description = "Verifier keys.", body = String, content_type = "text/plain"),
        (status = 403, description = "The token may not verify.", body = annals_api::Problem)))]
pub(crate) async fn key(
    State(app): State<App>,
    _caller: Caller<Verify>,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    Params::read(&uri, &[])?;
    // Who signs holds the keys, and waits for the disk meanwhile.
    let keys = blocking(move || Ok(app.recorder.trust().verifier_keys())).await?;
    let mut text = String::new();
    for key in keys {
        text.push_str(&key.to_string());
        text.push('\n');
    }
    Ok(plain_text(text))
}

fn plain_text(text: String) -> Response {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Make another key sign. The rotation is an event that both keys have signed.
#[utoipa::path(post, path = routes::LOG_KEY_ROTATE, operation_id = "rotateLogKey", tag = "log",
    responses(
        (status = 200, description = "The keys from now on.", body = wire::LogKeys),
        (status = 403, description = "The token may not administer.", body = annals_api::Problem)))]
pub(crate) async fn rotate(
    State(app): State<App>,
    caller: Caller<Operate>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let form = choose(&headers, DOCUMENT_FORMS)?;
    Params::read(&uri, &[])?;
    let rotated = app.recorder.rotate_key(caller.principal).await;
    rotated.map_err(|refusal| rotation_problem(&refusal))?;
    let keys = blocking(move || Ok(app.recorder.trust().verifier_keys())).await?;
    let mut keys = keys.into_iter().map(|key| key.to_string());
    let key = keys.next().unwrap_or_default();
    document(form, &wire::LogKeys { key, former_keys: keys.collect() })
}

/// Read a tile of the tree: up to 256 hashes of 32 bytes, as C2SP tlog-tiles names them.
#[utoipa::path(get, path = "/v1/log/tile/{path}", operation_id = "getTile", tag = "log",
    params(("path" = String, Path, description = "Level and index, such as `0/x001/067`, and `.p/WIDTH` for the last tile.")),
    responses(
        (status = 200, description = "The hashes.", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 403, description = "The token may not verify.", body = annals_api::Problem),
        (status = 404, description = "There is no such tile.", body = annals_api::Problem)))]
pub(crate) async fn tile(
    State(app): State<App>,
    _caller: Caller<Verify>,
    PathParams(path): PathParams<String>,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    Params::read(&uri, &[])?;
    let no_tile = || {
        ApiProblem::new(reason::TILE_NOT_FOUND, format!("there is no tile {path}"))
            .with("path", path.as_str())
    };
    let tile: TilePath = path.parse().map_err(|_| no_tile())?;
    let found = blocking(move || {
        app.recorder.trust().tile(tile).map_err(|failure| trust_problem(&failure))
    })
    .await?;
    let mut response = found.ok_or_else(no_tile)?.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    // What a tile holds never changes.
    let forever = HeaderValue::from_static("private, max-age=31536000, immutable");
    headers.insert(header::CACHE_CONTROL, forever);
    Ok(response)
}

/// Prove that an event is in the tree.
#[utoipa::path(get, path = routes::LOG_INCLUSION, operation_id = "proveInclusion", tag = "log",
    params(
        ("position" = u64, Query, description = "The event's position."),
        ("size" = Option<u64>, Query, description = "Leaves of the tree; those of the newest checkpoint when absent.")),
    responses(
        (status = 200, description = "The proof.", body = wire::InclusionProof),
        (status = 403, description = "The token may not verify.", body = annals_api::Problem),
        (status = 404, description = "Beyond the tree.", body = annals_api::Problem)))]
pub(crate) async fn inclusion(
    State(app): State<App>,
    _caller: Caller<Verify>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let form = choose(&headers, DOCUMENT_FORMS)?;
    let params = Params::read(&uri, &["position", "size"])?;
    let position = params.parsed("position")?;
    let position: u64 =
        position.ok_or_else(|| invalid("position", "it must be given: a number from 1"))?;
    let size = params.parsed("size")?;
    let proof = blocking(move || {
        let proof = app.recorder.trust().inclusion(Position(position), size);
        proof.map_err(|refusal| proof_problem(&refusal))
    })
    .await?;
    let proof = wire::InclusionProof {
        position,
        size: proof.size,
        leaf_hash: proof.leaf_hash.to_string(),
        root_hash: proof.root.to_string(),
        path: texts(&proof.path),
    };
    document(form, &proof)
}

/// Prove that one tree is a prefix of another.
#[utoipa::path(get, path = routes::LOG_CONSISTENCY, operation_id = "proveConsistency", tag = "log",
    params(
        ("from" = u64, Query, description = "Leaves of the smaller tree, from 1."),
        ("to" = Option<u64>, Query, description = "Leaves of the larger tree; those of the newest checkpoint when absent.")),
    responses(
        (status = 200, description = "The proof.", body = wire::ConsistencyProof),
        (status = 403, description = "The token may not verify.", body = annals_api::Problem),
        (status = 404, description = "Beyond the tree.", body = annals_api::Problem)))]
pub(crate) async fn consistency(
    State(app): State<App>,
    _caller: Caller<Verify>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let form = choose(&headers, DOCUMENT_FORMS)?;
    let params = Params::read(&uri, &["from", "to"])?;
    let from: Option<u64> = params.parsed("from")?;
    let from =
        from.ok_or_else(|| invalid("from", "it must be given: leaves of the smaller tree"))?;
    let to: Option<u64> = params.parsed("to")?;
    let proof = blocking(move || {
        let trust = app.recorder.trust();
        let to = match to {
            Some(to) => to,
            None => {
                trust.checkpoint().map_err(|failure| trust_problem(&failure))?.checkpoint().size
            }
        };
        trust.consistency(from, to).map_err(|refusal| proof_problem(&refusal))
    })
    .await?;
    document(form, &wire_consistency(&proof))
}

/// A proof, as the wire has it.
pub(crate) fn wire_consistency(proof: &Consistency) -> wire::ConsistencyProof {
    wire::ConsistencyProof {
        from: proof.from,
        to: proof.to,
        from_root: proof.from_root.to_string(),
        to_root: proof.to_root.to_string(),
        path: texts(&proof.path),
    }
}

fn texts(path: &[Digest]) -> Vec<String> {
    path.iter().map(ToString::to_string).collect()
}

/// Read the log's proofs at a glance, with its keys, its witnesses and what it was restored from.
#[utoipa::path(get, path = routes::LOG_STATUS, operation_id = "getLogStatus", tag = "log",
    responses(
        (status = 200, description = "The status.", body = wire::LogStatus),
        (status = 403, description = "The token may not verify.", body = annals_api::Problem)))]
pub(crate) async fn status(
    State(app): State<App>,
    _caller: Caller<Verify>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let form = choose(&headers, DOCUMENT_FORMS)?;
    Params::read(&uri, &[])?;
    let status = blocking(move || {
        let recorder = &app.recorder;
        recorder.trust().checkpoint().map_err(|failure| trust_problem(&failure))?;
        let trust = recorder.trust().status().map_err(|failure| trust_problem(&failure))?;
        Ok(wire_status(&app, &trust))
    })
    .await?;
    document(form, &status)
}

fn wire_status(app: &App, trust: &TrustStatus) -> wire::LogStatus {
    let signed = trust.checkpoint.as_ref().map(|signed| signed.checkpoint());
    wire::LogStatus {
        log_id: trust.log_id.to_string(),
        origin: trust.origin.clone(),
        size: signed.map_or(trust.size, |checkpoint| checkpoint.size),
        root_hash: signed.map_or(trust.root, |checkpoint| checkpoint.root).to_string(),
        head_position: app.recorder.head().position.get(),
        checkpoint_at: trust.checkpoint_at.map(|at| at.to_string()),
        key: trust.key.to_string(),
        former_keys: trust.former_keys.iter().map(|former| former.key.to_string()).collect(),
        rotations: trust.rotations.iter().map(ToString::to_string).collect(),
        witnesses: app.witnesses.status(),
        redactions: app.recorder.marks().count() as u64,
        lineage: wire_lineage(app.recorder.log().lineage()),
        durability: match trust.durability {
            Durability::Sync => wire::DurabilityName::Sync,
            Durability::Os => wire::DurabilityName::Os,
        },
    }
}

/// The logs that this one was restored from, as the wire has them.
pub(super) fn wire_lineage(lineage: Vec<Ancestor>) -> Vec<wire::LogAncestor> {
    let wire_ancestor = |ancestor: Ancestor| wire::LogAncestor {
        log_id: ancestor.log_id.to_string(),
        last_position: ancestor.last_position.get(),
    };
    lineage.into_iter().map(wire_ancestor).collect()
}
