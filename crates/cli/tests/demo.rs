//! `annals demo` as a newcomer meets it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use support::http::Http;
use support::{Process, annals, stderr, stdout, wait_for};

#[test]
fn shows_a_living_log_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = annals();
    command.args(["demo", "--seed", "7", "--port", "0", "--speed", "8"]).env("TMPDIR", dir.path());
    let began = Instant::now();
    let mut demo = Process::start(command, &dir.path().join("demo.stderr"));
    let link = demo.line_where("link", |line| line.contains("#login="));
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "the first screen took {:?}",
        began.elapsed()
    );
    let hint = demo.line_where("tail command", |line| line.contains("annals tail"));
    let (address, code) = link.split_once("http://").unwrap().1.split_once("/#login=").unwrap();
    let data_dir = hint.split_once("--data ").unwrap().1.trim();
    assert!(Path::new(data_dir).starts_with(dir.path()));

    let session = Http::connect(address, "none")
        .unwrap()
        .post("/v1/session", &format!(r#"{{"code":"{code}"}}"#));
    let session = session.unwrap();
    assert_eq!(session.status, 201, "{}", session.text());
    let mut http = Http::connect(address, session.json()["token"].as_str().unwrap()).unwrap();
    wait_for("finished and running runs in the views", || {
        let runs = http.get("/v1/runs?limit=100").unwrap().json()["runs"].clone();
        let statuses: Vec<_> =
            runs.as_array()?.iter().filter_map(|run| run["status"].as_str()).collect();
        let is_alive = statuses.contains(&"running") && statuses.contains(&"completed");
        is_alive.then_some(())
    });

    let url = format!("http://{address}");
    let arguments = ["tail", "--json", "--limit", "10", "--url", &url, "--data", data_dir];
    let tail = annals().args(arguments).output().unwrap();
    assert!(tail.status.success(), "{}", stderr(&tail));
    assert_eq!(stdout(&tail).lines().count(), 10);

    demo.signal("INT");
    assert!(demo.wait().success(), "{}", demo.log());
    assert!(!Path::new(data_dir).exists(), "the demo left {data_dir} behind");
}
