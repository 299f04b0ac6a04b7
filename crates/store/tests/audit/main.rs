//! Damages real directories in every way and reads what the audit says of them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test stops where it goes wrong"
)]

#[path = "../common/mod.rs"]
mod common;
mod restored;
mod tape;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use annals_core::envelope::Authority;
use annals_core::event::Event;
use annals_core::id::{LogId, Position};
use annals_core::record::{Header, commitment};
use annals_core::tiles::root_at;
use annals_store::audit::*;
use annals_store::contract::{LogReader, LogWriter, Prepared, Unit};
use annals_store::local::backup::{BackupTarget, erase_in_backup};
use annals_store::local::{LocalOptions, LocalReader, open_local};
use common::*;
use proptest::prelude::*;
use tape::{Frame, Tape};

const EVENT_COUNT: u64 = 60;

/// A closed log of a few segments with three streams, and what was signed of it.
struct Scene {
    dir: tempfile::TempDir,
    events: Vec<Event>,
    /// Trees of some sizes, as checkpoints would have named them.
    signed: Vec<SignedTree>,
}

fn options() -> LocalOptions {
    LocalOptions { segment_bytes: 5_000, ..small_options() }
}

fn signed(reader: &LocalReader, size: u64) -> SignedTree {
    reader.tree().grow().unwrap();
    SignedTree { size, root: root_at(reader.tree(), size).unwrap().unwrap() }
}

fn scene() -> Scene {
    scene_of("a fact")
}

fn scene_of(fact: &str) -> Scene {
    let dir = temporary_dir();
    let mut log = open_local(dir.path(), options()).unwrap();
    for number in 0..EVENT_COUNT {
        let data = format!("{{\"says\":\"{fact} {number:02}\"}}");
        let event = sample(&format!("s{}", number % 3), &data).id(u128::from(number) + 1);
        log.writer.append(at(number as i64), vec![event.unit()]).unwrap();
    }
    let signed = [20, 40, EVENT_COUNT].map(|size| signed(&log.reader, size)).to_vec();
    let events = audit(&log.reader);
    log.writer.settle_index();
    log.writer.close().unwrap();
    assert!(log_files(dir.path()).len() > 3);
    Scene { dir, events, signed }
}

impl Scene {
    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn tape(&self) -> Tape {
        Tape::read(self.path())
    }

    fn change(&self, change: impl FnOnce(&mut Tape)) {
        let mut tape = self.tape();
        change(&mut tape);
        tape.write();
    }

    fn forget_tree(&self) {
        fs::remove_dir_all(self.path().join("derived").join("tree")).unwrap();
    }

    fn forget_close(&self) {
        fs::remove_file(self.path().join("log").join("clean")).unwrap();
    }

    /// Audits knowing nothing that was signed.
    fn report(&self) -> AuditReport {
        report(self.path(), &AuditOptions::default())
    }

    /// Audits against the newest signed tree.
    fn report_signed(&self) -> AuditReport {
        let signed = self.signed.last().copied().into_iter().collect();
        report(self.path(), &AuditOptions { signed, ..AuditOptions::default() })
    }

    /// How messages call the event at a position.
    fn name(&self, position: u64) -> String {
        let event = &self.events[position as usize - 1];
        let header = event.header();
        format!(
            "position {position} (seq {} of stream run/{} in workspace w1, event {})",
            header.stream_seq, header.stream_id, header.event_id
        )
    }
}

fn report(root: &Path, options: &AuditOptions) -> AuditReport {
    let report = |threads| {
        let options = AuditOptions { threads, ..options.clone() };
        audit_directory(root, &options, &|_| {}).unwrap()
    };
    let (alone, together) = (report(1), report(4));
    assert_eq!(alone.fault, together.fault, "threads make no difference");
    assert_eq!(alone.root, together.root);
    alone
}

#[track_caller]
fn assert_fault(report: &AuditReport, kind: AuditFaultKind, says: &[&str]) {
    let fault = report.fault.as_ref().unwrap();
    let message = fault.to_string();
    assert_eq!(fault.kind, kind, "{message}");
    for part in says {
        assert!(message.contains(part), "{message}\ndoes not say\n{part}");
    }
    assert_eq!((report.root, report.signed_checked.as_slice()), (None, &[][..]));
}

#[test]
fn a_whole_log_is_whole() {
    let scene = scene();
    let options = AuditOptions {
        threads: 2,
        roots_at: vec![0, 20, 41, 60, 61],
        signed: scene.signed.clone(),
        from: None,
    };
    let seen = RefCell::new(Vec::new());
    let report =
        audit_directory(scene.path(), &options, &|now| seen.borrow_mut().push(now)).unwrap();
    assert_eq!(report.fault, None);
    assert_eq!((report.log_id, report.head, report.from), (LOG_ID, Position(60), Position(1)));
    assert_eq!((report.events, report.streams), (60, 3));
    assert_eq!((report.bodies_checked, report.bodies_erased), (60, 0));
    assert_eq!(report.root, Some(scene.signed[2].root));
    assert_eq!(report.signed_checked, scene.signed);
    let sizes: Vec<u64> = report.roots.iter().map(|tree| tree.size).collect();
    assert_eq!(sizes, [0, 20, 41, 60]);
    assert_eq!(report.roots[1], scene.signed[0]);
    assert_eq!(report.torn_bytes, 0);
    let seen = seen.into_inner();
    let last = seen.last().unwrap();
    assert_eq!((last.bytes_done, last.events_done), (last.bytes_total, 60));
    assert!(seen.is_sorted_by_key(|now| now.bytes_done));
}

#[test]
fn an_audit_writes_nothing() {
    fn contents(dir: &Path, into: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => contents(&path, into),
                false => drop(into.insert(path.clone(), fs::read(&path).unwrap())),
            }
        }
    }
    let scene = scene();
    scene.forget_close();
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    contents(scene.path(), &mut before);
    scene.report_signed();
    contents(scene.path(), &mut after);
    assert!(before == after);
}

#[test]
fn names_an_edited_body_whose_checksums_were_made_to_fit() {
    let scene = scene();
    scene.change(|tape| tape.forge(17, |record| *record.body().last_mut().unwrap() = b' '));
    let says = [&*scene.name(17), "its body was changed", "whose checksum was made to fit"];
    assert_fault(&scene.report(), AuditFaultKind::EditedBody, &says);
    assert_eq!(scene.report().fault.unwrap().position, Position(17));
}

#[test]
fn names_an_edited_body_whose_checksums_were_left() {
    let scene = scene();
    scene.change(|tape| tape.record(17).body()[3] ^= 1);
    let says = [&*scene.name(17), "its body was changed", "whose checksum does not fit"];
    assert_fault(&scene.report(), AuditFaultKind::EditedBody, &says);
}

#[test]
fn names_an_edited_salt() {
    let scene = scene();
    scene.change(|tape| tape.forge(17, |record| record.salt_and_body()[0] ^= 1));
    assert_fault(&scene.report(), AuditFaultKind::EditedBody, &[&scene.name(17)]);
}

#[test]
fn names_a_body_that_was_erased_without_a_redaction() {
    let scene = scene();
    scene.change(|tape| tape.record(17).salt_and_body().fill(0));
    let says = [&*scene.name(17), "erased without a redaction"];
    assert_fault(&scene.report(), AuditFaultKind::ErasedWithoutRedaction, &says);
    // With checksums that fit it was never an erasure.
    scene.change(|tape| tape.forge(17, |_| {}));
    assert_fault(&scene.report(), AuditFaultKind::EditedBody, &[&scene.name(17)]);
}

/// Erases position 17 and says so, the way the recorder does.
fn redact(scene: &Scene, authority: Authority) {
    let mut log = open_local(scene.path(), options()).unwrap();
    let sample = sample("w1", "{}").event_type("event.redacted");
    let mut server = server_fields(900, "w1");
    server.authority = authority;
    server.control = Some("{\"position\":17,\"event_id\":\"x\"}".to_owned());
    let header = Header::complete(&sample.draft, server).encode(&LOG_ID);
    let body = bytes::Bytes::from(sample.draft.body_json());
    let commitment = commitment(&[7; 32], &body);
    let fact = Prepared { header, body, salt: [7; 32], commitment };
    let unit = Unit { events: [fact].into(), expected: Vec::new(), companions: Vec::new() };
    log.writer.append(at(1_000), vec![unit]).unwrap();
    log.writer.erase(&[Position(17)]).unwrap();
    log.writer.close().unwrap();
}

#[test]
fn an_erased_body_that_a_redaction_names_is_in_order() {
    let scene = scene();
    redact(&scene, Authority::Control);
    let report = scene.report_signed();
    assert_eq!(report.fault, None);
    assert_eq!((report.events, report.bodies_checked, report.bodies_erased), (61, 60, 1));
    assert_eq!((report.bodies_unexplained, report.first_unexplained), (0, None));
    assert_eq!(report.signed_checked, [scene.signed[2]], "older roots stay what they were");
}

#[test]
fn bodies_that_only_the_directorys_own_file_explains_are_counted_apart() {
    let scene = scene();
    redact(&scene, Authority::Control);
    fs::remove_dir_all(scene.path().join("derived")).unwrap();
    for position in [30, 25, 17] {
        let target = BackupTarget::Position(Position(position));
        erase_in_backup(scene.path(), target).unwrap();
    }
    let report = scene.report_signed();
    assert_eq!(report.fault, None);
    assert_eq!((report.bodies_checked, report.bodies_erased), (58, 1));
    assert_eq!(report.bodies_unexplained, 2, "the log itself explains position 17");
    assert_eq!(report.first_unexplained, Some(Position(25)));
    fs::remove_file(scene.path().join("redactions")).unwrap();
    let says = [&*scene.name(25), "erased without a redaction"];
    assert_fault(&scene.report(), AuditFaultKind::ErasedWithoutRedaction, &says);
}

#[test]
fn a_report_of_a_redaction_is_no_redaction() {
    let scene = scene();
    redact(&scene, Authority::Observed);
    let says = [&*scene.name(17), "erased without a redaction"];
    assert_fault(&scene.report(), AuditFaultKind::ErasedWithoutRedaction, &says);
}

#[test]
fn names_an_edited_header_by_the_chain_that_continues_it() {
    for forget_tree in [false, true] {
        let scene = scene();
        if forget_tree {
            scene.forget_tree();
        }
        scene.change(|tape| {
            tape.forge(17, |record| record.replace_in_header("an-agent", "no-agent"));
        });
        let says =
            [&*scene.name(17), "its header was changed", "that the event at position 20 continues"];
        assert_fault(&scene.report(), AuditFaultKind::EditedHeader, &says);
    }
}

#[test]
fn names_an_edited_header_whose_checksums_were_left() {
    let scene = scene();
    scene.change(|tape| tape.record(17).replace_in_header("an-agent", "no-agent"));
    let says = [&*scene.name(17), "its header was changed", "checksum"];
    assert_fault(&scene.report(), AuditFaultKind::EditedHeader, &says);
}

#[test]
fn names_an_event_that_was_linked_to_another_one() {
    let scene = scene();
    scene.change(|tape| tape.forge(20, |record| record.prev()[0] ^= 1));
    let says = [&*scene.name(20), "of the event before it in its stream"];
    assert_fault(&scene.report(), AuditFaultKind::EditedHeader, &says);
    let scene = self::scene();
    scene.change(|tape| tape.forge(1, |record| record.prev()[0] ^= 1));
    let says = [&*scene.name(1), "no event before the first of its stream"];
    assert_fault(&scene.report(), AuditFaultKind::EditedHeader, &says);
}

#[test]
fn the_edited_header_of_a_streams_last_event_is_found_by_a_signed_root_and_named_by_the_tree() {
    let scene = scene();
    scene.change(|tape| tape.forge(59, |record| record.replace_in_header("an-agent", "no-agent")));
    let says = [&*scene.name(59), "its header was changed", "which the signed tree has for it"];
    assert_fault(&scene.report_signed(), AuditFaultKind::EditedHeader, &says);
    // Nothing that is stored continues it: without a signed root there is nothing to hold it to,
    // and the report claims no more.
    let unsigned = scene.report();
    assert_eq!((unsigned.fault, unsigned.signed_checked), (None, Vec::new()));
    // Without the tree the signed roots say between which sizes it is.
    scene.forget_tree();
    let options = AuditOptions { signed: scene.signed.clone(), ..AuditOptions::default() };
    let says = ["position 41", "another history", "over the first 60 events, as signed"];
    assert_fault(&report(scene.path(), &options), AuditFaultKind::OtherHistory, &says);
}

#[test]
fn names_a_time_that_goes_back() {
    let scene = scene();
    scene.change(|tape| {
        tape.forge(17, |record| {
            let header = record.header();
            let end = header.len();
            header[end - 8..].copy_from_slice(&3_i64.to_le_bytes());
        });
    });
    let says = [&*scene.name(17), "its header was changed", "recorded not before"];
    assert_fault(&scene.report(), AuditFaultKind::EditedHeader, &says);
}

#[test]
fn names_an_inserted_event() {
    let scene = scene();
    scene.change(|tape| {
        // Another event that continues its stream as well as the real one does.
        let mut forged = tape.frame(17).clone();
        forged.records[0].replace_in_header("an-agent", "no-agent");
        forged.records[0].repair();
        let (segment, frame) = tape.place(17);
        tape.segments[segment].frames.insert(frame, Frame::of(forged.records));
    });
    let says = ["position 17", "an event was inserted here", "a second one"];
    assert_fault(&scene.report(), AuditFaultKind::Inserted, &says);
}

#[test]
fn names_an_event_that_was_added_to_a_sealed_segment() {
    let scene = scene();
    scene.change(|tape| {
        let (segment, _) = tape.place(30);
        let last = tape.segments[segment].frames.last().unwrap().clone();
        tape.segments[segment].frames.last_mut().unwrap().records.push(last.records[0].clone());
        tape.segments[segment].frames.last_mut().unwrap().repair();
    });
    assert_fault(&scene.report(), AuditFaultKind::Inserted, &["an event was inserted here"]);
}

#[test]
fn names_removed_events() {
    for count in 1..3 {
        let scene = scene();
        let (segment, first) = scene.tape().place(30);
        let is_inside = first + 2 < scene.tape().segments[segment].frames.len();
        let position = if is_inside { 30 } else { 28 };
        scene.change(|tape| (0..count).for_each(|more| drop(tape.remove(position + more))));
        let missing = match count {
            1 => format!("the event at position {position};"),
            _ => format!("the events from position {position} to {}", position + 1),
        };
        let says = [&*format!("position {position}"), "an event was removed here", &missing];
        assert_fault(&scene.report(), AuditFaultKind::Removed, &says);
    }
}

#[test]
fn names_the_removed_end_of_a_sealed_segment() {
    let scene = scene();
    let mut last = 0;
    scene.change(|tape| {
        last = tape.segments[1].frames.last().unwrap().records[0].position();
        tape.segments[1].frames.pop();
    });
    let says = [&*format!("position {last}:"), "removed", "that it ends before position"];
    assert_fault(&scene.report(), AuditFaultKind::Removed, &says);
}

#[test]
fn names_a_removed_segment() {
    let scene = scene();
    let first = scene.tape().segments[2].frames[0].records[0].position();
    fs::remove_file(&scene.tape().segments[2].path).unwrap();
    let says = [&*format!("position {first}:"), "an event was removed here"];
    assert_fault(&scene.report(), AuditFaultKind::Removed, &says);
}

#[test]
fn names_a_gap_in_a_stream_whose_positions_were_made_to_fit() {
    let scene = scene();
    // Position 60 takes the place of 59 in all but its seq.
    scene.change(|tape| {
        let mut frames = vec![tape.remove(60)];
        frames.push(tape.remove(57));
        let mut forged = frames.swap_remove(0);
        let header = forged.records[0].header();
        let end = header.len();
        header[end - 24..end - 16].copy_from_slice(&57_u64.to_le_bytes());
        header[end - 8..].copy_from_slice(&56_i64.to_le_bytes());
        forged.records[0].repair();
        let (segment, frame) = tape.place(58);
        tape.segments[segment].frames.insert(frame, Frame::of(forged.records));
    });
    let says = ["position 57", "seq 20 of stream run/s2", "removed", "seq 19 of the stream"];
    assert_fault(&scene.report(), AuditFaultKind::Removed, &says);
}

#[test]
fn names_reordered_events() {
    let scene = scene();
    let position = scene.tape().segments[2].frames[1].records[0].position();
    scene.change(|tape| tape.segments[2].frames.swap(1, 3));
    let says = [
        &*scene.name(position),
        "another order",
        &*format!("the one that says it is at position {}", position + 2),
    ];
    assert_fault(&scene.report(), AuditFaultKind::Reordered, &says);
}

#[test]
fn names_a_log_that_was_cut_in_front() {
    let scene = scene();
    let tape = scene.tape();
    let second = tape.segments[1].frames[0].records[0].position();
    fs::remove_file(&tape.segments[0].path).unwrap();
    let says = ["position 1:", "cut off in front", &*format!("begins with position {second}")];
    assert_fault(&scene.report(), AuditFaultKind::CutFront, &says);
    // The same within the first segment.
    let scene = self::scene();
    scene.change(|tape| drop(tape.segments[0].frames.drain(..3)));
    let says = ["position 1:", "cut off in front", "the events from position 1 to 3"];
    assert_fault(&scene.report(), AuditFaultKind::CutFront, &says);
}

#[test]
fn names_a_log_that_was_cut_at_its_end() {
    let scene = scene();
    scene.change(|tape| (58..=60).for_each(|position| drop(tape.remove(position))));
    // The mark of its last close knows.
    let says = ["position 58:", "cut off at its end", "with which the log was closed"];
    assert_fault(&scene.report(), AuditFaultKind::CutTail, &says);
    // So does whoever holds a checkpoint.
    scene.forget_close();
    let says = [
        "position 58:",
        "cut off at its end",
        "at least 60 events, as a signed checkpoint says",
        "ends with position 57",
    ];
    assert_fault(&scene.report_signed(), AuditFaultKind::CutTail, &says);
    // Nobody else does, and the report does not claim to.
    let unsigned = scene.report();
    assert_eq!((unsigned.fault, unsigned.head), (None, Position(57)));
    assert_eq!(unsigned.signed_checked, []);
}

#[test]
fn names_an_older_copy_that_was_put_in_place() {
    let (dir, older) = (temporary_dir(), temporary_dir());
    let mut log = open_local(dir.path(), options()).unwrap();
    for number in 0..30 {
        log.writer.append(at(number), vec![sample("a", "1").unit()]).unwrap();
    }
    let before = signed(&log.reader, 30);
    let copied = ["log", "trust"].map(|name| (dir.path().join(name), older.path().join(name)));
    for (from, to) in copied {
        fs::create_dir(&to).unwrap();
        for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
    log.writer.append(at(30), vec![sample("a", "1").unit()]).unwrap();
    let newest = signed(&log.reader, 31);
    let options = AuditOptions { signed: vec![before, newest], ..AuditOptions::default() };
    let says = ["position 31:", "an older copy", "at least 31 events", "ends with position 30"];
    assert_fault(&report(older.path(), &options), AuditFaultKind::CutTail, &says);
}

#[test]
fn names_two_histories_under_one_name() {
    let (scene, other) = (scene(), scene_of("a lie"));
    assert_eq!(other.report().fault, None, "each is whole in itself");
    let options = AuditOptions { signed: scene.signed.clone(), ..AuditOptions::default() };
    let says = [
        "position 1:",
        "another history than the signed one",
        &*format!("the root {} over the first 20 events", scene.signed[0].root),
        &*format!("the root {}", other.signed[0].root),
    ];
    assert_fault(&report(other.path(), &options), AuditFaultKind::OtherHistory, &says);
}

#[test]
fn names_events_of_another_log() {
    let scene = scene();
    let elsewhere = temporary_dir();
    let foreign = LogId::from_bytes(*b"a log elsewhere!");
    let options = LocalOptions { new_log_id: foreign, ..options() };
    drop(open_local(elsewhere.path(), options).unwrap());
    let id = fs::read(elsewhere.path().join("trust").join("log_id")).unwrap();
    fs::write(scene.path().join("trust").join("log_id"), id).unwrap();
    let says = ["position 1 ", "belongs to another log", &foreign.to_string(), &LOG_ID.to_string()];
    assert_fault(&scene.report(), AuditFaultKind::ForeignLog, &says);
}

#[test]
fn a_torn_append_at_the_end_is_no_fault() {
    let scene = scene();
    scene.forget_close();
    scene.change(|tape| tape.record(60).body()[3] ^= 1);
    let report = scene.report();
    assert_eq!((report.fault, report.head), (None, Position(59)));
    assert!(report.torn_bytes > 100);
    // Unless somebody has signed it.
    let says = [&*scene.name(60), "its body was changed"];
    assert_fault(&scene.report_signed(), AuditFaultKind::EditedBody, &says);
}

#[test]
fn a_damaged_frame_before_a_later_commit_is_a_fault() {
    let scene = scene();
    scene.forget_close();
    scene.change(|tape| tape.record(59).body()[3] ^= 1);
    let says = [&*scene.name(59), "its body was changed"];
    assert_fault(&scene.report(), AuditFaultKind::EditedBody, &says);
}

#[test]
fn a_check_from_the_middle_says_only_what_it_checked() {
    let scene = scene();
    scene.change(|tape| tape.forge(5, |record| record.body()[3] ^= 1));
    let options = AuditOptions {
        from: Some(41),
        signed: vec![scene.signed[1], scene.signed[2]],
        ..AuditOptions::default()
    };
    let checked = report(scene.path(), &options);
    assert_eq!(checked.fault, None);
    assert_eq!((checked.from, checked.head, checked.events), (Position(41), Position(60), 20));
    assert_eq!(checked.root, Some(scene.signed[2].root));
    assert_eq!(checked.signed_checked, scene.signed[2..]);
    // Without a signed tree to begin with there is no root, and nothing signed is confirmed.
    let options = AuditOptions { signed: vec![scene.signed[2]], ..options };
    let checked = report(scene.path(), &options);
    assert_eq!((checked.fault, checked.root), (None, None));
    assert_eq!(checked.signed_checked, []);
    // A log that ends before the check begins is cut off for whoever holds a signed tree.
    let beyond = SignedTree { size: 70, ..scene.signed[2] };
    let options = AuditOptions { from: Some(71), signed: vec![beyond], ..AuditOptions::default() };
    let checked = report(scene.path(), &options);
    assert_fault(&checked, AuditFaultKind::CutTail, &["position 61:", "at least 70 events"]);
    assert_eq!(checked.events, 0);
    let options = AuditOptions { from: Some(41), signed: vec![], ..options };
    // What is wrong in the checked part is found all the same.
    scene.change(|tape| tape.forge(50, |record| record.body()[3] ^= 1));
    assert_fault(&report(scene.path(), &options), AuditFaultKind::EditedBody, &[&scene.name(50)]);
}

#[test]
fn an_interrupted_redaction_is_not_judged() {
    let scene = scene();
    fs::write(scene.path().join("log").join("erasing"), b"half a file").unwrap();
    let failure = audit_directory(scene.path(), &AuditOptions::default(), &|_| {}).unwrap_err();
    assert!(failure.to_string().contains("erasing"), "{failure}");
}

#[test]
fn a_directory_without_a_log_is_said_to_be_one() {
    let dir = temporary_dir();
    let failure = audit_directory(dir.path(), &AuditOptions::default(), &|_| {}).unwrap_err();
    assert!(failure.to_string().starts_with("there is no log in"), "{failure}");
    let dir = temporary_dir();
    open_local(dir.path(), options()).unwrap().writer.close().unwrap();
    let empty = report(dir.path(), &AuditOptions::default());
    assert_eq!((empty.fault, empty.head, empty.events), (None, Position(0), 0));
}

#[test]
fn any_flipped_bit_of_a_closed_log_is_found() {
    let scene = scene();
    let tape = scene.tape();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(300));
    let spot = (0..tape.segments.len(), 0.0..1.0_f64, 0_u8..8);
    let outcome = runner.run(&spot, |(number, part, bit)| {
        let segment = &tape.segments[number];
        let offset = (segment.used_bytes() as f64 * part) as usize;
        let bytes = fs::read(&segment.path).unwrap();
        let mut flipped = bytes.clone();
        flipped[offset] ^= 1 << bit;
        fs::write(&segment.path, flipped).unwrap();
        let checked = audit_directory(scene.path(), &AuditOptions::default(), &|_| {});
        fs::write(&segment.path, bytes).unwrap();
        let is_found = checked.is_err() || checked.is_ok_and(|report| report.fault.is_some());
        prop_assert!(is_found, "byte {offset}, bit {bit} of segment {number}");
        Ok(())
    });
    outcome.unwrap();
    assert_eq!(scene.report_signed().fault, None, "every bit was put back");
}
