//! What the writer does when the disk does not do its part.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test stops where it goes wrong"
)]

mod common;

use std::sync::Arc;

use annals_core::id::Position;
use annals_store::contract::{AppendFailure, LogReader, LogWriter};
use annals_store::local::{LocalLog, LocalOptions, Upkeep, open_local_on};
use common::faulty::{Fault, FaultyDisk};
use common::*;

fn start(disk: &FaultyDisk, dir: &tempfile::TempDir, options: LocalOptions) -> LocalLog {
    open_local_on(Arc::new(disk.clone()), dir.path(), options).unwrap()
}

fn small() -> LocalOptions {
    LocalOptions { segment_bytes: 2_000, ..LocalOptions::new(LOG_ID) }
}

#[test]
fn a_sync_of_the_segment_lies_between_write_and_answer() {
    let (disk, dir) = (FaultyDisk::new(), temporary_dir());
    let mut log =
        start(&disk, &dir, LocalOptions { segment_bytes: 1 << 20, ..LocalOptions::new(LOG_ID) });
    append(&mut log.writer, vec![sample("a", "1").unit()]);
    let name = "00000000000000000001.seg";
    let first = disk.take_log();
    let place = |what: &str| first.iter().rposition(|entry| entry == what).unwrap();
    // A new segment is published durably before anything is written to it.
    assert!(place(&format!("rename to {name}")) < place("sync_dir log"));
    for _ in 0..3 {
        append(&mut log.writer, vec![sample("a", "1").unit(), sample("b", "1").unit()]);
        let of_segment: Vec<String> =
            disk.take_log().into_iter().filter(|entry| entry.ends_with(name)).collect();
        assert_eq!(of_segment, [format!("write {name}"), format!("sync {name}")]);
    }
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged_or_shown_any_more() {
    for fault in [Fault::SyncFails, Fault::NextSyncFails] {
        let (disk, dir) = (FaultyDisk::new(), temporary_dir());
        let options = LocalOptions { segment_bytes: 1 << 20, ..LocalOptions::new(LOG_ID) };
        let mut log = start(&disk, &dir, options.clone());
        append(&mut log.writer, vec![sample("a", "1").id(1).unit()]);
        disk.set(fault);
        let failed = log.writer.append(at(1), vec![sample("a", "2").id(2).unit()]);
        assert!(matches!(failed, Err(AppendFailure::MayBePersisted { .. })), "{failed:?}");
        disk.set(Fault::None);
        let later = log.writer.append(at(1), vec![sample("a", "3").id(3).unit()]);
        assert!(matches!(later, Err(AppendFailure::Failed { .. })), "{later:?}");
        assert_eq!(log.reader.head().position, Position(1));
        assert_eq!(audit(&log.reader).len(), 1);
        assert_eq!(log.reader.by_event_id(&workspace("w1"), &event_id(2)).unwrap(), None);
        drop(log);
        // Nobody marked the log as closed, so the next start copies the valid part.
        disk.take_log();
        let mut log = start(&disk, &dir, options);
        assert!(!log.report.was_closed);
        assert!(disk.take_log().contains(&"rename to 00000000000000000001.seg".to_owned()));
        let replay = append(&mut log.writer, vec![sample("a", "1").id(1).unit()]);
        assert!(only(&replay[0]).1);
        append(&mut log.writer, vec![sample("a", "2").id(2).unit()]);
        assert_eq!(audit(&log.reader).len(), 2);
    }
}

#[test]
fn after_a_failed_write_nothing_is_acknowledged_any_more() {
    let (disk, dir) = (FaultyDisk::new(), temporary_dir());
    let mut log =
        start(&disk, &dir, LocalOptions { segment_bytes: 1 << 20, ..LocalOptions::new(LOG_ID) });
    append(&mut log.writer, vec![sample("a", "1").unit()]);
    disk.set(Fault::WriteFails);
    let failed = log.writer.append(at(1), vec![sample("a", "2").unit()]);
    assert!(matches!(failed, Err(AppendFailure::MayBePersisted { .. })), "{failed:?}");
    disk.set(Fault::None);
    let later = log.writer.append(at(1), vec![sample("a", "3").unit()]);
    assert!(matches!(later, Err(AppendFailure::Failed { .. })), "{later:?}");
}

#[test]
fn a_full_disk_is_a_state_that_ends_by_itself() {
    for fault in [Fault::Full, Fault::FullInTheMiddleOfAWrite] {
        let (disk, dir) = (FaultyDisk::new(), temporary_dir());
        let mut log = start(&disk, &dir, small());
        let samples: Vec<Sample> = (0..40).map(|number| sample("a", "1").id(number)).collect();
        for sample in &samples[..10] {
            append(&mut log.writer, vec![sample.unit()]);
        }
        disk.set(fault);
        let mut kept = 10;
        for sample in &samples[10..] {
            match log.writer.append(at(1), vec![sample.unit()]) {
                Ok(_) => kept += 1,
                Err(AppendFailure::StorageFull) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert!(kept < 40);
        assert_eq!(log.reader.head().position, Position(kept));
        assert_eq!(audit(&log.reader).len() as u64, kept);
        disk.set(Fault::None);
        for sample in &samples {
            append(&mut log.writer, vec![sample.unit()]);
        }
        assert_eq!(audit(&log.reader).len(), 40);
        drop(log);
        let log = start(&disk, &dir, small());
        assert_eq!(audit(&log.reader).len(), 40);
    }
}

#[test]
fn a_log_opens_on_a_full_disk_and_can_be_read() {
    let (disk, dir) = (FaultyDisk::new(), temporary_dir());
    let mut log = start(&disk, &dir, small());
    for _ in 0..20 {
        append(&mut log.writer, vec![sample("a", "1").unit()]);
    }
    disk.set(Fault::SyncFails);
    assert!(log.writer.append(at(1), vec![sample("a", "1").unit()]).is_err());
    disk.set(Fault::None);
    let events = audit(&log.reader);
    drop(log);
    disk.set(Fault::Full);
    let mut log = start(&disk, &dir, small());
    let after = audit(&log.reader);
    assert_eq!(after[..20], events);
    let mut failures = 0;
    for _ in 0..10 {
        match log.writer.append(at(1), vec![sample("a", "1").unit()]) {
            Ok(_) => {}
            Err(AppendFailure::StorageFull) => failures += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(failures > 0);
    disk.set(Fault::None);
    append(&mut log.writer, vec![sample("a", "1").unit()]);
}

#[test]
fn a_group_larger_than_a_segment_gets_one_of_its_own() {
    let (disk, dir) = (FaultyDisk::new(), temporary_dir());
    let mut log = start(&disk, &dir, small());
    for count in [1, 50, 1, 80, 80] {
        append(&mut log.writer, (0..count).map(|_| sample("a", "1").unit()).collect());
    }
    let events = audit(&log.reader);
    assert_eq!(events.len(), 212);
    drop(log);
    let mut log = start(&disk, &dir, small());
    assert_eq!(audit(&log.reader), events);
    append(&mut log.writer, (0..90).map(|_| sample("a", "1").unit()).collect());
    assert_eq!(audit(&log.reader).len(), 302);
}

#[test]
fn on_a_full_disk_only_a_redaction_gets_the_reserve() {
    let (disk, dir) = (FaultyDisk::new(), temporary_dir());
    let options = LocalOptions {
        segment_bytes: 1 << 20,
        upkeep: Upkeep::Caller,
        ..LocalOptions::new(LOG_ID)
    };
    let open = || open_local_on(Arc::new(disk.clone()), dir.path(), options.clone()).unwrap();
    let reserve = || std::fs::metadata(dir.path().join("log/reserve")).unwrap().len();
    let is_full = |outcome: Result<_, _>| matches!(outcome, Err(AppendFailure::StorageFull));
    let long = || vec![sample("s", &format!("\"{}\"", "x".repeat(100_000))).unit()];
    let fact = || vec![sample("r", "1").unit()];
    let mut log = open();
    let whole = reserve();
    append(&mut log.writer, long());
    disk.set(Fault::Full);
    while !is_full(log.writer.append(at(1), long())) {}
    while !is_full(log.writer.append(at(1), fact())) {}

    disk.set(Fault::FullUntilRoomIsMade);
    log.writer.append_on_reserve(at(1), fact()).unwrap();
    let left = reserve();
    assert!(left < whole && left > 0, "a part of it is enough");
    let segment = log_files(dir.path()).pop().unwrap();
    assert!(std::fs::metadata(segment).unwrap().len() < 100_000, "and most of that stays free");

    disk.set(Fault::Full);
    assert!(is_full(log.writer.append(at(1), fact())));
    log.writer.append_on_reserve(at(1), fact()).unwrap();
    assert_eq!(reserve(), left, "the small segment has room for the next");
    assert!(is_full(log.writer.append_on_reserve(at(1), long())));
    assert_eq!(reserve(), 0, "all of it was tried");

    disk.set(Fault::None);
    append(&mut log.writer, fact());
    assert_eq!(reserve(), whole, "it is made whole when there is room");
    let events = audit(&log.reader);
    drop(log);
    assert_eq!(audit(&open().reader), events);
}

#[test]
fn the_reserve_is_room_and_not_a_length() {
    let (disk, dir) = (FaultyDisk::new(), temporary_dir());
    let reserve = || std::fs::metadata(dir.path().join("log/reserve")).unwrap().len();
    disk.set(Fault::ReserveOnlyLooksLonger);
    let mut log = start(&disk, &dir, small());
    append(&mut log.writer, vec![sample("a", "1").unit()]);
    assert_eq!(reserve(), 0);
    disk.set(Fault::None);
    log.writer.erase(&[]).unwrap();
    assert!(reserve() > 0);
    assert!(disk.take_log().contains(&"write reserve".to_owned()));
}
