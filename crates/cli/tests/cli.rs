//! The commands as people and scripts use them: output, advice and exit codes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use support::http::Http;
use support::{Luck, Process, Server, annals, event, free_port, run, stderr, stdout};

/// A client command against a server, with its owner token.
fn client(server: &Server) -> Command {
    let mut command = annals();
    command.env("ANNALS_URL", server.url()).env("ANNALS_TOKEN", &server.token);
    command
}

fn on(server: &Server, arguments: &[&str]) -> Output {
    client(server).args(arguments).output().unwrap()
}

fn with_input(server: &Server, arguments: &[&str], input: &str) -> Output {
    let mut command = client(server);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn sends_documents_of_another_format_to_their_door() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    let started = r#"{"AgentStarted":{"id":"4f8e2a10-6a3d-4b1e-9c57-d0a3f6b2c481"}}"#;
    let lines = format!("{started}\n{{oops\n{{\"A\":{{}},\"B\":{{}}}}\n");
    let sent = with_input(&server, &["append", "--door", "kernel", "-"], &lines);
    assert_eq!(sent.status.code(), Some(1));
    assert_eq!(stdout(&sent), "stored 1, there before 0, refused 2\n", "{}", stderr(&sent));
    let told = stderr(&sent);
    assert!(told.contains("line 2: ") && told.contains("line 3: "), "{told}");
    let path = "/v1/events?dialect=kernel&event_type=agent.started";
    let page = server.http().get(path).unwrap().json();
    assert_eq!(page["events"][0]["AgentStarted"]["id"], "4f8e2a10-6a3d-4b1e-9c57-d0a3f6b2c481");
    let nobody = with_input(&server, &["append", "--door", "klingon", "-"], started);
    assert!(stderr(&nobody).contains("there are doors for"), "{}", stderr(&nobody));
}

#[test]
fn appends_and_tails_through_a_pipe() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    let appended = on(
        &server,
        &["append", "--type", "note.taken", "--stream", "run/r1", "--data", r#"{"n":1.0e2}"#],
    );
    assert!(appended.status.success(), "{}", stderr(&appended));
    assert!(stdout(&appended).contains(r#""stream_seq":1"#), "{}", stdout(&appended));
    let mut luck = Luck(1);
    let lines: String = (0..5).map(|n| event(&luck.uuid(), "r1", &n.to_string()) + "\n").collect();
    let piped = with_input(&server, &["append", "-"], &lines);
    assert_eq!(stdout(&piped), "stored 5, there before 0, refused 0\n", "{}", stderr(&piped));
    let again = with_input(&server, &["append", "-"], &lines);
    assert_eq!(stdout(&again), "stored 0, there before 5, refused 0\n");

    let tail =
        on(&server, &["tail", "--json", "--stream", "run/r1", "--from", "1", "--limit", "6"]);
    let events: Vec<serde_json::Value> =
        stdout(&tail).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let seqs: Vec<_> =
        events.iter().map(|event| event["stream"]["stream_seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5, 6]);
    assert!(stdout(&tail).contains(r#""data":{"n":1.0e2}"#), "the number lost its text");
    let pretty = on(&server, &["tail", "--run", "r1", "--from", "1", "-n", "1"]);
    assert!(
        stdout(&pretty).contains("note.taken") && !stdout(&pretty).contains('\u{1b}'),
        "{}",
        stdout(&pretty)
    );
    server.stop();
}

#[test]
fn a_live_tail_ends_cleanly_on_interrupt() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    let mut command = client(&server);
    command.args(["tail", "--json", "--type", "note.*"]);
    let mut tail = Process::start(command, &dir.path().join("tail.stderr"));
    // The tail starts with the next new event, so events go out until it shows one.
    let (mut luck, mut http) = (Luck(2), server.http());
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                http.post("/v1/events", &event(&luck.uuid(), "r1", "1")).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        });
        let line = tail.line_where("event", |line| line.contains("note.taken"));
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(line.starts_with('{'));
    });
    tail.signal("INT");
    assert!(tail.wait().success(), "{}", tail.log());
    server.stop();
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    let mut luck = Luck(4);
    let events: Vec<String> = (0..500).map(|n| event(&luck.uuid(), "r1", &n.to_string())).collect();
    let reply = server.http().post("/v1/events", &format!("[{}]", events.join(","))).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    let mut command = client(&server);
    command.args(["tail", "--from", "1"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut tail = command.spawn().unwrap();
    let mut first = String::new();
    BufReader::new(tail.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("note.taken"), "{first}");
    let output = tail.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    server.stop();
}

#[test]
fn a_refused_event_leaves_its_neighbours_alone() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    let mut luck = Luck(3);
    let (first, second) = (luck.uuid(), luck.uuid());
    let conflicting = event(&first, "r1", "2");
    let lines =
        [event(&first, "r1", "1"), "{broken".to_owned(), conflicting, event(&second, "r1", "3")]
            .join("\n");
    let output = with_input(&server, &["append", "-"], &lines);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output), "stored 2, there before 0, refused 2\n");
    let told = stderr(&output);
    assert!(told.contains("standard input:2: ") && told.contains("idempotency_conflict"), "{told}");

    let atomic = with_input(
        &server,
        &["append", "--atomic", "-"],
        &[event(&luck.uuid(), "r1", "4"), event(&first, "r1", "5")].join("\n"),
    );
    assert_eq!(atomic.status.code(), Some(1), "{}", stderr(&atomic));
    let info = server.http().get("/v1/streams/run/r1").unwrap().json();
    assert_eq!(info["last_seq"], 2);
    let mismatch =
        on(&server, &["append", "--type", "t", "--stream", "run/r1", "--expected-seq", "7"]);
    assert_eq!(mismatch.status.code(), Some(1));
    assert!(stderr(&mismatch).contains("seq_mismatch"), "{}", stderr(&mismatch));
    server.stop();
}

#[test]
fn advice_comes_with_errors() {
    let dir = tempfile::tempdir().unwrap();
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let away = run(&["tail", "--url", &nobody, "--token", "t"]);
    assert_eq!(away.status.code(), Some(2));
    assert!(stderr(&away).contains("annals serve"), "{}", stderr(&away));

    let server = Server::start(&dir.path().join("data"));
    let empty = dir.path().join("empty").display().to_string();
    let no_token = run(&["open", "--url", &server.url(), "--data", &empty]);
    assert_eq!(no_token.status.code(), Some(1));
    assert!(stderr(&no_token).contains("ANNALS_TOKEN"), "{}", stderr(&no_token));
    let nonsense = run(&["append", "--type", "t"]);
    assert_eq!(nonsense.status.code(), Some(2));
    server.stop();
}

#[test]
fn the_owner_token_is_found_in_the_data_directory_and_makes_others() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    let server = Server::start(&data_dir);
    let data = data_dir.display().to_string();
    let arguments =
        ["token", "create", "--url", &server.url(), "--data", &data, "--workspace", "team-a"];
    let created = run(&[
        &arguments[..],
        &["--rights", "append,read", "--expires", "2h", "--name", "ci", "--json"],
    ]
    .concat());
    assert!(created.status.success(), "{}", stderr(&created));
    let issued: serde_json::Value = serde_json::from_str(&stdout(&created)).unwrap();
    let (token, token_id) =
        (issued["token"].as_str().unwrap(), issued["token_id"].as_str().unwrap());

    let mut http = Http::connect(&server.address, token).unwrap();
    let reply = http.post("/v1/events", &event(&Luck(5).uuid(), "r1", "1")).unwrap();
    assert_eq!(reply.status, 201, "{}", reply.text());
    let stored = http.get("/v1/events?limit=10").unwrap().json();
    assert!(
        stored["events"].as_array().unwrap().iter().any(|event| event["workspace_id"] == "team-a")
    );
    let owners = server.http().get("/v1/events?run_id=r1").unwrap().json();
    assert_eq!(owners["events"].as_array().unwrap().len(), 0, "one workspace saw another's events");

    let listed = on(&server, &["token", "list"]);
    assert!(
        stdout(&listed).contains(token_id) && !stdout(&listed).contains(token),
        "{}",
        stdout(&listed)
    );
    let revoked = on(&server, &["token", "revoke", token_id]);
    assert!(revoked.status.success(), "{}", stderr(&revoked));
    assert_eq!(http.get("/v1/events").unwrap().status, 401);
    server.stop();
}

#[test]
fn a_lenient_workspace_is_made_and_shows_what_does_not_fit() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    let wrong = r#"{"event_type":"tool.invoked","actor":{"actor_type":"agent","actor_id":"a"},"run_id":"r","stream":{"stream_type":"run","stream_id":"r"},"data":{"tool_call_id":7,"tool_name":"Bash"}}"#;
    let refused = with_input(&server, &["append", "-"], wrong);
    assert!(stderr(&refused).contains("schema_violation"), "{}", stderr(&refused));
    let shown = on(&server, &["settings", "show"]);
    assert!(stdout(&shown).contains("schemas    strict"), "{}", stdout(&shown));
    let changed = on(&server, &["settings", "set", "--schemas", "lenient", "--json"]);
    let changed: serde_json::Value = serde_json::from_str(&stdout(&changed)).unwrap();
    assert_eq!((&changed["schemas"], &changed["changed_by"]), (&"lenient".into(), &"owner".into()));
    assert!(with_input(&server, &["append", "-"], wrong).status.success());
    let tail = on(&server, &["tail", "--from", "1", "--run", "r", "--limit", "1"]);
    assert!(
        stdout(&tail).contains("does not fit its type: /data/tool_call_id"),
        "{}",
        stdout(&tail)
    );
    let nowhere = on(&server, &["settings", "show", "--workspace", "nobodys"]);
    assert!(stderr(&nowhere).contains("workspace_not_found"), "{}", stderr(&nowhere));
    server.stop();
}

#[test]
fn a_server_says_no_to_what_would_be_unsafe() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    let data = data_dir.display().to_string();
    let exposed = run(&["serve", "--data", &data, "--listen", "0.0.0.0:0"]);
    assert_eq!(exposed.status.code(), Some(2));
    assert!(stderr(&exposed).contains("--allow-plaintext"), "{}", stderr(&exposed));
    assert!(!data_dir.exists(), "a refused start must leave nothing behind");

    let server = Server::start(&data_dir);
    let second = run(&["serve", "--data", &data, "--listen", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(2));
    assert_eq!(stdout(&second), "", "a second server must not say that it listens");
    let rebuild = run(&["rebuild", "--data", &data]);
    assert_eq!(rebuild.status.code(), Some(2));
    assert!(stderr(&rebuild).contains("stop"), "{}", stderr(&rebuild));
    server.stop();
}

#[test]
fn a_rebuild_gives_the_views_that_were_there() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    let server = Server::start(&data_dir);
    let imported = on(&server, &["import", &fixture("session.jsonl")]);
    assert_eq!(
        imported.status.code(),
        Some(1),
        "the fixture has a broken line: {}",
        stderr(&imported)
    );
    let before = runs(&server);
    assert_eq!(before.as_array().unwrap().len(), 1);
    server.stop();
    let rebuilt = run(&["rebuild", "--data", &data_dir.display().to_string()]);
    assert!(rebuilt.status.success(), "{}", stderr(&rebuilt));
    let server = Server::start(&data_dir);
    assert_eq!(runs(&server), before);
    server.stop();
}

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name).display().to_string()
}

/// The runs, when the views have reached the head.
fn runs(server: &Server) -> serde_json::Value {
    let mut http = server.http();
    let head = http.get("/v1/events?limit=1").unwrap().json()["as_of"].clone();
    let mut reply = http.get(&format!("/v1/runs?min_position={head}")).unwrap().json();
    reply["runs"].take()
}
