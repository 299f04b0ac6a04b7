//! `verify`, `backup`, `restore`, `redact`, `export` and `key` as people use them: what holds, what
//! does not, and what is said of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::Value;
use support::{Luck, Server, annals, event, stderr, stdout};

/// A person with a home of their own, where checkpoints are remembered.
struct Person {
    home: tempfile::TempDir,
}

impl Person {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Runs a command; with a server, against it.
    fn run(&self, server: Option<&Server>, arguments: &[&str]) -> Output {
        let mut command = annals();
        command.env("HOME", self.home.path()).env("XDG_STATE_HOME", self.path("state"));
        if let Some(server) = server {
            command.env("ANNALS_URL", server.url()).env("ANNALS_TOKEN", &server.token);
        }
        command.args(arguments).output().unwrap()
    }

    /// The exit code of a command whose output nobody reads.
    fn code_unread(&self, arguments: &[&str]) -> Option<i32> {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = annals();
        command.env("HOME", self.home.path()).env("XDG_STATE_HOME", self.path("state"));
        command.args(arguments).stdout(writer).stderr(Stdio::null()).status().unwrap().code()
    }

    /// A verdict that is no, and what is wrong.
    fn fault(&self, arguments: &[&str]) -> Value {
        let output = self.run(None, arguments);
        assert_eq!(output.status.code(), Some(1), "{}{}", stdout(&output), stderr(&output));
        let mut verdict: Value = serde_json::from_str(&stdout(&output)).unwrap();
        verdict["fault"].take()
    }

    fn export(&self, server: &Server, name: &str) -> String {
        let file = self.path(name).to_str().unwrap().to_owned();
        let exported = self.run(Some(server), &["export", "run", "r1", "--out", &file]);
        assert!(exported.status.success(), "{}", stderr(&exported));
        file
    }

    fn json(&self, server: Option<&Server>, arguments: &[&str]) -> Value {
        let output = self.run(server, arguments);
        assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
        serde_json::from_str(&stdout(&output)).unwrap()
    }
}

fn append(server: &Server, luck: &mut Luck, run_id: &str, count: u64) -> Vec<Value> {
    let mut http = server.http();
    let events: Vec<String> =
        (0..count).map(|n| event(&luck.uuid(), run_id, &format!("{{\"n\":{n}}}"))).collect();
    let reply = http.post("/v1/events", &format!("[{}]", events.join(","))).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["results"].as_array().unwrap().clone()
}

fn check<'a>(verdict: &'a Value, name: &str) -> &'a Value {
    let checks = verdict["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name}"))
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_directory(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

#[test]
fn a_running_log_is_verified_and_from_then_on_remembered() {
    let (person, mut luck) = (Person::new(), Luck(11));
    let server = Server::start(&person.path("data"));
    append(&server, &mut luck, "r1", 600);
    let first = person.json(Some(&server), &["verify", "--json"]);
    assert_eq!(first["verdict"], "valid");
    assert_eq!((&first["events_checked"], &first["size"]), (&600.into(), &600.into()));
    assert_eq!(check(&first, "rollback")["result"], "not_checked", "nobody knew it before");
    append(&server, &mut luck, "r2", 50);
    let second = person.json(Some(&server), &["verify", "--json"]);
    assert_eq!(check(&second, "rollback")["result"], "passed");
    assert_eq!(check(&second, "key")["result"], "passed");
    let part = person.json(Some(&server), &["verify", "--json", "--from", "601"]);
    assert_eq!(part["events_checked"], 50);
    let said = check(&part, "records")["detail"].as_str().unwrap().to_owned();
    assert!(said.contains("before position 601 were not looked at"), "{said}");
    let told = stdout(&person.run(Some(&server), &["verify", "--no-memory"]));
    assert!(told.contains("valid: 650 events and 650 bodies"), "{told}");
    assert!(told.contains("not checked: nothing is remembered here"), "{told}");
    server.stop();
}

#[test]
fn a_log_that_was_rolled_back_or_replaced_is_found_by_who_remembers() {
    let (person, mut luck) = (Person::new(), Luck(12));
    let (data, old) = (person.path("data"), person.path("old"));
    let server = Server::start(&data);
    append(&server, &mut luck, "r1", 20);
    server.stop();
    copy_directory(&data, &old);
    let server = Server::start(&data);
    append(&server, &mut luck, "r1", 30);
    person.json(Some(&server), &["verify", "--json"]);
    server.stop();

    fs::remove_dir_all(&data).unwrap();
    copy_directory(&old, &data);
    let offline = person.run(None, &["verify", "--data", data.to_str().unwrap()]);
    assert_eq!(offline.status.code(), Some(1), "{}", stdout(&offline));
    assert!(stdout(&offline).contains("older copy"), "{}", stdout(&offline));
    let server = Server::start(&data);
    let shorter = person.run(Some(&server), &["verify"]);
    assert_eq!(shorter.status.code(), Some(1));
    let said = stdout(&shorter);
    assert!(said.contains("rolled back: it had 50 events"), "{said}");
    append(&server, &mut luck, "r9", 100);
    let longer = person.run(Some(&server), &["verify", "--json"]);
    assert_eq!(longer.status.code(), Some(1));
    let verdict: Value = serde_json::from_str(&stdout(&longer)).unwrap();
    assert_eq!(verdict["fault"]["kind"], "other_history", "{verdict}");
    let forgetful = Person::new();
    let trusting = forgetful.json(Some(&server), &["verify", "--json"]);
    assert_eq!(check(&trusting, "rollback")["result"], "not_checked");
    server.stop();
}

#[test]
fn an_edited_body_is_named_with_its_stream() {
    let (person, mut luck) = (Person::new(), Luck(13));
    let data = person.path("data");
    let server = Server::start(&data);
    let receipts = append(&server, &mut luck, "r1", 40);
    server.stop();
    let sound = person.json(None, &["verify", "--json", "--data", data.to_str().unwrap()]);
    assert_eq!((&sound["verdict"], &sound["bodies_checked"]), (&"valid".into(), &40.into()));
    let segment = fs::read_dir(data.join("log"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    let wanted = b"{\"n\":17}";
    let place = bytes.windows(wanted.len()).position(|window| window == wanted).unwrap();
    bytes[place + 5] = b'9';
    fs::write(&segment, bytes).unwrap();
    let edited = person.run(None, &["verify", "--data", data.to_str().unwrap()]);
    assert_eq!(edited.status.code(), Some(1), "{}", stdout(&edited));
    let position = receipts[17]["position"].as_u64().unwrap();
    let said = stdout(&edited);
    assert!(said.contains(&format!("position {position} (seq 18 of stream run/r1")), "{said}");
    assert!(said.contains("its body was changed"), "{said}");
    let directory = data.to_str().unwrap();
    let unread = person.code_unread(&["verify", "--data", directory]);
    assert_eq!(unread, Some(1), "a verdict is one, read or not");
    assert_eq!(person.code_unread(&["verify", "--json", "--data", directory]), Some(1));
}

#[test]
fn a_backup_is_brought_up_to_date_and_restored_as_a_new_log() {
    let (person, mut luck) = (Person::new(), Luck(14));
    let (data, copy, again) = (person.path("data"), person.path("copy"), person.path("again"));
    let server = Server::start_with(&data, "127.0.0.1:0", &["--segment-bytes", "60000"]);
    append(&server, &mut luck, "r1", 300);
    let copy_name = copy.to_str().unwrap();
    let first = person.json(Some(&server), &["backup", "--json", copy_name]);
    assert_eq!(first["events_verified"], 300);
    let receipts = append(&server, &mut luck, "r1", 100);
    let second = person.json(Some(&server), &["backup", "--json", copy_name]);
    assert_eq!(second["events_verified"], 400);
    assert!(
        second["bytes_copied"].as_u64().unwrap() * 2 < first["bytes_copied"].as_u64().unwrap(),
        "{first} {second}"
    );
    let third = person.json(Some(&server), &["backup", "--json", copy_name]);
    assert_eq!(third["bytes_copied"], 0);
    for secret in ["owner.token", "trust/key", "trust/pepper"] {
        assert!(!copy.join(secret).exists(), "{secret} is in the backup");
    }

    let event_id = receipts[3]["event_id"].as_str().unwrap();
    let redacted = person.json(
        Some(&server),
        &["redact", event_id, "--reason", "a secret", "--json", "--replace", "{\"n\":null}"],
    );
    assert_eq!(redacted["replayed"], false);
    let online = person.json(Some(&server), &["verify", "--json"]);
    assert_eq!((&online["bodies_checked"], &online["bodies_withheld"]), (&400.into(), &1.into()));
    person.json(Some(&server), &["backup", "--json", copy_name]);
    let verified = person.json(None, &["verify", "--json", "--data", copy_name]);
    assert_eq!((&verified["verdict"], &verified["bodies_withheld"]), (&"valid".into(), &1.into()));
    server.stop();

    let restored = person.run(None, &["restore", copy_name, "--data", again.to_str().unwrap()]);
    assert!(restored.status.success(), "{}", stderr(&restored));
    let twice = person.run(None, &["restore", copy_name, "--data", again.to_str().unwrap()]);
    assert_eq!(twice.status.code(), Some(2), "a restore writes over nothing");
    let server = Server::start(&again);
    append(&server, &mut luck, "r2", 10);
    let verdict = person.json(Some(&server), &["verify", "--json"]);
    // 401 events of the parent, the fact of the restore, ten events.
    assert_eq!(verdict["size"], 412, "{verdict}");
    assert_ne!(verdict["log_id"], verified["log_id"], "never two histories under one name");
    let refused = person.run(Some(&server), &["backup", copy_name]);
    assert!(!refused.status.success());
    assert!(stderr(&refused).contains("use another directory"), "{}", stderr(&refused));
    server.stop();
}

#[test]
fn a_backup_of_a_log_that_was_rolled_back_is_left_alone() {
    let (person, mut luck) = (Person::new(), Luck(15));
    let (data, old, copy) = (person.path("data"), person.path("old"), person.path("copy"));
    let server = Server::start(&data);
    append(&server, &mut luck, "r1", 10);
    server.stop();
    copy_directory(&data, &old);
    let server = Server::start(&data);
    append(&server, &mut luck, "r1", 10);
    person.json(Some(&server), &["backup", "--json", copy.to_str().unwrap()]);
    server.stop();
    let server = Server::start(&old);
    let refused = person.run(Some(&server), &["backup", copy.to_str().unwrap()]);
    assert!(!refused.status.success());
    assert!(stderr(&refused).contains("rolled back or replaced"), "{}", stderr(&refused));
    server.stop();
    let kept = person.json(None, &["verify", "--json", "--data", copy.to_str().unwrap()]);
    assert_eq!(kept["events_checked"], 20);
}

#[test]
fn a_body_is_erased_in_an_older_backup() {
    let (person, mut luck) = (Person::new(), Luck(16));
    let (data, copy) = (person.path("data"), person.path("copy"));
    let server = Server::start(&data);
    let receipts = append(&server, &mut luck, "r1", 10);
    let copy_name = copy.to_str().unwrap();
    person.json(Some(&server), &["backup", "--json", copy_name]);
    server.stop();
    let event_id = receipts[4]["event_id"].as_str().unwrap();
    let erased =
        person.json(None, &["redact", event_id, "--reason", "x", "--json", "--in", copy_name]);
    assert_eq!(erased["position"], receipts[4]["position"]);
    let verified = person.json(None, &["verify", "--json", "--data", copy_name]);
    assert_eq!((&verified["verdict"], &verified["bodies_withheld"]), (&"valid".into(), &1.into()));
    let said = check(&verified, "erasures");
    assert_eq!(said["result"], "not_checked", "nobody signed why it is gone: {said}");
    let unknown = luck.uuid();
    let missing = person.run(None, &["redact", &unknown, "--reason", "x", "--in", copy_name]);
    assert!(!missing.status.success());
}

#[test]
fn a_log_restored_from_a_backup_that_was_erased_in_says_so_itself() {
    let (person, mut luck) = (Person::new(), Luck(19));
    let (data, copy, again) = (person.path("data"), person.path("copy"), person.path("again"));
    let server = Server::start(&data);
    let receipts = append(&server, &mut luck, "r1", 10);
    let copy_name = copy.to_str().unwrap();
    person.json(Some(&server), &["backup", "--json", copy_name]);
    server.stop();
    for receipt in [&receipts[4], &receipts[7]] {
        let event_id = receipt["event_id"].as_str().unwrap();
        person.json(None, &["redact", event_id, "--reason", "x", "--json", "--in", copy_name]);
    }
    let again_name = again.to_str().unwrap();
    let restored = person.run(None, &["restore", copy_name, "--data", again_name]);
    assert!(restored.status.success(), "{}", stderr(&restored));
    // Each start looks; only the first one has something to say.
    for _ in 0..2 {
        let server = Server::start(&again);
        let online = person.json(Some(&server), &["verify", "--json"]);
        assert_eq!(online["verdict"], "valid", "{online}");
        assert_eq!(online["bodies_withheld"], 2);
        let event_id = receipts[4]["event_id"].as_str().unwrap();
        let event = server.http().get(&format!("/v1/events/{event_id}")).unwrap().json();
        let reason = event["redaction"]["reason"].as_str().unwrap();
        assert!(reason.contains("erased in the backup"), "{reason}");
        server.stop();
    }
    let offline = person.json(None, &["verify", "--json", "--data", again_name]);
    assert_eq!(offline["verdict"], "valid", "{offline}");
    assert!(offline["checks"].as_array().unwrap().iter().all(|check| check["name"] != "erasures"));
    // A backup of the restored log needs no list beside it.
    let (server, next) = (Server::start(&again), person.path("next"));
    person.json(Some(&server), &["backup", "--json", next.to_str().unwrap()]);
    server.stop();
    assert!(!next.join("redactions").exists());
}

#[test]
fn the_keys_are_shown_without_a_server() {
    let (person, mut luck) = (Person::new(), Luck(20));
    let data = person.path("data");
    let name = data.to_str().unwrap();
    let server = Server::start(&data);
    append(&server, &mut luck, "r1", 2);
    assert!(person.run(Some(&server), &["key", "rotate"]).status.success());
    let online = stdout(&person.run(Some(&server), &["key", "show"]));
    // Beside the running server as well: nothing is locked and nothing written.
    let beside = stdout(&person.run(None, &["key", "show", "--data", name]));
    server.stop();
    let offline = stdout(&person.run(None, &["key", "show", "--data", name]));
    assert_eq!(online.lines().count(), 2, "{online}");
    assert_eq!((&beside, &offline), (&online, &online));
    let nowhere =
        person.run(None, &["key", "show", "--data", person.path("none").to_str().unwrap()]);
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(stderr(&nowhere).contains("there is no log in"), "{}", stderr(&nowhere));
}

#[test]
fn evidence_made_before_a_redaction_verifies_after_it() {
    let (person, mut luck) = (Person::new(), Luck(17));
    let server = Server::start(&person.path("data"));
    let receipts = append(&server, &mut luck, "r1", 12);
    append(&server, &mut luck, "other", 3);
    let file = person.path("r1.json");
    let name = file.to_str().unwrap();
    let hidden = receipts[2]["event_id"].as_str().unwrap();
    let exported =
        person.run(Some(&server), &["export", "run", "r1", "--out", name, "--hash-only", hidden]);
    assert!(exported.status.success(), "{}", stderr(&exported));
    let redacted = receipts[5]["event_id"].as_str().unwrap();
    person.json(Some(&server), &["redact", redacted, "--reason", "x", "--json"]);
    server.stop();
    let verdict = person.json(None, &["verify", "--json", name]);
    assert_eq!(verdict["verdict"], "valid");
    assert_eq!((&verdict["events_checked"], &verdict["bodies_checked"]), (&12.into(), &11.into()));
    assert_eq!(check(&verdict, "hash_only")["result"], "not_checked");
    let text = fs::read_to_string(&file).unwrap();
    let root = verdict["root_hash"].as_str().unwrap();
    let signature = text.replace("\\u2014 ", "\\u2014 x");
    let broken =
        if signature == text { text.replace(root, &root.replace('0', "1")) } else { signature };
    let changed = text.replacen("\"body\":\"", "\"body\":\"AAAA", 1);
    for (what, damaged) in [("a body", changed), ("what is signed", broken)] {
        if damaged == text {
            continue;
        }
        fs::write(&file, damaged).unwrap();
        let refused = person.run(None, &["verify", name]);
        assert_eq!(refused.status.code(), Some(1), "{what}: {}", stdout(&refused));
    }
    fs::write(&file, "{}").unwrap();
    assert_eq!(person.run(None, &["verify", name]).status.code(), Some(2), "it is no evidence");
}

#[test]
fn a_replaced_key_is_followed_by_who_knew_the_one_before() {
    let (person, mut luck) = (Person::new(), Luck(18));
    let server = Server::start(&person.path("data"));
    append(&server, &mut luck, "r1", 5);
    person.json(Some(&server), &["verify", "--json"]);
    let evidence = person.path("r1.json");
    let name = evidence.to_str().unwrap();
    assert!(person.run(Some(&server), &["export", "run", "r1", "--out", name]).status.success());
    let before = stdout(&person.run(Some(&server), &["key", "show"]));
    let rotated = person.run(Some(&server), &["key", "rotate"]);
    assert!(rotated.status.success(), "{}", stderr(&rotated));
    let after = stdout(&person.run(Some(&server), &["key", "show"]));
    assert_eq!(after.lines().nth(1), before.lines().next());
    assert_ne!(after.lines().next(), before.lines().next());
    let verdict = person.json(Some(&server), &["verify", "--json"]);
    let said = check(&verdict, "key");
    assert_eq!(said["result"], "passed", "{said}");
    assert!(said["detail"].as_str().unwrap().contains("handed over"), "{said}");
    let older = person.json(None, &["verify", "--json", name]);
    assert_eq!(check(&older, "key")["result"], "passed", "the file is older than the key: {older}");
    server.stop();
}

#[test]
fn evidence_by_each_key_of_the_log_is_known_as_long_as_that_key_signed() {
    let (person, mut luck) = (Person::new(), Luck(19));
    let (data, stolen) = (person.path("data"), person.path("stolen"));
    let server = Server::start(&data);
    append(&server, &mut luck, "r1", 5);
    server.stop();
    copy_directory(&data, &stolen);
    let server = Server::start(&data);
    person.json(Some(&server), &["verify", "--json"]);
    let by_first = person.export(&server, "first.json");
    assert!(person.run(Some(&server), &["key", "rotate"]).status.success());
    append(&server, &mut luck, "r1", 5);
    let by_second = person.export(&server, "second.json");
    assert!(person.run(Some(&server), &["key", "rotate"]).status.success());
    let verdict = person.json(Some(&server), &["verify", "--json"]);
    let said = check(&verdict, "key")["detail"].as_str().unwrap().to_owned();
    assert!(said.contains("handed over, 2 times"), "{said}");
    let by_third = person.export(&server, "third.json");
    server.stop();
    for (file, history) in
        [(by_first, "not_checked"), (by_second, "not_checked"), (by_third, "passed")]
    {
        let verdict = person.json(None, &["verify", "--json", &file]);
        assert_eq!(check(&verdict, "key")["result"], "passed", "{verdict}");
        assert_eq!(check(&verdict, "history")["result"], history, "{verdict}");
    }
    let server = Server::start(&stolen);
    append(&server, &mut luck, "r1", 3);
    let forged = person.export(&server, "forged.json");
    server.stop();
    let fault = person.fault(&["verify", "--json", &forged]);
    assert_eq!(fault["kind"], "other_key", "its time was over: {fault}");
    let directory = data.to_str().unwrap();
    let verdict = person.json(None, &["verify", "--json", "--data", directory]);
    assert_eq!(check(&verdict, "key")["result"], "passed", "{verdict}");
    fs::remove_file(data.join("trust").join("rotations")).unwrap();
    let fault = person.fault(&["verify", "--json", "--data", directory]);
    assert_eq!(fault["kind"], "bad_signature", "the keys are only said to have followed: {fault}");
}

#[test]
fn evidence_of_another_history_is_found_by_who_knows_that_size() {
    let (person, mut luck) = (Person::new(), Luck(20));
    let (data, twin) = (person.path("data"), person.path("twin"));
    let server = Server::start(&data);
    append(&server, &mut luck, "r1", 5);
    server.stop();
    copy_directory(&data, &twin);
    let server = Server::start(&data);
    append(&server, &mut luck, "r1", 5);
    person.json(Some(&server), &["verify", "--json"]);
    server.stop();
    let server = Server::start(&twin);
    append(&server, &mut luck, "r1", 5);
    let file = person.export(&server, "twin.json");
    server.stop();
    let fault = person.fault(&["verify", "--json", &file]);
    assert_eq!(fault["kind"], "other_history", "{fault}");
    let forgetful = person.json(None, &["verify", "--json", "--no-memory", &file]);
    assert_eq!(check(&forgetful, "history")["result"], "not_checked");
}

#[test]
fn what_cannot_be_told_is_neither_yes_nor_no() {
    let person = Person::new();
    let empty = person.path("empty");
    fs::create_dir(&empty).unwrap();
    let no_log = person.run(None, &["verify", "--data", empty.to_str().unwrap()]);
    assert_eq!(no_log.status.code(), Some(2));
    assert!(stderr(&no_log).contains("no"), "{}", stderr(&no_log));
    let away = person.run(None, &["verify", "--url", "http://127.0.0.1:9", "--token", "x"]);
    assert_eq!(away.status.code(), Some(2));
    let server = Server::start(&person.path("data"));
    let refused = person.run(Some(&server), &["verify", "--token", "wrong", "--json"]);
    assert_eq!(refused.status.code(), Some(2), "a refused token says nothing about the log");
    assert!(stdout(&refused).contains("could_not_tell"), "{}", stdout(&refused));
    server.stop();
    let nothing = person.path("nothing.json");
    let nothing = nothing.to_str().unwrap();
    assert_eq!(person.run(None, &["verify", nothing]).status.code(), Some(2));
    assert_eq!(person.code_unread(&["verify", "--json", nothing]), Some(2));
}
