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
use annals_recorder::trust::{Cosigned, NewestCheckpoint, Trust};
use reqwest::Url;
use tokio::sync::watch;
use tokio::task::JoinSet;

use submission::{Outcome, Submission, SubmissionError};

/// Between two tries at most, however often a witness has failed.
const RETRY_MAX: Duration = Duration::from_secs(300);

/// How witnesses are asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Between two submissions to one witness.
    pub(crate) rest: Duration,
    /// After this long a witness is asked again for what it has cosigned already: so it dates it
    /// anew, and one that was itself set back gets what it has forgotten.
    pub(crate) renew: Duration,
}

impl Pace {
    /// Twice as long after each failure in a row, up to a bound.
    fn after_failure(self, pause: Duration) -> Duration {
        (pause * 2).min(RETRY_MAX.max(self.rest))
    }
}

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
    submissions: Submissions,
}

/// How submissions to a witness ended, since the start.
#[derive(Debug, Default, Clone, Copy)]
struct Submissions {
    ok: u64,
    refused: u64,
    failed: u64,
}

impl Submissions {
    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Ok => self.ok += 1,
            Outcome::Refused => self.refused += 1,
            Outcome::Failed => self.failed += 1,
        }
    }
}

/// A witness in numbers.
#[derive(Debug)]
pub(crate) struct WitnessCounts {
    pub(crate) witness: String,
    pub(crate) cosigned_size: u64,
    /// By how they ended, each outcome with its name.
    pub(crate) submissions: [(&'static str, u64); 3],
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
            let standing = Standing { cosigned: known, ..Standing::default() };
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

    /// Each one in numbers.
    pub(crate) fn counts(&self) -> impl Iterator<Item = WitnessCounts> {
        self.0.iter().map(|watched| {
            let Standing { cosigned, submissions, .. } = watched.standing().clone();
            let Submissions { ok, refused, failed } = submissions;
            WitnessCounts {
                witness: watched.witness.name.clone(),
                cosigned_size: cosigned.map_or(0, |cosigned| cosigned.size),
                submissions: [("ok", ok), ("refused", refused), ("failed", failed)],
            }
        })
    }

    /// Submits checkpoints until the set is dropped.
    pub(crate) fn follow(&self, trust: &Arc<Trust>, pace: Pace) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        for watched in self.0.iter() {
            match submission::http_client(&watched.witness.prefix) {
                Ok(http) => {
                    let submission = Submission { http, trust: Arc::clone(trust) };
                    tasks.spawn(Arc::clone(watched).follow(submission, pace));
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
        // What a panic leaves behind is at worst one count too few.
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

    async fn follow(self: Arc<Self>, submission: Submission, pace: Pace) {
        let mut changes = submission.trust.changes();
        let mut pause = pace.rest;
        loop {
            let Some(newest) = self.due(&mut changes, pace).await else { return };
            let cosigned_size = self.cosigned_size();
            pause = match submission.submit(&self.witness, cosigned_size, newest).await {
                Ok(cosigned) => {
                    self.succeeded(cosigned);
                    pace.rest
                }
                Err(error) => {
                    self.failed(&error);
                    pace.after_failure(pause)
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// What the witness is to be asked for next: the newest checkpoint as soon as it lacks it, be it
    /// because its last submission failed, else the same one again after a while. None at the end.
    async fn due(
        &self,
        changes: &mut watch::Receiver<NewestCheckpoint>,
        pace: Pace,
    ) -> Option<Arc<SignedCheckpoint>> {
        let (cosigned_size, has_failed) = {
            let standing = self.standing();
            (standing.cosigned.map_or(0, |cosigned| cosigned.size), standing.error.is_some())
        };
        // An empty tree has nothing that could be set back.
        let is_due = |newest: &NewestCheckpoint| {
            let size = newest.as_ref().map_or(0, |signed| signed.checkpoint().size);
            size > cosigned_size || has_failed && size > 0
        };
        let waiting = async { changes.wait_for(is_due).await.map(|newest| newest.clone()) };
        if let Ok(newest) = tokio::time::timeout(pace.renew, waiting).await {
            return newest.ok().flatten();
        }
        let newest = changes.borrow().clone();
        if newest.as_ref().is_some_and(|newest| newest.checkpoint().size > 0) {
            return newest;
        }
        let newest = changes.wait_for(is_due).await.map(|newest| newest.clone());
        newest.ok().flatten()
    }

    fn succeeded(&self, cosigned: Cosigned) {
        let mut standing = self.standing();
        standing.cosigned = Some(cosigned);
        standing.error = None;
        standing.submissions.count(Outcome::Ok);
    }

    fn failed(&self, error: &SubmissionError) {
        let name = &self.witness.name;
        if error.is_alarm() {
            tracing::error!(witness = %name, %error, "a witness contradicts the log");
        } else {
            tracing::warn!(witness = %name, %error, "a witness did not cosign");
        }
        let mut standing = self.standing();
        standing.error = Some(error.to_string());
        standing.submissions.count(error.outcome());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_that_fails_is_asked_ever_less_often_but_never_given_up() {
        let pace = Pace { rest: Duration::from_secs(10), renew: Duration::from_secs(3_600) };
        let pauses = std::iter::successors(Some(pace.rest), |last| Some(pace.after_failure(*last)));
        let pauses: Vec<_> = pauses.take(8).map(|pause| pause.as_secs()).collect();
        assert_eq!(pauses, [10, 20, 40, 80, 160, 300, 300, 300]);
        let slow = Pace { rest: RETRY_MAX * 2, ..pace };
        assert_eq!(slow.after_failure(slow.rest), slow.rest);
    }
}
