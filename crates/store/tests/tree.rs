//! The Merkle tree of whole logs: the same on every engine, after every kind of stop, and for
//! readers that we did not write.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test stops where it goes wrong"
)]

mod common;

use std::fs;
use std::path::Path;

use annals_core::hash::Digest;
use annals_core::merkle;
use annals_core::tiles::{consistency_path_at, inclusion_path_at, root_at};
use annals_store::contract::{LogReader, LogTree, LogWriter};
use annals_store::local::open_local;
use common::*;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tlog_tiles::tile::{Tile, TileHashReader, TileReader};
use tlog_tiles::tlog::{Hash, check_record, check_tree, prove_record, prove_tree, record_hash};

fn fill(writer: &mut dyn LogWriter, count: usize) {
    for part in (0..count).collect::<Vec<_>>().chunks(100) {
        append(writer, part.iter().map(|_| sample("a", "1").unit()).collect());
    }
}

fn event_hashes(reader: &dyn LogReader) -> Vec<Digest> {
    audit(reader).iter().map(annals_core::event::Event::event_hash).collect()
}

/// Compares the tree with the plain rules over all leaves.
fn assert_is_over_all_events(reader: &dyn LogReader, parts: &[f64]) {
    let hashes = event_hashes(reader);
    let leaves: Vec<Digest> =
        hashes.iter().map(|hash| merkle::leaf_hash(hash.as_bytes())).collect();
    let tree = reader.tree();
    assert_eq!(tree.grow().unwrap(), leaves.len() as u64);
    assert_eq!(tree.grown_to(), leaves.len() as u64);
    for part in parts {
        let size = (leaves.len() as f64 * part) as usize;
        let leaf = size / 3;
        let path = root_at(tree, size as u64).unwrap();
        assert_eq!(path, Some(merkle::root(&leaves[..size])));
        let path = inclusion_path_at(tree, leaf as u64, size as u64).unwrap();
        assert_eq!(path, merkle::inclusion_path(&leaves[..size], leaf));
        let path = consistency_path_at(tree, leaf as u64, size as u64).unwrap();
        assert_eq!(path, merkle::consistency_path(&leaves[..size], leaf));
    }
    assert_eq!(root_at(tree, leaves.len() as u64 + 1).unwrap(), None);
}

/// Any way of appending, growing and starting again.
fn holds_over_any_history(start: impl Fn() -> Box<dyn Engine>) {
    let step = (0_usize..400, 0_u8..4, 0.0..1.0_f64);
    let mut runner = TestRunner::new(Config::with_cases(6));
    let outcome = runner.run(&prop::collection::vec(step, 1..5), |steps| {
        let mut engine = start();
        for (count, act, part) in steps {
            fill(engine.writer(), count);
            match act {
                0 => {}
                1 => drop(engine.reader().tree().grow().unwrap()),
                2 => engine.reopen(),
                _ => engine.reader().tree().rebuild().unwrap(),
            }
            assert_is_over_all_events(&*engine.reader(), &[part, 1.0]);
        }
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn the_memory_engines_tree_is_over_all_events() {
    holds_over_any_history(|| Box::new(MemoryEngine::start()));
}

#[test]
fn the_local_engines_tree_is_over_all_events() {
    holds_over_any_history(|| Box::new(LocalEngine::start_small()));
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy_dir(&path, &target),
            false => drop(fs::copy(&path, &target).unwrap()),
        }
    }
}

#[test]
fn a_tree_is_whole_after_a_stop_at_any_moment() {
    let mut engine = LocalEngine::start_small();
    let options = engine.options.clone();
    let copies = temporary_dir();
    for round in 0..8 {
        fill(engine.writer(), 97);
        let reader = engine.reader();
        match round % 4 {
            0 => {}
            1 => drop(reader.tree().grow().unwrap()),
            2 => reader.tree().sync().unwrap(),
            _ => reader.tree().rebuild().unwrap(),
        }
        engine.settle();
        // What a kill leaves behind.
        let copy = copies.path().join(round.to_string());
        copy_dir(engine.dir.path(), &copy);
        let log = open_local(&copy, options.clone()).unwrap();
        assert!(!log.report.was_closed);
        assert_is_over_all_events(&log.reader, &[0.4, 1.0]);
    }
}

#[test]
fn a_deleted_tree_comes_back() {
    let mut engine = LocalEngine::start_small();
    fill(engine.writer(), 600);
    engine.reader().tree().grow().unwrap();
    let tree = engine.dir.path().join("derived").join("tree");
    engine.reopen();
    assert!(tree.join("state").exists() && tree.join("row-0").exists());
    let options = engine.options.clone();
    let dir = temporary_dir();
    copy_dir(engine.dir.path(), dir.path());
    fs::remove_dir_all(dir.path().join("derived")).unwrap();
    let log = open_local(dir.path(), options).unwrap();
    assert_is_over_all_events(&log.reader, &[0.1, 0.9, 1.0]);
}

#[test]
fn a_tree_that_is_ahead_of_its_log_is_made_again() {
    let mut engine = LocalEngine::start_small();
    fill(engine.writer(), 300);
    engine.reader().tree().grow().unwrap();
    engine.reopen();
    let ahead = temporary_dir();
    copy_dir(&engine.dir.path().join("derived").join("tree"), ahead.path());
    // An older copy of the log, with other events since, beside the newer tree.
    let dir = temporary_dir();
    let mut older = open_local(dir.path(), small_options()).unwrap();
    fill(&mut older.writer, 200);
    older.writer.close().unwrap();
    fs::remove_dir_all(dir.path().join("derived").join("tree")).unwrap();
    copy_dir(ahead.path(), &dir.path().join("derived").join("tree"));
    let mut older = open_local(dir.path(), small_options()).unwrap();
    assert_eq!(older.reader.tree().grown_to(), 0);
    fill(&mut older.writer, 200);
    older.writer.close().unwrap();
    let older = open_local(dir.path(), small_options()).unwrap();
    assert_is_over_all_events(&older.reader, &[0.5, 1.0]);
}

/// Our tree as their tiles.
struct Tiles<'a>(&'a dyn LogTree);

impl TileReader for Tiles<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::tlog::Error> {
        let bytes = |tile: &Tile| {
            let first = tile.level_index() * 256;
            let entries = self.0.rows(tile.level(), first, tile.width() as usize).unwrap();
            entries.iter().flat_map(|entry| *entry.as_bytes()).collect()
        };
        Ok(tiles.iter().map(bytes).collect())
    }

    fn save_tiles(&self, _tiles: &[Tile], _data: &[Vec<u8>]) {}
}

fn theirs(digest: Digest) -> Hash {
    Hash(*digest.as_bytes())
}

fn path_to_theirs(path: Option<Vec<Digest>>) -> Vec<Hash> {
    path.unwrap().into_iter().map(theirs).collect()
}

#[test]
fn tlog_tiles_reads_our_tiles_and_checks_our_proofs() {
    let mut engine = LocalEngine::start();
    fill(engine.writer(), 777);
    let reader = engine.reader();
    let tree = reader.tree();
    let size = tree.grow().unwrap();
    let root = root_at(tree, size).unwrap().unwrap();
    let tiles = Tiles(tree);
    // Their reader authenticates every tile against the root before it uses it.
    let hashes = TileHashReader::new(size, theirs(root), &tiles);
    let events = event_hashes(&*reader);
    for (old, leaf) in [(1, 0), (256, 255), (257, 256), (500, 300), (776, 776)] {
        let ours = path_to_theirs(inclusion_path_at(tree, leaf, size).unwrap());
        assert_eq!(ours, prove_record(size, leaf, &hashes).unwrap());
        let record = record_hash(events[leaf as usize].as_bytes());
        check_record(&ours, size, theirs(root), leaf, record).unwrap();
        let ours = path_to_theirs(consistency_path_at(tree, old, size).unwrap());
        assert_eq!(ours, prove_tree(size, old, &hashes).unwrap());
        let old_root = root_at(tree, old).unwrap().unwrap();
        check_tree(&ours, size, theirs(root), old, theirs(old_root)).unwrap();
    }
}

#[test]
fn ct_merkle_has_our_roots_and_proofs() {
    let mut engine = LocalEngine::start();
    fill(engine.writer(), 333);
    let reader = engine.reader();
    let tree = reader.tree();
    let size = tree.grow().unwrap();
    let mut theirs = MemoryBackedTree::<sha2::Sha256, Digest>::new();
    for (number, event_hash) in event_hashes(&*reader).into_iter().enumerate() {
        theirs.push(event_hash);
        let root = root_at(tree, number as u64 + 1).unwrap().unwrap();
        assert_eq!(theirs.root().as_bytes().as_slice(), root.as_bytes());
    }
    for leaf in [0, 1, 255, 256, 300, 332] {
        let ours = inclusion_path_at(tree, leaf, size).unwrap().unwrap();
        let ours: Vec<u8> = ours.iter().flat_map(|node| *node.as_bytes()).collect();
        assert_eq!(theirs.prove_inclusion(leaf as usize).as_bytes(), ours);
    }
    for old in [1, 2, 255, 256, 257, 332] {
        let ours = consistency_path_at(tree, old, size).unwrap().unwrap();
        let ours: Vec<u8> = ours.iter().flat_map(|node| *node.as_bytes()).collect();
        assert_eq!(theirs.prove_consistency((size - old) as usize).as_bytes(), ours);
    }
}
