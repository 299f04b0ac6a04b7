//! The grown tree against the plain one, whatever happens to its files.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use annals_core::hash::{Digest, sha256};
use annals_core::id::LogId;
use annals_core::merkle;
use annals_core::tiles::{HashRows, root_at};
use proptest::prelude::*;

use super::pending::PENDING_COUNT_MAX;
use super::plain::PlainRows;
use super::*;
use crate::local::disk::OsDisk;

const LOG_ID: LogId = LogId::from_bytes(*b"a log for trees!");

/// A log of event hashes that counts how many of them were read.
struct HashLog {
    size: u64,
    read_count: Cell<u64>,
}

impl HashLog {
    fn new(size: u64) -> Self {
        Self { size, read_count: Cell::new(0) }
    }

    fn take_read_count(&self) -> u64 {
        self.read_count.take()
    }
}

fn event_hash(leaf: u64) -> Digest {
    sha256(&[b"event", &leaf.to_le_bytes()])
}

impl LeafSource for HashLog {
    fn durable_size(&self) -> u64 {
        self.size
    }

    fn event_hashes(
        &self,
        first: u64,
        last: u64,
        found: &mut dyn FnMut(Digest),
    ) -> Result<(), ReadFailure> {
        assert!(last <= self.size, "only durable events are read");
        self.read_count.set(self.read_count.get() + last - first);
        (first..last).for_each(|leaf| found(event_hash(leaf)));
        Ok(())
    }
}

/// A tree and its log as one.
struct Rows<'a>(&'a GrownTree, &'a HashLog);

impl HashRows for Rows<'_> {
    type Error = ReadFailure;

    fn row(&self, level: u8, first: u64, count: usize) -> Result<Vec<Digest>, ReadFailure> {
        self.0.rows(self.1, level, first, count)
    }
}

fn open(dir: &Path, log: &HashLog) -> GrownTree {
    let tree = GrownTree::new(Arc::new(OsDisk), dir.join("tree"), LOG_ID);
    tree.load(log.size).unwrap();
    tree
}

fn root(tree: &GrownTree, log: &HashLog, size: u64) -> Digest {
    root_at(&Rows(tree, log), size).unwrap().unwrap()
}

fn plain(size: u64) -> PlainRows {
    let mut rows = PlainRows::default();
    (0..size).for_each(|leaf| rows.append(event_hash(leaf)));
    rows
}

fn plain_root(size: u64) -> Digest {
    let leaves: Vec<Digest> =
        (0..size).map(|leaf| merkle::leaf_hash(event_hash(leaf).as_bytes())).collect();
    merkle::root(&leaves)
}

fn assert_is_plain(tree: &GrownTree, log: &HashLog) {
    let size = tree.grown_to();
    let rows = plain(size);
    for level in 0..4 {
        let all = usize::try_from(size).unwrap();
        assert_eq!(tree.rows(log, level, 0, all).unwrap(), rows.row(level, 0, all), "row {level}");
    }
}

fn row_file(dir: &Path, level: u8) -> std::path::PathBuf {
    dir.join("tree").join(format!("row-{level}"))
}

/// A kept tree of this many leaves.
fn kept(size: u64) -> (tempfile::TempDir, HashLog) {
    let dir = tempfile::tempdir().unwrap();
    let log = HashLog::new(size);
    let tree = open(dir.path(), &log);
    assert_eq!(tree.grow(&log).unwrap(), size);
    tree.sync().unwrap();
    log.take_read_count();
    (dir, log)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn a_tree_grown_in_any_steps_over_any_starts_is_the_plain_one(
        steps in prop::collection::vec((0_u64..700, 0_u8..4), 1..8),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut log = HashLog::new(0);
        let mut tree = open(dir.path(), &log);
        for (count, act) in steps {
            tree.add((log.size..log.size + count).map(event_hash));
            log.size += count;
            match act {
                0 => {}
                1 => prop_assert_eq!(tree.grow(&log).unwrap(), log.size),
                2 => { tree.close(&log); tree = open(dir.path(), &log); }
                _ => { tree.sync().unwrap(); tree = open(dir.path(), &log); }
            }
            assert_is_plain(&tree, &log);
        }
        prop_assert_eq!(tree.grow(&log).unwrap(), log.size);
        assert_is_plain(&tree, &log);
        prop_assert_eq!(root(&tree, &log, log.size), plain_root(log.size));
    }
}

#[test]
fn roots_of_a_tree_with_three_rows_are_the_plain_ones_at_every_older_size() {
    let (dir, log) = kept(140_003);
    let tree = open(dir.path(), &log);
    for size in [1, 255, 256, 257, 65_535, 65_536, 65_537, 131_072, 140_002, 140_003] {
        assert_eq!(root(&tree, &log, size), plain_root(size), "size {size}");
    }
    assert_eq!(log.take_read_count(), 0, "everything was in the files");
}

#[test]
fn hashes_from_the_writer_are_not_read_from_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = HashLog::new(0);
    let tree = open(dir.path(), &log);
    for _ in 0..10 {
        tree.add((log.size..log.size + 77).map(event_hash));
        log.size += 77;
        tree.grow(&log).unwrap();
    }
    assert_eq!(log.take_read_count(), 0);
    assert_is_plain(&tree, &log);
}

#[test]
fn hashes_beyond_the_durable_head_wait() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = HashLog::new(0);
    let tree = open(dir.path(), &log);
    tree.add((0..10).map(event_hash));
    log.size = 6;
    assert_eq!(tree.grow(&log).unwrap(), 6);
    log.size = 10;
    assert_eq!(tree.grow(&log).unwrap(), 10);
    assert_eq!(log.take_read_count(), 0);
    assert_is_plain(&tree, &log);
}

#[test]
fn a_kept_tree_needs_nothing_of_the_log_at_the_next_start() {
    let (dir, log) = kept(1_000);
    let tree = open(dir.path(), &log);
    assert_eq!(tree.grown_to(), 1_000);
    assert_eq!(tree.grow(&log).unwrap(), 1_000);
    assert_is_plain(&tree, &log);
    assert_eq!(log.take_read_count(), 0);
}

#[test]
fn a_start_after_a_kill_reads_only_what_was_not_kept() {
    let (dir, mut log) = kept(1_000);
    let killed = open(dir.path(), &log);
    killed.add((1_000..2_000).map(event_hash));
    log.size = 2_000;
    killed.grow(&log).unwrap();
    let tree = open(dir.path(), &log);
    assert_eq!(tree.grown_to(), 1_000);
    assert_eq!(tree.grow(&log).unwrap(), 2_000);
    assert_eq!(log.take_read_count(), 1_000);
    assert_is_plain(&tree, &log);
}

#[test]
fn a_deleted_tree_is_made_again_from_the_log() {
    let (dir, log) = kept(1_000);
    fs::remove_dir_all(dir.path().join("tree")).unwrap();
    let tree = open(dir.path(), &log);
    assert_eq!(tree.grown_to(), 0);
    assert_eq!(tree.grow(&log).unwrap(), 1_000);
    assert_eq!(log.take_read_count(), 1_000);
    assert_is_plain(&tree, &log);
}

#[test]
fn row_files_that_are_torn_cut_or_gone_are_mended_tile_by_tile() {
    for damage in 0..4 {
        let (dir, log) = kept(70_000);
        let path = row_file(dir.path(), 0);
        let bytes = fs::read(&path).unwrap();
        match damage {
            // The tail was never written.
            0 => fs::write(&path, &bytes[..bytes.len() - 5_000]).unwrap(),
            // Sectors of zeros in the middle.
            1 => {
                let mut torn = bytes.clone();
                torn[100_000..100_512].fill(0);
                fs::write(&path, torn).unwrap();
            }
            // Another log's file.
            2 => {
                let mut foreign = bytes.clone();
                foreign[12] ^= 1;
                fs::write(&path, foreign).unwrap();
            }
            _ => fs::remove_file(&path).unwrap(),
        }
        let tree = open(dir.path(), &log);
        assert_eq!(tree.grown_to(), 70_000);
        assert_is_plain(&tree, &log);
        let read_count = log.take_read_count();
        let is_whole_row = damage > 1;
        assert_eq!(read_count, if is_whole_row { 273 * 256 } else { 256 }, "damage {damage}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "the file is whole again");
        assert_is_plain(&open(dir.path(), &log), &log);
        assert_eq!(log.take_read_count(), 0);
    }
}

#[test]
fn a_flipped_bit_in_any_row_is_found_and_mended() {
    let (dir, log) = kept(70_000);
    for (level, offset) in [(0, 64), (0, 64 + 272 * 8_192 + 8_191), (1, 64 + 77), (1, 8_255)] {
        let path = row_file(dir.path(), level);
        let bytes = fs::read(&path).unwrap();
        let mut flipped = bytes.clone();
        flipped[offset] ^= 0x10;
        fs::write(&path, flipped).unwrap();
        let tree = open(dir.path(), &log);
        assert_is_plain(&tree, &log);
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn rows_damaged_at_two_levels_are_mended_from_the_events() {
    let (dir, log) = kept(70_000);
    for level in 0..2 {
        let path = row_file(dir.path(), level);
        let mut bytes = fs::read(&path).unwrap();
        bytes[64 + 700] ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    assert_is_plain(&open(dir.path(), &log), &log);
    assert!(log.take_read_count() >= 65_536);
}

#[test]
fn a_kept_edge_that_is_damaged_counts_as_none() {
    let (dir, log) = kept(1_000);
    let path = dir.path().join("tree").join("state");
    let bytes = fs::read(&path).unwrap();
    for offset in [0, 9, 12, 30, 64, bytes.len() - 1] {
        let mut flipped = bytes.clone();
        flipped[offset] ^= 1;
        fs::write(&path, flipped).unwrap();
        let tree = open(dir.path(), &log);
        assert_eq!(tree.grown_to(), 0, "byte {offset}");
        tree.grow(&log).unwrap();
        assert_is_plain(&tree, &log);
    }
    fs::write(&path, &bytes[..bytes.len() - 40]).unwrap();
    assert_eq!(open(dir.path(), &log).grown_to(), 0);
}

#[test]
fn a_tree_of_more_events_than_the_log_has_is_forgotten_for_good() {
    let (dir, _) = kept(1_000);
    let shorter = HashLog::new(999);
    assert_eq!(open(dir.path(), &shorter).grown_to(), 0);
    let grown_again = HashLog::new(2_000);
    assert_eq!(open(dir.path(), &grown_again).grown_to(), 0);
}

#[test]
fn what_waits_stays_bounded_without_anybody_growing_the_tree() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = HashLog::new(0);
    let tree = open(dir.path(), &log);
    let count = PENDING_COUNT_MAX as u64 + 1;
    tree.add((0..count).map(event_hash));
    log.size = count;
    tree.relieve(&log);
    assert_eq!(tree.grown_to(), count);
    assert_eq!(log.take_read_count(), 0);
    assert_eq!(root(&tree, &log, count), plain_root(count));
}

#[test]
fn the_writer_never_reads_the_log_for_a_tree_that_is_behind() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = HashLog::new(300);
    let tree = open(dir.path(), &log);
    let count = PENDING_COUNT_MAX as u64 + 1;
    tree.add((300..300 + count).map(event_hash));
    log.size += count;
    tree.relieve(&log);
    assert_eq!((tree.grown_to(), log.take_read_count()), (0, 0));
    assert_eq!(tree.grow(&log).unwrap(), log.size);
    assert_eq!(log.take_read_count(), log.size);
    assert_eq!(root(&tree, &log, log.size), plain_root(log.size));
}

#[test]
fn a_long_growth_keeps_itself() {
    let dir = tempfile::tempdir().unwrap();
    let log = HashLog::new(262_144);
    open(dir.path(), &log).grow(&log).unwrap();
    assert_eq!(open(dir.path(), &log).grown_to(), 262_144);
}

#[test]
fn a_tree_that_was_made_of_other_events_says_so_until_it_is_rebuilt() {
    let (dir, log) = kept(600);
    let path = dir.path().join("tree").join("state");
    // The edge of another history with a valid checksum: its row 1 does not fit the leaves.
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len();
    bytes[end - 5] ^= 1;
    let crc = crc32c::crc32c(&bytes[..end - 4]);
    bytes[end - 4..].copy_from_slice(&crc.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    let tree = open(dir.path(), &log);
    let failure = tree.rows(&log, 0, 256, 256).unwrap_err().to_string();
    assert!(failure.contains("not made of the log's events"), "{failure}");
    tree.rebuild(&log).unwrap();
    assert_is_plain(&tree, &log);
    assert_is_plain(&open(dir.path(), &log), &log);
}

#[test]
fn rows_end_where_the_tree_ends() {
    let (dir, log) = kept(1_000);
    let tree = open(dir.path(), &log);
    assert_eq!(tree.rows(&log, 0, 990, 256).unwrap().len(), 10);
    assert_eq!(tree.rows(&log, 1, 0, 256).unwrap().len(), 3);
    assert_eq!(tree.rows(&log, 2, 0, 256).unwrap(), []);
    assert_eq!(tree.rows(&log, 0, 5_000, 1).unwrap(), []);
    assert_eq!(tree.rows(&log, 200, 0, 1).unwrap(), []);
    assert_eq!(tree.rows(&log, 0, u64::MAX, usize::MAX).unwrap(), []);
}

/// Other events in the place of those of [`HashLog`].
struct OtherLog;

fn other_hash(leaf: u64) -> Digest {
    sha256(&[b"other", &leaf.to_le_bytes()])
}

impl LeafSource for OtherLog {
    fn durable_size(&self) -> u64 {
        300
    }

    fn event_hashes(
        &self,
        first: u64,
        last: u64,
        found: &mut dyn FnMut(Digest),
    ) -> Result<(), ReadFailure> {
        (first..last).for_each(|leaf| found(other_hash(leaf)));
        Ok(())
    }
}

/// A log whose tree is made anew while a tile of it is made again for a reader.
struct ChangingLog<'a>(&'a GrownTree);

impl LeafSource for ChangingLog<'_> {
    fn durable_size(&self) -> u64 {
        300
    }

    fn event_hashes(
        &self,
        first: u64,
        last: u64,
        found: &mut dyn FnMut(Digest),
    ) -> Result<(), ReadFailure> {
        self.0.rebuild(&OtherLog)?;
        (first..last).for_each(|leaf| found(event_hash(leaf)));
        Ok(())
    }
}

#[test]
fn a_tile_that_is_read_while_the_tree_is_made_anew_is_not_of_the_new_tree() {
    let (dir, log) = kept(300);
    let tree = open(dir.path(), &log);
    fs::remove_file(row_file(dir.path(), 0)).unwrap();
    let leaf = |event_hash: Digest| merkle::leaf_hash(event_hash.as_bytes());
    let before = tree.rows(&ChangingLog(&tree), 0, 0, 256).unwrap();
    assert_eq!(before, (0..256).map(|number| leaf(event_hash(number))).collect::<Vec<_>>());
    let after = tree.rows(&OtherLog, 0, 0, 256).unwrap();
    assert_eq!(after, (0..256).map(|number| leaf(other_hash(number))).collect::<Vec<_>>());
}
