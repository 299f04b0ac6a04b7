//! `annals policy`: what it says about actions, files and tests, and what its exit codes mean.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]

mod support;

use std::path::Path;
use std::process::Output;

use serde_json::Value;
use support::{annals, stderr, stdout};

fn policy(folder: &Path, arguments: &[&str]) -> Output {
    annals().current_dir(folder).arg("policy").args(arguments).output().unwrap()
}

#[test]
fn a_command_line_is_asked_about_and_the_rule_named() {
    let folder = tempfile::tempdir().unwrap();
    for (command, code, says) in [
        ("ls -la", 0, "allow"),
        ("rm -rf src", 1, "shell.delete"),
        ("rm -rf target", 0, "allow"),
        ("annals token create --workspace x", 1, "protected.command"),
    ] {
        let output = policy(folder.path(), &["eval", "--command", command]);
        assert_eq!(output.status.code(), Some(code), "{command}: {}", stderr(&output));
        assert!(stdout(&output).contains(says), "{command}: {}", stdout(&output));
    }
    let input = stdout(&policy(
        folder.path(),
        &[
            "eval",
            "--tool",
            "Read",
            "--arguments",
            "{\"file_path\": \"/etc/shadow\"}",
            "--print-input",
        ],
    ));
    std::fs::write(folder.path().join("input.json"), &input).unwrap();
    let output = policy(folder.path(), &["eval", "--input", "input.json", "--json"]);
    let decision: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(decision["effect"], "require_approval");
    assert_eq!(decision["reasons"][0]["rule"], "secret.file");
    assert_eq!(decision["policy_hash"].as_str().unwrap().len(), 64);
    std::fs::write(folder.path().join("input.json"), "{}").unwrap();
    assert_eq!(policy(folder.path(), &["eval", "--input", "input.json"]).status.code(), Some(2));
}

#[test]
fn a_policy_of_ones_own_starts_from_the_built_in_one() {
    let folder = tempfile::tempdir().unwrap();
    let shown = policy(folder.path(), &["show", "--out", "mine"]);
    assert!(shown.status.success(), "{}", stderr(&shown));
    let again = policy(folder.path(), &["show", "--out", "mine"]);
    assert_eq!(again.status.code(), Some(2));
    let check = policy(folder.path(), &["check", "mine"]);
    assert!(check.status.success() && stdout(&check).starts_with("ok: "), "{}", stdout(&check));
    let hash = |arguments: &[&str]| -> Value {
        let told: Value = serde_json::from_str(&stdout(&policy(folder.path(), arguments))).unwrap();
        told["hash"].clone()
    };
    assert_eq!(hash(&["check", "mine", "--json"]), hash(&["show", "--json"]));
    let tests = policy(folder.path(), &["test", "mine", "--json"]);
    assert!(tests.status.success(), "{}", stdout(&tests));
    let told: Value = serde_json::from_str(&stdout(&tests)).unwrap();
    assert!(told["passed"].as_u64().unwrap() > 20 && told["failed"] == 0, "{told}");

    let gate = folder.path().join("mine/gate.rego");
    let text = std::fs::read_to_string(&gate).unwrap();
    std::fs::write(&gate, text.replace("\"tool_call\"", "\"never\"")).unwrap();
    let broken = policy(folder.path(), &["test", "mine", "--filter", "reading"]);
    assert_eq!(broken.status.code(), Some(1));
    assert!(stdout(&broken).contains("FAIL"), "{}", stdout(&broken));
    std::fs::write(&gate, "package annals.gate\n\nallow if {\n").unwrap();
    let faulty = policy(folder.path(), &["check", "mine"]);
    assert_eq!(faulty.status.code(), Some(1));
    assert!(stdout(&faulty).starts_with("gate.rego:"), "{}", stdout(&faulty));
    assert_eq!(policy(folder.path(), &["test", "mine"]).status.code(), Some(2));
    assert_eq!(policy(folder.path(), &["check", "nothing.rego"]).status.code(), Some(2));
}
