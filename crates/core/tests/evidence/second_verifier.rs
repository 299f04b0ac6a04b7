//! The verifier under `docs/`, which shares no code with ours, gives the same verdicts.

use std::path::{Path, PathBuf};
use std::process::Command;

use annals_core::evidence::{Disclosure, verify_evidence};
use serde_json::Value;

use crate::log::{Log, RUN};
use crate::manipulations::MANIPULATIONS;

/// What a verifier says of a file: how it ends, and which event it names (0 for none).
#[derive(Debug, PartialEq, Eq)]
struct Verdict {
    word: &'static str,
    event: usize,
}

fn ours(text: &str) -> Verdict {
    match verify_evidence(text) {
        Ok(_) => Verdict { word: "holds", event: 0 },
        Err(fault) if fault.could_not_tell() => Verdict { word: "unclear", event: 0 },
        Err(fault) => Verdict { word: "WRONG", event: fault.event.map_or(0, |event| event.number) },
    }
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/formats/verify_evidence.py")
}

/// Whether Python and its package are installed; says so if they are not.
fn can_run() -> bool {
    let has_package = Command::new("python3").args(["-c", "import cryptography"]).output();
    let can_run = has_package.is_ok_and(|output| output.status.success());
    if !can_run {
        println!("skipped: python3 with the package cryptography is not here");
    }
    can_run
}

/// The verdicts of the second verifier, in the order of the files. `None` where it cannot run.
fn theirs(files: &[(String, String)]) -> Option<Vec<Verdict>> {
    if !can_run() {
        return None;
    }
    let folder = std::env::temp_dir().join(format!("annals-evidence-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let paths: Vec<PathBuf> = files
        .iter()
        .enumerate()
        .map(|(index, (_, text))| {
            let path = folder.join(format!("{index}.json"));
            std::fs::write(&path, text).expect("a temporary file");
            path
        })
        .collect();
    let output = Command::new("python3").arg(script()).args(&paths).output().expect("python3");
    std::fs::remove_dir_all(&folder).expect("our own folder");
    let said = String::from_utf8(output.stdout).expect("text");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said.lines().count(), files.len(), "{said}{errors}");
    Some(said.lines().map(verdict).collect())
}

fn verdict(line: &str) -> Verdict {
    let word = ["holds", "WRONG", "unclear"]
        .into_iter()
        .find(|word| line.starts_with(word))
        .unwrap_or_else(|| panic!("no verdict: {line}"));
    let event = line
        .split_once("  event ")
        .and_then(|(_, rest)| rest.split(' ').next())
        .map_or(0, |number| number.parse().expect("a number"));
    Verdict { word, event }
}

#[test]
fn the_second_verifier_agrees_on_every_file() {
    let mut log = Log::example();
    let good = log.evidence();
    let less = log.evidence_with(|position| match position {
        3 => Disclosure::HashOnly,
        6 => Disclosure::WithoutBody,
        _ => Disclosure::Full,
    });
    let hashes = log.evidence_with(|_| Disclosure::HashOnly);
    log.events[5] = log.events[5].erased();
    let mut restored = Log::default();
    restored.parent_positions = 3;
    for body in 1..=5 {
        restored.append("run/run-1", RUN, &format!(r#"{{"data":{body}}}"#));
    }
    let mut files = vec![
        ("whole".to_owned(), good.clone()),
        ("less shown".to_owned(), less.clone()),
        ("hashes only".to_owned(), hashes),
        ("an erased body".to_owned(), log.evidence()),
        ("a restored log".to_owned(), restored.evidence()),
        ("no JSON".to_owned(), good[..good.len() / 2].to_owned()),
        ("nothing".to_owned(), String::new()),
        (
            "a member twice".to_owned(),
            good.replacen("\"encoding\":0", "\"encoding\":0,\"encoding\":0", 1),
        ),
    ];
    for manipulation in MANIPULATIONS {
        let mut file: Value = serde_json::from_str(&good).expect("JSON");
        (manipulation.edit)(&mut file);
        files.push((manipulation.name.to_owned(), file.to_string()));
    }
    for (word, shown) in [("whole file", &good), ("selective file", &less)] {
        files.extend(flipped(word, shown));
    }
    let Some(theirs) = theirs(&files) else { return };
    let mut differences = String::new();
    for ((name, text), theirs) in files.iter().zip(theirs) {
        let ours = ours(text);
        if ours != theirs {
            differences += &format!("`{name}`: ours {ours:?}, theirs {theirs:?}\n");
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn the_second_verifier_ends_with_2_where_it_could_not_tell() {
    if !can_run() {
        return;
    }
    let name = format!("annals-evidence-codes-{}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let (good, bad) = (folder.join("good"), folder.join("bad"));
    let (binary, missing) = (folder.join("binary"), folder.join("missing"));
    let text = Log::example().evidence();
    let mut file: Value = serde_json::from_str(&text).expect("JSON");
    file["event_count"] = 7.into();
    std::fs::write(&good, text).expect("a temporary file");
    std::fs::write(&bad, file.to_string()).expect("a temporary file");
    std::fs::write(&binary, [0xFF, 0xFE]).expect("a temporary file");
    let cases: [(&[&PathBuf], i32); 6] = [
        (&[&good], 0),
        (&[&good, &bad], 1),
        (&[&binary], 2),
        (&[&good, &missing], 2),
        (&[&missing, &bad, &good], 1),
        (&[], 2),
    ];
    for (files, code) in cases {
        let output = Command::new("python3").arg(script()).args(files).output().expect("python3");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{files:?}: {errors}");
        assert!(!errors.contains("Traceback"), "{errors}");
        assert_eq!(errors.contains("verify_evidence.py FILE"), files.is_empty(), "{errors}");
    }
    std::fs::remove_dir_all(&folder).expect("our own folder");
}

/// The file with one character changed, at places all over what is evidence in it.
fn flipped(name: &str, text: &str) -> Vec<(String, String)> {
    let start = text.find("\"log\":").expect("a log");
    (start..text.len())
        .step_by(97)
        .filter(|at| text.as_bytes()[*at].is_ascii_alphanumeric())
        .map(|at| {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            (format!("{name} changed at {at}"), String::from_utf8(bytes).expect("ASCII for ASCII"))
        })
        .collect()
}

#[test]
fn the_second_verifier_stays_small_enough_to_read() {
    let lines = std::fs::read_to_string(script()).expect("it is in docs/").lines().count();
    assert!(lines <= 200, "{lines} lines");
}
