//! What our verifier accepts and says.

use annals_core::checkpoint::SignedCheckpoint;
use annals_core::evidence::{
    Disclosure, EvidenceFaultKind, EvidenceHead, EvidenceReport, EvidenceWriteError,
    EvidenceWriter, verify_evidence,
};
use annals_core::hash::Digest;
use annals_core::id::{Position, RunId, Seq, WorkspaceId};
use annals_core::merkle::inclusion_path;
use serde_json::{Map, Value, json};

use crate::log::{Log, RUN, former_key, log_id, log_key, parent_log_id};
use crate::manipulations::{MANIPULATIONS, object, remove};

fn verified(text: &str) -> EvidenceReport {
    verify_evidence(text).unwrap_or_else(|fault| panic!("{fault}"))
}

fn edited(text: &str, edit: impl FnOnce(&mut Value)) -> String {
    let mut file: Value = serde_json::from_str(text).expect("JSON");
    edit(&mut file);
    file.to_string()
}

#[test]
fn a_whole_run_verifies_and_its_streams_are_complete() {
    let log = Log::example();
    let report = verified(&log.evidence());
    assert_eq!((report.full_count, report.event_count()), (6, 6));
    assert_eq!(report.positions, Some((Position(1), Position(8))));
    assert_eq!(report.size, 9);
    let streams: Vec<_> = report
        .streams
        .iter()
        .map(|stream| (stream.stream_type.as_str(), stream.last_seq, stream.complete_to))
        .collect();
    // The room's second event is of another run, so the file cannot have it.
    assert_eq!(streams, [("room", Seq(3), Seq(1)), ("run", Seq(4), Seq(4))]);
}

#[test]
fn the_report_names_the_keys_and_what_it_did_not_check() {
    let report = verified(&Log::example().evidence());
    assert_eq!(report.key, log_key(2).verifier());
    assert!(report.is_signed_under(&log_key(2).verifier()));
    assert!(report.is_signed_under(&former_key()), "a signed change of key leads from it");
    assert!(!report.is_signed_under(&log_key(3).verifier()));
    assert_eq!(report.cosignatures.len(), 1);
    assert_eq!(report.cosignatures[0].cosigned_at, 1_760_000_000);
    assert_eq!(report.unchecked_signature_count, 1);
    let text = report.to_string();
    assert!(text.contains("run/run-1: 4 events, complete from seq 1 to 4"), "{text}");
    assert!(text.contains("room/r: 2 events, complete from seq 1 to 1, then parts"), "{text}");
    assert!(text.contains("1 signatures by keys that the file does not give: not checked"));
    assert!(text.contains("not checked: that these keys are the right ones"), "{text}");
}

#[test]
fn every_manipulation_is_found_and_named() {
    let good = Log::example().evidence();
    for manipulation in MANIPULATIONS {
        let name = manipulation.name;
        let bad = edited(&good, manipulation.edit);
        let Err(fault) = verify_evidence(&bad) else { panic!("`{name}` was not found") };
        let said = fault.to_string();
        assert!(said.contains(manipulation.says), "`{name}`: {said}");
        let event = fault.event.map_or(0, |event| event.number);
        assert_eq!(event, manipulation.event, "`{name}`: {said}");
    }
}

#[test]
fn a_fault_names_position_stream_seq_and_id() {
    let manipulation = &MANIPULATIONS[0];
    let fault = verify_evidence(&edited(&Log::example().evidence(), manipulation.edit));
    let said = fault.expect_err("an edited body").to_string();
    let expected = "event 2 of the file, position 3, stream run/run-1, seq 2, \
                    id 03030303-0303-0303-0303-030303030303: its body was edited: recorded was \
                    the commitment ";
    assert!(said.starts_with(expected), "{said}");
}

#[test]
fn events_may_be_hashes_only_and_bodies_left_out() {
    let log = Log::example();
    let text = log.evidence_with(|position| match position {
        3 => Disclosure::HashOnly,
        6 => Disclosure::WithoutBody,
        _ => Disclosure::Full,
    });
    assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMg"));
    let report = verified(&text);
    assert_eq!((report.full_count, report.body_left_out_count, report.hash_only_count), (4, 1, 1));
    let run = &report.streams[1];
    assert_eq!((run.event_count, run.complete_to), (3, Seq(4)), "seq 3 follows the hash of seq 2");
    let said = report.to_string();
    assert!(said.contains("1 as a hash only; whether they are of this run: not checked"), "{said}");
}

#[test]
fn of_several_hashes_in_a_row_no_completeness_is_claimed() {
    let text = Log::example().evidence_with(|position| match position {
        3 | 6 => Disclosure::HashOnly,
        _ => Disclosure::Full,
    });
    let report = verified(&text);
    let run = &report.streams[1];
    assert_eq!((run.last_seq, run.complete_to), (Seq(4), Seq(1)));
    let fewer = edited(&text, |file| remove(file, 1));
    let fault = verify_evidence(&fewer).expect_err("two are missing and one is there");
    assert_eq!(fault.kind, EvidenceFaultKind::EventsMissing { first: Seq(2), last: Seq(3) });
}

#[test]
fn whoever_has_a_file_can_pass_on_less_of_it() {
    let log = Log::example();
    let less = edited(&log.evidence(), |file| {
        let event = object(&mut file["events"][3]);
        event.remove("salt");
        event.remove("body");
        event.insert("withheld".to_owned(), json!("chosen"));
        let hash = log.events[2].event_hash().to_string();
        let proof = file["events"][1]["proof"].clone();
        file["events"][1] =
            json!({"position": 3, "event_hash": hash, "withheld": "chosen", "proof": proof});
    });
    let report = verified(&less);
    assert_eq!((report.body_left_out_count, report.hash_only_count), (1, 1));
}

#[test]
fn an_erased_event_still_verifies_and_is_counted_as_redacted() {
    let mut log = Log::example();
    let before = log.evidence();
    log.events[5] = log.events[5].erased();
    let after = log.evidence();
    assert!(!after.contains("aHVudGVyMg"));
    let report = verified(&after);
    assert_eq!((report.full_count, report.redacted_count), (5, 1));
    assert_eq!(report.root, verified(&before).root, "the erasure changed no hash");
}

#[test]
fn events_from_before_a_restore_carry_the_parents_id() {
    let mut log = Log::default();
    log.parent_positions = 3;
    for body in ["1", "2", "3", "4", "5"] {
        log.append("run/run-1", RUN, &format!(r#"{{"data":{body}}}"#));
    }
    let text = log.evidence();
    assert_eq!(verified(&text).full_count, 5);
    let without = edited(&text, |file| file["log"]["lineage"] = json!([]));
    let fault = verify_evidence(&without).expect_err("the first three are of the parent");
    let expected = EvidenceFaultKind::OtherLog { expected: log_id(), found: parent_log_id() };
    assert_eq!(fault.kind, expected);
}

#[test]
fn a_signed_log_whose_streams_are_not_chained_is_refused() {
    let append_twice = |seq: u64, prev: Digest| {
        let mut log = Log::default();
        log.append("run/run-1", RUN, r#"{"data":1}"#);
        log.append_at("run/run-1", RUN, r#"{"data":2}"#, seq, prev);
        let first = log.events[0].event_hash();
        let fault = verify_evidence(&log.evidence()).map_err(|fault| {
            assert_eq!(fault.event.map(|event| event.number), Some(2));
            fault.kind
        });
        (first, fault)
    };
    let prev = Digest::new([1; 32]);
    let (expected, fault) = append_twice(2, prev);
    assert_eq!(fault, Err(EvidenceFaultKind::ChainBroken { expected, found: prev }));
    let (_, fault) = append_twice(1, Digest::ZERO);
    assert_eq!(fault, Err(EvidenceFaultKind::SeqOutOfOrder { after: Seq(1) }));
    let (_, fault) = append_twice(4, prev);
    assert_eq!(fault, Err(EvidenceFaultKind::EventsMissing { first: Seq(2), last: Seq(3) }));
}

#[test]
fn a_first_event_that_follows_something_is_refused() {
    let mut log = Log::default();
    let found = Digest::new([1; 32]);
    log.append_at("room/r", RUN, r#"{"data":1}"#, 1, found);
    let fault = verify_evidence(&log.evidence()).expect_err("nothing is before seq 1");
    let expected = Digest::ZERO;
    assert_eq!(fault.kind, EvidenceFaultKind::ChainBroken { expected, found });
}

#[test]
fn members_given_twice_are_refused() {
    let good = Log::example().evidence();
    for twice in ["\"event_count\":6", "\"position\":3"] {
        let bad = good.replacen(twice, &format!("{twice},{twice}"), 1);
        assert_ne!(bad, good);
        assert!(verify_evidence(&bad).is_err(), "{twice}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_neither_true_nor_false() {
    let good = Log::example().evidence();
    let cut = &good[..good.len() / 2];
    let newer = good.replacen("annals-evidence/1", "annals-evidence/2", 1);
    for text in ["", "{}", "null", cut, newer.as_str()] {
        let fault = verify_evidence(text).expect_err("no evidence");
        assert!(fault.could_not_tell(), "{fault}");
    }
    let bad = edited(&good, MANIPULATIONS[0].edit);
    assert!(!verify_evidence(&bad).expect_err("an edited body").could_not_tell());
}

#[test]
fn a_run_without_events_is_a_file_that_says_so() {
    let mut log = Log::default();
    log.append("run/run-2", "run-2", r#"{"data":1}"#);
    let report = verified(&log.evidence());
    assert_eq!((report.event_count(), report.positions), (0, None));
    assert!(report.streams.is_empty());
}

#[test]
fn the_writer_refuses_what_would_not_verify() {
    let log = Log::example();
    let checkpoint = log.checkpoint(&log_key(2));
    let leaves = log.leaves();
    let path = |position: usize| inclusion_path(&leaves, position - 1).expect("a leaf");
    let event = |position: usize| &log.events[position - 1];
    let put = |writer: &mut EvidenceWriter<Vec<u8>>, at: usize, path: &[Digest]| {
        writer.put(event(at), Disclosure::Full, path)
    };

    let mut writer = begin(&checkpoint).expect("signed");
    let answer = put(&mut writer, 3, &path(4));
    assert!(matches!(answer, Err(EvidenceWriteError::Proof { .. })), "{answer:?}");
    let answer = put(&mut writer, 2, &path(2));
    assert!(matches!(answer, Err(EvidenceWriteError::OtherRun { .. })), "{answer:?}");
    put(&mut writer, 3, &path(3)).expect("a true event");
    let answer = put(&mut writer, 1, &path(1));
    assert!(matches!(answer, Err(EvidenceWriteError::OutOfOrder { .. })), "{answer:?}");

    let mut damaged = event(4).record().clone();
    damaged.body = bytes::Bytes::from_static(b"{\"data\":0}");
    let damaged = annals_core::event::Event::from_record(&damaged).expect("a header");
    let answer = writer.put(&damaged, Disclosure::Full, &path(4));
    assert!(matches!(answer, Err(EvidenceWriteError::DamagedBody { .. })), "{answer:?}");

    let other = log.checkpoint(&log_key(3));
    assert!(matches!(begin(&other), Err(EvidenceWriteError::Checkpoint(_))));
}

fn begin(checkpoint: &SignedCheckpoint) -> Result<EvidenceWriter<Vec<u8>>, EvidenceWriteError> {
    let head = EvidenceHead {
        log_id: log_id(),
        lineage: &[],
        key: &log_key(2).verifier(),
        rotations: &[],
        checkpoint,
        witness_keys: &[],
        workspace_id: &WorkspaceId::parse("lab").expect("an id"),
        run_id: &RunId::parse(RUN).expect("an id"),
        summary: &Map::new(),
    };
    EvidenceWriter::begin(Vec::new(), &head)
}

proptest::proptest! {
    #[test]
    fn no_changed_byte_goes_unnoticed(at: proptest::sample::Index, to: u8) {
        let good = Log::example().evidence();
        // The summary is no part of the evidence, and says so.
        let start = good.find("\"log\":").expect("a log");
        let mut bad = good.clone().into_bytes();
        let index = start + at.index(bad.len() - start);
        bad[index] = to;
        if let Ok(bad) = String::from_utf8(bad)
            && let Ok(report) = verify_evidence(&bad)
        {
            // Whitespace, and signatures that nobody could check, prove nothing else.
            let expected = verify_evidence(&good).expect("a good file");
            proptest::prop_assert_eq!(report, expected);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(?s).{0,200}") {
        let _ = verify_evidence(&text);
    }
}
