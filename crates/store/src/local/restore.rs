//! A directory of copied segments that no process has open: a log is restored from it, and bodies
//! are erased in it.
//!
//! Fetching the copies is not done here, nor is anything beside the log: keys, checkpoints and
//! views are the caller's matter.
//!
//! INVARIANT (a restore is another log): the restored log has an identity of its own, and its
//! lineage says which positions came with it, so there are never two histories under one name.
//! INVARIANT (checked, then kept): every byte of a segment is checked before the log id makes a
//! log of the restored directory.
//! INVARIANT (named last): a restore that did not end leaves no log behind, so whatever else the
//! restored log needs is put beside the segments before it gets its id.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use annals_core::id::{EventId, LogId, Position};
use annals_core::redaction::{REDACTED_TYPE, is_redaction};

use super::OpenError;
use super::backup::{read_redactions, write_redactions};
use super::directory::{Directory, read_log_id, write_log_id};
use super::disk::{Disk, DiskFile, DiskLock, LockError, OsDisk};
use super::erase::{Eraser, Target};
use super::lineage::Lineage;
use super::recover::copy_bytes;
use super::segment::{Place, SegmentFiles, SegmentHead, parse_segment_name};
use super::walk::{Walk, WalkEnd, WalkedRecord};
use crate::audit::read_only::ReadOnlyDisk;
use crate::contract::{Ancestor, ReadFailure};

/// What a restore made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The restored log.
    pub log_id: LogId,
    /// The log that the backup is of.
    pub parent_log_id: LogId,
    /// The last event that was restored.
    pub last_position: Position,
    /// All logs that the restored one came from, its parent last.
    pub lineage: Vec<Ancestor>,
    /// Bytes of segments.
    pub byte_count: u64,
}

/// Which event of a backup is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupTarget {
    /// The event at this position.
    Position(Position),
    /// The event with this id.
    EventId(EventId),
}

/// An event whose body was erased in a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupErased {
    /// The event's position.
    pub position: Position,
    /// The event's id.
    pub event_id: EventId,
    /// Whether it had been erased before.
    pub was_erased: bool,
}

/// Why a backup is not used.
#[derive(Debug, thiserror::Error)]
pub enum BackupFailure {
    /// There is no log in the directory.
    #[error("there is no log in {} (trust/log_id is missing)", .directory.display())]
    NotABackup {
        /// The directory.
        directory: PathBuf,
    },
    /// A restore does not write over anything.
    #[error("{} is not empty; restore into a directory that is", .directory.display())]
    NotEmpty {
        /// The directory.
        directory: PathBuf,
    },
    /// Erasing in the segments alone would leave the words in other files.
    #[error(
        "{} is the data directory of a server, which keeps the words of events in other files too: \
         start the server and redact the event there", .directory.display()
    )]
    IsDataDirectory {
        /// The directory.
        directory: PathBuf,
    },
    /// As for [`Self::IsDataDirectory`], but nothing else says that it is no backup.
    #[error(
        "{} holds the words of events too: remove it, for it can be made again from the segments, \
         and erase once more", .derived.display()
    )]
    HasDerivedFiles {
        /// The files that are made of events.
        derived: PathBuf,
    },
    /// The event is not in the backup.
    #[error("the event is not in {}", .directory.display())]
    NoSuchEvent {
        /// The backup.
        directory: PathBuf,
    },
    /// Several workspaces have an event with this id.
    #[error("events with this id are at positions {positions:?}; name one by its position")]
    Ambiguous {
        /// Their positions.
        positions: Vec<Position>,
    },
    /// The record of a redaction stays: without it an erased body looks like damage.
    #[error("the event at position {position} is of type `{REDACTED_TYPE}` and cannot be erased")]
    NotErasable {
        /// The event's position.
        position: Position,
    },
    /// Stored bytes are not what was written.
    #[error("the backup is damaged: {} at byte {offset}: {what}", .file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where the damage begins.
        offset: u64,
        /// What does not fit.
        what: String,
    },
    /// It cannot be used, for the reason for which a log would not be opened.
    #[error(transparent)]
    Unusable(OpenError),
}

impl From<OpenError> for BackupFailure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Damaged { file, offset, what } => Self::Damaged { file, offset, what },
            other => Self::Unusable(other),
        }
    }
}

impl From<ReadFailure> for BackupFailure {
    fn from(failure: ReadFailure) -> Self {
        OpenError::read(failure).into()
    }
}

/// A directory with everything of a restored log but its identity, which makes it one.
#[derive(Debug)]
#[must_use = "without its identity it is no log"]
pub struct BegunRestore {
    target: Directory,
    restored: Restored,
}

impl BegunRestore {
    /// What [`Self::finish`] makes.
    #[must_use]
    pub fn restored(&self) -> &Restored {
        &self.restored
    }

    /// Gives the directory its identity: from here on it is a log.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> Result<Restored, BackupFailure> {
        let Self { target, restored } = self;
        let failed = |error| OpenError::io(target.root(), error);
        write_log_id(&OsDisk, &target, restored.log_id).map_err(failed)?;
        OsDisk.sync_dir(target.root()).map_err(failed)?;
        Ok(restored)
    }
}

/// Makes a new log of a backup, with an identity of its own. The backup is only read, unless an
/// erasure in it was begun and not finished.
///
/// # Errors
/// When the backup is damaged or incomplete, or the new directory has something in it. What a
/// failed restore leaves behind is no log and may be removed.
pub fn restore_directory(
    backup: &Path,
    data_dir: &Path,
    new_log_id: LogId,
) -> Result<Restored, BackupFailure> {
    begin_restore(backup, data_dir, new_log_id)?.finish()
}

/// The same up to the moment before the directory becomes a log.
///
/// # Errors
/// As for [`restore_directory`].
pub fn begin_restore(
    backup: &Path,
    data_dir: &Path,
    new_log_id: LogId,
) -> Result<BegunRestore, BackupFailure> {
    let disk = &OsDisk;
    let source = Copies::open(&(Arc::new(ReadOnlyDisk) as Arc<dyn Disk>), backup)?;
    if source.directory.erasing().exists() {
        // What a server is erasing at this moment is its own matter.
        let _alone = source.lock(disk)?;
        source.eraser_on(disk).finish().map_err(OpenError::from)?;
    }
    let target = Directory::new(data_dir);
    make_empty(disk, &target)?;
    let mut last_position = Position(0);
    let mut byte_count = 0;
    for segment in source.segments()? {
        let (end, next) = source.check(&segment, &mut |_| {})?;
        if next == segment.first.get() {
            // A segment without events would have the name of the restored log's own first.
            continue;
        }
        copy_segment(&source, &target, segment.first, end)?;
        last_position = Position(next - 1);
        byte_count += end;
    }
    let failed = |error| OpenError::io(target.root(), error);
    disk.sync_dir(&target.log()).map_err(failed)?;
    if !source.redactions.is_empty() {
        write_redactions(disk, &target, &source.redactions).map_err(failed)?;
    }
    let lineage = source.lineage.child(last_position, new_log_id);
    lineage.write(disk, &target).map_err(failed)?;
    let restored = Restored {
        log_id: new_log_id,
        parent_log_id: source.lineage.own(),
        last_position,
        lineage: lineage.ancestors().to_vec(),
        byte_count,
    };
    Ok(BegunRestore { target, restored })
}

/// Erases the body of an event in a backup that nothing has open, and notes its position in the
/// backup's file `redactions`.
///
/// # Errors
/// When the event is not there, is the record of a redaction, or the backup cannot be used.
pub fn erase_in_backup(backup: &Path, target: BackupTarget) -> Result<BackupErased, BackupFailure> {
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    let mut copies = Copies::open(&disk, backup)?;
    let _alone = copies.lock(&*disk)?;
    copies.refuse_other_words()?;
    copies.eraser_on(&*disk).finish().map_err(OpenError::from)?;
    let (erased, place) = copies.find(target)?;
    copies.redactions.insert(erased.position.get());
    write_redactions(&*disk, &copies.directory, &copies.redactions)
        .map_err(|error| OpenError::io(copies.directory.redactions(), error))?;
    let targets = vec![Target::new(erased.position, place)];
    copies.eraser_on(&*disk).erase(targets).map_err(OpenError::from)?;
    Ok(erased)
}

/// A segment of a backup.
#[derive(Debug, Clone, Copy)]
struct Segment {
    first: Position,
    /// The last position; none when only the file says where it ends.
    last: Option<u64>,
}

/// The files of a backup.
#[derive(Debug)]
struct Copies {
    disk: Arc<dyn Disk>,
    directory: Directory,
    files: SegmentFiles,
    lineage: Lineage,
    redactions: BTreeSet<u64>,
}

impl Copies {
    fn open(disk: &Arc<dyn Disk>, root: &Path) -> Result<Self, BackupFailure> {
        let directory = Directory::new(root);
        let log_id = read_log_id(&**disk, &directory)
            .map_err(|fault| OpenError::small(directory.log_id(), fault))?
            .ok_or_else(|| BackupFailure::NotABackup { directory: root.to_owned() })?;
        let lineage = Lineage::open(&**disk, &directory, log_id)?;
        let redactions = read_redactions(&**disk, &directory)
            .map_err(|fault| OpenError::small(directory.redactions(), fault))?;
        let files = SegmentFiles::new(Arc::clone(disk), &directory.log());
        Ok(Self { disk: Arc::clone(disk), directory, files, lineage, redactions })
    }

    fn eraser_on<'a>(&'a self, disk: &'a dyn Disk) -> Eraser<'a> {
        Eraser { disk, directory: &self.directory, files: &self.files }
    }

    fn lock(&self, disk: &dyn Disk) -> Result<Box<dyn DiskLock>, OpenError> {
        let holder = format!("process {}", std::process::id());
        disk.lock(&self.directory.lock(), &holder).map_err(|error| match error {
            LockError::Held { holder } => {
                OpenError::Locked { directory: self.directory.root().to_owned(), holder }
            }
            LockError::Io(source) => OpenError::io(self.directory.lock(), source),
        })
    }

    /// Refuses a directory in which more than the segments may have the words of events.
    fn refuse_other_words(&self) -> Result<(), BackupFailure> {
        let directory = self.directory.root().to_owned();
        // A backup never has the key that signs.
        if self.directory.trust().join("key").exists() {
            return Err(BackupFailure::IsDataDirectory { directory });
        }
        let derived = directory.join("derived");
        match derived.exists() {
            true => Err(BackupFailure::HasDerivedFiles { derived }),
            false => Ok(()),
        }
    }

    /// All segments, oldest first.
    fn segments(&self) -> Result<Vec<Segment>, BackupFailure> {
        let dir = self.directory.log();
        let names = self.disk.list(&dir).map_err(|error| OpenError::io(dir, error))?;
        let mut firsts: Vec<u64> =
            names.iter().filter_map(|name| parse_segment_name(name)).map(Position::get).collect();
        firsts.sort_unstable();
        let inherited_to = self.lineage.inherited_to().get();
        let next = firsts.first().map_or(inherited_to + 1, |first| *first);
        if next != 1 {
            let next = Position(next);
            return Err(OpenError::SegmentMissing { after: Position(0), next }.into());
        }
        let lasts = firsts.iter().skip(1).map(|next| Some(next - 1));
        let end = firsts.last().filter(|first| **first <= inherited_to).map(|_| inherited_to);
        let segments = firsts.iter().zip(lasts.chain([end]));
        Ok(segments.map(|(first, last)| Segment { first: Position(*first), last }).collect())
    }

    /// Checks a whole segment and shows its records. Says where it ends, in bytes and positions.
    fn check(
        &self,
        segment: &Segment,
        found: &mut dyn FnMut(WalkedRecord<'_>),
    ) -> Result<(u64, u64), BackupFailure> {
        let path = self.files.path(segment.first);
        let owner = self.lineage.owner(segment.first);
        SegmentHead::check(&*self.disk, &path, segment.first, owner)?;
        let file = self.open_segment(segment.first)?;
        let walk = Walk::new(&self.files, &*file, segment.first, owner)?;
        let mut walk = walk.knowing(&self.redactions);
        let end = walk.run(segment.last.unwrap_or(u64::MAX), found)?;
        let what = match (end, segment.last) {
            (WalkEnd::Damaged { fault, .. }, _) => fault.0,
            (_, Some(last)) if walk.next_position != last + 1 => {
                "the segment ends before the next one begins"
            }
            _ => return Ok((walk.end, walk.next_position)),
        };
        Err(BackupFailure::Damaged { file: path, offset: walk.end, what: what.to_owned() })
    }

    fn open_segment(&self, first: Position) -> Result<Arc<dyn DiskFile>, BackupFailure> {
        let path = self.files.path(first);
        Ok(self.disk.open(&path).map_err(|error| OpenError::io(path, error))?)
    }

    fn find(&self, target: BackupTarget) -> Result<(BackupErased, Place), BackupFailure> {
        let mut matches = Vec::new();
        for segment in self.segments()? {
            self.check(&segment, &mut |record| {
                let is_it = match target {
                    BackupTarget::Position(position) => record.header.position == position,
                    BackupTarget::EventId(event_id) => record.header.event_id == event_id,
                };
                if is_it {
                    let is_redaction = is_redaction(&record.header);
                    let erased = BackupErased {
                        position: record.header.position,
                        event_id: record.header.event_id,
                        was_erased: record.is_erased,
                    };
                    let place = Place { segment: segment.first, offset: record.offset };
                    matches.push((erased, place, is_redaction));
                }
            })?;
        }
        match matches.len() {
            0 => {
                let directory = self.directory.root().to_owned();
                Err(BackupFailure::NoSuchEvent { directory })
            }
            1 => match matches.remove(0) {
                (BackupErased { position, .. }, _, true) => {
                    Err(BackupFailure::NotErasable { position })
                }
                (erased, place, false) => Ok((erased, place)),
            },
            _ => {
                let positions = matches.iter().map(|(erased, ..)| erased.position).collect();
                Err(BackupFailure::Ambiguous { positions })
            }
        }
    }
}

fn make_empty(disk: &dyn Disk, target: &Directory) -> Result<(), BackupFailure> {
    let root = target.root().to_owned();
    match disk.list(&root) {
        Ok(names) if !names.is_empty() => {
            return Err(BackupFailure::NotEmpty { directory: root });
        }
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(OpenError::io(root, error).into());
        }
        _ => {}
    }
    for path in [root, target.log(), target.trust()] {
        disk.create_dir(&path).map_err(|error| OpenError::io(path, error))?;
    }
    Ok(())
}

fn copy_segment(
    source: &Copies,
    target: &Directory,
    first: Position,
    end: u64,
) -> Result<(), BackupFailure> {
    let old = source.open_segment(first)?;
    let path = SegmentFiles::new(Arc::clone(&source.disk), &target.log()).path(first);
    let copied = OsDisk.create(&path).and_then(|new| {
        copy_bytes(&*old, &*new, end)?;
        new.sync_all()
    });
    Ok(copied.map_err(|error| OpenError::io(path, error))?)
}
