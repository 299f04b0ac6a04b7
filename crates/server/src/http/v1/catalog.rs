//! The event types that the server knows, as a list and as one JSON Schema document.
//!
//! Both are texts that the catalog writes itself; nothing is looked up in the log.

use annals_api::{routes, wire};
use annals_core::catalog::BundleShape;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use crate::answer::json_text;
use crate::app::App;
use crate::auth::{AnyToken, Caller};
use crate::negotiate::{DOCUMENT_FORMS, choose};
use crate::params::{Params, invalid};
use crate::problem::ApiProblem;

/// List the event types that the server knows, with their schemas and spellings.
#[utoipa::path(get, path = routes::CATALOG, operation_id = "getCatalog", tag = "server",
    responses((status = 200, description = "The types.", body = wire::CatalogAnswer)))]
pub(crate) async fn catalog(
    State(app): State<App>,
    _caller: Caller<AnyToken>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let form = choose(&headers, DOCUMENT_FORMS)?;
    Params::read(&uri, &[])?;
    Ok(json_text(form, app.recorder.catalog().to_answer()))
}

/// The schemas of all event types as one JSON Schema document (2020-12).
#[utoipa::path(get, path = routes::CATALOG_SCHEMA, operation_id = "getCatalogSchema", tag = "server",
    params(("shape" = Option<String>, Query,
        description = "`envelope`, or `hive` for the documents of that dialect.")),
    responses((status = 200, description = "The document.", body = serde_json::Value)))]
pub(crate) async fn schema(
    State(app): State<App>,
    _caller: Caller<AnyToken>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let form = choose(&headers, DOCUMENT_FORMS)?;
    let params = Params::read(&uri, &["shape"])?;
    let shape = match params.one("shape")? {
        None => BundleShape::default(),
        Some(word) => BundleShape::of(word)
            .ok_or_else(|| invalid("shape", "it is neither envelope nor hive"))?,
    };
    Ok(json_text(form, app.recorder.catalog().schema_bundle(shape)))
}
