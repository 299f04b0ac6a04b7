//! A full disk is said as such, loses nothing, and writing goes on by itself when there is room.
//!
//! Needs a small file system of its own, which only root can mount; elsewhere it says so and passes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]

mod support;

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::audit::{Acknowledged, Ledger, audit};
use support::http::Reply;
use support::{Luck, Server, event, wait_for};

/// A file system in memory that is unmounted at the end.
struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    fn mount(path: &Path) -> Option<Self> {
        std::fs::create_dir(path).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=48m", "tmpfs"]).arg(path).stderr(Stdio::null());
        let is_mounted = mount.status().is_ok_and(|status| status.success());
        is_mounted.then(|| Self { path: path.to_owned() })
    }

    /// Takes all the room that is left.
    fn fill(&self) -> PathBuf {
        let filler = self.path.join("filler");
        let mut file = File::create(&filler).unwrap();
        let block = vec![0; 64 << 10];
        while file.write_all(&block).is_ok() {}
        while file.write_all(&block[..512]).is_ok() {}
        filler
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

/// The files below a directory that hold these bytes.
fn files_with(root: &Path, needle: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, needle));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            let has = bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
            found.extend(has.then_some(path));
        }
    }
    found
}

/// Appends one event and notes what was said.
fn append(server: &Server, luck: &mut Luck, ledger: &mut Ledger) -> Reply {
    let event_id = luck.uuid();
    let data = format!(r#"{{"filler":"{}"}}"#, "x".repeat(20_000));
    ledger.sent.insert(event_id.clone(), data.clone());
    let reply = server.http().post("/v1/events", &event(&event_id, "r1", &data)).unwrap();
    if reply.status == 201 {
        ledger.acknowledged.insert(event_id, Acknowledged::of(&reply.json()));
    }
    reply
}

#[test]
fn a_full_disk_refuses_appends_until_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&dir.path().join("disk")) else {
        println!(
            "SKIPPED: no small file system could be mounted; nothing was shown about full disks"
        );
        return;
    };
    let server =
        Server::start_with(&disk.path.join("data"), "127.0.0.1:0", &["--segment-bytes", "1048576"]);
    let (mut luck, mut ledger) = (Luck(507), Ledger::default());
    assert_eq!(append(&server, &mut luck, &mut ledger).status, 201);
    let filler = disk.fill();
    let refusal = wait_for("an append that finds no room", || {
        let reply = append(&server, &mut luck, &mut ledger);
        (reply.status != 201).then_some(reply)
    });
    assert_eq!(refusal.status, 507, "{}", refusal.text());
    assert_eq!(refusal.json()["reason_code"], "storage_full");
    assert_eq!(refusal.json()["retryable"], true);
    // Reading goes on, and nothing that was acknowledged is lost.
    audit(&server, &ledger);
    std::fs::remove_file(filler).unwrap();
    wait_for("appends to go on by themselves", || {
        (append(&server, &mut luck, &mut ledger).status == 201).then_some(())
    });
    audit(&server, &ledger);
    server.stop();
}

#[test]
fn a_secret_goes_on_a_full_disk_too() {
    const SECRETS: [&str; 2] = ["correct horse battery staple", "wrong donkey cable clamp"];
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&dir.path().join("disk")) else {
        println!("SKIPPED: no small file system could be mounted; nothing was shown");
        return;
    };
    let data_dir = disk.path.join("data");
    let server = Server::start_with(&data_dir, "127.0.0.1:0", &["--segment-bytes", "4194304"]);
    let (mut luck, mut ledger) = (Luck(507), Ledger::default());
    let secret_ids = SECRETS.map(|secret| {
        let event_id = luck.uuid();
        let data = format!(r#"{{"password":"{secret}"}}"#);
        let reply = server.http().post("/v1/events", &event(&event_id, "r2", &data)).unwrap();
        assert_eq!(reply.status, 201, "{}", reply.text());
        event_id
    });
    let filler = disk.fill();
    wait_for("an append that finds no room", || {
        (append(&server, &mut luck, &mut ledger).status == 507).then_some(())
    });
    for (secret, event_id) in SECRETS.iter().zip(&secret_ids) {
        assert!(!files_with(&data_dir, secret).is_empty());
        let path = format!("/v1/events/{event_id}/redact");
        let reply = server.http().post(&path, r#"{"reason":"a password"}"#).unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(files_with(&data_dir, secret), Vec::<PathBuf>::new());
        let refusal = append(&server, &mut luck, &mut ledger);
        assert_eq!(refusal.status, 507, "{}", refusal.text());
    }
    std::fs::remove_file(filler).unwrap();
    wait_for("appends to go on by themselves", || {
        (append(&server, &mut luck, &mut ledger).status == 201).then_some(())
    });
    let reserve = std::fs::metadata(data_dir.join("log/reserve")).unwrap().len();
    assert_eq!(reserve, 4 << 20, "the reserve is whole for the next full disk");
    server.stop();
}
