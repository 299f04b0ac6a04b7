//! `annals backup`: a running server's log, copied over its API into a directory that `verify`
//! and `restore` take.
//!
//! A sealed segment is fetched once; the newest one is fetched on from where the last backup ended.
//! What was erased since is fetched again, so that a redaction reaches a backup that is kept up to
//! date. INVARIANT (one history a backup): a backup is only ever brought forward by the log that it
//! is a copy of, and only if that log still holds what the backup holds.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use annals_core::checkpoint::{Checkpoint, SignedCheckpoint, SignedRotation};
use annals_core::hash::Digest;
use annals_core::id::{LogId, Position};
use annals_core::merkle::{ConsistencyProof, verify_consistency};
use annals_core::note::VerifierKey;
use annals_recorder::copies::{Ancestor, read_identity, segment_path, write_identity};
use annals_recorder::trust::PublicTrust;
use annals_sdk::wire::{LogSegment, LogSegments, LogStatus};
use annals_sdk::{Client, ClientError};
use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use crate::args::BackupArgs;
use crate::connect::Connection;
use crate::output;
use crate::verify::{check_copy, progress_bar};

/// What a backup says of the segments that it has.
const MANIFEST: &str = "backup.json";
/// Bytes that are asked for at once.
const CHUNK_BYTES: u64 = 8 << 20;
/// Times that the log's segments may change under a backup before it gives up.
const ROUNDS_MAX: usize = 5;

/// Persisted in the backup. A segment that is not in it, or is there with other numbers, is
/// fetched anew.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Manifest {
    segments: BTreeMap<u64, LogSegment>,
}

/// What a backup did, as `--json` prints it.
#[derive(Debug, Default, Serialize)]
struct Outcome {
    log_id: String,
    head_position: u64,
    checkpoint_size: u64,
    bytes_copied: u64,
    segments: usize,
    segments_copied: usize,
    events_verified: u64,
}

pub(crate) async fn run(args: BackupArgs) -> anyhow::Result<ExitCode> {
    let connection = Connection::open(&args.server)?;
    connection.check().await?;
    let client = &connection.client;
    let advise = |error: ClientError| connection.advise(error);
    let mut backup = Backup::open(&args.dir)?;
    let mut segments = client.segments().await.map_err(advise)?;
    backup.check_history(client, &segments.log_id).await?;
    backup.adopt(&segments)?;
    for round in 1.. {
        // The checkpoint comes first: the segments then hold at least what it covers.
        let checkpoint = client.checkpoint().await.map_err(advise)?;
        let status = client.log_status().await.map_err(advise)?;
        segments = client.segments().await.map_err(advise)?;
        backup.copy(client, &segments).await?;
        let after = client.segments().await.map_err(advise)?;
        if !was_erased_meanwhile(&segments, &after) {
            backup.finish(&status, checkpoint)?;
            break;
        }
        if round == ROUNDS_MAX {
            bail!("events are being redacted faster than the log can be copied; try again later");
        }
    }
    backup.outcome.log_id = segments.log_id;
    backup.outcome.head_position = segments.head_position;
    backup.outcome.segments = segments.segments.len();
    verify(&args, backup)
}

/// A backup that nobody has checked is a hope.
fn verify(args: &BackupArgs, mut backup: Backup) -> anyhow::Result<ExitCode> {
    match check_copy(&args.dir)? {
        Ok(events) => backup.outcome.events_verified = events,
        Err(fault) => bail!("the copy in {} does not hold: {fault}", args.dir.display()),
    }
    let outcome = &backup.outcome;
    match args.json {
        true => output::line(serde_json::to_string(outcome)?)?,
        false => output::line(format_args!(
            "{}: {} events, {} segments; copied {} bytes in {} segments; verified",
            args.dir.display(),
            outcome.events_verified,
            outcome.segments,
            outcome.bytes_copied,
            outcome.segments_copied,
        ))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a directory without a manifest may become a backup: there is nothing in it, or a backup
/// that was cut off before its first segment.
fn is_empty_or_begun(dir: &Path) -> bool {
    let Ok(entries) = fs::read_dir(dir) else { return true };
    let is_begun = |name: &std::ffi::OsStr| name == "log" || name == "trust";
    let mut names = entries.filter_map(Result::ok).map(|entry| entry.file_name());
    names.all(|name| is_begun(&name)) && !dir.join("trust").join("key").exists()
}

/// Whether a body may have been erased in a segment after it was copied.
fn was_erased_meanwhile(before: &LogSegments, after: &LogSegments) -> bool {
    before.segments.iter().zip(&after.segments).any(|(one, two)| {
        one.first_position != two.first_position || one.erased_count != two.erased_count
    })
}

/// The directory that is written.
#[derive(Debug)]
struct Backup {
    dir: PathBuf,
    /// Whether nothing was ever copied into it.
    is_new: bool,
    manifest: Manifest,
    outcome: Outcome,
}

impl Backup {
    fn open(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join(MANIFEST);
        let manifest = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .with_context(|| format!("{} is damaged", path.display()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if !is_empty_or_begun(dir) {
                    bail!("{} is neither empty nor a backup", dir.display());
                }
                Manifest::default()
            }
            Err(error) => {
                return Err(error).with_context(|| format!("{} cannot be read", path.display()));
            }
        };
        let is_new = read_identity(dir).is_err();
        Ok(Self { dir: dir.to_owned(), is_new, manifest, outcome: Outcome::default() })
    }

    /// Refuses a log that no longer holds what the backup holds: that is what backups are for.
    async fn check_history(&self, client: &Client, log_id: &str) -> anyhow::Result<()> {
        if self.is_new {
            return Ok(());
        }
        let identity = read_identity(&self.dir)?;
        if identity.log_id.to_string() != log_id {
            bail!(
                "{} is a backup of log {}, and the server has log {log_id}; use another directory",
                self.dir.display(),
                identity.log_id,
            );
        }
        let Some(trust) = PublicTrust::read(&self.dir, identity.log_id)? else { return Ok(()) };
        let Some(old) = &trust.checkpoint else { return Ok(()) };
        let new = client.checkpoint().await?;
        let status = client.log_status().await?;
        check_key(&trust.key, &status, &new)?;
        let (old, new) = (old.checkpoint(), new.checkpoint());
        if !extends(client, old, new).await? {
            bail!(
                "the server's log no longer holds the {} events that this backup holds: it was \
                 rolled back or replaced. The backup was left as it is",
                old.size
            );
        }
        Ok(())
    }

    /// Makes the directory a backup of this log.
    fn adopt(&self, segments: &LogSegments) -> anyhow::Result<()> {
        let wrong = || format!("the server gives a log id that is none: {}", segments.log_id);
        let log_id: LogId = segments.log_id.parse().map_err(|_| anyhow::anyhow!(wrong()))?;
        let mut lineage = Vec::new();
        for ancestor in &segments.lineage {
            lineage.push(Ancestor {
                log_id: ancestor.log_id.parse().map_err(|_| anyhow::anyhow!(wrong()))?,
                last_position: Position(ancestor.last_position),
            });
        }
        write_identity(&self.dir, log_id, &lineage)
            .with_context(|| format!("{} cannot be written", self.dir.display()))
    }

    async fn copy(&mut self, client: &Client, segments: &LogSegments) -> anyhow::Result<()> {
        let total = segments.segments.iter().map(|segment| segment.byte_count).sum();
        let bar = progress_bar(total, "bytes");
        for segment in &segments.segments {
            let from = self.copied_bytes(segment);
            bar.inc(from);
            if from == segment.byte_count {
                continue;
            }
            self.forget(segment)?;
            self.fetch(client, segment, from, &bar).await?;
            self.manifest.segments.insert(segment.first_position, segment.clone());
            self.save()?;
            self.outcome.segments_copied += 1;
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// Bytes at the start of a segment that the backup has already as they are now.
    fn copied_bytes(&self, segment: &LogSegment) -> u64 {
        let Some(copied) = self.manifest.segments.get(&segment.first_position) else { return 0 };
        let path = segment_path(&self.dir, Position(segment.first_position));
        let len = fs::metadata(path).map_or(0, |metadata| metadata.len());
        let is_prefix = copied.erased_count == segment.erased_count
            && copied.byte_count <= segment.byte_count
            && len == copied.byte_count;
        if is_prefix { copied.byte_count } else { 0 }
    }

    /// A copy that breaks off must not count as the one before it.
    fn forget(&mut self, segment: &LogSegment) -> anyhow::Result<()> {
        match self.manifest.segments.remove(&segment.first_position) {
            Some(_) => self.save(),
            None => Ok(()),
        }
    }

    /// Fetches a segment's bytes from `from` on. A segment that is fetched anew takes the place of
    /// the copy before it only when it is whole.
    async fn fetch(
        &mut self,
        client: &Client,
        segment: &LogSegment,
        from: u64,
        bar: &indicatif::ProgressBar,
    ) -> anyhow::Result<()> {
        let path = segment_path(&self.dir, Position(segment.first_position));
        // Under this name an erasure in the backup removes what a copy that broke off left behind.
        let target = if from == 0 { path.with_extension("seg.tmp") } else { path.clone() };
        let cannot_write = || format!("{} cannot be written", target.display());
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&target)
            .with_context(cannot_write)?;
        file.set_len(from).with_context(cannot_write)?;
        file.seek(SeekFrom::Start(from)).with_context(cannot_write)?;
        let mut offset = from;
        while offset < segment.byte_count {
            let len = (segment.byte_count - offset).min(CHUNK_BYTES);
            let bytes = client.segment_bytes(segment.first_position, offset, len).await?;
            if bytes.is_empty() {
                bail!("the server gives no bytes of a segment that it has");
            }
            file.write_all(&bytes).with_context(cannot_write)?;
            offset += bytes.len() as u64;
            bar.inc(bytes.len() as u64);
        }
        file.sync_all().with_context(cannot_write)?;
        if target != path {
            fs::rename(&target, &path).with_context(cannot_write)?;
            sync_parent(&path).with_context(cannot_write)?;
        }
        self.outcome.bytes_copied += segment.byte_count - from;
        Ok(())
    }

    fn finish(&mut self, status: &LogStatus, checkpoint: SignedCheckpoint) -> anyhow::Result<()> {
        self.outcome.checkpoint_size = checkpoint.checkpoint().size;
        let rotations = rotations(status)?;
        let trust = PublicTrust::new(status.key.parse()?, rotations, Some(checkpoint))?;
        trust.write(&self.dir, read_identity(&self.dir)?.log_id)?;
        Ok(())
    }

    fn save(&self) -> anyhow::Result<()> {
        let path = self.dir.join(MANIFEST);
        let text = serde_json::to_string_pretty(&self.manifest)?;
        write_whole(&path, text.as_bytes())
            .with_context(|| format!("{} cannot be written", path.display()))
    }
}

/// The key of a backup, or one that it gave way to by statements that both have signed, must have
/// signed the server's checkpoint.
fn check_key(
    known: &VerifierKey,
    status: &LogStatus,
    checkpoint: &SignedCheckpoint,
) -> anyhow::Result<()> {
    let mut key = known.clone();
    for note in &status.rotations {
        let rotation = SignedRotation::parse_verified(note)?;
        if rotation.statement().old_key == key {
            key = rotation.statement().new_key.clone();
        }
    }
    if checkpoint.verify(&key).is_err() {
        bail!(
            "the server's checkpoint is not signed by the key of this backup ({known}), nor by one \
             that it gave way to. The backup was left as it is"
        );
    }
    Ok(())
}

/// Whether the server proves that one tree of its log is the beginning of another.
async fn extends(client: &Client, old: &Checkpoint, new: &Checkpoint) -> anyhow::Result<bool> {
    if old.size == 0 || old.size > new.size {
        return Ok(old.size == 0);
    }
    let proof = client.consistency(old.size, new.size).await?;
    let path: Result<Vec<Digest>, _> = proof.path.iter().map(|hash| hash.parse()).collect();
    let Ok(path) = path else { return Ok(false) };
    let claim = ConsistencyProof { old_size: old.size, new_size: new.size, path: &path };
    Ok(verify_consistency(&claim, &old.root, &new.root).is_ok())
}

/// How the log's keys changed, oldest first, as far as both keys signed it.
fn rotations(status: &LogStatus) -> anyhow::Result<Vec<SignedRotation>> {
    let verified = status.rotations.iter().map(|note| SignedRotation::parse_verified(note));
    Ok(verified.collect::<Result<_, _>>()?)
}

/// Makes a small file appear whole or not at all.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let tmp = path.with_extension("tmp");
    let mut file = fs::File::create(&tmp)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&tmp, path)?;
    sync_parent(path)
}

/// Makes a file's name durable, where directories can be synced.
fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if cfg!(unix) => fs::File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}
