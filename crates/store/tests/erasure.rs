//! Erasure in files: nothing of a body is left, whatever happens while it goes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test stops where it goes wrong"
)]

mod common;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use annals_core::event::Event;
use annals_core::id::Position;
use annals_store::contract::{AppendFailure, EraseFailure, Erased, LogReader, LogWriter};
use annals_store::local::{
    Durability, LocalLog, LocalOptions, OpenError, Upkeep, open_local, open_local_on,
};
use common::erasing::is_erasure_of;
use common::faulty::{Fault, FaultyDisk};
use common::power::{Lie, PowerDisk, Weather};
use common::*;

const SECRET: &str = "correct horse battery staple";

fn secret(stream_id: &str) -> Sample {
    sample(stream_id, &format!("{{\"password\":\"{SECRET}\"}}"))
}

fn positions(numbers: &[u64]) -> Vec<Position> {
    numbers.iter().copied().map(Position).collect()
}

/// The files below a directory that hold these bytes.
fn files_with(root: &Path, needle: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, needle));
        } else {
            let bytes = fs::read(&path).unwrap();
            if bytes.windows(needle.len()).any(|window| window == needle.as_bytes()) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_dir(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target)),
        }
    }
}

fn by_caller() -> LocalOptions {
    LocalOptions { upkeep: Upkeep::Caller, ..small_options() }
}

#[test]
fn no_file_has_a_byte_of_an_erased_body() {
    let one_segment = LocalOptions { segment_bytes: 1 << 20, ..LocalOptions::new(LOG_ID) };
    for options in [one_segment, small_options()] {
        let dir = temporary_dir();
        let mut log = open_local(dir.path(), options.clone()).unwrap();
        for number in 0..20 {
            let first = if number % 3 == 0 { secret("s") } else { sample("s", "1") };
            append(&mut log.writer, vec![unit(&[first, sample("t", "2")])]);
        }
        append(&mut log.writer, vec![secret("u").unit()]);
        log.writer.settle_index();
        let cut = dir.path().join("log/00000000000000000001-64.cut");
        fs::write(&cut, SECRET).unwrap();
        let before = audit(&log.reader);
        let targets: Vec<Position> = before
            .iter()
            .filter(|event| event.body().contains(SECRET))
            .map(Event::position)
            .collect();
        assert_eq!(targets.len(), 8);
        assert!(files_with(dir.path(), SECRET).len() > 1);
        let erased = log.writer.erase(&targets).unwrap();
        assert_eq!(erased.cut_files_removed, 1);
        assert_eq!(erased.segments > 1, options.segment_bytes < 1 << 20);
        assert_eq!(files_with(dir.path(), SECRET), Vec::<String>::new());
        assert!(!dir.path().join("log/erasing").exists());
        drop(log);
        let log = open_local(dir.path(), options).unwrap();
        assert_eq!(log.report.records_erased, 0);
        assert_eq!(files_with(dir.path(), SECRET), Vec::<String>::new());
        for (after, before) in audit(&log.reader).iter().zip(&before) {
            match targets.contains(&after.position()) {
                true => assert!(is_erasure_of(after, before)),
                false => assert_eq!(after, before),
            }
        }
    }
}

/// A log with secrets in a sealed segment, in the active one, and in the last commit.
fn fill(log: &mut LocalLog) -> Vec<Position> {
    for number in 0..12 {
        let first = if number % 5 == 0 { secret("s") } else { sample("s", "1") };
        append(&mut log.writer, vec![first.unit()]);
    }
    append(&mut log.writer, vec![unit(&[sample("s", "1"), secret("t")])]);
    positions(&[1, 6, 11, 14])
}

#[test]
fn a_crash_at_any_step_leaves_whole_or_erased_and_the_next_start_finishes() {
    let mut finished_later = 0;
    for seed in 0..6 {
        for step in 1_u64.. {
            let disk = PowerDisk::new(seed * 1_000 + step, Lie::None);
            let open = || {
                let disk = Arc::new(disk.clone());
                open_local_on(disk, Path::new("/data"), by_caller()).unwrap()
            };
            let mut log = open();
            let targets = fill(&mut log);
            let before = audit(&log.reader);
            disk.set_weather(Weather { changes_left: step, ..Weather::FAIR });
            let outcome = log.writer.erase(&targets);
            drop(log);
            match seed % 2 == 0 {
                true => disk.kill(),
                false => disk.lose_power(),
            }
            let log = open();
            let was_begun = log.report.records_erased > 0;
            finished_later += u32::from(was_begun);
            check(&before, &audit(&log.reader), &targets, was_begun || outcome.is_ok());
            drop(log);
            let mut log = open();
            log.writer.erase(&targets).unwrap();
            check(&before, &audit(&log.reader), &targets, true);
            let found = disk.find_words(&[SECRET.to_owned()]);
            assert_eq!(found, None, "seed {seed}, step {step}");
            drop(log);
            check(&before, &audit(&open().reader), &targets, true);
            if outcome.is_ok() {
                break;
            }
        }
    }
    assert!(finished_later > 10, "{finished_later} crashes came between the steps");
}

/// Every event is as it was, or erased if it may be; all targets are erased if they must be.
fn check(before: &[Event], after: &[Event], targets: &[Position], must_be_erased: bool) {
    assert_eq!(before.len(), after.len(), "no event may go");
    for (before, after) in before.iter().zip(after) {
        let is_erased = is_erasure_of(after, before);
        if targets.contains(&before.position()) {
            assert!(is_erased || (before == after && !must_be_erased), "{}", after.position());
        } else {
            assert_eq!(before, after);
        }
    }
}

#[test]
fn a_power_loss_while_an_erasure_is_finished_is_finished_by_a_later_start() {
    let mut restart_count = 0;
    for seed in 0..400 {
        let disk = PowerDisk::new(seed, Lie::None);
        let open = || open_local_on(Arc::new(disk.clone()), Path::new("/data"), by_caller());
        let mut log = open().unwrap();
        let targets = fill(&mut log);
        let before = audit(&log.reader);
        disk.set_weather(Weather { changes_left: 1 + seed % 20, ..Weather::FAIR });
        let outcome = log.writer.erase(&targets);
        drop(log);
        disk.kill();
        disk.set_weather(Weather { changes_left: 1 + seed / 20, ..Weather::FAIR });
        drop(open());
        disk.lose_power();
        let log = open().unwrap();
        restart_count += u64::from(log.report.records_erased > 0);
        check(&before, &audit(&log.reader), &targets, outcome.is_ok());
        let erased = audit(&log.reader).iter().filter(|event| event.is_erased()).count();
        assert!(erased == 0 || erased == targets.len(), "{erased} of the erasure was done");
    }
    assert!(restart_count > 5, "{restart_count}");
}

#[test]
fn what_is_to_be_erased_is_noted_durably_before_a_byte_changes() {
    let (disk, dir) = (FaultyDisk::new(), temporary_dir());
    let mut log = open_local_on(Arc::new(disk.clone()), dir.path(), by_caller()).unwrap();
    let targets = fill(&mut log);
    append(&mut log.writer, vec![sample("s", "1").unit()]);
    fs::write(dir.path().join("log/00000000000000000001-64.cut"), SECRET).unwrap();
    disk.take_log();
    log.writer.erase(&targets[..1]).unwrap();
    let steps = [
        "create erasing.tmp",
        "write erasing.tmp",
        "sync erasing.tmp",
        "rename to erasing",
        "sync_dir log",
        "write 00000000000000000001.seg",
        "sync 00000000000000000001.seg",
        "remove 00000000000000000001-64.cut",
        "sync_dir log",
        "remove erasing",
        "sync_dir log",
    ];
    assert_eq!(disk.take_log(), steps);
}

#[test]
fn a_failed_sync_stops_the_log_and_the_next_start_finishes() {
    let (disk, dir) = (FaultyDisk::new(), temporary_dir());
    let open = || open_local_on(Arc::new(disk.clone()), dir.path(), by_caller()).unwrap();
    let mut log = open();
    let targets = fill(&mut log);
    append(&mut log.writer, vec![sample("s", "1").unit()]);
    let before = audit(&log.reader);
    disk.set(Fault::NextSyncFails);
    let failed = log.writer.erase(&targets);
    assert!(matches!(failed, Err(EraseFailure::Failed { .. })), "{failed:?}");
    let later = log.writer.append(at(1), vec![sample("a", "3").unit()]);
    assert!(matches!(later, Err(AppendFailure::Failed { .. })), "{later:?}");
    let later = log.writer.erase(&targets);
    assert!(matches!(later, Err(EraseFailure::Failed { .. })), "{later:?}");
    audit(&log.reader);
    drop(log);
    let log = open();
    assert_eq!(log.report.records_erased, targets.len() as u64);
    check(&before, &audit(&log.reader), &targets, true);
    assert_eq!(files_with(dir.path(), SECRET), Vec::<String>::new());
}

#[test]
fn on_a_full_disk_an_erasure_uses_up_the_reserve() {
    let (disk, dir) = (FaultyDisk::new(), temporary_dir());
    let options = LocalOptions::new(LOG_ID);
    let mut log = open_local_on(Arc::new(disk.clone()), dir.path(), options).unwrap();
    append(&mut log.writer, vec![secret("s").unit()]);
    append(&mut log.writer, vec![sample("s", "1").unit()]);
    disk.set(Fault::Full);
    let refused = log.writer.erase(&[Position(1)]);
    assert!(matches!(refused, Err(EraseFailure::StorageFull)), "{refused:?}");
    assert!(!audit(&log.reader)[0].is_erased());
    disk.set(Fault::None);
    log.writer.erase(&[]).unwrap();
    let reserve = dir.path().join("log/reserve");
    assert!(reserve.exists(), "the reserve is made again when there is room");
    disk.set(Fault::FullUntilRoomIsMade);
    log.writer.erase(&[Position(1)]).unwrap();
    assert!(disk.take_log().contains(&"cut reserve".to_owned()));
    assert!(audit(&log.reader)[0].is_erased());
    append(&mut log.writer, vec![sample("s", "2").unit()]);
}

/// A log on a file system that copies on write, with a secret at position 1.
fn on_copies_on_write() -> (FaultyDisk, tempfile::TempDir, LocalLog) {
    let (disk, dir) = (FaultyDisk::new(), temporary_dir());
    let options = LocalOptions { upkeep: Upkeep::Caller, ..LocalOptions::new(LOG_ID) };
    let mut log = open_local_on(Arc::new(disk.clone()), dir.path(), options).unwrap();
    append(&mut log.writer, vec![secret("s").unit()]);
    append(&mut log.writer, vec![secret("s").unit()]);
    append(&mut log.writer, vec![sample("s", "1").unit()]);
    (disk, dir, log)
}

#[test]
fn where_overwriting_needs_room_the_reserve_is_it() {
    let (disk, dir, mut log) = on_copies_on_write();
    disk.set(Fault::FullForOverwritingUntilRoomIsMade);
    log.writer.erase(&[Position(1), Position(2)]).unwrap();
    assert!(disk.take_log().contains(&"cut reserve".to_owned()));
    assert_eq!(files_with(dir.path(), SECRET), Vec::<String>::new());
    append(&mut log.writer, vec![sample("s", "2").unit()]);
}

#[test]
fn an_erasure_without_room_to_overwrite_goes_on_with_the_next_one() {
    let (disk, dir, mut log) = on_copies_on_write();
    disk.set(Fault::FullForOverwriting);
    for position in [1, 2] {
        let refused = log.writer.erase(&[Position(position)]);
        assert!(matches!(refused, Err(EraseFailure::StorageFull)), "{refused:?}");
    }
    assert!(audit(&log.reader).iter().all(|event| !event.is_erased()));
    drop(log);
    // Nor is it a reason not to start.
    let options = LocalOptions { upkeep: Upkeep::Caller, ..LocalOptions::new(LOG_ID) };
    let mut log = open_local_on(Arc::new(disk.clone()), dir.path(), options).unwrap();
    assert_eq!(log.report.records_erased, 0);
    assert!(dir.path().join("log/erasing").exists());
    disk.set(Fault::None);
    log.writer.erase(&[]).unwrap();
    let erased: Vec<bool> = audit(&log.reader).iter().map(Event::is_erased).collect();
    assert_eq!(erased, [true, true, false]);
    assert_eq!(files_with(dir.path(), SECRET), Vec::<String>::new());
    assert!(!dir.path().join("log/erasing").exists());
    append(&mut log.writer, vec![sample("s", "2").unit()]);
}

#[test]
fn a_half_erased_body_stops_the_log_until_the_next_start() {
    let (disk, dir, mut log) = on_copies_on_write();
    disk.set(Fault::FullInTheMiddleOfOverwriting);
    let failed = log.writer.erase(&[Position(1)]);
    assert!(matches!(failed, Err(EraseFailure::Failed { .. })), "{failed:?}");
    drop(log);
    disk.set(Fault::None);
    let log = open_local(dir.path(), LocalOptions::new(LOG_ID)).unwrap();
    assert_eq!(log.report.records_erased, 1);
    assert!(audit(&log.reader)[0].is_erased());
}

#[test]
fn without_syncs_a_body_goes_only_after_what_follows_it_is_durable() {
    let disk = PowerDisk::new(7, Lie::None);
    let options = LocalOptions { durability: Durability::Os, ..by_caller() };
    let open =
        || open_local_on(Arc::new(disk.clone()), Path::new("/data"), options.clone()).unwrap();
    let mut log = open();
    let targets = fill(&mut log);
    let before = audit(&log.reader);
    log.writer.erase(&targets).unwrap();
    drop(log);
    disk.lose_power();
    check(&before, &audit(&open().reader), &targets, true);
}

#[test]
fn readers_see_a_whole_or_an_erased_event_at_every_moment() {
    let dir = temporary_dir();
    let mut log = open_local(dir.path(), small_options()).unwrap();
    let long = format!("\"{SECRET} {}\"", "x".repeat(9_000));
    for _ in 0..60 {
        append(&mut log.writer, vec![unit(&[sample("s", &long), sample("t", "1")])]);
    }
    let is_over = AtomicBool::new(false);
    let reader = log.reader.clone();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let was_over = is_over.load(Ordering::Acquire);
                    let events = audit(&reader);
                    assert!(!was_over || events.iter().step_by(2).all(Event::is_erased));
                    let source = reader.backup().unwrap();
                    source.segments().unwrap();
                    if was_over {
                        return;
                    }
                }
            });
        }
        for position in (1..=120).step_by(2) {
            log.writer.erase(&[Position(position)]).unwrap();
            let event = reader.event_at(Position(position)).unwrap().unwrap();
            assert!(event.is_erased());
        }
        is_over.store(true, Ordering::Release);
    });
}

#[test]
fn a_reader_in_the_middle_of_an_erasure_sees_it_done() {
    let (disk, dir) = (FaultyDisk::new(), temporary_dir());
    let options = LocalOptions { segment_bytes: 1 << 20, ..LocalOptions::new(LOG_ID) };
    let mut log = open_local_on(Arc::new(disk.clone()), dir.path(), options).unwrap();
    append(&mut log.writer, vec![secret("s").unit()]);
    append(&mut log.writer, vec![sample("s", "1").unit()]);
    let reader = log.reader.clone();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // It reads on after a fault, because the writer waits for it.
        let faults = scope.spawn(|| {
            let mut fault_count = 0;
            while !is_over.load(Ordering::Acquire) {
                let event = reader.event_at(Position(1)).ok().flatten();
                let is_right = |event: Event| event.is_erased() || event.record().body_matches();
                fault_count += u64::from(!event.is_some_and(is_right));
            }
            fault_count
        });
        disk.set(Fault::ReadInTheMiddleOfAWrite);
        let erased = log.writer.erase(&[Position(1)]);
        disk.set(Fault::None);
        is_over.store(true, Ordering::Release);
        erased.unwrap();
        assert_eq!(faults.join().unwrap(), 0);
    });
    assert!(audit(&log.reader)[0].is_erased());
}

#[test]
fn an_index_is_built_again_over_erased_bodies() {
    let dir = temporary_dir();
    let mut log = open_local(dir.path(), small_options()).unwrap();
    let targets = fill(&mut log);
    log.writer.erase(&targets).unwrap();
    log.writer.settle_index();
    let events = audit(&log.reader);
    drop(log);
    fs::remove_dir_all(dir.path().join("derived")).unwrap();
    let log = open_local(dir.path(), small_options()).unwrap();
    log.writer.settle_index();
    assert_eq!(audit(&log.reader), events);
}

/// A copy of a log at work: two commits, each with a secret in its last record.
fn left_behind() -> tempfile::TempDir {
    let source = temporary_dir();
    let mut log = open_local(source.path(), LocalOptions::new(LOG_ID)).unwrap();
    for _ in 0..2 {
        append(&mut log.writer, vec![unit(&[sample("s", "1"), secret("s")])]);
    }
    let dir = temporary_dir();
    copy_dir(source.path(), dir.path());
    dir
}

fn zero_bodies(dir: &Path, events: &[Event]) {
    let segment = log_files(dir).pop().unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    for event in events {
        let record = event.record();
        let (salt, body) = (&record.salt[..], &record.body[..]);
        let needle = [salt, body].concat();
        let places = bytes.windows(needle.len()).position(|window| window == needle);
        bytes[places.unwrap()..][..needle.len()].fill(0);
    }
    fs::write(&segment, bytes).unwrap();
}

#[test]
fn a_missing_body_is_torn_in_the_last_commit_and_erased_before_it() {
    let dir = left_behind();
    let events = audit(&open_local(dir.path(), LocalOptions::new(LOG_ID)).unwrap().reader);
    for (missing, kept) in [(3, 2), (1, 4), (2, 2), (0, 4)] {
        let dir = left_behind();
        let all = {
            let copy = temporary_dir();
            copy_dir(dir.path(), copy.path());
            audit(&open_local(copy.path(), LocalOptions::new(LOG_ID)).unwrap().reader)
        };
        zero_bodies(dir.path(), &all[missing..=missing]);
        let log = open_local(dir.path(), LocalOptions::new(LOG_ID)).unwrap();
        let after = audit(&log.reader);
        assert_eq!(after.len(), kept, "the body of {missing} is missing");
        assert_eq!(log.report.torn_bytes > 0, kept < events.len());
        let erased = after.iter().filter(|event| event.is_erased()).count();
        assert_eq!(erased, usize::from(kept == events.len()));
    }
}

#[test]
fn half_a_body_is_damage_until_it_is_erased() {
    let dir = temporary_dir();
    let mut log = open_local(dir.path(), LocalOptions::new(LOG_ID)).unwrap();
    append(&mut log.writer, vec![secret("s").unit()]);
    append(&mut log.writer, vec![sample("s", "1").unit()]);
    let segment = log_files(dir.path()).pop().unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    let place = bytes.windows(5).position(|window| window == b"horse").unwrap();
    bytes[place..place + 5].fill(0);
    fs::write(&segment, &bytes).unwrap();
    assert!(log.reader.event_at(Position(1)).is_err());
    log.writer.erase(&[Position(1)]).unwrap();
    assert!(audit(&log.reader)[0].is_erased());
}

#[test]
fn an_erasure_that_names_another_record_stops_the_start() {
    let dir = temporary_dir();
    let mut log = open_local(dir.path(), by_caller()).unwrap();
    fill(&mut log);
    drop(log);
    let mut bytes = b"ANNALSER\x01\0\0\0\x01\0\0\0".to_vec();
    for number in [1_u64, 64 + 16, 2] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    fs::write(dir.path().join("log/erasing"), &bytes).unwrap();
    let refused = open_local(dir.path(), by_caller());
    let Err(OpenError::Damaged { what, .. }) = refused else { panic!("{refused:?}") };
    assert!(what.contains("whose erasure was begun"), "{what}");
    bytes[20] ^= 1;
    fs::write(dir.path().join("log/erasing"), &bytes).unwrap();
    assert!(open_local(dir.path(), by_caller()).is_err());
    fs::remove_file(dir.path().join("log/erasing")).unwrap();
    let mut log = open_local(dir.path(), by_caller()).unwrap();
    assert_eq!(log.writer.erase(&[]).unwrap(), Erased::default());
    assert!(audit(&log.reader).iter().all(|event| !event.is_erased()));
}
