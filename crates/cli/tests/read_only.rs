//! A file system that may not be written any more: nothing is acknowledged, nothing is lost.
//!
//! One test needs a file system of its own, which only root can mount, the other strace; where
//! they cannot run they say so and pass.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::audit::{Acknowledged, Ledger, audit};
use support::http::{Http, Reply};
use support::trace::{TracedServer, strace_problem};
use support::{Luck, Server, event, wait_for};

/// A file system in memory that is unmounted at the end.
struct OwnDisk(PathBuf);

impl OwnDisk {
    fn mount(path: &Path) -> Option<Self> {
        std::fs::create_dir(path).unwrap();
        let disk = Self(path.to_owned());
        disk.run(&["-t", "tmpfs", "-o", "size=64m", "tmpfs"]).then_some(disk)
    }

    fn remount(&self, mode: &str) {
        let options = format!("remount,{mode}");
        assert!(self.run(&["-o", &options]), "remounting {mode}");
    }

    fn run(&self, arguments: &[&str]) -> bool {
        let mut mount = Command::new("mount");
        mount.args(arguments).arg(&self.0).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success())
    }
}

impl Drop for OwnDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).stderr(Stdio::null()).status();
    }
}

/// Appends one event and notes what was said.
fn append(http: &mut Http, luck: &mut Luck, ledger: &mut Ledger) -> Reply {
    let event_id = luck.uuid();
    let data = format!(r#"{{"n":{}}}"#, ledger.sent.len());
    ledger.sent.insert(event_id.clone(), data.clone());
    let reply = http.post("/v1/events", &event(&event_id, "r1", &data)).unwrap();
    if reply.status == 201 {
        ledger.acknowledged.insert(event_id, Acknowledged::of(&reply.json()));
    }
    reply
}

#[test]
fn a_server_does_not_start_on_a_read_only_file_system_and_harms_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = OwnDisk::mount(&dir.path().join("disk")) else {
        println!(
            "SKIPPED: no file system could be mounted; nothing was shown about read-only ones"
        );
        return;
    };
    let data_dir = disk.0.join("data");
    let (mut luck, mut ledger) = (Luck(30), Ledger::default());
    for is_killed in [false, true] {
        let mut server = Server::start(&data_dir);
        let mut http = server.http();
        for _ in 0..20 {
            assert_eq!(append(&mut http, &mut luck, &mut ledger).status, 201);
        }
        match is_killed {
            true => {
                server.process.child.kill().unwrap();
                server.process.wait();
            }
            false => server.stop(),
        }
        disk.remount("ro");
        // Its log file cannot be on that disk.
        let mut refused = support::annals();
        refused.args(support::serve_arguments(&data_dir, "127.0.0.1:0"));
        let output = refused.output().unwrap();
        assert!(!output.status.success());
        let message = support::stderr(&output);
        assert!(message.contains(&data_dir.display().to_string()), "{message}");
        assert!(!message.contains("panicked"), "{message}");
        disk.remount("rw");
        let server = Server::start(&data_dir);
        audit(&server, &ledger);
        server.stop();
    }
}

#[test]
fn a_file_system_that_turns_read_only_acknowledges_nothing_more() {
    if let Some(problem) = strace_problem() {
        println!("SKIPPED: {problem}; nothing was shown about a remount under load");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    // The first start fills its files with zeros, in many writes.
    Server::start(&data_dir).stop();
    // strace counts for each thread: the start has to get through, and then, from its hundredth
    // write on, every thread finds a read-only file.
    let inject = ["-e", "inject=pwrite64:error=EROFS:when=100+"];
    let mut traced = TracedServer::start(&data_dir, &dir.path().join("trace"), &inject, &[]);
    let (mut luck, mut ledger) = (Luck(31), Ledger::default());
    let mut http = traced.server.http();
    let refusal = wait_for("an append that is not acknowledged", || {
        let reply = append(&mut http, &mut luck, &mut ledger);
        (reply.status != 201).then_some(reply)
    });
    assert_eq!(refusal.status, 503, "{}", refusal.text());
    let status = traced.server.process.wait();
    assert!(!status.success(), "a failed log must not end as if all were well");
    let server = Server::start(&data_dir);
    let events = audit(&server, &ledger);
    println!("{} acknowledged, {} stored", ledger.acknowledged.len(), events.len());
    server.stop();
}
