//! The conformance cases of OPA, and our own few, through our engine as policies get it.
//!
//! What does not pass is listed in `docs/formats/rego.md` by what is missing; `ANNALS_BLESS=1` writes the list.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]
#![allow(clippy::print_stdout, reason = "what is skipped and what is counted is told")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use annals_policy::Module;
use annals_policy::probe::Probe;
use serde_json::Value;

const BEGIN: &str = "<!-- conformance: begin -->\n";
const END: &str = "<!-- conformance: end -->";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Why a case does not pass; none if it does.
fn failure(case: &Value) -> Option<String> {
    let modules = case["modules"].as_array().unwrap().iter().enumerate();
    let text =
        |member: &str| case.get(member).filter(|value| !value.is_null()).map(Value::to_string);
    let (data, mut input) = (text("data"), text("input"));
    if let Some(term) = case.get("input_term").and_then(Value::as_str) {
        input = Some(term.to_owned());
    }
    let probe = Probe {
        modules: modules
            .map(|(index, text)| Module::new(format!("test-{index}.rego"), text.as_str().unwrap()))
            .collect(),
        data: data.as_deref(),
        input: input.as_deref(),
        is_v0: false,
        is_strict: case["strict_error"].as_bool().unwrap_or(false),
    };
    let found = probe.bindings(case["query"].as_str().unwrap());
    let wants_error = case.get("want_error").is_some() || case.get("want_error_code").is_some();
    match (found, wants_error) {
        (Err(_), true) => None,
        (Ok(found), true) => Some(format!("an error was due, not {}", Value::from(found))),
        (Err(error), false) => Some(error),
        (Ok(found), false) => {
            let sorted = |mut rows: Vec<Value>| {
                rows.sort_by_key(Value::to_string);
                rows.into_iter().map(normal).collect::<Vec<_>>()
            };
            let wanted = sorted(case["want_result"].as_array().cloned().unwrap_or_default());
            let found = sorted(found);
            (found != wanted)
                .then(|| format!("{} is due, not {}", Value::from(wanted), Value::from(found)))
        }
    }
}

/// Numbers by value, so that `1.0` is `1`.
fn normal(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            number.as_f64().map_or(Value::Number(number), |number| serde_json::json!(number))
        }
        Value::Array(items) => items.into_iter().map(normal).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(key, value)| (key, normal(value))).collect()
        }
        other => other,
    }
}

/// What a case lacks, in a few words.
fn lacking(why: &str) -> String {
    match why.split_once("there is no function `").and_then(|(_, rest)| rest.split_once('`')) {
        Some((function, _)) => format!("the function `{function}`"),
        None => "another answer than OPA's".to_owned(),
    }
}

fn run(cases: &[Value]) -> (usize, BTreeMap<String, Vec<String>>) {
    let mut failed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for case in cases {
        let failed_with = std::panic::catch_unwind(|| failure(case));
        if let Some(why) = failed_with.unwrap_or_else(|_| Some("the engine panicked".to_owned())) {
            let note = case["note"].as_str().unwrap_or_default().to_owned();
            println!("{note}: {why:.300}");
            failed.entry(lacking(&why)).or_default().push(note);
        }
    }
    (failed.values().map(Vec::len).sum(), failed)
}

#[test]
fn opas_own_cases_pass_and_the_rest_is_named() {
    let folder = repository().join("../shared/data/policy/open-policy-agent+swift-opa/rego-v1");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: OPA's cases are not here");
        return;
    };
    let mut cases = Vec::new();
    for entry in entries {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let file: Value = serde_json::from_str(&text).unwrap();
        cases.extend(file["cases"].as_array().unwrap().iter().cloned());
    }
    let (count, failed) = run(&cases);
    println!("{} of {} cases pass", cases.len() - count, cases.len());
    assert!(count * 20 <= cases.len(), "{count} of {} cases fail", cases.len());
    bless_or_compare(&list(cases.len(), count, &failed));
}

fn list(all: usize, failed_count: usize, failed: &BTreeMap<String, Vec<String>>) -> String {
    let percent = (all - failed_count) as f64 * 100.0 / all as f64;
    let mut text =
        format!("{} of {all} cases pass ({percent:.1} %). The others:\n\n", all - failed_count);
    text.push_str("| what is missing | cases |\n|---|---|\n");
    for (what, notes) in failed {
        let mut notes = notes.clone();
        notes.sort();
        notes.dedup();
        let _ = writeln!(text, "| {what} | {} |", notes.join(", "));
    }
    text
}

fn bless_or_compare(list: &str) {
    let path = repository().join("docs/formats/rego.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page has a place for the list");
    let (kept, after) = rest.split_once(END).expect("the place ends");
    if std::env::var_os("ANNALS_BLESS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{list}{END}{after}")).unwrap();
    } else {
        assert_eq!(kept, list, "run it again with ANNALS_BLESS=1");
    }
}

/// A policy that others run, from before version 1 of the language: 77 requests and what it answered.
#[test]
fn a_large_policy_of_others_answers_as_recorded() {
    let folder =
        repository().join("../shared/data/policy/microsoft+regorus/tests/kata/data/pod-exec");
    let Ok(policy) = std::fs::read_to_string(folder.join("policy.rego")) else {
        println!("skipped: the recorded policy is not here");
        return;
    };
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let outputs: Vec<Value> = serde_json::from_str(&read("outputs.json")).unwrap();
    let mut asked = Vec::new();
    for line in read("inputs.txt").lines().filter(|line| !line.trim().is_empty()) {
        let line = line.trim().trim_end_matches(',').replacen("\"ep\":", "", 1);
        let request: Value = serde_json::from_str(&line).unwrap();
        asked.push((
            format!("data.agent_policy.{}", request[0].as_str().unwrap()),
            request[1].to_string(),
        ));
    }
    let probe = Probe {
        modules: vec![Module::new("policy.rego", policy)],
        is_v0: true,
        ..Probe::default()
    };
    assert_eq!(probe.rules(&asked).unwrap(), outputs);
}

#[test]
fn our_own_cases_pass() {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases.json"))
            .unwrap();
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    let (count, failed) = run(&cases);
    assert_eq!(count, 0, "{failed:#?}");
    assert!(cases.len() >= 15);
}
