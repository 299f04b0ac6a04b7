//! Secrets never get in: what is kept, what is said of it, and that repeating and expecting go on.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

use std::path::Path;
use std::sync::Arc;

use annals_core::envelope::Authority;
use annals_core::event::Event;
use annals_core::json::{as_str, member};
use annals_core::secrets::{CustomRule, Exception, SecretSettings};
use annals_recorder::config::RecorderConfig;
use annals_recorder::redaction::RedactRequest;
use annals_recorder::refusal::{AppendRefusal, EventRefusal};
use annals_recorder::request::{
    AppendRequest, Atomicity, BatchAnswer, BodyFormat, Door, EventResult, Receipt,
};
use annals_recorder::{OpenError, Recorder};
use annals_store::query::{PageLimit, Query};

/// Put together here, so that no scanner trips over this file.
fn token(last: char) -> String {
    format!("ghp{}{}", "_q7Zt2LmX9vRk4WnB8sYc1HdPf6GjAe3Tu5", String::from(last).repeat(2))
}

fn event(stream: &str, fields: &str) -> String {
    format!(
        r#"{{"event_type":"note.taken","actor":{{"actor_type":"agent","actor_id":"a"}},"stream":{{"stream_type":"run","stream_id":"{stream}"}},{fields}}}"#
    )
}

fn request(recorder: &Recorder, body: &str) -> AppendRequest {
    AppendRequest {
        principal: Arc::clone(recorder.access().owner()),
        door: Door::Native,
        format: BodyFormat::Json,
        body: body.to_owned().into(),
        atomicity: None,
        expected_seq: None,
        traceparent: None,
    }
}

fn open() -> Recorder {
    Recorder::open(RecorderConfig::in_memory()).unwrap()
}

async fn one(recorder: &Recorder, request: AppendRequest) -> (Receipt, bool) {
    match recorder.append(request).await.unwrap() {
        BatchAnswer::One { receipt, replayed } => (receipt, replayed),
        BatchAnswer::Many(results) => panic!("{results:?}"),
    }
}

fn kept(recorder: &Recorder) -> Vec<Event> {
    recorder.log().scan(&Query::default(), PageLimit::events(100)).unwrap().events
}

fn text(event: &Event, name: &str) -> String {
    member(event.data(), name).and_then(as_str).unwrap_or_default().into_owned()
}

#[tokio::test]
async fn an_event_is_kept_without_its_secret_and_a_companion_tells_of_it() {
    let recorder = open();
    let secret = token('a');
    let body =
        event("r", &format!(r#""data":{{"n":1.0,"text":"use {secret}"}},"run_id":"{secret}""#));
    let (receipt, replayed) = one(&recorder, request(&recorder, &body)).await;
    assert!(!replayed);
    assert_eq!(receipt.event.position().get(), 1);
    let events = kept(&recorder);
    assert_eq!(events.len(), 2);
    assert!(!format!("{:?}", events).contains(&secret));
    let (source, companion) = (&events[0], &events[1]);
    assert!(
        source.data().starts_with(r#"{"n":1.0,"text":"use [redacted:github_token:"#),
        "{}",
        source.data()
    );
    assert!(source.header().contains_secrets);
    assert_eq!(source.header().redaction_level.as_str(), "partial");
    let header = companion.header();
    assert_eq!(
        (header.event_type, header.authority),
        ("secret.leaked.detected", Authority::Control)
    );
    assert_eq!((header.stream_type, header.stream_id), ("workspace", "default"));
    assert_eq!(header.causation_id.unwrap(), source.event_id().to_string());
    assert_eq!(header.correlation_id, source.header().correlation_id);
    assert_eq!(text(companion, "source_event_id"), source.event_id().to_string());
    assert_eq!(member(companion.data(), "match_count"), Some("2"));
    assert_eq!(member(companion.data(), "rule_ids"), Some(r#"["github_token"]"#));
    assert!(companion.data().contains(r#""pointer":"/data/text""#), "{}", companion.data());
    assert!(companion.data().contains(r#""pointer":"/run_id""#), "{}", companion.data());
    assert_eq!(recorder.stats().snapshot().secrets.get("github_token"), Some(&2));
    recorder.close().unwrap();
}

#[tokio::test]
async fn a_repeated_secret_is_answered_with_its_first_receipt_and_another_is_a_conflict() {
    let recorder = open();
    let body = |last| event("r", &format!(r#""data":"{}","idempotency_key":"k""#, token(last)));
    let (first, _) = one(&recorder, request(&recorder, &body('a'))).await;
    let (again, replayed) = one(&recorder, request(&recorder, &body('a'))).await;
    assert!(replayed);
    assert_eq!(again.event, first.event);
    let refused = recorder.append(request(&recorder, &body('b'))).await.unwrap_err();
    assert!(matches!(
        refused,
        AppendRefusal::Event { refusal: EventRefusal::IdempotencyConflict { .. }, .. }
    ));
    assert_eq!(recorder.head().position.get(), 2, "one event, one companion");
    assert_eq!(recorder.stats().snapshot().secrets.get("github_token"), Some(&1));
    recorder.close().unwrap();
}

#[tokio::test]
async fn a_batch_answers_for_its_events_alone_and_keeps_companions_with_them() {
    for atomicity in [Atomicity::Atomic, Atomicity::Independent] {
        let recorder = open();
        let events = [
            event("r", r#""data":1"#),
            event("r", &format!(r#""data":"{}""#, token('a'))),
            event("r", r#""data":3"#),
        ];
        let mut request = request(&recorder, &format!("[{}]", events.join(",")));
        request.atomicity = Some(atomicity);
        let BatchAnswer::Many(results) = recorder.append(request).await.unwrap() else { panic!() };
        let data: Vec<_> = results
            .iter()
            .map(|result| match result {
                EventResult::Accepted(receipt) => receipt.event.data().len(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!((data[0], data[2]), (1, 1));
        let types: Vec<_> =
            kept(&recorder).iter().map(|event| event.event_type().to_owned()).collect();
        let note = "note.taken";
        let leaked = "secret.leaked.detected";
        match atomicity {
            Atomicity::Atomic => assert_eq!(types, [note, note, note, leaked]),
            Atomicity::Independent => assert_eq!(types, [note, note, leaked, note]),
        }
        recorder.close().unwrap();
    }
}

#[tokio::test]
async fn a_refused_event_leaves_no_companion() {
    let recorder = open();
    let mut refused = request(&recorder, &event("r", &format!(r#""data":"{}""#, token('a'))));
    refused.expected_seq = Some(7);
    recorder.append(refused).await.unwrap_err();
    assert_eq!(recorder.head().position.get(), 0);
    recorder.close().unwrap();
}

#[tokio::test]
async fn addresses_in_ids_are_pseudonyms_by_which_streams_are_found_again() {
    let recorder = open();
    let address = "ann@example.org";
    let body = |fields: &str| event(address, &format!(r#""data":{{"to":"{address}"}}{fields}"#));
    let (receipt, _) = one(&recorder, request(&recorder, &body(""))).await;
    let header = receipt.event.header();
    assert!(header.stream_id.starts_with("mail_"), "{}", header.stream_id);
    assert_eq!(header.stream_id, recorder.secrets().id("Ann@Example.org"));
    assert!(!header.contains_secrets);
    assert_eq!(text(&receipt.event, "to"), address);
    let mut second = request(&recorder, &body(""));
    second.expected_seq = Some(1);
    assert_eq!(one(&recorder, second).await.0.event.stream_seq().get(), 2);
    let room = body(&format!(r#","room_id":"{address}""#)).replace("\"run\"", "\"room\"");
    let (receipt, _) = one(&recorder, request(&recorder, &room)).await;
    assert_eq!(receipt.event.header().room_id, Some(receipt.event.header().stream_id));
    recorder.close().unwrap();
}

#[tokio::test]
async fn a_secret_in_a_persons_words_about_a_redaction_is_not_kept_either() {
    let recorder = open();
    let (receipt, _) = one(&recorder, request(&recorder, &event("r", r#""data":1"#))).await;
    let redaction = RedactRequest {
        workspace_id: None,
        event_id: receipt.event.event_id(),
        reason: format!("it had {}", token('a')),
        replacement: Some(format!(r#"{{"was":"{}"}}"#, token('b'))),
    };
    recorder.redact(Arc::clone(recorder.access().owner()), redaction).await.unwrap();
    let said = kept(&recorder).pop().unwrap();
    assert!(text(&said, "reason").starts_with("it had [redacted:github_token:"), "{}", said.data());
    assert!(!said.data().contains(&token('b')), "{}", said.data());
    recorder.close().unwrap();
}

fn at(directory: &Path, secrets: SecretSettings) -> Recorder {
    Recorder::open(RecorderConfig { secrets, ..RecorderConfig::at(directory) }).unwrap()
}

fn off() -> SecretSettings {
    SecretSettings { enabled: false, ..SecretSettings::default() }
}

fn own() -> SecretSettings {
    let rule = CustomRule {
        id: "badge".to_owned(),
        regex: "badge ([0-9]{6})".to_owned(),
        keywords: vec!["badge".to_owned()],
    };
    let pass = Exception { paths: vec!["/data/public".to_owned()], ..Exception::default() };
    SecretSettings { rules: vec![rule], allow: vec![pass], ..SecretSettings::default() }
}

#[tokio::test]
async fn settings_that_change_are_said_on_the_log_once() {
    let directory = tempfile::tempdir().unwrap();
    let facts = |recorder: &Recorder| -> Vec<String> {
        let events = kept(recorder);
        let is_fact = |event: &&Event| event.event_type() == "secret.scanning_changed";
        events.iter().filter(is_fact).map(|event| event.data().to_owned()).collect()
    };
    let run = |settings| {
        let recorder = at(directory.path(), settings);
        let facts = facts(&recorder);
        recorder.close().unwrap();
        facts
    };
    assert_eq!(
        run(SecretSettings::default()).len(),
        0,
        "the search is on unless the log says otherwise"
    );
    let said = run(off());
    assert_eq!(said.len(), 1);
    assert!(
        said[0].contains(r#""enabled":false"#) && said[0].contains(r#""by":"owner""#),
        "{said:?}"
    );
    assert_eq!(run(off()).len(), 1);
    let said = run(own());
    assert!(said.len() == 2 && said[1].contains(r#""id":"badge""#), "{said:?}");
    assert_eq!(run(own()).len(), 2);
    assert_eq!(run(SecretSettings::default()).len(), 3);
}

#[tokio::test]
async fn own_rules_exceptions_and_off_have_effect() {
    let directory = tempfile::tempdir().unwrap();
    let body =
        event("r", &format!(r#""data":{{"public":"{0}","x":"badge 123456 {0}"}}"#, token('a')));
    let recorder = at(directory.path(), own());
    let (receipt, _) = one(&recorder, request(&recorder, &body)).await;
    assert_eq!(text(&receipt.event, "public"), token('a'));
    let x = text(&receipt.event, "x");
    assert!(
        x.starts_with("badge [redacted:badge:") && x.contains("[redacted:github_token:"),
        "{x}"
    );
    recorder.close().unwrap();
    let recorder = at(directory.path(), off());
    assert!(!recorder.secrets().is_on());
    let (receipt, _) = one(&recorder, request(&recorder, &body)).await;
    assert!(text(&receipt.event, "x").contains(&token('a')));
    recorder.close().unwrap();
}

#[tokio::test]
async fn an_event_repeated_under_other_rules_is_answered_with_its_first_receipt() {
    let directory = tempfile::tempdir().unwrap();
    let body = event("r", &format!(r#""data":{{"x":"use {}"}},"idempotency_key":"k""#, token('a')));
    for settings in [off(), SecretSettings::default(), own()] {
        let recorder = at(directory.path(), settings);
        let (receipt, _) = one(&recorder, request(&recorder, &body)).await;
        assert_eq!(receipt.event.stream_seq().get(), 1);
        let other = body.replace("use", "lose");
        assert!(recorder.append(request(&recorder, &other)).await.is_err());
        recorder.close().unwrap();
    }
}

#[test]
fn a_rule_that_cannot_be_used_stops_the_start() {
    let mut secrets = own();
    secrets.rules[0].regex = "(".to_owned();
    let error =
        Recorder::open(RecorderConfig { secrets, ..RecorderConfig::in_memory() }).unwrap_err();
    assert!(matches!(error, OpenError::SecretRule(_)), "{error}");
}

#[tokio::test]
async fn no_file_of_the_data_directory_has_the_secret() {
    let directory = tempfile::tempdir().unwrap();
    let secret = token('a');
    let recorder = at(directory.path(), SecretSettings::default());
    let fields = format!(
        r#""run_id":"r","data":{{"text":"{secret}","{secret}":1}},"display":{{"a":"{secret}"}},"extensions":{{"b":["{secret}"]}}"#
    );
    one(&recorder, request(&recorder, &event("r", &fields))).await;
    recorder.close().unwrap();
    let mut left = vec![directory.path().to_owned()];
    let mut files = 0;
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            files += 1;
            let bytes = std::fs::read(&path).unwrap();
            let has = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!has, "{}", path.display());
        }
    }
    assert!(files > 3);
}
