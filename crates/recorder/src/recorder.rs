//! The recorder itself: opening it, its handles, and closing it.

use std::fmt::Debug;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use annals_core::catalog::{Catalog, CatalogError};
use annals_core::id::{LogId, TokenId};
use annals_core::secrets::RuleFault;
use annals_store::contract::{Head, LogReader, LogWriter, ReadFailure};
use annals_store::local::backup::{BackupFailure, erased_in_backup};
use annals_store::local::{self, LocalOptions, open_local};
use annals_store::memory::open_memory;
use annals_store::query::Query;
use tokio::sync::watch;

use crate::access::{
    Access, AccessCommand, AccessRefusal, IssueToken, IssuedToken, SecretError, Secrets,
};
use crate::config::{Durability, RecorderConfig, SchemaCheck, ViewMode};
use crate::live::{FollowStart, Follower, Live};
use crate::pipeline;
use crate::principal::Principal;
use crate::redaction::{
    self, MarkedReader, Marks, RedactRefusal, RedactRequest, RedactionFailure, RedactionReceipt,
    RedactionsPage, RedactionsQuery,
};
use crate::refusal::AppendRefusal;
use crate::request::{AppendRequest, BatchAnswer};
use crate::schema::SchemaSet;
use crate::secrets::{SecretFilter, changed_fact};
use crate::sequencer::{ControlFact, LogFact, Sequencer, SequencerState, record_first};
use crate::settings::Settings;
use crate::stats::Stats;
use crate::trust::{
    KeyRotation, Notary, RotateKey, RotationRefusal, Trust, TrustError, TrustParts,
};
use crate::views::{ViewError, Views};
use crate::world::{Clock, Entropy};

/// A recorder cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The log cannot be opened.
    #[error("the log cannot be opened")]
    Log(#[from] local::OpenError),
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Read(#[from] ReadFailure),
    /// A redaction that a stop left behind cannot be finished.
    #[error(transparent)]
    Redaction(#[from] RedactionFailure),
    /// The secrets cannot be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The views cannot be opened.
    #[error(transparent)]
    View(#[from] ViewError),
    /// The catalog has a mistake.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The log is not the one that was signed, or cannot be signed.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// What was erased in the backup of a restored log cannot be read.
    #[error(transparent)]
    Backup(#[from] BackupFailure),
    /// A restored log could not say what it was restored from, or what was erased there.
    #[error("the first events of the restored log cannot be kept: {problem}")]
    Restored {
        /// Why.
        problem: String,
    },
    /// A rule or an exception for secrets cannot be used.
    #[error(transparent)]
    SecretRule(#[from] RuleFault),
    /// The log could not say that the search for secrets is another than before.
    #[error("that the settings for secrets changed cannot be kept: {problem}")]
    SecretSettings {
        /// Why.
        problem: String,
    },
    /// A thread cannot be started.
    #[error("a thread cannot be started")]
    Thread(#[from] std::io::Error),
}

/// A recorder did not close as it should.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    /// The log failed before.
    #[error("the log had failed")]
    LogFailed,
    /// A thread panicked, which is a defect.
    #[error("the thread `{name}` panicked")]
    ThreadPanicked {
        /// The thread.
        name: &'static str,
    },
}

/// What all handles share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) reader: Arc<dyn LogReader>,
    pub(crate) sequencer: Sequencer,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) catalog: Catalog,
    pub(crate) schemas: Option<SchemaSet>,
    pub(crate) secrets: SecretFilter,
    pub(crate) durability: Durability,
    pub(crate) stats: Arc<Stats>,
    pub(crate) access: Arc<Access>,
    pub(crate) views: Views,
    pub(crate) settings: Arc<Settings>,
    marks: Arc<Marks>,
    live: Arc<Live>,
    trust: Arc<Trust>,
    notary: Notary,
    sequencer_thread: Mutex<Option<JoinHandle<()>>>,
}

/// A flight recorder. Cloning gives another handle to the same one.
#[derive(Debug, Clone)]
pub struct Recorder {
    pub(crate) inner: Arc<Inner>,
}

impl Recorder {
    /// Opens a recorder: recovers the log, restores who may come in, starts the threads.
    ///
    /// Blocks for as long as recovery takes.
    ///
    /// # Errors
    /// When the directory is in use, damaged beyond what recovery may mend, or of a newer format.
    pub fn open(config: RecorderConfig) -> Result<Self, OpenError> {
        let catalog = Catalog::builtin()?;
        let schemas = match config.schema_check {
            SchemaCheck::KnownTypes => Some(SchemaSet::new(&catalog)),
            SchemaCheck::Off => None,
        };
        let (mut writer, reader) = open_log(&config)?;
        let is_failed = watch::Sender::new(false);
        let (trust, restoration) = Trust::open(TrustParts {
            data_dir: config.data_dir.as_deref(),
            origin: config.origin.as_deref(),
            durability: config.durability,
            reader: Arc::clone(&reader),
            clock: Arc::clone(&config.clock),
            entropy: config.entropy.as_ref(),
            is_failed: is_failed.clone(),
        })?;
        let secrets = match &config.data_dir {
            Some(data_dir) => Secrets::open(data_dir, config.entropy.as_ref())?,
            None => Secrets::ephemeral(config.entropy.as_ref()),
        };
        let filter = SecretFilter::new(config.secrets, secrets.mask_key())?;
        filter.say();
        let access = Arc::new(Access::restore(secrets, reader.as_ref())?);
        let marks = Arc::new(Marks::restore(access.workspaces(), reader.as_ref())?);
        let settings = Arc::new(Settings::restore(access.workspaces(), reader.as_ref())?);
        redaction::finish(writer.as_mut(), reader.as_ref(), &marks)?;
        let reader: Arc<dyn LogReader> = Arc::new(MarkedReader::new(reader, Arc::clone(&marks)));
        let live = Arc::new(Live::new(reader.head(), Arc::clone(&marks), is_failed));
        let stats = Arc::new(Stats::new(catalog.clone()));
        let state = SequencerState {
            log_id: reader.log_id(),
            clock: Arc::clone(&config.clock),
            entropy: Arc::clone(&config.entropy),
            access: Arc::clone(&access),
            marks: Arc::clone(&marks),
            settings: Arc::clone(&settings),
            live: Arc::clone(&live),
            stats: Arc::clone(&stats),
            trust: Arc::clone(&trust),
        };
        if let Some(restoration) = restoration {
            let fact = restoration.fact(Arc::clone(access.owner()));
            record_restored(writer.as_mut(), &state, fact)?;
        }
        if let Some(data_dir) = &config.data_dir {
            explain_erased(data_dir, writer.as_mut(), reader.as_ref(), &state)?;
        }
        if let Some(fact) = changed_fact(filter.settings(), reader.as_ref(), access.owner())? {
            record_settings(writer.as_mut(), &state, fact)?;
        }
        let views = match config.views {
            ViewMode::On => {
                Views::open(config.data_dir.as_deref(), Arc::clone(&reader), Arc::clone(&live))?
            }
            ViewMode::Off => Views::off(config.data_dir.as_deref(), marks.newest())?,
        };
        let (sequencer, thread) = Sequencer::start(writer, state)?;
        let notary = Notary::start(Arc::clone(&trust), live.head())?;
        let inner = Inner {
            reader,
            sequencer,
            clock: config.clock,
            entropy: config.entropy,
            catalog,
            schemas,
            secrets: filter,
            durability: config.durability,
            stats,
            access,
            marks,
            live,
            views,
            settings,
            trust,
            notary,
            sequencer_thread: Mutex::new(Some(thread)),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Takes an append; answers when it is durable.
    ///
    /// # Errors
    /// Says why nothing of the request is kept.
    pub async fn append(&self, request: AppendRequest) -> Result<BatchAnswer, AppendRefusal> {
        pipeline::append(&self.inner, request).await
    }

    /// Makes a token. Its text is in the answer and nowhere else.
    ///
    /// # Errors
    /// When the principal may not, or the fact cannot be kept.
    pub async fn issue_token(
        &self,
        by: Arc<Principal>,
        mut token: IssueToken,
    ) -> Result<IssuedToken, AccessRefusal> {
        token.name = token.name.map(|name| self.inner.secrets.text(name));
        let (token_id, text, secret_hash) =
            self.inner.access.new_secret(self.inner.entropy.as_ref(), token.kind);
        let command = AccessCommand::Issue { by, token, token_id: token_id.clone(), secret_hash };
        self.inner.sequencer.decide(command).await?;
        let info =
            self.inner.access.info(&token_id).ok_or(AccessRefusal::UnknownToken { token_id })?;
        Ok(IssuedToken { token: text, info })
    }

    /// Ends a token at once.
    ///
    /// # Errors
    /// When the principal may not, or the fact cannot be kept.
    pub async fn revoke_token(
        &self,
        by: Arc<Principal>,
        token_id: TokenId,
    ) -> Result<(), AccessRefusal> {
        self.inner.sequencer.decide(AccessCommand::Revoke { by, token_id }).await
    }

    /// Lets a new key sign checkpoints from here on; both keys say so on the log.
    ///
    /// # Errors
    /// When the principal may not, or the fact cannot be kept.
    pub async fn rotate_key(&self, by: Arc<Principal>) -> Result<KeyRotation, RotationRefusal> {
        let command = RotateKey::new(by, self.inner.entropy.as_ref());
        self.inner.sequencer.rotate_key(command).await
    }

    /// Checkpoints, proofs and keys. Its methods may wait for the disk.
    #[must_use]
    pub fn trust(&self) -> &Arc<Trust> {
        &self.inner.trust
    }

    /// Takes an event's body away for good; answers when it is in no file of the log or the views.
    /// Place, hash and proofs of the event stay, and readers see the mark from then on.
    ///
    /// # Errors
    /// When the principal may not, there is no such event, or the redaction cannot be kept.
    pub async fn redact(
        &self,
        by: Arc<Principal>,
        request: RedactRequest,
    ) -> Result<RedactionReceipt, RedactRefusal> {
        redaction::redact(&self.inner, by, request).await
    }

    /// What is redacted. [`Marks::write_event`] is how an event is shown to readers.
    #[must_use]
    pub fn marks(&self) -> &Arc<Marks> {
        &self.inner.marks
    }

    /// The redactions of a workspace, newest first. May wait for the disk.
    ///
    /// # Errors
    /// When a redacted event cannot be read.
    pub fn redactions(&self, query: &RedactionsQuery) -> Result<RedactionsPage, ReadFailure> {
        let found = self.inner.marks.find(query);
        RedactionsPage::read(self.inner.reader.as_ref(), found, query.count_max)
    }

    /// Who may come in.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.inner.access
    }

    /// What takes secrets out of whatever comes in, and what it does with ids.
    #[must_use]
    pub fn secrets(&self) -> &SecretFilter {
        &self.inner.secrets
    }

    /// The log, for reading. Its methods may wait for the disk.
    #[must_use]
    pub fn log(&self) -> &Arc<dyn LogReader> {
        &self.inner.reader
    }

    /// The log's identity.
    #[must_use]
    pub fn log_id(&self) -> LogId {
        self.inner.reader.log_id()
    }

    /// The newest durable event's place.
    #[must_use]
    pub fn head(&self) -> Head {
        self.inner.reader.head()
    }

    /// News of the head.
    #[must_use]
    pub fn head_changes(&self) -> watch::Receiver<Head> {
        self.inner.live.head()
    }

    /// A reader's place, from a start to the live end and on.
    #[must_use]
    pub fn follow(&self, start: FollowStart, mut query: Query) -> Follower {
        self.inner.secrets.rename_query(&mut query);
        let (reader, live) = (Arc::clone(&self.inner.reader), Arc::clone(&self.inner.live));
        Follower::new(reader, live, start, query)
    }

    /// The views.
    #[must_use]
    pub fn views(&self) -> &Views {
        &self.inner.views
    }

    /// What is known of event types.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.inner.catalog
    }

    /// In which sense receipts say that an event is kept.
    #[must_use]
    pub fn durability(&self) -> Durability {
        self.inner.durability
    }

    /// The recorder's clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// The recorder's source of randomness.
    #[must_use]
    pub fn entropy(&self) -> &Arc<dyn Entropy> {
        &self.inner.entropy
    }

    /// Running totals.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.inner.stats
    }

    /// Bytes of events that wait for the sequencer.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.inner.sequencer.queued_bytes()
    }

    /// Whether the log has failed and the process must stop.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        *self.inner.live.failures().borrow()
    }

    /// Waits until the log fails; then the process must stop. Never ends otherwise.
    pub async fn failed(&self) {
        let mut failures = self.inner.live.failures();
        if failures.wait_for(|is_failed| *is_failed).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Writes what waits, stops the threads and closes the log. Other handles get `Closing`.
    ///
    /// # Errors
    /// When the log had failed before or a thread panicked.
    pub fn close(&self) -> Result<(), CloseError> {
        self.inner.stop()
    }
}

impl Inner {
    /// Writes what waits and ends the threads; the second time there is nothing to end.
    fn stop(&self) -> Result<(), CloseError> {
        self.sequencer.close();
        let thread = self.sequencer_thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let sequencer = thread.map_or(Ok(()), JoinHandle::join);
        let views = self.views.close();
        let notary = self.notary.close();
        if *self.live.failures().borrow() {
            return Err(CloseError::LogFailed);
        }
        sequencer.map_err(|_| CloseError::ThreadPanicked { name: "annals-sequencer" })?;
        notary.map_err(|()| CloseError::ThreadPanicked { name: "annals-notary" })?;
        views.map_err(|()| CloseError::ThreadPanicked { name: "annals-views" })
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Without this a dropped recorder would leave its threads running and its directory locked.
        if let Err(error) = self.stop() {
            tracing::error!(%error, "the recorder did not close as it should");
        }
    }
}

/// INVARIANT (one history a name): a restored log serves nothing before it has said what it is.
fn record_restored(
    writer: &mut dyn LogWriter,
    state: &SequencerState,
    fact: impl Into<ControlFact>,
) -> Result<(), OpenError> {
    match record_first(writer, state, fact) {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(refusal)) => Err(OpenError::Restored { problem: refusal.to_string() }),
        Err(failure) => Err(OpenError::Restored { problem: failure.to_string() }),
    }
}

/// A search for secrets that is off, or has other rules, is said before it has any effect.
fn record_settings(
    writer: &mut dyn LogWriter,
    state: &SequencerState,
    fact: LogFact,
) -> Result<(), OpenError> {
    match record_first(writer, state, fact) {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(refusal)) => Err(OpenError::SecretSettings { problem: refusal.to_string() }),
        Err(failure) => Err(OpenError::SecretSettings { problem: failure.to_string() }),
    }
}

/// Says on a restored log what was erased in the backup that it was made of, once.
fn explain_erased(
    data_dir: &Path,
    writer: &mut dyn LogWriter,
    reader: &dyn LogReader,
    state: &SequencerState,
) -> Result<(), OpenError> {
    let erased = erased_in_backup(data_dir)?;
    let facts = redaction::inherited(&erased, reader, &state.marks, &state.access)?;
    facts.into_iter().try_for_each(|fact| record_restored(writer, state, fact))
}

type OpenLog = (Box<dyn LogWriter>, Arc<dyn LogReader>);

fn open_log(config: &RecorderConfig) -> Result<OpenLog, OpenError> {
    let mut new_log_id = [0; 16];
    config.entropy.fill(&mut new_log_id);
    let new_log_id = LogId::from_bytes(new_log_id);
    let Some(data_dir) = &config.data_dir else {
        let (writer, reader) = open_memory(new_log_id);
        return Ok((Box::new(writer), Arc::new(reader)));
    };
    let options = LocalOptions {
        durability: match config.durability {
            Durability::Sync => local::Durability::Sync,
            Durability::Os => local::Durability::Os,
        },
        segment_bytes: config.segment_bytes,
        ..LocalOptions::new(new_log_id)
    };
    let log = open_local(data_dir, options)?;
    tracing::info!(report = ?log.report, "the log is open");
    Ok((Box::new(log.writer), Arc::new(log.reader)))
}
