//! The dashboard: files that were embedded when the server was built, served to anybody.
//!
//! They hold no data; everything on the screen comes through the API with a bearer. Paths that
//! name no file answer with the page itself when a browser asks, because the page has its own
//! routes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

use annals_api::reason;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::{Embed, EmbeddedFile};

use crate::app::App;
use crate::problem::ApiProblem;

const PAGE: &str = "index.html";
/// Below this many bytes compression does not pay.
const COMPRESS_BYTES_MIN: usize = 1_024;
/// Files under this folder have a hash in their name, so they never change.
const HASHED_FOLDER: &str = "assets/";

/// Everything comes from this server; nothing is inline, framed or posted elsewhere.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Shown when the server was built without the dashboard.
const NOT_BUILT: &str = include_str!("not_built.html");

#[derive(Debug, Embed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Files;

/// Files that were compressed, by path and hash. Owned by its lock.
#[derive(Debug, Default)]
pub(crate) struct CompressedFiles {
    files: Mutex<HashMap<(String, [u8; 32]), Bytes>>,
}

/// Answers everything that is no route of the API.
pub(crate) async fn fallback(
    State(app): State<App>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiProblem> {
    let path = uri.path().trim_start_matches('/');
    if method != Method::GET && method != Method::HEAD || path == "v1" || path.starts_with("v1/") {
        return Err(not_found(&uri));
    }
    let path = if path.is_empty() { PAGE } else { path };
    if let Some(file) = Files::get(path) {
        return Ok(file_response(&app, path, file, &headers));
    }
    if !wants_page(&headers) {
        return Err(not_found(&uri));
    }
    Ok(match Files::get(PAGE) {
        Some(file) => file_response(&app, PAGE, file, &headers),
        None => not_built(),
    })
}

fn not_found(uri: &Uri) -> ApiProblem {
    ApiProblem::new(reason::ROUTE_NOT_FOUND, format!("there is no route {}", uri.path()))
}

fn wants_page(headers: &HeaderMap) -> bool {
    let accept =
        headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.contains("text/html")
}

fn not_built() -> Response {
    let mut response = (StatusCode::NOT_FOUND, NOT_BUILT).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

fn file_response(app: &App, path: &str, file: EmbeddedFile, asked: &HeaderMap) -> Response {
    let hash = file.metadata.sha256_hash();
    let etag = etag(&hash);
    let is_known =
        asked.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        content(app, path, file, asked)
    };
    let headers = response.headers_mut();
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    let caching = if path.starts_with(HASHED_FOLDER) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers
        .insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    response
}

fn content(app: &App, path: &str, file: EmbeddedFile, asked: &HeaderMap) -> Response {
    let media_type = media_type(path);
    let takes_gzip = asked.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let takes_gzip = takes_gzip.is_some_and(|text| text.contains("gzip"));
    let pays = file.data.len() >= COMPRESS_BYTES_MIN && is_text(media_type);
    let mut response = if takes_gzip && pays {
        let mut response = compressed(&app.compressed_files, path, &file).into_response();
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response
    } else {
        match file.data {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes).into_response(),
            Cow::Owned(bytes) => bytes.into_response(),
        }
    };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

fn compressed(cache: &CompressedFiles, path: &str, file: &EmbeddedFile) -> Bytes {
    let key = (path.to_owned(), file.metadata.sha256_hash());
    let mut files = cache.files.lock().unwrap_or_else(PoisonError::into_inner);
    files.entry(key).or_insert_with(|| gzip(&file.data)).clone()
}

fn gzip(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to a vector cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().map(Bytes::from).unwrap_or_default()
}

/// Weak, because the compressed file has the same one.
fn etag(hash: &[u8; 32]) -> String {
    format!("W/\"{}\"", annals_core::hash::Digest::new(*hash))
}

fn is_text(media_type: &str) -> bool {
    media_type.starts_with("text/") || media_type.contains("svg") || media_type.contains("json")
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
