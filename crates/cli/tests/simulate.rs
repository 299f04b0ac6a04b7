//! `annals simulate`: into files and into real servers.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]

mod support;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::Stdio;

use serde_json::Value;
use support::{Process, Server, annals, free_port, run, stderr, stdout, wait_for};

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Sends a simulation to a server and reads what it says of it.
fn send(server: &Server, arguments: &[&str]) -> Value {
    let url = server.url();
    let mut command = annals();
    command.args(["simulate", "--json", "--url", &url]).args(arguments);
    let sent = command.env("ANNALS_TOKEN", &server.token).output().unwrap();
    assert!(sent.status.success(), "{arguments:?}: {}{}", stdout(&sent), stderr(&sent));
    serde_json::from_slice(&sent.stdout).unwrap()
}

fn head(server: &Server) -> u64 {
    server.http().get("/v1/status").unwrap().json()["head_position"].as_u64().unwrap()
}

#[test]
fn the_same_seed_writes_the_same_bytes() {
    let arguments = ["simulate", "--seed", "7", "--count", "400"];
    let first = run(&arguments);
    assert!(first.status.success(), "{}", stderr(&first));
    assert_eq!(first.stdout, run(&arguments).stdout);
    assert_eq!(stderr(&first).lines().count(), 1);
    assert!(stderr(&first).starts_with("wrote 400 documents"), "{}", stderr(&first));
    let documents = lines(&stdout(&first));
    assert_eq!(documents.len(), 400);
    assert_eq!(documents[0]["timestamp"], "2026-01-05T09:00:00.000000Z");
    assert_eq!(documents[0]["payload"]["workflow_name"], "code_review");
}

#[test]
fn a_rate_and_a_start_are_in_the_times() {
    let arguments =
        ["simulate", "--rate", "200", "--count", "41", "--start", "2026-11-20T10:00:00Z"];
    let written = run(&arguments);
    let documents = lines(&stdout(&written));
    assert_eq!(documents[40]["timestamp"], "2026-11-20T10:00:00.200000Z");
}

#[test]
fn a_server_takes_every_format_without_a_refusal() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    let before = head(&server);
    let mut stored = 0;
    for dialect in ["hive", "native", "agentos", "cloudevents", "kernel"] {
        let sent = send(&server, &["--dialect", dialect, "--rate", "max", "--seed", "11"]);
        assert_eq!(sent["refused"], 0, "{dialect}: {sent}");
        assert_eq!(sent["stored"], sent["documents"], "{dialect}: {sent}");
        assert!(sent["stored"].as_u64().unwrap() > 100, "{dialect}: {sent}");
        stored += sent["stored"].as_u64().unwrap();
    }
    assert_eq!(head(&server) - before, stored, "nothing else was found or said");
    server.stop();
}

#[test]
fn sending_the_same_story_again_stores_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    let arguments = ["--count", "120", "--rate", "max", "--start", "2026-11-20T10:00:00Z"];
    assert_eq!(send(&server, &arguments)["stored"], 120);
    let again = send(&server, &arguments);
    assert_eq!((&again["stored"], &again["replayed"]), (&0.into(), &120.into()));
    server.stop();
}

#[test]
fn ctrl_c_ends_it_cleanly_and_says_what_was_sent() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    let before = head(&server);
    let mut command = annals();
    command.args(["simulate", "--endless", "--rate", "200", "--url", &server.url()]);
    command.env("ANNALS_TOKEN", &server.token);
    let mut simulation = Process::start(command, &dir.path().join("simulate.stderr"));
    wait_for("events", || (head(&server) > before + 20).then_some(()));
    simulation.signal("INT");
    let said = simulation.line_where("report", |line| line.starts_with("stopped: stored "));
    assert!(simulation.wait().success(), "{}", simulation.log());
    let stored: u64 = said["stopped: stored ".len()..].split(',').next().unwrap().parse().unwrap();
    assert_eq!(head(&server) - before, stored, "{said}");
    server.stop();
}

#[test]
fn a_server_that_goes_away_is_waited_for_and_gets_each_event_once() {
    let dir = tempfile::tempdir().unwrap();
    let (data, port) = (dir.path().join("data"), free_port());
    let listen = format!("127.0.0.1:{port}");
    let server = Server::start_with(&data, &listen, &[]);
    let before = head(&server);
    let mut command = annals();
    command.args(["simulate", "--endless", "--rate", "100", "--url", &server.url()]);
    command.env("ANNALS_TOKEN", &server.token);
    let mut simulation = Process::start(command, &dir.path().join("simulate.stderr"));
    wait_for("events", || (head(&server) > before + 20).then_some(()));
    server.stop();
    wait_for("that it waits", || {
        simulation.log().contains("the server takes no events now, waiting").then_some(())
    });
    let server = Server::start_with(&data, &listen, &[]);
    wait_for("that it goes on", || {
        simulation.log().contains("the server takes events again").then_some(())
    });
    simulation.signal("INT");
    let said = simulation.line_where("report", |line| line.starts_with("stopped: stored "));
    assert!(simulation.wait().success(), "{}", simulation.log());
    let numbers: Vec<u64> =
        said.split(|c: char| !c.is_ascii_digit()).filter_map(|text| text.parse().ok()).collect();
    assert_eq!(head(&server) - before, numbers[0] + numbers[1], "{said}");
    server.stop();
}

/// A server that is there and busy, once.
#[test]
fn a_server_that_answers_503_is_waited_for_and_that_is_said() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let mut posts = 0;
        while posts < 2 {
            let (stream, _) = listener.accept().unwrap();
            let (path, body) = read_request(&stream);
            let answer = match path.as_str() {
                "/v1/status" => (403, "{}".to_owned()),
                _ if posts == 0 => {
                    posts += 1;
                    (503, r#"{"type":"urn:annals:error:overloaded","title":"t","status":503,"detail":"too much waits","reason_code":"overloaded","retryable":true}"#.to_owned())
                }
                _ => {
                    posts += 1;
                    (200, answer_to(&body))
                }
            };
            let (status, body) = answer;
            write!(
                &stream,
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
            .unwrap();
        }
    });
    let arguments = ["simulate", "--url", &url, "--rate", "max", "--count", "5"];
    let sent = annals().args(arguments).env("ANNALS_TOKEN", "x").output().unwrap();
    assert!(sent.status.success(), "{}", stderr(&sent));
    assert!(stdout(&sent).starts_with("stored 5, "), "{}", stdout(&sent));
    let said = stderr(&sent);
    assert!(
        said.contains("takes no events now, waiting: too much waits (503 overloaded)"),
        "{said}"
    );
    assert!(said.contains("takes events again, after"), "{said}");
    serving.join().unwrap();
}

fn read_request(stream: &std::net::TcpStream) -> (String, Vec<u8>) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let path = line.split(' ').nth(1).unwrap().to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let header = header.trim().to_ascii_lowercase();
        match header.split_once(": ") {
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (path, body)
}

/// Receipts for the events of a body.
fn answer_to(body: &[u8]) -> String {
    let events: Vec<Value> = serde_json::from_slice(body).unwrap();
    let hash = "ab".repeat(32);
    let results: Vec<_> = (0..events.len())
        .map(|index| format!(r#"{{"status":"accepted","index":{index},"event_id":"e","position":1,"stream_seq":1,"recorded_at":"t","event_hash":"{hash}","prev_event_hash":null,"durability":"sync","replayed":false}}"#))
        .collect();
    format!(
        r#"{{"accepted":{},"replayed":0,"rejected":0,"results":[{}]}}"#,
        events.len(),
        results.join(",")
    )
}

#[test]
fn a_format_without_any_of_the_facts_is_said() {
    let written = run(&["simulate", "--dialect", "envelope"]);
    assert_eq!(written.status.code(), Some(2));
    assert!(stderr(&written).contains("no event of the story has a form"), "{}", stderr(&written));
    let written = run(&["simulate", "--dialect", "kernel", "--scenario", "code_review"]);
    assert!(written.status.success());
    assert!(stderr(&written).contains("have no form in this format"), "{}", stderr(&written));
    let wrong = run(&["simulate", "--scenario", "gardening"]);
    assert!(stderr(&wrong).contains("code_review"), "it names those that there are");
}

#[test]
fn a_reader_that_has_enough_is_no_error() {
    let mut command = annals();
    command.args(["simulate", "--endless"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut simulation = command.spawn().unwrap();
    let mut first = String::new();
    BufReader::new(simulation.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("WorkflowStarted"), "{first}");
    let ended = simulation.wait_with_output().unwrap();
    assert!(ended.status.success());
    assert_eq!(stderr(&ended), "");
}

#[test]
fn nobody_is_reached_at_a_wrong_address() {
    let url = format!("http://127.0.0.1:{}", free_port());
    let sent = run(&["simulate", "--url", &url, "--token", "x"]);
    assert_eq!(sent.status.code(), Some(2));
    assert!(stderr(&sent).contains("annals serve"), "{}", stderr(&sent));
}

#[test]
fn every_document_fits_the_schema_of_its_format() {
    let schema = run(&["catalog", "schema", "--shape", "hive"]);
    let schema: Value = serde_json::from_slice(&schema.stdout).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    for seed in ["1", "2", "3"] {
        let written = run(&["simulate", "--count", "2000", "--seed", seed]);
        for document in lines(&stdout(&written)) {
            if let Err(fault) = validator.validate(&document) {
                panic!("{fault} at {}: {document}", fault.instance_path());
            }
        }
    }
}

/// One seed is not enough for all: the rare ones need some workflows.
#[test]
fn ten_thousand_events_have_all_types() {
    let written = run(&["simulate", "--count", "10000", "--seed", "1"]);
    let types: BTreeSet<_> = stdout(&written)
        .lines()
        .map(|line| {
            line.split(r#""event_type":""#).nth(1).unwrap().split('"').next().unwrap().to_owned()
        })
        .collect();
    assert_eq!(types.len(), 29, "{types:?}");
}
