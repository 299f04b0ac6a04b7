//! Runs of real agents: what is found there, and that ids, hashes, images and paths are not.

use std::path::Path;
use std::time::Instant;

use crate::support::{Find, finds, key, redacted_json, shared_data};
use annals_core::json::JsonLimits;
use annals_core::json::compact;
use annals_core::secrets::Scanner;

fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// Every JSON value of the runs, compact: whole files, or their lines.
fn texts() -> Vec<(String, String)> {
    let Some(folder) = shared_data("agent-runs") else { return Vec::new() };
    let mut paths = Vec::new();
    files(&folder, &mut paths);
    paths.sort();
    let limits = JsonLimits { node_count_max: usize::MAX, ..JsonLimits::EVENT };
    let compacted = |bytes: &[u8]| {
        let mut out = String::new();
        compact(bytes, &mut out, &limits).is_ok().then_some(out)
    };
    let mut texts = Vec::new();
    for path in paths {
        let bytes = std::fs::read(&path).unwrap();
        let name = path.strip_prefix(&folder).unwrap().display().to_string();
        match compacted(&bytes) {
            Some(text) => texts.push((name, text)),
            None => texts.extend(
                bytes
                    .split(|byte| *byte == b'\n')
                    .filter_map(compacted)
                    .map(|text| (name.clone(), text)),
            ),
        }
    }
    texts
}

fn is_uuid_or_hash(secret: &str) -> bool {
    let digits = secret.bytes().filter(u8::is_ascii_hexdigit).count();
    let dashes = secret.bytes().filter(|byte| *byte == b'-').count();
    digits + dashes == secret.len() && digits >= 32
}

#[test]
fn no_uuid_hash_image_or_path_of_real_runs_is_marked() {
    let mut all = Vec::new();
    for (file, text) in texts() {
        for find in finds(&text, &redacted_json(&text)) {
            all.push((file.clone(), find));
        }
    }
    all.sort();
    all.dedup();
    for (file, find) in &all {
        println!("{file}: {} {}", find.rule, find.secret);
    }
    let is_wrong = |find: &Find| {
        is_uuid_or_hash(&find.secret)
            || find.secret.len() > 2_000 && find.rule != "private_key"
            || find.secret.starts_with('/')
    };
    let wrong: Vec<_> = all.iter().filter(|(_, find)| is_wrong(find)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Nanoseconds that this thread has had of a processor, where the system tells; else of the clock.
fn processor_nanos(started: Instant) -> u128 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let first = told.and_then(|text| text.split(' ').next().and_then(|nanos| nanos.parse().ok()));
    first.unwrap_or_else(|| started.elapsed().as_nanos())
}

/// Prints how fast texts are looked through; asserts nothing about time.
#[test]
#[expect(clippy::disallowed_methods, reason = "the figure is of this test's own time")]
fn says_how_fast_real_runs_are_looked_through() {
    let texts = texts();
    let byte_count: usize = texts.iter().map(|(_, text)| text.len()).sum();
    let (scanner, key, started) = (Scanner::builtin(), key(), Instant::now());
    let is_found = |text: &str| scanner.redact_json(&key, text, "").is_some();
    for _ in 0..3 {
        let before = processor_nanos(started);
        let found = texts.iter().filter(|(_, text)| is_found(text)).count();
        let micros = (processor_nanos(started) - before) / 1_000;
        let rate = byte_count as u128 / micros.max(1);
        println!(
            "{byte_count} bytes at {rate} MB/s of processor time; finds in {found} of {} texts",
            texts.len()
        );
    }
}
