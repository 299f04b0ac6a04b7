//! Work that may wait for the disk, off the threads that serve connections.

use annals_api::reason;

use crate::problem::ApiProblem;

/// Runs blocking work and waits for it.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiProblem> + Send + 'static,
) -> Result<T, ApiProblem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => {
            tracing::error!(%error, "work for an answer was not finished");
            Err(ApiProblem::new(reason::INTERNAL, "the server failed; see its log"))
        }
    }
}
