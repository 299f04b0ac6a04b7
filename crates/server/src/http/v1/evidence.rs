//! A run's evidence file: written while it is read from the log, sent as it is written.
//!
//! INVARIANT (whole or broken): a file that cannot be finished ends with a broken connection, never
//! with an end that looks like one.

use std::io;

use annals_api::{reason, routes};
use annals_core::id::{EventId, RunId};
use annals_recorder::evidence::{ExportFailure, ExportOptions};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use crate::app::App;
use crate::auth::{Caller, ReadAndVerify};
use crate::params::{Params, PathParams, invalid};
use crate::problem::ApiProblem;
use crate::refusals::export_problem;

/// Bytes that are sent at once.
const CHUNK_BYTES: usize = 64 << 10;
/// Chunks that wait for a slow reader.
const CHUNKS_MAX: usize = 4;

/// Export a run as an evidence file: its events as they are stored, with a proof for each.
///
/// `annals verify FILE` checks it without a server. Events named by `hash_only` are included as
/// their hashes alone.
#[utoipa::path(get, path = routes::RUN_EVIDENCE, operation_id = "exportRun", tag = "log",
    params(
        ("run_id" = String, Path, description = "The run."),
        ("hash_only" = Option<Vec<String>>, Query, description = "An event to include as its hash only; may be repeated.")),
    responses(
        (status = 200, description = "The evidence file.", body = serde_json::Value),
        (status = 403, description = "The token may not read or not verify.", body = annals_api::Problem),
        (status = 404, description = "There is no such run.", body = annals_api::Problem)))]
pub(crate) async fn export(
    State(app): State<App>,
    caller: Caller<ReadAndVerify>,
    PathParams(run_id): PathParams<String>,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let params = Params::read(&uri, &["hash_only"])?;
    let run_id = RunId::parse(&run_id).map_err(|error| invalid("run_id", error))?;
    let hash_only: Result<_, _> = params.all("hash_only").map(EventId::parse).collect();
    let hash_only = hash_only.map_err(|error| invalid("hash_only", error))?;
    let file_name = file_name(run_id.as_str());
    let (sender, receiver) = mpsc::channel(CHUNKS_MAX);
    let workspace_id = caller.principal.workspace_id.clone();
    tokio::task::spawn_blocking(move || {
        let mut out = ChunkWriter { chunk: Vec::with_capacity(CHUNK_BYTES), sender };
        let options = ExportOptions { hash_only, witness_keys: app.witnesses.keys() };
        let exported = app.recorder.export_run(&workspace_id, &run_id, &options, &mut out);
        match exported {
            Ok(_) => out.send(),
            Err(failure) => out.fail(failure),
        }
    });
    respond(receiver, &file_name).await
}

/// Waits for the first chunk, so that a refusal still becomes a problem, and sends the rest.
async fn respond(
    mut receiver: mpsc::Receiver<Chunk>,
    file_name: &str,
) -> Result<Response, ApiProblem> {
    let first = match receiver.recv().await {
        Some(Ok(first)) => first,
        Some(Err(failure)) => return Err(export_problem(&failure)),
        None => return Err(ApiProblem::new(reason::INTERNAL, "the file could not be written")),
    };
    let rest = futures_util::stream::unfold(receiver, |mut receiver| async move {
        let chunk = receiver.recv().await?;
        let chunk = chunk.map_err(|failure| {
            tracing::error!(%failure, "an evidence file breaks off");
            io::Error::other("the file breaks off")
        });
        Some((chunk, receiver))
    });
    let chunks = futures_util::stream::once(std::future::ready(Ok(first))).chain(rest);
    let mut response = Body::from_stream(chunks).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let disposition = format!("attachment; filename=\"{file_name}\"");
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

/// A name that every file system takes.
fn file_name(run_id: &str) -> String {
    let is_plain =
        |character: &char| character.is_ascii_alphanumeric() || "-_.".contains(*character);
    let plain: String = run_id.chars().filter(is_plain).take(80).collect();
    format!("evidence-{plain}.json")
}

type Chunk = Result<Bytes, ExportFailure>;

/// Hands what is written to the connection, and waits while that is full.
#[derive(Debug)]
struct ChunkWriter {
    chunk: Vec<u8>,
    sender: mpsc::Sender<Chunk>,
}

impl ChunkWriter {
    /// Sends what is left. A reader that is gone is told nothing.
    fn send(mut self) {
        let _ = self.sender.blocking_send(Ok(std::mem::take(&mut self.chunk).into()));
    }

    fn fail(self, failure: ExportFailure) {
        let _ = self.sender.blocking_send(Err(failure));
    }
}

impl io::Write for ChunkWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK_BYTES {
            let full = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK_BYTES));
            let sent = self.sender.blocking_send(Ok(full.into()));
            sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_cannot_leave_its_directory_or_its_header() {
        assert_eq!(file_name("run-1"), "evidence-run-1.json");
        assert_eq!(file_name("../a\"b\r\n/ü"), "evidence-..ab.json");
    }
}
