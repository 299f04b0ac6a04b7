//! OpenTelemetry's own SDK for Python sends to the real server, by HTTP and by gRPC.
//!
//! The SDK is installed by `scripts/otlp-python`; where that cannot be, each test says what it skipped.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot set itself up must fail, and one that is skipped says so"
)]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use support::{Process, Server, free_port, stderr, stdout};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A Python that has the SDK; none, with a word about it, where there is no Python or no package index.
fn python(skipped: &str) -> Option<PathBuf> {
    let made = Command::new("bash").arg("scripts/otlp-python").current_dir(ROOT).output();
    match made {
        Ok(made) if made.status.success() => Some(PathBuf::from(stdout(&made).trim())),
        made => {
            let why = made.map_or_else(|error| error.to_string(), |made| stderr(&made));
            println!("skipped, because OpenTelemetry's SDK is not there: {skipped}\n{why}");
            None
        }
    }
}

fn script(python: &Path, name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(python);
    command.arg(format!("{ROOT}/crates/cli/tests/otlp/{name}.py")).args(arguments);
    // A proxy of the environment is for other hosts.
    command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
    command
}

fn exported(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What every event says in OTLP; those that say nothing there are left out.
fn documents(server: &Server) -> Vec<Value> {
    let (mut found, mut http, mut cursor) = (Vec::new(), server.http(), String::new());
    loop {
        let path = format!("/v1/events?limit=1000&dialect=otlp{cursor}");
        let page = http.get(&path).unwrap().json();
        let events = page["events"].as_array().unwrap();
        let is_otlp = |event: &&Value| event.get("event_type").is_none();
        found.extend(events.iter().filter(is_otlp).cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

/// How often each span is there.
fn spans(server: &Server) -> BTreeMap<String, usize> {
    let mut spans = BTreeMap::new();
    for document in documents(server) {
        let id = document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["spanId"].as_str();
        if let Some(id) = id {
            *spans.entry(id.to_owned()).or_default() += 1;
        }
    }
    spans
}

#[test]
fn the_sdk_sends_all_three_signals_by_both_protocols_to_every_address() {
    let skipped = "what the SDK sends is stored and given back";
    let Some(python) = python(skipped) else { return };
    let directory = tempfile::tempdir().unwrap();
    let flags = ["--otlp-grpc", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0"];
    let mut server = Server::start_with(&directory.path().join("data"), "127.0.0.1:0", &flags);
    let line =
        server.process.line_where("OTLP's addresses", |line| line.starts_with("taking OTLP"));
    let [grpc, http] = [3, 6].map(|word| line.split(' ').nth(word).unwrap().to_owned());
    let main = server.url();
    for (n, (protocol, endpoint)) in
        [("http", &main), ("grpc", &main), ("grpc", &grpc), ("http", &http)].into_iter().enumerate()
    {
        let output =
            script(&python, "export", &[protocol, endpoint, &server.token, "5"]).output().unwrap();
        let told = exported(&output);
        assert_eq!(told.len(), 3, "{}", stderr(&output));
        assert!(told.iter().all(|export| export["success"] == true), "{}", stderr(&output));
        let found = spans(&server);
        assert_eq!(found.len(), 5 * (n + 1), "{protocol} {endpoint}");
        for id in told[0]["ids"].as_array().unwrap() {
            assert_eq!(found.get(id.as_str().unwrap()), Some(&1));
        }
    }
    let sent = |member: &str| {
        documents(&server).iter().filter(|document| document.get(member).is_some()).count()
    };
    assert_eq!((sent("resourceLogs"), sent("resourceMetrics")), (20, 20));
    let run = server.http().get("/v1/runs/conversation-grpc").unwrap();
    assert_eq!(run.status, 200, "{}", run.text());
    server.stop();
}

#[test]
fn every_field_of_the_protocol_is_kept_as_protobufs_own_json_has_it() {
    let skipped = "messages with every field set go out as they came";
    let Some(python) = python(skipped) else { return };
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(&directory.path().join("data"));
    let output = script(&python, "whole", &[&server.url(), &server.token]).output().unwrap();
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    assert_eq!(stdout(&output).lines().count(), 3);
    server.stop();
}

#[test]
fn a_wrong_token_is_an_error_that_the_sdk_reports() {
    let skipped = "a wrong token is an error that the SDK reports";
    let Some(python) = python(skipped) else { return };
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(&directory.path().join("data"));
    let wrong = format!("{}0", server.token);
    for (protocol, said) in [("http", "401"), ("grpc", "UNAUTHENTICATED")] {
        let output =
            script(&python, "export", &[protocol, &server.url(), &wrong]).output().unwrap();
        let told = exported(&output);
        assert!(
            told.len() == 3 && told.iter().all(|export| export["success"] == false),
            "{told:?}"
        );
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
    assert_eq!(documents(&server), Vec::<Value>::new());
    server.stop();
}

#[test]
fn what_the_sdk_was_told_is_there_once_after_kill_nine() {
    let skipped = "a kill between two exports loses nothing that was acknowledged";
    let Some(python) = python(skipped) else { return };
    for protocol in ["http", "grpc"] {
        let directory = tempfile::tempdir().unwrap();
        let data_dir = directory.path().join("data");
        let listen = format!("127.0.0.1:{}", free_port());
        let mut server = Server::start_with(&data_dir, &listen, &[]);
        let arguments = [protocol, &server.url(), &server.token, "20", "60"];
        let sending = script(&python, "export", &arguments);
        let mut sender = Process::start(sending, &directory.path().join("sender.stderr"));
        let mut acknowledged = Vec::new();
        for _ in 0..4 {
            for _ in 0..10 {
                acknowledge(&mut acknowledged, &sender.line_where("an export", |_| true));
            }
            server.process.signal("KILL");
            server.process.wait();
            server = Server::start_with(&data_dir, &listen, &[]);
        }
        while let Some(line) = sender.next_line() {
            acknowledge(&mut acknowledged, &line);
        }
        let found = spans(&server);
        assert!(acknowledged.len() >= 20 * 20, "{}: {}", acknowledged.len(), sender.log());
        for id in &acknowledged {
            assert_eq!(found.get(id), Some(&1), "{protocol}: an acknowledged span");
        }
        assert!(found.values().all(|count| *count == 1), "{protocol}: no span is there twice");
        server.stop();
    }
}

/// Takes note of the spans of an export that the SDK was told is done.
fn acknowledge(acknowledged: &mut Vec<String>, line: &str) {
    let export: Value = serde_json::from_str(line).unwrap();
    if export["success"] == true {
        let ids = export["ids"].as_array().unwrap();
        acknowledged.extend(ids.iter().map(|id| id.as_str().unwrap().to_owned()));
    }
}
