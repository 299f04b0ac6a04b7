//! The agents that can be hooked up: where their settings are, which events they tell, and how an
//! entry of theirs looks.
//!
//! Left out on purpose: events whose hook does something by being there. Claude Code's
//! `WorktreeCreate` takes the place of making the worktree, and `FileChanged` needs a list of files.
//! Left out because they come once for every piece of an answer: `MessageDisplay`, `AfterModel`, and
//! with it `BeforeModel` and `BeforeToolSelection`.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::{Value, json};

use super::args::Scope;

/// Seconds after which an agent gives up on the hook. It ends by itself long before.
const TIMEOUT_SECONDS: u64 = 10;

/// An agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Agent {
    /// Claude Code
    ClaudeCode,
    /// Codex CLI
    Codex,
    /// Gemini CLI
    Gemini,
    /// Cursor
    Cursor,
    /// GitHub Copilot CLI
    Copilot,
}

/// The directories that settings are looked for in.
#[derive(Debug, Clone)]
pub(crate) struct Homes {
    pub(crate) home: PathBuf,
    /// `CODEX_HOME`, where it is set.
    pub(crate) codex: Option<PathBuf>,
    /// `COPILOT_HOME`, where it is set.
    pub(crate) copilot: Option<PathBuf>,
    pub(crate) project: PathBuf,
}

impl Agent {
    pub(crate) const ALL: [Self; 5] =
        [Self::ClaudeCode, Self::Codex, Self::Gemini, Self::Cursor, Self::Copilot];

    /// The name in documents, as the dialect has it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
            Self::Cursor => "cursor",
            Self::Copilot => "copilot",
        }
    }

    /// The file of settings. A project's are those that stay with this user where there is a choice,
    /// because the path of the binary is this machine's.
    pub(crate) fn settings(self, scope: Scope, homes: &Homes) -> PathBuf {
        let (home, project) = (&homes.home, &homes.project);
        let codex = homes.codex.clone().unwrap_or_else(|| home.join(".codex"));
        let copilot = homes.copilot.clone().unwrap_or_else(|| home.join(".copilot"));
        match (self, scope) {
            (Self::ClaudeCode, Scope::User) => home.join(".claude/settings.json"),
            (Self::ClaudeCode, Scope::Project) => project.join(".claude/settings.local.json"),
            (Self::Codex, Scope::User) => codex_file(&codex),
            (Self::Codex, Scope::Project) => codex_file(&project.join(".codex")),
            (Self::Gemini, Scope::User) => home.join(".gemini/settings.json"),
            (Self::Gemini, Scope::Project) => project.join(".gemini/settings.json"),
            (Self::Cursor, Scope::User) => home.join(".cursor/hooks.json"),
            (Self::Cursor, Scope::Project) => project.join(".cursor/hooks.json"),
            (Self::Copilot, Scope::User) => copilot.join("hooks/annals.json"),
            (Self::Copilot, Scope::Project) => project.join(".github/hooks/annals.json"),
        }
    }

    /// The events that are told.
    pub(crate) const fn events(self) -> &'static [&'static str] {
        match self {
            Self::ClaudeCode => &[
                "SessionStart",
                "Setup",
                "InstructionsLoaded",
                "UserPromptSubmit",
                "UserPromptExpansion",
                "PreToolUse",
                "PermissionRequest",
                "PermissionDenied",
                "PostToolUse",
                "PostToolUseFailure",
                "PostToolBatch",
                "Notification",
                "SubagentStart",
                "SubagentStop",
                "TaskCreated",
                "TaskCompleted",
                "Stop",
                "StopFailure",
                "TeammateIdle",
                "ConfigChange",
                "CwdChanged",
                "DirectoryAdded",
                "WorktreeRemove",
                "PreCompact",
                "PostCompact",
                "Elicitation",
                "ElicitationResult",
                "SessionEnd",
            ],
            Self::Codex => &[
                "SessionStart",
                "SessionEnd",
                "SubagentStart",
                "SubagentStop",
                "UserPromptSubmit",
                "PreToolUse",
                "PermissionRequest",
                "PostToolUse",
                "PreCompact",
                "PostCompact",
                "Stop",
            ],
            Self::Gemini => &[
                "SessionStart",
                "BeforeAgent",
                "BeforeTool",
                "AfterTool",
                "AfterAgent",
                "Notification",
                "PreCompress",
                "SessionEnd",
            ],
            Self::Cursor => &[
                "sessionStart",
                "beforeSubmitPrompt",
                "afterAgentThought",
                "afterAgentResponse",
                "preToolUse",
                "postToolUse",
                "postToolUseFailure",
                "subagentStart",
                "subagentStop",
                "beforeShellExecution",
                "afterShellExecution",
                "beforeMCPExecution",
                "afterMCPExecution",
                "beforeReadFile",
                "afterFileEdit",
                "preCompact",
                "stop",
                "sessionEnd",
            ],
            Self::Copilot => &[
                "sessionStart",
                "userPromptSubmitted",
                "preToolUse",
                "postToolUse",
                "postToolUseFailure",
                "permissionRequest",
                "agentStop",
                "subagentStart",
                "subagentStop",
                "errorOccurred",
                "preCompact",
                "notification",
                "sessionEnd",
            ],
        }
    }

    /// The member `version` that a new file of settings needs.
    pub(crate) const fn file_version(self) -> Option<u64> {
        match self {
            Self::Cursor | Self::Copilot => Some(1),
            Self::ClaudeCode | Self::Codex | Self::Gemini => None,
        }
    }

    /// The entry for an event, given the command line of the hook.
    pub(crate) fn entry(self, event: &str, command: &str) -> Value {
        match self {
            Self::ClaudeCode | Self::Codex => json!({
                "hooks": [{"type": "command", "command": command, "timeout": TIMEOUT_SECONDS}]
            }),
            Self::Gemini => json!({
                "hooks": [{"name": "annals", "type": "command", "command": command,
                    "timeout": TIMEOUT_SECONDS * 1_000}]
            }),
            Self::Cursor => json!({"command": command, "timeout": TIMEOUT_SECONDS}),
            // Payloads of Copilot do not name their event.
            Self::Copilot => json!({
                "type": "command",
                "bash": format!("{command} --event {event}"),
                "powershell": format!("& {command} --event {event}"),
                "timeoutSec": TIMEOUT_SECONDS
            }),
        }
    }

    /// What a person must know after the change.
    pub(crate) const fn advice(self) -> Option<&'static str> {
        match self {
            Self::Codex => {
                Some("Codex asks whether it may run a hook that is new to it: look at /hooks there")
            }
            Self::Gemini => Some(
                "Gemini CLI may ask whether it may run the hook; old versions need \
                 \"hooksConfig\": {\"enabled\": true} as well",
            ),
            Self::Cursor => Some("Cursor reads its hooks again when it is restarted"),
            Self::ClaudeCode | Self::Copilot => None,
        }
    }
}

/// Codex reads two files, and warns where both have hooks: ours go to where there are some.
fn codex_file(dir: &Path) -> PathBuf {
    let config = dir.join("config.toml");
    let text = std::fs::read_to_string(&config).unwrap_or_default();
    let has_hooks =
        toml::from_str::<toml::Table>(&text).is_ok_and(|table| table.contains_key("hooks"));
    if has_hooks { config } else { dir.join("hooks.json") }
}

/// Whether a command line runs the hook.
pub(crate) fn is_ours(command: &str) -> bool {
    let program = command.trim_start_matches("& ").trim_start();
    let program = match program.strip_prefix('\'') {
        Some(quoted) => quoted.split('\'').next(),
        None => program.split_whitespace().next(),
    };
    let name = program.unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default();
    name == "annals-hook" || name == "annals-hook.exe"
}

/// Whether an entry of an agent's settings runs the hook and nothing else.
pub(crate) fn is_our_entry(entry: &Value) -> bool {
    let runs = |entry: &Value| {
        let command = entry.get("command").or_else(|| entry.get("bash")).and_then(Value::as_str);
        command.is_some_and(is_ours)
    };
    match entry.get("hooks").and_then(Value::as_array) {
        Some(inner) => !inner.is_empty() && inner.iter().all(runs),
        None => runs(entry),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_own_entries() {
        for ours in [
            "annals-hook codex",
            "/opt/annals/annals-hook codex --url x",
            "'/a b/annals-hook' codex",
            "& annals-hook.exe x",
        ] {
            assert!(is_ours(ours), "{ours}");
        }
        for other in [
            "my-annals-hook x",
            "echo annals-hook",
            "sh -c 'annals-hook codex'",
            "/annals-hook/run.sh",
            "",
        ] {
            assert!(!is_ours(other), "{other}");
        }
        for agent in Agent::ALL {
            for event in agent.events() {
                assert!(is_our_entry(&agent.entry(event, "/x/annals-hook a")), "{}", agent.name());
            }
        }
        assert!(!is_our_entry(
            &json!({"hooks": [{"command": "annals-hook a"}, {"command": "lint"}]})
        ));
        assert!(!is_our_entry(&json!({"hooks": []})));
    }

    #[test]
    fn every_told_event_has_a_meaning_in_the_catalog() {
        let catalog = annals_core::catalog::Catalog::builtin().unwrap();
        for agent in Agent::ALL {
            for event in agent.events() {
                let name = format!("{}/{event}", agent.name());
                assert!(catalog.spelled("hooks", &name).next().is_some(), "{name}");
            }
        }
    }
}
