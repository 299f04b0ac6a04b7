//! The event types that the server knows.

use annals_api::{routes, wire};
use annals_core::catalog::TypeEntry;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use crate::answer::document;
use crate::app::App;
use crate::auth::{AnyToken, Caller};
use crate::negotiate::{DOCUMENT_FORMS, choose};
use crate::params::Params;
use crate::problem::ApiProblem;

/// List the event types that the server knows, with their schemas.
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
    let types = app.recorder.catalog().entries().iter().map(wire_type).collect();
    document(form, &wire::CatalogAnswer { types })
}

fn wire_type(entry: &TypeEntry) -> wire::CatalogType {
    let parsed =
        |text: &Option<String>| text.as_deref().and_then(|text| serde_json::from_str(text).ok());
    wire::CatalogType {
        event_type: entry.event_type.clone(),
        event_version: entry.version,
        category: entry.category.as_str().to_owned(),
        authority: entry.authority.as_str().to_owned(),
        meaning: entry.meaning.clone(),
        route: entry.route.clone(),
        schema: parsed(&entry.schema).unwrap_or_default(),
        example: parsed(&entry.example).unwrap_or_default(),
    }
}
