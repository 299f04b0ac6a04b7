//! One submission: C2SP tlog-witness over HTTP, from the newest checkpoint to its cosignature.
//!
//! It keeps no state of its own: where the witness stands it is told, and the witness corrects it.

use std::sync::Arc;
use std::time::Duration;

use annals_core::checkpoint::SignedCheckpoint;
use annals_core::note::{NoteError, NoteSignature};
use annals_recorder::trust::{
    Consistency, CosignatureRefusal, Cosigned, ProofRefusal, Trust, TrustFailure,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, StatusCode, Url};

use super::Witness;

const TIMEOUT: Duration = Duration::from_secs(30);
/// A cosignature is a line of about 150 bytes; a witness may have a few keys.
const ANSWER_BYTES_MAX: usize = 16 << 10;
/// The witness may correct the size once for each of its other clients, but not for ever.
const TRIES_MAX: usize = 4;
/// The media type of a witness's size.
const SIZE_TYPE: &str = "text/x.tlog.size";

/// How a submission ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The witness cosigned.
    Ok,
    /// The witness would not.
    Refused,
    /// Something does not work, there or here.
    Failed,
}

/// Why a witness has not cosigned.
#[derive(Debug, thiserror::Error)]
pub(super) enum SubmissionError {
    #[error("it cannot be reached: {0}")]
    Unreachable(reqwest::Error),
    #[error("it does not know this log (404): its operator must add the origin and the key")]
    UnknownOrigin,
    #[error(
        "it does not trust the key that signed (403): its operator must add the log's present key"
    )]
    UntrustedKey,
    #[error(
        "it has seen this log with {witness_size} events, more than the {head_size} there are: \
         the log was set back to an older copy"
    )]
    SetBack { witness_size: u64, head_size: u64 },
    #[error("it has seen other events under this log's name at size {size}: the histories differ")]
    OtherHistory { size: u64 },
    #[error("its size changed each time it was asked")]
    Unsteady,
    #[error("it answered {status}")]
    Status { status: StatusCode },
    #[error("its answer is not one of a witness: {0}")]
    Answer(String),
    #[error("its cosignature is not kept: {0}")]
    Cosignature(CosignatureRefusal),
    #[error("there is no proof for it: {0}")]
    Proof(ProofRefusal),
    #[error("there is no checkpoint for it: {0}")]
    Checkpoint(TrustFailure),
    #[error("the submission was broken off")]
    BrokenOff,
}

impl SubmissionError {
    /// How a submission that ended so is counted.
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::UnknownOrigin
            | Self::UntrustedKey
            | Self::SetBack { .. }
            | Self::OtherHistory { .. } => Outcome::Refused,
            Self::Status { status } if status.is_client_error() => Outcome::Refused,
            Self::Unreachable(_)
            | Self::Unsteady
            | Self::Status { .. }
            | Self::Answer(_)
            | Self::Cosignature(_)
            | Self::Proof(_)
            | Self::Checkpoint(_)
            | Self::BrokenOff => Outcome::Failed,
        }
    }

    /// Whether it says that the log is not what it was, rather than that something does not work.
    pub(super) fn is_alarm(&self) -> bool {
        matches!(self, Self::SetBack { .. } | Self::OtherHistory { .. })
    }
}

/// What the next step is.
enum Step {
    Done(Cosigned),
    /// The witness is at another size than was thought.
    From(u64),
}

/// What a submission works with.
#[derive(Debug, Clone)]
pub(super) struct Submission {
    pub(super) http: reqwest::Client,
    pub(super) trust: Arc<Trust>,
}

/// The client for a witness. It follows no redirect: a witness is where it was said to be.
pub(super) fn http_client(prefix: &Url) -> Result<reqwest::Client, reqwest::Error> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error means that another thread was faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let mut builder = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("annals/", env!("CARGO_PKG_VERSION")));
    if is_loopback(prefix) {
        // A proxy cannot reach this machine's own loopback interface.
        builder = builder.no_proxy();
    }
    builder.build()
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl Submission {
    /// Submits a checkpoint to a witness that is thought to have cosigned `known_size`.
    pub(super) async fn submit(
        &self,
        witness: &Witness,
        known_size: u64,
        newest: Arc<SignedCheckpoint>,
    ) -> Result<Cosigned, SubmissionError> {
        let (mut old_size, mut submitted) = (known_size, newest);
        for _ in 0..TRIES_MAX {
            if old_size > submitted.checkpoint().size {
                submitted = self.newer(old_size).await?;
            }
            match self.try_once(witness, old_size, &submitted).await? {
                Step::Done(cosigned) => return Ok(cosigned),
                Step::From(size) => old_size = size,
            }
        }
        Err(SubmissionError::Unsteady)
    }

    /// A checkpoint at least as large as what the witness has.
    async fn newer(&self, witness_size: u64) -> Result<Arc<SignedCheckpoint>, SubmissionError> {
        let newest = self.run(|trust| trust.checkpoint()).await?;
        let newest = newest.map_err(SubmissionError::Checkpoint)?;
        match newest.checkpoint().size {
            head_size if head_size < witness_size => {
                Err(SubmissionError::SetBack { witness_size, head_size })
            }
            _ => Ok(newest),
        }
    }

    async fn try_once(
        &self,
        witness: &Witness,
        old_size: u64,
        submitted: &Arc<SignedCheckpoint>,
    ) -> Result<Step, SubmissionError> {
        let size = submitted.checkpoint().size;
        let proof = self.run(move |trust| trust.consistency(old_size, size)).await?;
        let body = request(&proof.map_err(SubmissionError::Proof)?, submitted);
        let url = format!("{}/add-checkpoint", witness.prefix.as_str().trim_end_matches('/'));
        let sent = self.http.post(url).header(CONTENT_TYPE, "text/plain").body(body).send().await;
        let response = sent.map_err(SubmissionError::Unreachable)?;
        match response.status() {
            StatusCode::OK => {
                let cosigned = self.take(witness, submitted, &text(response).await?).await?;
                Ok(Step::Done(cosigned))
            }
            StatusCode::CONFLICT => conflict(response, old_size, size).await,
            StatusCode::NOT_FOUND => Err(SubmissionError::UnknownOrigin),
            StatusCode::FORBIDDEN => Err(SubmissionError::UntrustedKey),
            // The proof is right for this log, so it is the witness's root that is another one.
            StatusCode::UNPROCESSABLE_ENTITY => {
                Err(SubmissionError::OtherHistory { size: old_size })
            }
            status => Err(SubmissionError::Status { status }),
        }
    }

    /// Keeps the witness's cosignature.
    async fn take(
        &self,
        witness: &Witness,
        submitted: &Arc<SignedCheckpoint>,
        answer: &str,
    ) -> Result<Cosigned, SubmissionError> {
        let signatures = NoteSignature::parse_lines(answer)
            .map_err(|error: NoteError| SubmissionError::Answer(error.to_string()))?;
        let (key, submitted) = (witness.key.clone(), Arc::clone(submitted));
        let kept =
            self.run(move |trust| trust.add_cosignature(&submitted, &key, &signatures)).await?;
        kept.map_err(SubmissionError::Cosignature)
    }

    /// Work that may wait for the disk.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Trust) -> T + Send + 'static,
    ) -> Result<T, SubmissionError> {
        let trust = Arc::clone(&self.trust);
        let done = tokio::task::spawn_blocking(move || work(&trust)).await;
        done.map_err(|_| SubmissionError::BrokenOff)
    }
}

/// The old size, the proof from there, an empty line, and the note.
fn request(proof: &Consistency, submitted: &SignedCheckpoint) -> String {
    let mut body = format!("old {}\n", proof.from);
    for hash in &proof.path {
        body.push_str(&STANDARD.encode(hash.as_bytes()));
        body.push('\n');
    }
    body.push('\n');
    body.push_str(&submitted.to_string());
    body
}

/// The witness is elsewhere, or says that the same size has another root.
async fn conflict(response: Response, old_size: u64, size: u64) -> Result<Step, SubmissionError> {
    let is_size = response.headers().get(CONTENT_TYPE).is_some_and(|media| {
        media.to_str().is_ok_and(|media| media.split(';').next().map(str::trim) == Some(SIZE_TYPE))
    });
    let answer = text(response).await?;
    match answer.trim_end_matches('\n').parse() {
        Ok(witness_size) if is_size && witness_size != old_size => Ok(Step::From(witness_size)),
        _ if old_size == size => Err(SubmissionError::OtherHistory { size }),
        _ => Err(SubmissionError::Answer(format!("a conflict without another size: {answer:?}"))),
    }
}

/// A short answer as text.
async fn text(mut response: Response) -> Result<String, SubmissionError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(SubmissionError::Unreachable)? {
        if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(SubmissionError::Answer("it is too long".to_owned()));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| SubmissionError::Answer("it is no text".to_owned()))
}
