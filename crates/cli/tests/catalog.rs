//! `annals catalog`: what it prints without a server, and what its exit codes say.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use support::{annals, stderr, stdout};

fn catalog(arguments: &[&str]) -> Output {
    annals().arg("catalog").args(arguments).output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(output)))
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalog")
}

#[test]
fn lists_and_shows_what_is_built_in() {
    let plain = catalog(&[]);
    assert!(plain.status.success(), "{}", stderr(&plain));
    assert!(stdout(&plain).contains("A call of a tool ended in an error."));
    let all = json(&catalog(&["list", "--json"]));
    let tools = json(&catalog(&["list", "--category", "tool", "--dialect", "kernel", "--json"]));
    let (all, tools) = (all["types"].as_array().unwrap(), tools["types"].as_array().unwrap());
    assert!(tools.len() < all.len());
    assert!(tools.iter().any(|entry| entry["event_type"] == "tool.invoked"));
    assert!(tools.iter().all(|entry| entry["category"] == "tool"));

    let shown = stdout(&catalog(&["show", "tool.failed"]));
    for said in
        ["tool_result", "* tool_call_id", "ToolExecutionFinished (is_error = true)", "example"]
    {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    assert_eq!(json(&catalog(&["show", "tool.failed", "--json"]))["event_type"], "tool.failed");
    let unknown = catalog(&["show", "tool.flown"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("near it: "), "{}", stderr(&unknown));
}

#[test]
fn prints_the_schemas_in_both_shapes() {
    let plain = json(&catalog(&["schema"]));
    assert_eq!(plain["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert!(plain["$defs"]["run.started"].is_object());
    let hive = json(&catalog(&["schema", "--shape", "hive"]));
    assert!(hive["anyOf"].as_array().unwrap().len() >= 29);
}

#[test]
fn a_diff_says_by_its_exit_code_whether_anybody_is_broken() {
    let repository = repository();
    let same = catalog(&["diff", repository.to_str().unwrap()]);
    assert_eq!((same.status.code(), stdout(&same).trim()), (Some(0), "same: nothing differs"));

    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let entry = |schema: &str| {
        format!(
            "- {{type: a.b, version: 1, category: tool, authority: observed, meaning: A., stream: run, severity: info, audit: other, sensitive: [], schema: {schema}}}"
        )
    };
    let old = file("old.yaml", &entry("{required: [x]}"));
    let cases = [
        ("{required: [x], properties: {y: {type: string}}}", 0, "additive"),
        ("{required: [x, y]}", 1, "breaking"),
        ("{required: [x], anyOf: [{}]}", 2, "unclear"),
    ];
    for (schema, code, verdict) in cases {
        let new = file("new.yaml", &entry(schema));
        let told = catalog(&["diff", &old, &new]);
        assert_eq!(told.status.code(), Some(code), "{}", stdout(&told));
        let told = catalog(&["diff", &old, &new, "--json"]);
        assert_eq!(json(&told)["verdict"], verdict);
        assert_eq!(json(&told)["changes"][0]["event_type"], "a.b");
    }

    let answer = file("answer.json", &stdout(&catalog(&["list", "--json"])));
    assert_eq!(catalog(&["diff", &answer]).status.code(), Some(0));
    let tools = repository.join("tool.yaml");
    assert_eq!(catalog(&["diff", tools.to_str().unwrap()]).status.code(), Some(0));
    let wrong = catalog(&["diff", &file("wrong.yaml", "- {type: a.b, colour: red}")]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("catalog/wrong.yaml: a.b: unknown key `colour`"));
}
