//! `annals-hook` as agents run it: a process with a payload on standard input, and a server that is
//! there, away, slow, or of another opinion.
#![cfg(test)]
#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use serde_json::{Value, json};

/// A home for one test.
struct Home {
    dir: tempfile::TempDir,
    port: u16,
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("token"), "annals_token_test_secret\n").unwrap();
        // A port that nobody listens on: it was free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { dir, port }
    }

    fn spool(&self) -> PathBuf {
        self.dir.path().join("state/spool")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_annals-hook"));
        command.args(arguments).arg("--url").arg(format!("http://127.0.0.1:{}", self.port));
        command.arg("--token-file").arg(self.dir.path().join("token"));
        command.arg("--spool").arg(self.spool());
        // Long, so that a busy machine changes nothing; what must end earlier says so.
        if !arguments.contains(&"--deadline-ms") {
            command.args(["--deadline-ms", "20000"]);
        }
        command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str], payload: &[u8]) -> Output {
        let mut child = self.command(arguments).spawn().unwrap();
        // The hook may end before it has read all.
        let _ = child.stdin.take().unwrap().write_all(payload);
        unharmed(child)
    }

    /// Tells a payload of a session.
    fn tell(&self, number: u64) -> Output {
        self.run(&["claude-code"], payload(number).to_string().as_bytes())
    }

    fn flush(&self) -> Output {
        self.command(&["--flush"]).output().unwrap()
    }

    fn spooled(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.spool().join("waiting.ndjson")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn payload(number: u64) -> Value {
    json!({"session_id": "s1", "hook_event_name": "PreToolUse", "tool_name": "Bash",
        "tool_use_id": format!("t{number}"), "tool_input": {"command": "ls"}})
}

/// What every agent relies on: success, and nothing on standard output.
fn unharmed(child: Child) -> Output {
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(output.stdout, b"", "{output:?}");
    output
}

/// A server that answers as it is told, one request a connection.
struct Server {
    requests: Receiver<Request>,
}

#[derive(Debug)]
struct Request {
    head: String,
    documents: Vec<Value>,
}

impl Server {
    fn start(
        home: &Home,
        answer: impl Fn(&Request) -> Option<(u16, String)> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", home.port)).unwrap();
        let (send, requests) = sync_channel(1_000);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = read_request(&stream) else { continue };
                let reply = answer(&request);
                let _ = send.send(request);
                match reply {
                    Some((status, body)) => {
                        let _ = write!(
                            stream,
                            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}",
                            body.len()
                        );
                    }
                    None => drop(stream),
                }
            }
        });
        Self { requests }
    }

    /// One that stores everything.
    fn willing(home: &Home) -> Self {
        Self::start(home, |request| Some(stored(request)))
    }

    fn documents(&self) -> Vec<Value> {
        self.requests.try_iter().flat_map(|request| request.documents).collect()
    }
}

fn stored(request: &Request) -> (u16, String) {
    if request.head.contains("application/json") {
        return (201, "{}".to_owned());
    }
    let results = vec![json!({"status": "accepted"}); request.documents.len()];
    (200, json!({"results": results}).to_string())
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let documents = String::from_utf8(body)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    Some(Request { head, documents })
}

fn seqs(documents: &[Value]) -> Vec<u64> {
    documents.iter().map(|document| document["seq"].as_u64().unwrap()).collect()
}

#[test]
fn a_payload_is_stamped_and_delivered() {
    let home = Home::new();
    let server = Server::willing(&home);
    home.tell(1);
    home.run(
        &["copilot", "--event", "preToolUse"],
        br#"{"sessionId":"c","toolName":"bash","toolArgs":{"n":1.0}}"#,
    );
    let first = server.requests.recv().unwrap();
    assert!(first.head.starts_with("POST /v1/doors/hooks HTTP/1.1\r\n"), "{}", first.head);
    assert!(first.head.contains("authorization: Bearer annals_token_test_secret\r\n"));
    let document = &first.documents[0];
    assert_eq!((&document["agent"], &document["payload"]), (&json!("claude-code"), &payload(1)));
    assert_eq!(document["seq"], 1);
    assert!(document["received_at"].as_str().unwrap().ends_with('Z'));
    assert!(!document["host"].as_str().unwrap().is_empty());
    let second = &server.requests.recv().unwrap().documents[0];
    assert_eq!((&second["event"], &second["seq"]), (&json!("preToolUse"), &json!(1)));
    assert!(second["call"].as_str().unwrap().ends_with("-1"));
    assert_eq!(second["payload"]["toolArgs"].to_string(), r#"{"n":1.0}"#);
    assert!(home.spooled().is_empty());
}

#[test]
fn while_the_server_is_away_payloads_wait_and_then_go_first_in_order() {
    let home = Home::new();
    for number in 1..=3 {
        home.tell(number);
    }
    assert_eq!(home.spooled().len(), 3);
    let server = Server::willing(&home);
    home.tell(4);
    let documents = server.documents();
    assert_eq!(seqs(&documents), [1, 2, 3, 4]);
    assert_eq!(documents[2]["payload"], payload(3));
    assert!(!home.spool().join("outbox.ndjson").exists() && home.spooled().is_empty());
}

#[test]
fn the_spool_is_private_and_each_line_follows_the_one_before() {
    let home = Home::new();
    home.tell(1);
    home.tell(2);
    let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(home.spool()), 0o700);
    for entry in std::fs::read_dir(home.spool()).unwrap() {
        let path = entry.unwrap().path();
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(path.clone()), expected, "{}", path.display());
    }
    let text = std::fs::read_to_string(home.spool().join("waiting.ndjson")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let second: Value = serde_json::from_str(lines[1]).unwrap();
    let hash = annals_core::hash::sha256(&[lines[0].as_bytes()]).to_string();
    assert_eq!((&second["n"], &second["prev"]), (&json!(2), &json!(hash)));
}

#[test]
fn an_open_directory_is_closed_before_anything_is_written() {
    let home = Home::new();
    std::fs::create_dir_all(home.spool()).unwrap();
    std::fs::set_permissions(home.spool(), std::fs::Permissions::from_mode(0o755)).unwrap();
    home.tell(1);
    assert_eq!(std::fs::metadata(home.spool()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn what_is_no_json_is_recorded_as_it_came() {
    let home = Home::new();
    let server = Server::willing(&home);
    for broken in [&b"{\"session_id\":\"cut of"[..], b"", b"\xff\xfe"] {
        home.run(&["codex"], broken);
    }
    let payloads: Vec<_> =
        server.documents().into_iter().map(|document| document["payload"].clone()).collect();
    assert_eq!(payloads, [json!("{\"session_id\":\"cut of"), json!(""), json!("\u{fffd}\u{fffd}")]);
}

#[test]
fn what_is_too_large_is_read_to_its_end_and_told_as_a_gap() {
    let home = Home::new();
    let server = Server::willing(&home);
    let large = format!(
        r#"{{"session_id":"s1","hook_event_name":"PostToolUse","x":"{}"}}"#,
        "x".repeat(3 << 20)
    );
    let mut child = home.command(&["claude-code"]).spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(large.as_bytes())
        .expect("the agent's pipe must not break");
    unharmed(child);
    let document = &server.documents()[0];
    assert_eq!(document["agent"], "annals-hook");
    assert_eq!(document["payload"]["reason"], "payload_too_large");
    assert_eq!(document["payload"]["byte_count"], large.len());
    assert_eq!((&document["payload"]["session_id"], &document["seq"]), (&json!("s1"), &json!(1)));
}

#[test]
fn a_standard_input_that_stays_open_does_not_hold_the_agent() {
    let home = Home::new();
    let mut child = home.command(&["claude-code", "--deadline-ms", "900"]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(payload(1).to_string().as_bytes()).unwrap();
    // The pipe is open until after the hook has ended.
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(0));
    drop(stdin);
    assert_eq!(home.spooled()[0]["doc"]["payload"], payload(1));
}

#[test]
fn a_server_that_does_not_answer_costs_the_deadline_and_no_payload() {
    let home = Home::new();
    // Connections wait in the listener's queue; nobody accepts them.
    let listener = TcpListener::bind(("127.0.0.1", home.port)).unwrap();
    home.run(&["claude-code", "--deadline-ms", "900"], payload(1).to_string().as_bytes());
    drop(listener);
    assert_eq!(home.spooled()[0]["doc"]["payload"], payload(1));
    let failure = std::fs::read_to_string(home.spool().join("last_failure")).unwrap();
    assert!(failure.contains("does not answer"), "{failure}");
}

#[test]
fn a_lost_answer_is_no_second_event() {
    let home = Home::new();
    let server =
        Server::start(&home, |request| request.head.contains("ndjson").then(|| stored(request)));
    home.tell(1);
    let lost = server.documents().remove(0);
    let again = home.flush();
    assert!(again.status.success(), "{again:?}");
    let delivered = server.documents().remove(0);
    assert_eq!(lost, delivered, "the server must know it again");
}

#[test]
fn a_full_spool_is_a_gap_that_is_told_in_its_place() {
    let home = Home::new();
    let tell = |number| {
        home.run(&["claude-code", "--spool-bytes", "1500"], payload(number).to_string().as_bytes())
    };
    for number in 1..=6 {
        tell(number);
    }
    let kept = home.spooled().len() as u64;
    assert!((1..6).contains(&kept), "{kept}");
    let server = Server::willing(&home);
    home.tell(7);
    let documents = server.documents();
    let (last, before) = documents.split_last().unwrap();
    assert_eq!(last["payload"], payload(7));
    let (gap, before) = before.split_last().unwrap();
    assert_eq!(gap["payload"]["reason"], "spool_full");
    assert_eq!(gap["payload"]["dropped"], 6 - kept);
    assert_eq!(seqs(before), (1..=kept).collect::<Vec<_>>());
    assert_eq!(last["seq"], 7);
}

#[test]
fn secrets_do_not_reach_the_disk() {
    let home = Home::new();
    // Assembled here, so that nobody takes this file for one that holds a secret.
    let secret = format!("ghp{}{}", "_", "Zq3vT8nLwX5cR1kYb7MdF0sHjU4pGa92eDoW");
    let told = json!({"session_id": "s1", "hook_event_name": "UserPromptSubmit", "prompt": format!("use {secret} now")});
    home.run(&["claude-code"], told.to_string().as_bytes());
    for entry in std::fs::read_dir(home.spool()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(&secret), "{}", path.display());
    }
    let prompt = home.spooled()[0]["doc"]["payload"]["prompt"].as_str().unwrap().to_owned();
    assert!(prompt.starts_with("use [redacted:") && prompt.ends_with("] now"), "{prompt}");
}

#[test]
fn a_damaged_line_is_told_and_the_others_go_out() {
    let home = Home::new();
    for number in 1..=3 {
        home.tell(number);
    }
    let path = home.spool().join("waiting.ndjson");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines[1] = "{\"n\":2,\"prev\":\"";
    std::fs::write(&path, lines.join("\n") + "\n").unwrap();
    let server = Server::willing(&home);
    home.tell(4);
    let documents = server.documents();
    let told: Vec<_> =
        documents.iter().map(|document| document["payload"]["detail"].clone()).collect();
    assert_eq!(told[1], "line 2 is damaged");
    assert_eq!(told[2], "line 3 does not follow line 2");
    assert_eq!(documents[1]["payload"]["dropped"], 1);
    assert_eq!(documents[2]["payload"]["dropped"], 0);
    assert_eq!((&documents[3]["payload"], &documents[4]["payload"]), (&payload(3), &payload(4)));
}

#[test]
fn a_line_that_a_crash_cut_off_does_not_take_the_next_with_it() {
    let home = Home::new();
    home.tell(1);
    let path = home.spool().join("waiting.ndjson");
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"{\"n\":2,\"prev\":\"12").unwrap();
    home.tell(2);
    let server = Server::willing(&home);
    assert!(home.flush().status.success());
    let documents = server.documents();
    assert_eq!(documents.len(), 3);
    assert_eq!(documents[1]["payload"]["reason"], "spool_damaged");
    assert_eq!(documents[2]["payload"], payload(2));
}

#[test]
fn what_the_server_refuses_goes_again_as_text() {
    let home = Home::new();
    home.tell(1);
    let server = Server::start(&home, |request| {
        let is_text = |document: &Value| document["payload"].is_string();
        let problem =
            json!({"status": "rejected", "reason_code": "schema_violation", "retryable": false});
        Some(match request.head.contains("ndjson") {
            true => (422, json!({"status": 422, "results": [problem]}).to_string()),
            false if request.documents.iter().all(is_text) => (201, "{}".to_owned()),
            false => (422, problem.to_string()),
        })
    });
    home.tell(2);
    let documents = server.documents();
    let texts: Vec<&Value> =
        documents.iter().filter(|document| document["payload"].is_string()).collect();
    assert_eq!(texts.len(), 2, "{documents:?}");
    for (text, number) in texts.iter().zip(1..) {
        assert_eq!(text["refused"], "schema_violation");
        let inner: Value = serde_json::from_str(text["payload"].as_str().unwrap()).unwrap();
        assert_eq!(inner, payload(number));
    }
    assert!(home.spooled().is_empty());
}

#[test]
fn a_token_that_is_not_good_keeps_everything_and_says_why() {
    let home = Home::new();
    let server =
        Server::start(&home, |_| Some((401, r#"{"reason_code":"unauthorized"}"#.to_owned())));
    home.tell(1);
    home.tell(2);
    assert_eq!(server.documents().len(), 2);
    let flushed = home.flush();
    assert_eq!(flushed.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&flushed.stderr).contains("401"), "{flushed:?}");
    let failure = std::fs::read_to_string(home.spool().join("last_failure")).unwrap();
    assert!(failure.contains("401"), "{failure}");
}

#[test]
fn nothing_is_sent_without_a_token_or_to_another_machine() {
    let home = Home::new();
    let server = Server::willing(&home);
    std::fs::remove_file(home.dir.path().join("token")).unwrap();
    home.tell(1);
    std::fs::write(home.dir.path().join("token"), "t").unwrap();
    let mut child = home.command(&["claude-code"]);
    // The last one counts.
    let mut child = child.args(["--url", "http://192.0.2.1:7171"]).spawn().unwrap();
    child.stdin.take().unwrap().write_all(payload(2).to_string().as_bytes()).unwrap();
    unharmed(child);
    assert_eq!(home.spooled().len(), 2);
    assert!(server.documents().is_empty());
}

#[test]
fn many_hooks_at_once_lose_nothing() {
    let home = Home::new();
    let children: Vec<_> = (1..=16)
        .map(|number| {
            let mut child = home.command(&["claude-code"]).spawn().unwrap();
            child.stdin.take().unwrap().write_all(payload(number).to_string().as_bytes()).unwrap();
            child
        })
        .collect();
    children.into_iter().map(unharmed).for_each(drop);
    let server = Server::willing(&home);
    assert!(home.flush().status.success());
    let documents = server.documents();
    let mut seqs = seqs(&documents);
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=16).collect::<Vec<_>>());
    assert!(documents.iter().all(|document| document["agent"] == "claude-code"), "{documents:?}");
}

#[test]
fn a_long_backlog_goes_out_in_several_requests_and_stays_in_order() {
    let home = Home::new();
    home.tell(1);
    // As many lines as the hook would have written in a long night.
    let path = home.spool().join("waiting.ndjson");
    let first: Value = home.spooled().remove(0);
    let (mut text, mut prev) = (String::new(), "0".repeat(64));
    for n in 1..=600 {
        let mut doc = first["doc"].clone();
        doc["seq"] = json!(n);
        let line = format!(r#"{{"n":{n},"prev":"{prev}","doc":{doc}}}"#);
        prev = annals_core::hash::sha256(&[line.as_bytes()]).to_string();
        text.push_str(&line);
        text.push('\n');
    }
    std::fs::write(&path, text).unwrap();
    let server = Server::willing(&home);
    assert!(home.flush().status.success());
    let requests: Vec<_> = server.requests.try_iter().collect();
    assert!(requests.len() > 1);
    let documents: Vec<_> = requests.into_iter().flat_map(|request| request.documents).collect();
    assert_eq!(seqs(&documents), (1..=600).collect::<Vec<_>>());
}
