//! Backups: what a running log hands out, the log that is restored from it, and bodies that are
//! erased in it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test stops where it goes wrong"
)]

mod common;

use std::fs;
use std::path::Path;

use annals_core::envelope::Authority;
use annals_core::event::Event;
use annals_core::id::{LogId, Position};
use annals_core::record::Header;
use annals_store::contract::{Ancestor, LogReader, LogWriter};
use annals_store::local::backup::{
    BackupFailure, BackupTarget, LogIdentity, SegmentInfo, begin_restore, erase_in_backup,
    read_identity, restore_directory, segment_file_name, write_identity,
};
use annals_store::local::{LocalLog, LocalOptions, OpenError, open_local};
use common::erasing::is_erasure_of;
use common::*;

const SECRET: &str = "correct horse battery staple";
const CHILD: LogId = LogId::from_bytes(*b"a restored log!!");
const GRANDCHILD: LogId = LogId::from_bytes(*b"restored again!!");

fn secret() -> Sample {
    sample("s", &format!("\"{SECRET}\""))
}

fn options(log_id: LogId) -> LocalOptions {
    LocalOptions { new_log_id: log_id, ..small_options() }
}

/// A log of some segments, the last of them with a few events.
fn filled() -> (tempfile::TempDir, LocalLog) {
    let dir = temporary_dir();
    let mut log = open_local(dir.path(), small_options()).unwrap();
    for number in 0..30 {
        let first = if number % 9 == 0 { secret().id(500 + number) } else { sample("t", "1") };
        append(&mut log.writer, vec![unit(&[first.key(&format!("k{number}"))])]);
    }
    (dir, log)
}

/// What a program does that keeps a backup of a running log, in pieces of an odd size.
fn back_up(reader: &dyn LogReader, dir: &Path) -> Vec<SegmentInfo> {
    let source = reader.backup().unwrap();
    let identity = LogIdentity { log_id: reader.log_id(), lineage: reader.lineage() };
    write_identity(dir, identity.log_id, &identity.lineage).unwrap();
    assert_eq!(read_identity(dir).unwrap(), identity);
    let segments = source.segments().unwrap();
    for segment in &segments {
        let mut bytes = Vec::new();
        loop {
            let piece = source.read_segment(segment.first_position, bytes.len() as u64, 1_000);
            let piece = piece.unwrap();
            if piece.is_empty() {
                break;
            }
            bytes.extend_from_slice(&piece);
        }
        assert_eq!(bytes.len() as u64, segment.byte_count);
        fs::write(dir.join("log").join(segment_file_name(segment.first_position)), bytes).unwrap();
    }
    segments
}

fn restore(backup: &Path, log_id: LogId) -> (tempfile::TempDir, LocalLog) {
    let dir = temporary_dir();
    restore_directory(backup, dir.path(), log_id).unwrap();
    let log = open_local(dir.path(), options(log_id)).unwrap();
    (dir, log)
}

#[test]
fn a_backup_shows_the_durable_bytes_of_every_segment() {
    let (_dir, log) = filled();
    let source = log.reader.backup().unwrap();
    let segments = source.segments().unwrap();
    assert!(segments.len() > 3);
    assert_eq!(segments[0].first_position, Position(1));
    assert_eq!(segments.last().unwrap().last_position, Position(30));
    for pair in segments.windows(2) {
        assert_eq!(pair[0].last_position.next(), pair[1].first_position);
        assert!(pair[0].is_sealed);
    }
    assert!(!segments.last().unwrap().is_sealed);
    let first = segments[0];
    let at = |offset, len| source.read_segment(first.first_position, offset, len).unwrap();
    assert_eq!(at(0, 8), &b"ANNALSEG"[..]);
    assert_eq!(at(first.byte_count - 3, 100).len(), 3);
    assert_eq!(at(first.byte_count, 100).len(), 0);
    assert_eq!(at(u64::MAX, 100).len(), 0);
    assert_eq!(source.read_segment(Position(2), 0, 100).unwrap().len(), 0);
    for segment in &segments {
        let end = source.segment_end(segment.first_position).unwrap();
        assert_eq!(end, Some(segment.byte_count));
    }
    assert_eq!(source.segment_end(Position(2)).unwrap(), None);
}

#[test]
fn erased_bodies_are_counted_on_while_a_segment_grows() {
    let dir = temporary_dir();
    let mut log = open_local(dir.path(), small_options()).unwrap();
    let mut erased = std::collections::BTreeSet::new();
    for number in 1..=60_u64 {
        append(&mut log.writer, vec![sample("t", "1").unit()]);
        // An old one and a new one, at times between two listings and at times together.
        let targets = match number % 7 {
            2 => vec![number],
            4 => vec![number / 2],
            6 => vec![number, number - 3],
            _ => Vec::new(),
        };
        let positions: Vec<Position> = targets.iter().copied().map(Position).collect();
        log.writer.erase(&positions).unwrap();
        erased.extend(targets);
        if number % 3 == 0 {
            continue;
        }
        for segment in log.reader.backup().unwrap().segments().unwrap() {
            let span = segment.first_position.get()..=segment.last_position.get();
            assert_eq!(segment.erased_count, erased.range(span).count() as u64, "{segment:?}");
        }
    }
}

#[test]
fn a_segment_says_that_a_copy_of_it_is_out_of_date() {
    let (_dir, mut log) = filled();
    let before = log.reader.backup().unwrap().segments().unwrap();
    log.writer.erase(&[Position(1), Position(10)]).unwrap();
    append(&mut log.writer, vec![sample("t", "1").unit()]);
    let after = log.reader.backup().unwrap().segments().unwrap();
    let erased: u64 = after.iter().map(|segment| segment.erased_count).sum();
    assert_eq!(erased, 2);
    let is_old = |segment: &&SegmentInfo| !after.contains(segment);
    // Those with the two erased events, and the last.
    assert_eq!(before.iter().filter(is_old).count(), 3);
    log.writer.erase(&[Position(1)]).unwrap();
    assert_eq!(log.reader.backup().unwrap().segments().unwrap(), after);
}

#[test]
fn a_restored_log_has_the_same_events_and_goes_on_under_its_own_name() {
    let (_dir, log) = filled();
    let events = audit(&log.reader);
    let backup = temporary_dir();
    back_up(&log.reader, backup.path());
    let dir = temporary_dir();
    let restored = restore_directory(backup.path(), dir.path(), CHILD).unwrap();
    assert_eq!((restored.log_id, restored.parent_log_id), (CHILD, LOG_ID));
    assert_eq!(restored.last_position, Position(30));
    let parent = Ancestor { log_id: LOG_ID, last_position: Position(30) };
    assert_eq!(restored.lineage, [parent]);
    let inherited = log_files(dir.path());
    let bytes: Vec<Vec<u8>> = inherited.iter().map(|file| fs::read(file).unwrap()).collect();
    for round in 0..3_u64 {
        let mut log = open_local(dir.path(), options(CHILD)).unwrap();
        assert_eq!(log.reader.log_id(), CHILD);
        assert_eq!(log.reader.lineage(), [parent]);
        let all = audit(&log.reader);
        assert_eq!(all[..30], events);
        assert_eq!(all.len() as u64, 30 + 6 * round);
        let mut fresh = sample("t", "2");
        fresh.log_id = CHILD;
        for _ in 0..6 {
            append(&mut log.writer, vec![fresh.clone().unit()]);
            fresh.server_event_id += 1 << 60;
        }
        let mut again = secret().id(500).key("k0");
        again.log_id = CHILD;
        let (event, replayed) = only(&append(&mut log.writer, vec![again.unit()])[0]);
        assert!(replayed && event.position() == Position(1));
        if round == 1 {
            log.writer.settle_index();
        }
        let segments = log.reader.backup().unwrap().segments().unwrap();
        assert!(segments.iter().any(|segment| segment.first_position == Position(31)));
    }
    let after: Vec<Vec<u8>> = inherited.iter().map(|file| fs::read(file).unwrap()).collect();
    assert_eq!(after, bytes, "nothing is appended to what was restored");
}

#[test]
fn a_restored_log_that_nobody_appended_to_can_be_backed_up_and_restored_again() {
    let (_dir, log) = filled();
    let events = audit(&log.reader);
    let first = temporary_dir();
    back_up(&log.reader, first.path());
    let (_child_dir, child) = restore(first.path(), CHILD);
    let second = temporary_dir();
    let segments = back_up(&child.reader, second.path());
    assert!(segments.iter().all(|segment| segment.is_sealed));
    let (dir, grandchild) = restore(second.path(), GRANDCHILD);
    assert_eq!(audit(&grandchild.reader), events);
    let ancestor = |log_id| Ancestor { log_id, last_position: Position(30) };
    assert_eq!(grandchild.reader.lineage(), [ancestor(LOG_ID)], "the child owns no position");
    drop(grandchild);
    // A lineage that names it all the same says the same.
    write_identity(dir.path(), GRANDCHILD, &[ancestor(LOG_ID), ancestor(CHILD)]).unwrap();
    let grandchild = open_local(dir.path(), options(GRANDCHILD)).unwrap();
    assert_eq!(grandchild.reader.lineage(), [ancestor(LOG_ID)]);
    assert_eq!(audit(&grandchild.reader), events);
    drop(grandchild);
    fs::remove_file(dir.path().join("trust/lineage")).unwrap();
    let refused = open_local(dir.path(), options(GRANDCHILD));
    assert!(matches!(refused, Err(OpenError::ForeignSegment { .. })), "{refused:?}");
}

#[test]
fn erasure_reaches_what_was_restored() {
    let (_dir, log) = filled();
    let backup = temporary_dir();
    back_up(&log.reader, backup.path());
    let (dir, mut child) = restore(backup.path(), CHILD);
    let before = audit(&child.reader);
    child.writer.erase(&[Position(1), Position(28), Position(30)]).unwrap();
    drop(child);
    let child = open_local(dir.path(), options(CHILD)).unwrap();
    let after = audit(&child.reader);
    for (after, before) in after.iter().zip(&before) {
        match [1, 28, 30].contains(&after.position().get()) {
            true => assert!(is_erasure_of(after, before)),
            false => assert_eq!(after, before),
        }
    }
}

#[test]
fn an_empty_log_can_be_backed_up_and_restored() {
    let dir = temporary_dir();
    let log = open_local(dir.path(), small_options()).unwrap();
    let backup = temporary_dir();
    assert_eq!(back_up(&log.reader, backup.path()), []);
    let (_dir, mut child) = restore(backup.path(), CHILD);
    let mut fresh = sample("t", "2");
    fresh.log_id = CHILD;
    append(&mut child.writer, vec![fresh.unit()]);
    assert_eq!(audit(&child.reader).len(), 1);
}

#[test]
fn a_restore_is_a_log_only_with_its_last_step() {
    let (_dir, log) = filled();
    let backup = temporary_dir();
    back_up(&log.reader, backup.path());
    let dir = temporary_dir();
    let begun = begin_restore(backup.path(), dir.path(), CHILD).unwrap();
    assert!(read_identity(dir.path()).is_err());
    assert!(open_local(dir.path(), options(CHILD)).is_err());
    let again = restore_directory(backup.path(), dir.path(), CHILD);
    assert!(matches!(again, Err(BackupFailure::NotEmpty { .. })), "{again:?}");
    assert_eq!(begun.restored().log_id, CHILD);
    begun.finish().unwrap();
    let child = open_local(dir.path(), options(CHILD)).unwrap();
    assert_eq!(audit(&child.reader), audit(&log.reader));
}

#[test]
fn a_backup_that_is_not_whole_is_not_restored() {
    let (_dir, log) = filled();
    let backup = temporary_dir();
    back_up(&log.reader, backup.path());
    let files = log_files(backup.path());
    let attempt = || {
        let dir = temporary_dir();
        let refused = restore_directory(backup.path(), dir.path(), CHILD).unwrap_err();
        let opened = open_local(dir.path(), options(CHILD));
        assert!(opened.is_err() || opened.unwrap().reader.head().position == Position(0));
        refused
    };
    for (index, file) in files.iter().enumerate() {
        let whole = fs::read(file).unwrap();
        for offset in [20, 100, whole.len() / 2, whole.len() - 2] {
            let mut bytes = whole.clone();
            bytes[offset] ^= 4;
            fs::write(file, bytes).unwrap();
            // What is broken at the very end of the last segment looks like a torn commit.
            if index + 1 < files.len() || offset == 20 {
                let refused = attempt();
                assert!(
                    matches!(refused, BackupFailure::Damaged { .. }),
                    "{index} {offset}: {refused:?}"
                );
            }
        }
        fs::remove_file(file).unwrap();
        if index + 1 < files.len() {
            assert!(!attempt().to_string().is_empty());
        }
        fs::write(file, whole).unwrap();
    }
    let taken = temporary_dir();
    fs::write(taken.path().join("something"), "").unwrap();
    let refused = restore_directory(backup.path(), taken.path(), CHILD);
    assert!(matches!(refused, Err(BackupFailure::NotEmpty { .. })), "{refused:?}");
    let refused = restore_directory(taken.path(), temporary_dir().path(), CHILD);
    assert!(matches!(refused, Err(BackupFailure::NotABackup { .. })), "{refused:?}");
}

fn holds_secret(dir: &Path) -> bool {
    let has = |file: &std::path::PathBuf| {
        let bytes = fs::read(file).unwrap();
        bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
    };
    log_files(dir).iter().any(has)
}

#[test]
fn a_body_is_erased_in_a_backup_and_stays_so_in_what_is_restored() {
    let (_dir, mut log) = filled();
    append(&mut log.writer, vec![secret().id(999).unit()]);
    let before = audit(&log.reader);
    let backup = temporary_dir();
    back_up(&log.reader, backup.path());
    let secrets: Vec<&Event> =
        before.iter().filter(|event| event.body().contains(SECRET)).collect();
    assert_eq!(secrets.len(), 5);
    for (number, event) in secrets.iter().enumerate() {
        let target = match number % 2 {
            0 => BackupTarget::Position(event.position()),
            _ => BackupTarget::EventId(event.header().event_id),
        };
        assert!(holds_secret(backup.path()));
        for was_erased in [false, true] {
            let erased = erase_in_backup(backup.path(), target).unwrap();
            assert_eq!(erased.position, event.position());
            assert_eq!(erased.event_id, event.header().event_id);
            assert_eq!(erased.was_erased, was_erased);
        }
    }
    assert!(!holds_secret(backup.path()));
    let (_child_dir, child) = restore(backup.path(), CHILD);
    // The backup itself can be served as well.
    let (_opened, as_is) = (backup.path(), open_local(backup.path(), small_options()).unwrap());
    for reader in [&child.reader, &as_is.reader] {
        let after = audit(reader);
        assert_eq!(after.len(), before.len());
        for (after, before) in after.iter().zip(&before) {
            match before.body().contains(SECRET) {
                true => assert!(is_erasure_of(after, before), "{}", after.position()),
                false => assert_eq!(after, before),
            }
        }
    }
    let refused = erase_in_backup(backup.path(), BackupTarget::Position(Position(1)));
    let Err(BackupFailure::Unusable(OpenError::Locked { .. })) = refused else {
        panic!("an open log was changed: {refused:?}")
    };
}

#[test]
fn a_data_directory_is_not_taken_for_a_backup() {
    let (dir, log) = filled();
    log.writer.close().unwrap();
    let attempt = || erase_in_backup(dir.path(), BackupTarget::Position(Position(1)));
    let key = dir.path().join("trust/key");
    fs::write(&key, "a seed").unwrap();
    let refused = attempt().unwrap_err();
    assert!(matches!(refused, BackupFailure::IsDataDirectory { .. }), "{refused:?}");
    assert!(refused.to_string().contains("redact the event there"), "{refused}");
    fs::remove_file(key).unwrap();
    let refused = attempt().unwrap_err();
    assert!(matches!(refused, BackupFailure::HasDerivedFiles { .. }), "{refused:?}");
    assert!(holds_secret(dir.path()));
    fs::remove_dir_all(dir.path().join("derived")).unwrap();
    let unfinished = dir.path().join("log/00000000000000000001.seg.tmp");
    fs::write(&unfinished, SECRET).unwrap();
    assert!(!attempt().unwrap().was_erased);
    assert!(!unfinished.exists(), "a copy that broke off may hold the words");
}

#[test]
fn an_erasure_in_a_log_that_is_open_is_not_finished_by_a_restore() {
    let (dir, log) = filled();
    let begun = dir.path().join("log/erasing");
    fs::write(&begun, "whatever the server noted down").unwrap();
    let target = temporary_dir();
    let refused = restore_directory(dir.path(), target.path(), CHILD);
    let Err(BackupFailure::Unusable(OpenError::Locked { .. })) = refused else {
        panic!("{refused:?}")
    };
    fs::remove_file(begun).unwrap();
    restore_directory(dir.path(), target.path(), CHILD).unwrap();
    drop(log);
}

#[test]
fn an_event_in_a_backup_is_named_without_doubt() {
    let dir = temporary_dir();
    let mut log = open_local(dir.path(), small_options()).unwrap();
    append(&mut log.writer, vec![secret().id(7).unit(), secret().id(7).workspace("w2").unit()]);
    let backup = temporary_dir();
    back_up(&log.reader, backup.path());
    let attempt = |target| erase_in_backup(backup.path(), target);
    let doubtful = attempt(BackupTarget::EventId(event_id(7)));
    let Err(BackupFailure::Ambiguous { positions }) = doubtful else { panic!("{doubtful:?}") };
    assert_eq!(positions, [Position(1), Position(2)]);
    for target in [BackupTarget::EventId(event_id(8)), BackupTarget::Position(Position(3))] {
        let missing = attempt(target);
        assert!(matches!(missing, Err(BackupFailure::NoSuchEvent { .. })), "{missing:?}");
    }
    assert!(holds_secret(backup.path()));
    attempt(BackupTarget::Position(Position(1))).unwrap();
    attempt(BackupTarget::Position(Position(2))).unwrap();
    assert!(!holds_secret(backup.path()));
}

#[test]
fn the_record_of_a_redaction_stays_in_a_backup() {
    let dir = temporary_dir();
    let mut log = open_local(dir.path(), small_options()).unwrap();
    let redacted = sample("redactions", "1").event_type("event.redacted");
    let mut decided = redacted.unit();
    let mut server = server_fields(9, "w1");
    server.authority = Authority::Control;
    server.control = Some("{\"position\":1}".to_owned());
    decided.events[0].header = Header::complete(&redacted.draft, server).encode(&LOG_ID);
    append(&mut log.writer, vec![secret().unit(), decided, redacted.unit()]);
    let backup = temporary_dir();
    back_up(&log.reader, backup.path());
    let attempt =
        |position| erase_in_backup(backup.path(), BackupTarget::Position(Position(position)));
    let refused = attempt(2).unwrap_err();
    assert!(matches!(refused, BackupFailure::NotErasable { .. }), "{refused:?}");
    assert!(refused.to_string().contains("`event.redacted`"), "{refused}");
    for other in [1, 3] {
        attempt(other).unwrap();
    }
    let (_dir, child) = restore(backup.path(), CHILD);
    let erased: Vec<bool> = audit(&child.reader).iter().map(Event::is_erased).collect();
    assert_eq!(erased, [true, false, true], "a report of a redaction is no record of one");
}

/// Takes the right to write away from everybody, by a read-only mount where modes bind nobody.
fn read_only(dir: &Path) -> Option<Mounted> {
    use std::os::unix::fs::PermissionsExt;
    let mount = |arguments: &[&str]| {
        let mut command = std::process::Command::new("mount");
        let status = command.args(arguments).arg(dir).stderr(std::process::Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    let path = dir.to_str().unwrap();
    if mount(&["--bind", path]) {
        let mounted = Mounted(dir.to_owned());
        return mount(&["-o", "remount,bind,ro"]).then_some(mounted);
    }
    for file in log_files(dir).iter().map(Path::new).chain([dir.join("trust/log_id").as_path()]) {
        fs::set_permissions(file, fs::Permissions::from_mode(0o400)).unwrap();
    }
    let is_bound = fs::File::options().write(true).open(dir.join("trust/log_id")).is_err();
    is_bound.then(|| Mounted(std::path::PathBuf::new()))
}

/// A mount that ends with its test.
struct Mounted(std::path::PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        if self.0.as_os_str().is_empty() {
            return;
        }
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_backup_on_a_disk_that_may_only_be_read_is_restored() {
    let (_dir, log) = filled();
    let backup = temporary_dir();
    back_up(&log.reader, backup.path());
    erase_in_backup(backup.path(), BackupTarget::Position(Position(1))).unwrap();
    let Some(_mounted) = read_only(backup.path()) else {
        println!("SKIPPED: nothing here can be made read-only; nothing was shown about it");
        return;
    };
    assert!(fs::File::options().write(true).open(backup.path().join("trust/log_id")).is_err());
    assert_eq!(read_identity(backup.path()).unwrap().log_id, LOG_ID);
    let (_child_dir, child) = restore(backup.path(), CHILD);
    assert_eq!(audit(&child.reader).len(), 30);
    let erased = &audit(&child.reader)[0];
    assert!(erased.is_erased());
    let unexplained = "\"data\":null,\"redaction\":{\"redacted_at\":null,\"reason\":null,";
    assert!(erased.to_json().contains(unexplained), "{}", erased.to_json());
    let refused = erase_in_backup(backup.path(), BackupTarget::Position(Position(2)));
    assert!(matches!(refused, Err(BackupFailure::Unusable(_))), "{refused:?}");
}
