//! Witnesses: others who remember how far the log was, so that it cannot be set back unseen.
//!
//! One task a witness submits the newest checkpoint whenever the witness lacks it, at its own pace
//! and without anybody waiting for it. What a witness says is checked and kept by the recorder.
//! How each one stands is owned by its lock and shown in the log's status.

mod submission;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use annals_api::wire;
use annals_core::checkpoint::SignedCheckpoint;
use annals_core::note::{KeyKind, VerifierKey};
use annals_core::time::Timestamp;
use annals_recorder::trust::{Cosigned, Trust};
use reqwest::Url;
use tokio::task::JoinSet;

use submission::{Submission, SubmissionError};

/// Between two tries at most, however often a witness has failed.
const RETRY_MAX: Duration = Duration::from_secs(300);

/// A witness that checkpoints are submitted to.
#[derive(Debug, Clone)]
pub struct Witness {
    name: String,
    prefix: Url,
    key: VerifierKey,
}

/// Why something is no witness.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// The address cannot be one.
    #[error("`{url}` is not the http or https address of a witness")]
    Url {
        /// The address.
        url: String,
    },
    /// The key cannot be one.
    #[error("`{key}` is not the key of a witness: {problem}")]
    Key {
        /// The key.
        key: String,
        /// Why.
        problem: String,
    },
}

impl Witness {
    /// A witness by the name that people know it by, its submission prefix and its C2SP verifier
    /// key for cosignatures.
    ///
    /// # Errors
    /// When address or key cannot be a witness's.
    pub fn new(name: &str, url: &str, key: &str) -> Result<Self, WitnessError> {
        let no_url = || WitnessError::Url { url: url.to_owned() };
        let prefix: Url = url.parse().map_err(|_| no_url())?;
        if !matches!(prefix.scheme(), "http" | "https") || prefix.cannot_be_a_base() {
            return Err(no_url());
        }
        let no_key = |problem: String| WitnessError::Key { key: key.to_owned(), problem };
        let parsed: VerifierKey = key.parse().map_err(|error| no_key(format!("{error}")))?;
        if parsed.kind() != KeyKind::CosignatureV1 {
            return Err(no_key("it is not one for cosignatures".to_owned()));
        }
        Ok(Self { name: name.to_owned(), prefix, key: parsed })
    }
}

/// How a witness stands.
#[derive(Debug, Default, Clone)]
struct Standing {
    cosigned: Option<Cosigned>,
    error: Option<String>,
}

#[derive(Debug)]
struct Watched {
    witness: Witness,
    standing: Mutex<Standing>,
}

/// All witnesses of a log. Cloning gives another handle.
#[derive(Debug, Clone)]
pub(crate) struct Witnesses(Arc<[Arc<Watched>]>);

impl Witnesses {
    /// Remembers how far each one came before.
    pub(crate) fn new(witnesses: Vec<Witness>, trust: &Trust) -> Self {
        let cosigned = trust.cosigned();
        let watched = witnesses.into_iter().map(|witness| {
            let known = cosigned.as_deref().and_then(|signed| cosigned_by(&witness.key, signed));
            let standing = Standing { cosigned: known, error: None };
            Arc::new(Watched { witness, standing: Mutex::new(standing) })
        });
        Self(watched.collect())
    }

    /// Their keys.
    pub(crate) fn keys(&self) -> Vec<VerifierKey> {
        self.0.iter().map(|watched| watched.witness.key.clone()).collect()
    }

    /// How they stand, in the order of the configuration.
    pub(crate) fn status(&self) -> Vec<wire::WitnessStatus> {
        self.0.iter().map(|watched| watched.status()).collect()
    }

    /// Submits checkpoints until the set is dropped; `rest` is the time between two submissions
    /// to one witness.
    pub(crate) fn follow(&self, trust: &Arc<Trust>, rest: Duration) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        for watched in self.0.iter() {
            match submission::http_client(&watched.witness.prefix) {
                Ok(http) => {
                    let submission = Submission { http, trust: Arc::clone(trust) };
                    tasks.spawn(Arc::clone(watched).follow(submission, rest));
                }
                Err(error) => watched.standing().error = Some(error.to_string()),
            }
        }
        tasks
    }
}

fn cosigned_by(key: &VerifierKey, signed: &SignedCheckpoint) -> Option<Cosigned> {
    let at_unix_s = signed.verify_cosignature(key).ok()?;
    Some(Cosigned { size: signed.checkpoint().size, at_unix_s })
}

impl Watched {
    fn standing(&self) -> MutexGuard<'_, Standing> {
        // Every change is one assignment.
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cosigned_size(&self) -> u64 {
        self.standing().cosigned.map_or(0, |cosigned| cosigned.size)
    }

    fn status(&self) -> wire::WitnessStatus {
        let standing = self.standing().clone();
        let at = standing.cosigned.and_then(|cosigned| {
            let micros = cosigned.at_unix_s.checked_mul(1_000_000)?;
            i64::try_from(micros).ok().map(Timestamp::from_micros)
        });
        wire::WitnessStatus {
            name: self.witness.name.clone(),
            url: self.witness.prefix.to_string(),
            key: self.witness.key.to_string(),
            cosigned_size: standing.cosigned.map(|cosigned| cosigned.size),
            cosigned_at: at.map(|at| at.to_string()),
            error: standing.error,
        }
    }

    async fn follow(self: Arc<Self>, submission: Submission, rest: Duration) {
        let mut changes = submission.trust.changes();
        let mut pause = rest;
        loop {
            let cosigned_size = self.cosigned_size();
            // An empty tree has nothing that could be set back.
            let is_news = |newest: &Option<Arc<SignedCheckpoint>>| {
                newest.as_ref().is_some_and(|signed| signed.checkpoint().size > cosigned_size)
            };
            let Ok(newest) = changes.wait_for(is_news).await.map(|newest| newest.clone()) else {
                return;
            };
            let Some(newest) = newest else { continue };
            pause = match submission.submit(&self.witness, cosigned_size, newest).await {
                Ok(cosigned) => {
                    *self.standing() = Standing { cosigned: Some(cosigned), error: None };
                    rest
                }
                Err(error) => {
                    self.failed(&error);
                    // Twice as long after each failure in a row.
                    (pause * 2).min(RETRY_MAX.max(rest))
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    fn failed(&self, error: &SubmissionError) {
        let name = &self.witness.name;
        if error.is_alarm() {
            tracing::error!(witness = %name, %error, "a witness contradicts the log");
        } else {
            tracing::warn!(witness = %name, %error, "a witness did not cosign");
        }
        self.standing().error = Some(error.to_string());
    }
}
