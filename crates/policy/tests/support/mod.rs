//! What the tests of this crate share: an input of every day, and the real sessions.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use annals_policy::{
    Action, ActionOrigin, AgentFacts, AgentKind, Budget, Decision, Effect, Gate, GateInput, Limits,
    Module, Policy, PrincipalFacts, Protected, Risk, RunFacts, WorkspaceFacts, Zone, action_of,
};
use serde_json::Value;

/// Nothing on this machine is so busy that a decision takes this long.
pub(crate) const PATIENT: Limits = Limits { wall: Duration::from_secs(20), input_bytes: 4 << 20 };

/// The default policy as it is in the repository, so that a change of it is tried without building.
pub(crate) fn default_policy() -> Policy {
    Policy::compile("annals-default", &modules_on_disk()).unwrap_or_else(|fault| panic!("{fault}"))
}

pub(crate) fn modules_on_disk() -> Vec<Module> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/default");
    let mut modules: Vec<Module> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            Module::new(name, std::fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    modules.sort_by(|one, other| one.path.cmp(&other.path));
    modules
}

/// What Claude Code does in `/home/ada/code`.
pub(crate) fn tool_call(tool: &str, input: &Value) -> GateInput {
    let origin =
        ActionOrigin { kind: AgentKind::ClaudeCode, cwd: Some("/home/ada/code"), home: None };
    input_of(action_of(origin, tool, &input.to_string()), "/home/ada/code")
}

pub(crate) fn shell(command: &str) -> GateInput {
    tool_call("Bash", &serde_json::json!({ "command": command }))
}

pub(crate) fn input_of(action: Action, root: &str) -> GateInput {
    GateInput {
        version: 1,
        gate: Gate::ToolCall,
        now: "2026-11-20T12:00:00Z".to_owned(),
        action,
        agent: AgentFacts {
            agent_id: "agent-1".to_owned(),
            kind: AgentKind::ClaudeCode,
            engine_id: None,
            revoked: false,
            quarantined: false,
            capabilities: None,
            zone: Some(Zone::Supervised),
        },
        principal: PrincipalFacts {
            principal_id: "hook-1".to_owned(),
            role: "agent".to_owned(),
            zone_max: Some(Zone::Supervised),
        },
        run: Some(RunFacts {
            run_id: "run-1".to_owned(),
            cwd: Some(root.to_owned()),
            permission_mode: Some("default".to_owned()),
        }),
        workspace: WorkspaceFacts {
            workspace_id: "team-a".to_owned(),
            root: Some(root.to_owned()),
            kill_switch: false,
        },
        risk: Risk::default(),
        estimate: None,
        budget: Budget::default(),
        protected: Protected {
            paths: vec![
                "/home/ada/.local/share/annals".to_owned(),
                "/home/ada/.claude/settings.json".to_owned(),
                "/home/ada/.local/bin/annals-hook".to_owned(),
            ],
            commands: vec!["annals-admin drop".to_owned()],
        },
        grants: Vec::new(),
    }
}

/// A tool call of a recorded session.
pub(crate) struct Recorded {
    pub(crate) session: String,
    pub(crate) at: Option<String>,
    pub(crate) cwd: String,
    pub(crate) tool: String,
    pub(crate) input: Value,
    /// How long a headless run says that it took, which has no times.
    pub(crate) run_ms: Option<f64>,
}

/// The transcripts and headless runs of Claude Code beside this repository; none if they are not there.
pub(crate) fn recorded_calls() -> Vec<Recorded> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/agent-runs");
    let mut files = Vec::new();
    walk(&root, &mut files);
    files.sort();
    let mut calls = Vec::new();
    for file in files {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        let whole = serde_json::from_str::<Value>(&text).ok();
        let records: Vec<Value> = match whole {
            Some(Value::Array(records)) => records,
            _ => text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
        };
        let name = file.strip_prefix(&root).unwrap().display().to_string();
        calls.extend(calls_of(&name, &records));
    }
    calls
}

fn calls_of(name: &str, records: &[Value]) -> Vec<Recorded> {
    let cwd_of = |record: &Value| record.get("cwd").and_then(Value::as_str).map(str::to_owned);
    let first_cwd =
        records.iter().find_map(cwd_of).unwrap_or_else(|| "/home/somebody/project".to_owned());
    let run_ms =
        records.iter().find_map(|record| record.get("duration_ms")).and_then(Value::as_f64);
    let mut calls = Vec::new();
    for record in records {
        let blocks = record.pointer("/message/content").and_then(Value::as_array);
        for block in blocks.into_iter().flatten() {
            if block.get("type").and_then(Value::as_str) != Some("tool_use") {
                continue;
            }
            calls.push(Recorded {
                session: name.to_owned(),
                at: record.get("timestamp").and_then(Value::as_str).map(str::to_owned),
                cwd: cwd_of(record).unwrap_or_else(|| first_cwd.clone()),
                tool: block["name"].as_str().unwrap_or_default().to_owned(),
                input: block["input"].clone(),
                run_ms,
            });
        }
    }
    calls
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, files);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "jsonl" || extension == "json")
        {
            files.push(path);
        }
    }
}

impl Recorded {
    pub(crate) fn input(&self, root: &str) -> GateInput {
        let origin = ActionOrigin { kind: AgentKind::ClaudeCode, cwd: Some(&self.cwd), home: None };
        input_of(action_of(origin, &self.tool, &self.input.to_string()), root)
    }
}

/// The answer and one of the rules behind it; an empty rule is any.
pub(crate) fn check(policy: &Policy, input: &GateInput, effect: Effect, rule: &str, what: &str) {
    if let Some(fault) = fault(policy, input, effect, rule, what) {
        panic!("{fault}");
    }
}

pub(crate) fn fault(
    policy: &Policy,
    input: &GateInput,
    effect: Effect,
    rule: &str,
    what: &str,
) -> Option<String> {
    let Decision { effect: found, reasons, .. } = policy.decide(input, &PATIENT);
    let is_right =
        found == effect && (rule.is_empty() || reasons.iter().any(|one| one.rule == rule));
    (!is_right).then(|| format!("{what}: {found:?}, not {effect:?} by `{rule}`: {reasons:?}"))
}
