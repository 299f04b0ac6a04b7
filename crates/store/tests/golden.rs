//! A small directory of format 1, byte for byte: what was written once must be read for ever, and
//! the same events must be written as the same bytes.
//!
//! `tests/golden/v1` was written by the first version. When a test here fails the format has
//! changed; a format that was released never does.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test stops where it goes wrong"
)]

mod common;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use annals_store::contract::LogWriter;
use annals_store::local::{LocalLog, open_local};
use common::*;

const FILES: [&str; 5] = [
    "trust/log_id",
    "log/clean",
    "log/00000000000000000001.seg",
    "log/00000000000000000007.seg",
    "derived/index/00000000000000000001-00000000000000000006.idx",
];

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")
}

/// Nine events in two segments, the first of them sealed and indexed.
fn write_log(root: &Path) -> String {
    let LocalLog { mut writer, .. } = open_local(root, small_options()).unwrap();
    let mut lines = String::new();
    let mut number = 0;
    for commit in 0..3_usize {
        let samples: Vec<Sample> = (0..3)
            .map(|index| {
                number += 1;
                let data =
                    format!("{{\"number\":{number},\"text\":\"{}\"}}", "é\\n".repeat(commit * 9));
                let mut sample = sample(&format!("s{index}"), &data)
                    .id(0x0192_0000_0000_7000_8000_0000_0000_0000 + number)
                    .key(&format!("key-{number}"))
                    .run(&format!("r{index}"));
                sample.server_event_id = number;
                sample.draft.display = (index == 1).then(|| "{\"color\":\"red\"}".to_owned());
                sample
            })
            .collect();
        let units = vec![unit(&samples[..2]), samples[2].unit()];
        let micros = 1_790_000_000_000_000 + i64::try_from(commit).unwrap();
        for outcome in writer.append(at(micros), units).unwrap() {
            for event in committed(&outcome) {
                writeln!(lines, "{}", event.to_json()).unwrap();
            }
        }
    }
    writer.settle_index();
    writer.close().unwrap();
    lines
}

/// A file without the zeros at its end.
fn content(path: &Path) -> Vec<u8> {
    let mut bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |place| place + 1);
    bytes.truncate(end);
    bytes
}

#[test]
fn the_same_events_are_written_as_the_same_bytes() {
    let dir = temporary_dir();
    let lines = write_log(dir.path());
    if !golden().exists() {
        for name in FILES {
            let target = golden().join(name);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::write(target, content(&dir.path().join(name))).unwrap();
        }
        fs::write(golden().join("events.ndjson"), &lines).unwrap();
        panic!("the golden directory was written; look at it, then run again");
    }
    assert_eq!(fs::read_to_string(golden().join("events.ndjson")).unwrap(), lines);
    for name in FILES {
        assert!(content(&dir.path().join(name)) == content(&golden().join(name)), "{name} differs");
    }
}

/// Lays out the golden log, with an index file where the log has its own.
fn lay_out(dir: &Path, index: &Path) {
    for name in FILES {
        let target = dir.join(name);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        let is_index = name.ends_with(".idx");
        let source = if is_index { index.to_owned() } else { golden().join(name) };
        let mut bytes = content(&source);
        // The zeros at the end were left out.
        bytes.resize(if is_index { bytes.len().next_multiple_of(4096) } else { bytes.len() }, 0);
        fs::write(target, bytes).unwrap();
    }
}

fn index() -> &'static str {
    FILES.into_iter().find(|name| name.ends_with(".idx")).unwrap()
}

#[test]
fn a_log_of_format_1_is_read() {
    let dir = temporary_dir();
    lay_out(dir.path(), &golden().join(index()));
    let log = open_local(dir.path(), small_options()).unwrap();
    assert!(log.report.was_closed);
    assert_eq!(log.report.indexes_built, 0);
    let lines: String =
        audit(&log.reader).iter().map(|event| format!("{}\n", event.to_json())).collect();
    assert_eq!(lines, fs::read_to_string(golden().join("events.ndjson")).unwrap());
}

#[test]
fn an_index_of_an_older_format_is_built_again() {
    let dir = temporary_dir();
    lay_out(dir.path(), &golden().with_file_name("index-format-1.idx"));
    let log = open_local(dir.path(), small_options()).unwrap();
    log.writer.settle_index();
    assert!(content(&dir.path().join(index())) == content(&golden().join(index())));
    audit(&log.reader);
}
