//! What a start makes of the files that another process left behind.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test stops where it goes wrong"
)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use annals_core::event::Event;
use annals_core::id::{LogId, Position};
use annals_store::contract::LogReader;
use annals_store::local::{LocalLog, LocalOptions, OpenError, open_local};
use annals_store::query::{PageLimit, Query};
use common::*;

/// A log of some commits, not closed: a copy of the directory while its writer is at work.
struct Left {
    dir: tempfile::TempDir,
    events: Vec<Event>,
    /// Where each commit starts in the last segment, and where the last one ends.
    commits: Vec<u64>,
}

/// Commits of one, two, three … units of one or two events.
fn left_behind(commit_count: usize, options: &LocalOptions) -> Left {
    let source = temporary_dir();
    let LocalLog { mut writer, reader, .. } = open_local(source.path(), options.clone()).unwrap();
    let mut commits = vec![64];
    for commit in 0..commit_count {
        let units = (0..commit % 3 + 1)
            .map(|number| unit(&vec![sample(&format!("s{number}"), "\"text\""); 1 + number % 2]))
            .map(|mut unit| {
                unit.events =
                    unit.events.iter().map(|_| sample("s", "\"text\"").prepare()).collect();
                unit
            })
            .collect();
        append(&mut writer, units);
        commits.push(end_of(log_files(source.path()).last().unwrap()));
    }
    writer.settle_index();
    let dir = temporary_dir();
    copy_dir(source.path(), dir.path());
    Left { dir, events: audit(&reader), commits }
}

fn copy_dir(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy_dir(&entry.path(), &target);
        } else {
            // The spare file may have just become a segment.
            let copied = fs::copy(entry.path(), target);
            assert!(copied.is_ok() || entry.file_name() == "spare.tmp");
        }
    }
}

/// Behind the last byte that is not zero.
fn end_of(file: &Path) -> u64 {
    let bytes = fs::read(file).unwrap();
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |place| place as u64 + 1)
}

fn one_segment() -> LocalOptions {
    LocalOptions { segment_bytes: 64 << 10, ..LocalOptions::new(LOG_ID) }
}

fn change(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).unwrap();
    change(&mut bytes);
    fs::write(file, bytes).unwrap();
}

fn open(left: &Left) -> Result<LocalLog, OpenError> {
    open_local(left.dir.path(), one_segment())
}

fn last_segment(left: &Left) -> PathBuf {
    log_files(left.dir.path()).pop().unwrap()
}

#[test]
fn a_killed_process_loses_nothing() {
    let left = left_behind(7, &one_segment());
    let log = open(&left).unwrap();
    assert!(!log.report.was_closed);
    assert_eq!(log.report.torn_bytes, 0);
    assert_eq!(audit(&log.reader), left.events);
}

#[test]
fn a_torn_tail_is_cut_wherever_it_ends() {
    let left = left_behind(4, &one_segment());
    let segment = last_segment(&left);
    let whole = fs::read(&segment).unwrap();
    let (start, end) = (left.commits[3] as usize, left.commits[4] as usize);
    let kept = left.events.len() - 1;
    for cut in start..end {
        for is_short in [false, true] {
            let mut torn = whole.clone();
            torn[cut..].fill(0);
            torn.truncate(if is_short { cut } else { whole.len() });
            fs::write(&segment, torn).unwrap();
            let _ = fs::remove_file(left.dir.path().join("log/clean"));
            let mut log = open(&left).unwrap();
            // The last byte of a body is never zero: only the whole frame is a valid one.
            assert_eq!(log.reader.head().position, Position(kept as u64), "cut at {cut}");
            assert_eq!(audit(&log.reader), left.events[..kept]);
            append(&mut log.writer, vec![sample("s", "1").unit()]);
            assert_eq!(audit(&log.reader).len(), kept + 1);
            let has_cut = log.report.torn_bytes > 0;
            assert_eq!(has_cut, cut > start, "cut at {cut}");
        }
    }
}

#[test]
fn cut_bytes_are_kept_aside() {
    let left = left_behind(4, &one_segment());
    let (start, end) = (left.commits[3], left.commits[4] - 1);
    change(&last_segment(&left), |bytes| bytes[end as usize..].fill(0));
    let log = open(&left).unwrap();
    assert_eq!(log.report.torn_bytes, end - start);
    let cut = left.dir.path().join(format!("log/{:020}-{start}.cut", 1));
    assert_eq!(fs::read(cut).unwrap().len() as u64, end - start);
}

#[test]
fn garbage_behind_the_last_commit_is_cut() {
    let left = left_behind(3, &one_segment());
    let end = *left.commits.last().unwrap() as usize;
    for garbage in [&[1_u8][..], &[0, 0, 0, 9], &[255; 5_000], b"\x10\0\0\0\x01\0\0\0"] {
        change(&last_segment(&left), |bytes| {
            bytes[end..].fill(0);
            bytes[end + 3..end + 3 + garbage.len()].copy_from_slice(garbage);
        });
        let _ = fs::remove_file(left.dir.path().join("log/clean"));
        let log = open(&left).unwrap();
        assert_eq!(audit(&log.reader), left.events);
    }
}

#[test]
fn half_a_commit_is_cut_even_if_its_end_reached_the_disk_first() {
    // One write of three units: the disk kept the last unit but not the first.
    let left = left_behind(3, &one_segment());
    let (start, before) = (left.commits[2] as usize, left.events.len() - 4);
    change(&last_segment(&left), |bytes| bytes[start + 40..start + 140].fill(0));
    let log = open(&left).unwrap();
    assert_eq!(audit(&log.reader), left.events[..before]);
    assert!(log.report.torn_bytes > 0);
}

#[test]
fn damage_before_the_last_commit_stops_the_start() {
    let left = left_behind(3, &one_segment());
    let segment = last_segment(&left);
    let whole = fs::read(&segment).unwrap();
    for place in left.commits[0]..left.commits[2] {
        for bit in [0, 7] {
            change(&segment, |bytes| bytes[place as usize] ^= 1 << bit);
            match open(&left) {
                Err(OpenError::Damaged { file, offset, .. }) => {
                    assert_eq!(file, segment);
                    assert!(left.commits[..2].iter().any(|start| offset >= *start), "{offset}");
                }
                other => panic!("byte {place}: {other:?}"),
            }
            fs::write(&segment, &whole).unwrap();
        }
    }
    let message = {
        change(&segment, |bytes| bytes[100] ^= 1);
        open(&left).unwrap_err().to_string()
    };
    assert!(message.contains("00000000000000000001.seg"), "{message}");
    assert!(message.contains("at byte 64") && message.contains("Restore"), "{message}");
}

#[test]
fn damage_in_a_closed_log_stops_the_start_even_at_its_end() {
    let left = left_behind(3, &one_segment());
    open(&left).unwrap().writer.close().unwrap();
    let segment = last_segment(&left);
    let last = end_of(&segment) as usize - 1;
    change(&segment, |bytes| bytes[last] ^= 1);
    let error = open(&left).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}

#[test]
fn the_advice_for_a_damaged_log_works() {
    let left = sealed();
    let damaged = log_files(left.dir.path())[2].clone();
    change(&damaged, |bytes| bytes[64 + 30] ^= 1);
    fs::remove_dir_all(left.dir.path().join("derived")).unwrap();
    let error = open_local(left.dir.path(), small_options()).unwrap_err();
    let OpenError::Damaged { file, offset, .. } = error else { panic!("{error}") };
    assert_eq!((&file, offset), (&damaged, 64));
    for later in log_files(left.dir.path()).into_iter().filter(|other| *other > file) {
        fs::remove_file(later).unwrap();
    }
    fs::remove_file(left.dir.path().join("log/clean")).unwrap();
    change(&file, |bytes| bytes.truncate(offset as usize));
    let mut log = open_local(left.dir.path(), small_options()).unwrap();
    let kept = log.reader.head().position.get() as usize;
    assert!(kept > 0);
    assert_eq!(audit(&log.reader), left.events[..kept]);
    append(&mut log.writer, vec![sample("s", "1").unit()]);
}

#[test]
fn a_clean_end_is_believed_once() {
    let left = left_behind(3, &one_segment());
    open(&left).unwrap().writer.close().unwrap();
    let log = open(&left).unwrap();
    assert!(log.report.was_closed);
    assert!(!left.dir.path().join("log/clean").exists());
}

#[test]
fn a_segment_head_is_checked() {
    let left = left_behind(2, &one_segment());
    let segment = last_segment(&left);
    let whole = fs::read(&segment).unwrap();
    for place in 0..64 {
        change(&segment, |bytes| bytes[place] ^= 0x40);
        let error = open(&left).unwrap_err();
        let is_named = matches!(error, OpenError::Damaged { .. } | OpenError::NewerFormat { .. });
        assert!(is_named, "byte {place}: {error}");
        fs::write(&segment, &whole).unwrap();
    }
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let left = left_behind(2, &one_segment());
    change(&last_segment(&left), |bytes| bytes[8] = 2);
    let error = open(&left).unwrap_err();
    assert!(matches!(&error, OpenError::NewerFormat { format: 2, .. }), "{error}");
    assert!(error.to_string().contains("newer"));
}

#[test]
fn another_logs_segment_is_refused() {
    let left = left_behind(2, &one_segment());
    let other = temporary_dir();
    let options = LocalOptions::new(LogId::from_bytes([9; 16]));
    open_local(other.path(), options).unwrap().writer.close().unwrap();
    fs::copy(other.path().join("trust/log_id"), left.dir.path().join("trust/log_id")).unwrap();
    let error = open(&left).unwrap_err();
    assert!(matches!(error, OpenError::ForeignSegment { log_id: LOG_ID, .. }), "{error}");
}

#[test]
fn a_log_without_its_identity_is_refused() {
    let left = left_behind(2, &one_segment());
    fs::remove_file(left.dir.path().join("trust/log_id")).unwrap();
    assert!(matches!(open(&left), Err(OpenError::LogIdMissing { .. })));
}

#[test]
fn a_missing_segment_is_refused() {
    for is_index_there in [true, false] {
        for missing in [0, 2] {
            let left = left_behind(30, &small_options());
            if !is_index_there {
                fs::remove_dir_all(left.dir.path().join("derived")).unwrap();
            }
            let files = log_files(left.dir.path());
            assert!(files.len() > 4, "{files:?}");
            fs::remove_file(&files[missing]).unwrap();
            let error = open_local(left.dir.path(), small_options()).unwrap_err();
            let is_named = match &error {
                OpenError::SegmentMissing { .. } => true,
                OpenError::Damaged { what, .. } => what.contains("before the next one begins"),
                _ => false,
            };
            assert!(is_named, "{error}");
        }
    }
}

#[test]
fn a_second_process_is_refused_and_told_who_holds_the_log() {
    let engine = LocalEngine::start();
    let error = open_local(engine.dir.path(), engine.options.clone()).unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }));
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
}

#[test]
fn left_over_files_are_removed() {
    let left = left_behind(2, &one_segment());
    for name in ["log/spare.tmp", "log/00000000000000000009.seg.tmp", "derived/index/x.tmp"] {
        fs::write(left.dir.path().join(name), b"left over").unwrap();
    }
    let log = open(&left).unwrap();
    assert_eq!(audit(&log.reader), left.events);
    drop(log);
    assert!(!left.dir.path().join("derived/index/x.tmp").exists());
}

/// What a process leaves behind that is killed between making a segment and writing to it.
fn add_empty_segment(left: &Left, next: u64) {
    let first = &log_files(left.dir.path())[0];
    let mut head = fs::read(first).unwrap()[..64].to_vec();
    head[28..36].copy_from_slice(&next.to_le_bytes());
    let crc = crc32c::crc32c(&head[..60]);
    head[60..].copy_from_slice(&crc.to_le_bytes());
    fs::write(first.with_file_name(format!("{next:020}.seg")), head).unwrap();
}

#[test]
fn an_empty_last_segment_goes_on_where_the_one_before_ended() {
    let left = left_behind(2, &one_segment());
    let next = left.events.len() as u64 + 1;
    add_empty_segment(&left, next);
    let mut log = open(&left).unwrap();
    assert_eq!(log.reader.head().position.get(), next - 1);
    append(&mut log.writer, vec![sample("s", "1").unit()]);
    assert_eq!(audit(&log.reader).len() as u64, next);
}

/// A log of several sealed segments and its answers.
fn sealed() -> Left {
    let left = left_behind(40, &small_options());
    let log = open_local(left.dir.path(), small_options()).unwrap();
    log.writer.settle_index();
    log.writer.close().unwrap();
    left
}

fn index_files(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root.join("derived/index")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn sealed_segments_are_indexed_and_merged_in_tiers() {
    let left = sealed();
    let (segments, indexes) = (log_files(left.dir.path()), index_files(left.dir.path()));
    assert!(segments.len() > 8, "{}", segments.len());
    // With a fan-in of two, the tiers are the binary digits of the number of sealed segments.
    assert_eq!(indexes.len() as u32, (segments.len() as u32 - 1).count_ones(), "{indexes:?}");
}

#[test]
fn a_deleted_index_is_built_again() {
    let left = sealed();
    fs::remove_dir_all(left.dir.path().join("derived")).unwrap();
    let log = open_local(left.dir.path(), small_options()).unwrap();
    assert_eq!(audit(&log.reader), left.events);
    log.writer.settle_index();
    assert_eq!(audit(&log.reader), left.events);
    drop(log);
    assert!(!index_files(left.dir.path()).is_empty());
}

#[test]
fn an_index_of_another_history_is_not_used() {
    let (left, other) = (sealed(), sealed());
    fs::remove_dir_all(left.dir.path().join("derived")).unwrap();
    fs::create_dir_all(left.dir.path().join("derived/index")).unwrap();
    for file in index_files(other.dir.path()) {
        fs::copy(&file, left.dir.path().join("derived/index").join(file.file_name().unwrap()))
            .unwrap();
    }
    let log = open_local(left.dir.path(), small_options()).unwrap();
    check_answers(&log.reader, &left.events);
}

/// Every way to an event leads to exactly that event.
fn check_answers(reader: &dyn LogReader, events: &[Event]) {
    assert_eq!(reader.head().position.get(), events.len() as u64);
    for event in events {
        let header = event.header();
        let found = reader.by_event_id(&workspace(header.workspace_id), &header.event_id).unwrap();
        assert_eq!(found.as_ref(), Some(event));
    }
    let name = stream("run", "s");
    let page = reader.stream_page(
        &workspace("w1"),
        &name,
        annals_core::id::Seq(1),
        PageLimit::events(10_000),
    );
    assert_eq!(page.unwrap(), events);
    let query = Query { workspace_id: Some(workspace("w1")), ..Query::default() };
    assert_eq!(reader.scan(&query, PageLimit::events(10_000)).unwrap().events, events);
}

/// The last event's place is then looked up in the index, and a damaged page of it stopped the start.
#[test]
fn a_damaged_index_before_an_empty_last_segment_does_not_stop_a_start() {
    let left = sealed();
    let next = left.events.len() as u64 + 1;
    add_empty_segment(&left, next);
    // The index of what was the last segment until now.
    let log = open_local(left.dir.path(), small_options()).unwrap();
    log.writer.settle_index();
    log.writer.close().unwrap();
    let whole: Vec<(PathBuf, Vec<u8>)> = index_files(left.dir.path())
        .into_iter()
        .map(|file| (file.clone(), fs::read(file).unwrap()))
        .collect();
    let (last, bytes) = whole.last().unwrap();
    for page in 0..bytes.len() / 4096 {
        index_files(left.dir.path()).iter().for_each(|file| fs::remove_file(file).unwrap());
        whole.iter().for_each(|(file, bytes)| fs::write(file, bytes).unwrap());
        change(last, |bytes| bytes[page * 4096 + 30] ^= 4);
        let log = open_local(left.dir.path(), small_options()).unwrap();
        assert_eq!(log.reader.head().position.get(), next - 1);
        check_answers(&log.reader, &left.events);
        log.writer.close().unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_damaged_index_page_is_built_again_while_reading() {
    let left = sealed();
    for file in index_files(left.dir.path()) {
        let whole = fs::read(&file).unwrap();
        for page in 0..whole.len() / 4096 {
            if !file.exists() {
                // It was built again as files of smaller names.
                break;
            }
            let log = open_local(left.dir.path(), small_options()).unwrap();
            let mut bytes = fs::read(&file).unwrap();
            bytes[page * 4096 + 30] ^= 4;
            // In place, so that the open file sees it.
            use std::os::unix::fs::FileExt;
            fs::OpenOptions::new()
                .write(true)
                .open(&file)
                .unwrap()
                .write_all_at(&bytes, 0)
                .unwrap();
            check_answers(&log.reader, &left.events);
        }
    }
}

/// One question repaired one file, and failed at the next.
#[test]
fn any_number_of_damaged_index_files_is_built_again_for_one_question() {
    let left = sealed();
    let files = index_files(left.dir.path());
    assert!(files.len() > 1, "{files:?}");
    // The page in which an index file has the places of its records, at its end but for two.
    for file in &files {
        change(file, |bytes| {
            let page = bytes.len() / 4096 - 3;
            bytes[page * 4096] ^= 1;
        });
    }
    let log = open_local(left.dir.path(), small_options()).unwrap();
    let page = log.reader.scan(&Query::default(), PageLimit::events(10_000)).unwrap();
    assert_eq!(page.events, left.events);
    check_answers(&log.reader, &left.events);
    log.writer.close().unwrap();
}

#[test]
fn a_flipped_bit_is_never_returned_as_data() {
    let left = sealed();
    let files = log_files(left.dir.path());
    let target = &files[1];
    let whole = fs::read(target).unwrap();
    for place in (0..end_of(target) as usize).step_by(3) {
        change(target, |bytes| bytes[place] ^= 0x10);
        if let Ok(log) = open_local(left.dir.path(), small_options()) {
            for event in &left.events {
                match log.reader.event_at(event.position()) {
                    Ok(found) => assert_eq!(found.as_ref(), Some(event), "byte {place}"),
                    Err(failure) => assert!(failure.to_string().contains(".seg"), "{failure}"),
                }
            }
            if let Ok(page) = log.reader.scan(&Query::default(), PageLimit::events(10_000)) {
                assert_eq!(page.events, left.events);
            }
            log.writer.close().unwrap();
        }
        fs::write(target, &whole).unwrap();
    }
}
