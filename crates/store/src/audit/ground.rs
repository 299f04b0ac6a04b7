//! What a check knows of a directory before it reads any event.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use annals_core::hash::Digest;
use annals_core::id::{LogId, Position};
use annals_core::merkle;
use annals_core::tiles::HashRows;

use super::fault::{AuditFault, AuditFaultKind, Suspicion};
use super::read_only::ReadOnlyDisk;
use super::subtrees::Subtrees;
use super::{AuditFailure, AuditOptions, SignedTree};
use crate::local::backup::read_redactions;
use crate::local::directory::{CleanEnd, Directory, SmallFileFault, read_clean_end, read_log_id};
use crate::local::disk::{Disk, DiskFile};
use crate::local::erase::positions_in_erasure;
use crate::local::lineage::Lineage;
use crate::local::segment::{SegmentFiles, parse_segment_name};
use crate::tree::KeptTree;

/// A segment to check.
#[derive(Debug, Clone, Copy)]
pub(super) struct SegmentTask {
    pub(super) first: u64,
    /// The last position that it must have; none for a segment that the log grows in.
    pub(super) last: Option<u64>,
    /// Whether no segment follows, so that nothing may follow its last position.
    pub(super) is_newest: bool,
    pub(super) byte_count: u64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) files: SegmentFiles,
    pub(super) log_id: LogId,
    pub(super) lineage: Lineage,
    /// The segments to check, in order.
    pub(super) tasks: Vec<SegmentTask>,
    /// The first position to check.
    pub(super) from: u64,
    /// Sizes at which the root is wanted, ascending.
    pub(super) cuts: Vec<u64>,
    pub(super) roots_at: Vec<u64>,
    /// Ascending by size.
    pub(super) signed: Vec<SignedTree>,
    /// Where the log ended when it was closed; none when it was not.
    pub(super) clean: Option<CleanEnd>,
    /// Positions that were erased in a backup.
    pub(super) redactions: BTreeSet<u64>,
    pub(super) kept: Option<KeptTree>,
    first_segment: Option<u64>,
}

impl Ground {
    pub(super) fn survey(root: &Path, options: &AuditOptions) -> Result<Self, AuditFailure> {
        let disk: Arc<dyn Disk> = Arc::new(ReadOnlyDisk);
        let directory = Directory::new(root);
        let log_id = read_log_id(&*disk, &directory)
            .map_err(|fault| unusable(&directory.log_id(), fault))?
            .ok_or_else(|| AuditFailure::NoLog { directory: root.to_owned() })?;
        let lineage = Lineage::read(&*disk, &directory, log_id)
            .map_err(|fault| unusable(&directory.lineage(), fault))?;
        refuse_unfinished_erasure(&*disk, &directory)?;
        let redactions = read_redactions(&*disk, &directory)
            .map_err(|fault| unusable(&directory.redactions(), fault))?;
        let files = SegmentFiles::new(Arc::clone(&disk), &directory.log());
        let firsts = segments(&*disk, &directory)?;
        let clean = read_clean_end(&*disk, &directory)
            .map_err(|error| AuditFailure::io(directory.clean(), error))?
            .filter(|clean| clean.log_id == log_id && firsts.last() == Some(&clean.segment));
        let from = options.from.unwrap_or(1).max(1);
        let mut signed = options.signed.clone();
        signed.sort_by_key(|tree| tree.size);
        let sizes = signed.iter().map(|tree| tree.size).chain(options.roots_at.iter().copied());
        let cuts = sizes.collect::<BTreeSet<u64>>().into_iter().collect();
        Ok(Self {
            tasks: tasks(&files, &*disk, &firsts, (from, lineage.inherited_to().get()))?,
            kept: KeptTree::open(Arc::clone(&disk), directory.tree(), log_id),
            disk,
            files,
            log_id,
            lineage,
            from,
            cuts,
            roots_at: options.roots_at.clone(),
            signed,
            clean,
            redactions,
            first_segment: firsts.first().copied(),
        })
    }

    /// What the names of the segments already say.
    pub(super) fn suspicion(&self) -> Option<Suspicion> {
        // A log that was restored has had the segments of its parent at least.
        let inherited_to = self.lineage.inherited_to().get();
        let first = self.first_segment.unwrap_or(inherited_to + 1);
        if first == 1 {
            return None;
        }
        Some(Suspicion::Fault(AuditFault::at(
            1,
            AuditFaultKind::CutFront,
            "a segment that begins with position 1",
            format!("that the oldest one begins with position {first}"),
        )))
    }

    pub(super) fn byte_count(&self) -> u64 {
        self.tasks.iter().map(|task| task.byte_count).sum()
    }

    /// Events up to this position were durable once, because somebody signed them.
    pub(super) fn durable_to(&self) -> u64 {
        self.signed.last().map_or(0, |tree| tree.size)
    }

    pub(super) fn open(&self, task: &SegmentTask) -> Result<Arc<dyn DiskFile>, AuditFailure> {
        let path = self.files.path(Position(task.first));
        self.disk.open(&path).map_err(|error| AuditFailure::io(path, error))
    }

    /// The segment that a position belongs to.
    pub(super) fn task_of(&self, position: u64) -> Option<&SegmentTask> {
        let behind = self.tasks.partition_point(|task| task.first <= position);
        behind.checked_sub(1).and_then(|number| self.tasks.get(number))
    }

    /// The tree before the first checked position. In the middle of a log it is taken from the
    /// kept tree, and only if that has the root that was signed for exactly this size.
    pub(super) fn tree_before(&self) -> Option<Subtrees> {
        let size = self.from - 1;
        if size == 0 {
            return Some(Subtrees::default());
        }
        let signed = self.signed.iter().find(|tree| tree.size == size)?;
        let peaks = peaks(self.kept.as_ref().filter(|kept| kept.size() >= size)?, size)?;
        let tree = Subtrees::of_peaks(size, peaks);
        (tree.root() == Some(signed.root)).then_some(tree)
    }
}

/// The roots of the whole subtrees of a tree of `size` leaves, largest first.
fn peaks(kept: &KeptTree, size: u64) -> Option<Vec<Digest>> {
    let heights = (0..64_u32).rev().filter(|height| size >> height & 1 == 1);
    let peak = |height: u32| {
        let start = size >> height >> 1 << 1 << height;
        let level = u8::try_from(height / 8).ok()?;
        let count = 1 << (height % 8);
        let entries = kept.row(level, start >> (height / 8 * 8), count).ok()?;
        (entries.len() == count).then(|| merkle::root(&entries))
    };
    heights.map(peak).collect()
}

fn segments(disk: &dyn Disk, directory: &Directory) -> Result<Vec<u64>, AuditFailure> {
    let dir = directory.log();
    let names = disk.list(&dir).map_err(|error| AuditFailure::io(dir, error))?;
    let mut firsts: Vec<u64> =
        names.iter().filter_map(|name| Some(parse_segment_name(name)?.get())).collect();
    firsts.sort_unstable();
    Ok(firsts)
}

fn tasks(
    files: &SegmentFiles,
    disk: &dyn Disk,
    firsts: &[u64],
    (from, inherited_to): (u64, u64),
) -> Result<Vec<SegmentTask>, AuditFailure> {
    let newest = firsts.last().copied();
    let end = newest.filter(|first| *first <= inherited_to).map(|_| inherited_to);
    let lasts = firsts.iter().skip(1).map(|next| Some(next.saturating_sub(1))).chain([end]);
    let mut tasks = Vec::new();
    for (first, last) in firsts.iter().copied().zip(lasts) {
        if last.is_some_and(|last| last < from) {
            continue;
        }
        let path = files.path(Position(first));
        let len = disk.open(&path).and_then(|file| file.len());
        let byte_count = len.map_err(|error| AuditFailure::io(path, error))?;
        let is_newest = newest == Some(first);
        tasks.push(SegmentTask { first, last, is_newest, byte_count });
    }
    Ok(tasks)
}

fn refuse_unfinished_erasure(disk: &dyn Disk, directory: &Directory) -> Result<(), AuditFailure> {
    let file = directory.erasing();
    match positions_in_erasure(disk, directory) {
        Ok(positions) if positions.is_empty() => Ok(()),
        Ok(_) => Err(AuditFailure::Unusable {
            file,
            what: "a redaction was interrupted here; start the server once, which finishes it, \
                   and check again"
                .to_owned(),
        }),
        Err(fault) => Err(unusable(&file, fault)),
    }
}

fn unusable(file: &Path, fault: SmallFileFault) -> AuditFailure {
    let what = match fault {
        SmallFileFault::Damaged(what) => what.to_owned(),
        SmallFileFault::NewerFormat(format) => {
            format!("it has format {format}, which is newer than this version of Annals")
        }
        SmallFileFault::Io(error) => return AuditFailure::io(file, error),
    };
    AuditFailure::Unusable { file: file.to_owned(), what }
}
