//! A run's evidence file: written while it is read from the log, sent as it is written.
//!
//! INVARIANT (whole or broken): a file that cannot be finished ends with a broken connection, never
//! with an end that looks like one.
//! INVARIANT (others are served): a file takes up a thread while it is written, so there are never
//! many at once, and one whose reader takes nothing is broken off.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use annals_api::{reason, routes};
use annals_core::id::{EventId, RunId};
use annals_recorder::evidence::{ExportFailure, ExportOptions};
use annals_store::query::TypePattern;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::app::App;
use crate::auth::{Caller, ReadAndVerify};
use crate::params::{Params, PathParams, invalid};
use crate::problem::ApiProblem;
use crate::refusals::export_problem;

/// Bytes that are sent at once.
const CHUNK_BYTES: usize = 64 << 10;
/// Chunks that wait for a slow reader.
const CHUNKS_MAX: usize = 4;
/// Files that are written at once.
const EXPORTS_MAX: usize = 4;

/// The right to write one of a few files at once. Owned by its semaphore.
#[derive(Debug)]
pub(crate) struct ExportPermits(Arc<Semaphore>);

impl Default for ExportPermits {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(EXPORTS_MAX)))
    }
}

impl ExportPermits {
    fn take(&self) -> Result<OwnedSemaphorePermit, ApiProblem> {
        Arc::clone(&self.0).try_acquire_owned().map_err(|_| {
            let detail =
                format!("{EXPORTS_MAX} evidence files are being written, which is the limit");
            ApiProblem::new(reason::OVERLOADED, detail)
        })
    }
}

/// Export a run as an evidence file: its events as they are stored, with a proof for each.
///
/// `annals verify FILE` checks it without a server. Events named by `hash_only`, and those of a type
/// named by `hash_only_type`, are included as their hashes alone.
#[utoipa::path(get, path = routes::RUN_EVIDENCE, operation_id = "exportRun", tag = "log",
    params(
        ("run_id" = String, Path, description = "The run."),
        ("hash_only" = Option<Vec<String>>, Query, description = "An event to include as its hash only; may be repeated."),
        ("hash_only_type" = Option<Vec<String>>, Query, description = "An event type, or a family such as `tool.*`, whose events are included as their hashes only; may be repeated.")),
    responses(
        (status = 200, description = "The evidence file.", body = serde_json::Value),
        (status = 403, description = "The token may not read or not verify.", body = annals_api::Problem),
        (status = 404, description = "There is no such run.", body = annals_api::Problem),
        (status = 503, description = "Too many files are being written.", body = annals_api::Problem)))]
pub(crate) async fn export(
    State(app): State<App>,
    caller: Caller<ReadAndVerify>,
    PathParams(run_id): PathParams<String>,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let params = Params::read(&uri, &["hash_only", "hash_only_type"])?;
    let run_id = RunId::parse(&app.recorder.secrets().id(&run_id))
        .map_err(|error| invalid("run_id", error))?;
    let hash_only: Result<_, _> = params.all("hash_only").map(EventId::parse).collect();
    let hash_only = hash_only.map_err(|error| invalid("hash_only", error))?;
    let types: Result<_, _> = params.all("hash_only_type").map(TypePattern::parse).collect();
    let hash_only_types = types.map_err(|error| invalid("hash_only_type", error))?;
    let file_name = file_name(run_id.as_str());
    let permit = app.export_permits.take()?;
    let (sender, receiver) = mpsc::channel(CHUNKS_MAX);
    let workspace_id = caller.principal.workspace_id.clone();
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let stall = app.timings.write_stall;
        let chunk = Vec::with_capacity(CHUNK_BYTES);
        let mut out = ChunkWriter { chunk, sender, stall, runtime: Handle::current() };
        let witness_keys = app.witnesses.keys();
        let options = ExportOptions { hash_only, hash_only_types, witness_keys };
        let exported = app.recorder.export_run(&workspace_id, &run_id, &options, &mut out);
        match exported {
            Ok(_) => out.finish(),
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
        Some(Ok(Piece::Bytes(first))) => first,
        Some(Err(failure)) => return Err(export_problem(&failure)),
        Some(Ok(Piece::End)) | None => {
            return Err(ApiProblem::new(reason::INTERNAL, "the file could not be written"));
        }
    };
    let rest = futures_util::stream::unfold(Some(receiver), |receiver| async move {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Ok(Piece::Bytes(bytes))) => Some((Ok(bytes), Some(receiver))),
            Some(Ok(Piece::End)) => None,
            broken => {
                if let Some(Err(failure)) = broken {
                    tracing::error!(%failure, "an evidence file breaks off");
                }
                Some((Err(io::Error::other("the file breaks off")), None))
            }
        }
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

/// A piece of a file.
#[derive(Debug)]
enum Piece {
    Bytes(Bytes),
    /// The file is whole. Without this it breaks off.
    End,
}

type Chunk = Result<Piece, ExportFailure>;

/// Hands what is written to the connection, and waits a while when that is full.
#[derive(Debug)]
struct ChunkWriter {
    chunk: Vec<u8>,
    sender: mpsc::Sender<Chunk>,
    /// How long a reader may take nothing.
    stall: Duration,
    runtime: Handle,
}

impl ChunkWriter {
    /// Sends what is left, and that it was all. A reader that is gone is told nothing.
    fn finish(mut self) {
        let rest = std::mem::take(&mut self.chunk).into();
        if self.send(Ok(Piece::Bytes(rest))).is_ok() {
            let _ = self.send(Ok(Piece::End));
        }
    }

    fn fail(self, failure: ExportFailure) {
        let _ = self.send(Err(failure));
    }

    fn send(&self, chunk: Chunk) -> io::Result<()> {
        let sending = async { tokio::time::timeout(self.stall, self.sender.send(chunk)).await };
        match self.runtime.block_on(sending) {
            Ok(sent) => sent.map_err(|_| io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl io::Write for ChunkWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK_BYTES {
            let full = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK_BYTES));
            self.send(Ok(Piece::Bytes(full.into())))?;
        }
        Ok(bytes.len())
    }

    /// Sends nothing, because only full chunks are worth it; tells whether anybody still reads.
    fn flush(&mut self) -> io::Result<()> {
        if self.sender.is_closed() { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
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
