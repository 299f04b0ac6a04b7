//! What the tools of the five agents are called, and what kind of thing each does.
//!
//! Names are claims of programs that a person installed. What is not listed here is not known.

use crate::input::{ActionClass, AgentKind};

use ActionClass::{
    AgentState, FileDelete, FileEdit, FileRead, FileWrite, McpTool, ShellCommand, ShellSession,
    Subagent, ToolCall, WebFetch, WebSearch,
};

/// Names that mean the same whoever uses them.
const COMMON: &[(&str, ActionClass)] = &[
    ("Bash", ShellCommand),
    ("Shell", ShellCommand),
    ("shell", ShellCommand),
    ("bash", ShellCommand),
    ("BashOutput", ShellSession),
    ("KillBash", ShellSession),
    ("KillShell", ShellSession),
    ("TaskOutput", ShellSession),
    ("TaskStop", ShellSession),
    ("Read", FileRead),
    ("NotebookRead", FileRead),
    ("Glob", FileRead),
    ("Grep", FileRead),
    ("LS", FileRead),
    ("LSP", FileRead),
    ("Write", FileWrite),
    ("Edit", FileEdit),
    ("MultiEdit", FileEdit),
    ("NotebookEdit", FileEdit),
    ("Delete", FileDelete),
    ("WebFetch", WebFetch),
    ("WebSearch", WebSearch),
    ("Task", Subagent),
    ("Agent", Subagent),
    ("TodoWrite", AgentState),
    ("TodoRead", AgentState),
    ("TaskCreate", AgentState),
    ("TaskUpdate", AgentState),
    ("TaskList", AgentState),
    ("TaskGet", AgentState),
    ("EnterPlanMode", AgentState),
    ("ExitPlanMode", AgentState),
    ("AskUserQuestion", AgentState),
    ("Skill", AgentState),
    ("SlashCommand", AgentState),
    ("ToolSearch", AgentState),
    ("apply_patch", FileEdit),
];

const CODEX: &[(&str, ActionClass)] = &[
    ("local_shell", ShellCommand),
    ("exec_command", ShellCommand),
    ("shell_command", ShellCommand),
    ("container.exec", ShellCommand),
    ("unified_exec", ShellCommand),
    ("view_image", FileRead),
    ("read_file", FileRead),
    ("list_dir", FileRead),
    ("grep_files", FileRead),
    ("web_search", WebSearch),
    ("update_plan", AgentState),
    ("request_user_input", AgentState),
    ("spawn_agent", Subagent),
    ("wait", AgentState),
];

const GEMINI: &[(&str, ActionClass)] = &[
    ("run_shell_command", ShellCommand),
    ("ShellTool", ShellCommand),
    ("read_file", FileRead),
    ("read_many_files", FileRead),
    ("list_directory", FileRead),
    ("glob", FileRead),
    ("search_file_content", FileRead),
    ("grep_search", FileRead),
    ("write_file", FileWrite),
    ("replace", FileEdit),
    ("web_fetch", WebFetch),
    ("google_web_search", WebSearch),
    ("write_todos", AgentState),
    ("save_memory", AgentState),
    ("ask_user", AgentState),
    ("activate_skill", AgentState),
    ("delegate_to_agent", Subagent),
];

const CURSOR: &[(&str, ActionClass)] = &[
    ("run_terminal_cmd", ShellCommand),
    ("run_terminal_command", ShellCommand),
    ("beforeShellExecution", ShellCommand),
    ("beforeReadFile", FileRead),
    ("read_file", FileRead),
    ("list_dir", FileRead),
    ("codebase_search", FileRead),
    ("grep_search", FileRead),
    ("grep", FileRead),
    ("file_search", FileRead),
    ("glob_file_search", FileRead),
    ("read_lints", FileRead),
    ("edit_file", FileEdit),
    ("search_replace", FileEdit),
    ("edit_notebook", FileEdit),
    ("reapply", FileEdit),
    ("write", FileWrite),
    ("delete_file", FileDelete),
    ("web_search", WebSearch),
    ("todo_write", AgentState),
    ("update_memory", AgentState),
];

const COPILOT: &[(&str, ActionClass)] = &[
    ("read_bash", ShellSession),
    ("stop_bash", ShellSession),
    ("list_bash", ShellSession),
    ("view", FileRead),
    ("grep", FileRead),
    ("glob", FileRead),
    ("rg", FileRead),
    ("create", FileWrite),
    ("edit", FileEdit),
    ("str_replace_editor", FileEdit),
    ("web_fetch", WebFetch),
    ("fetch", WebFetch),
    ("web_search", WebSearch),
    ("task", Subagent),
    ("report_intent", AgentState),
    ("update_todo", AgentState),
    ("ask_user", AgentState),
    ("skill", AgentState),
];

pub(super) fn class_of(kind: AgentKind, tool_name: &str) -> ActionClass {
    let own = match kind {
        AgentKind::Codex => CODEX,
        AgentKind::GeminiCli => GEMINI,
        AgentKind::Cursor => CURSOR,
        AgentKind::Copilot => COPILOT,
        AgentKind::ClaudeCode | AgentKind::Other => &[],
    };
    let known = own.iter().chain(COMMON).find(|(name, _)| *name == tool_name);
    match known {
        Some((_, class)) => *class,
        None if is_of_mcp(kind, tool_name) => McpTool,
        None => ToolCall,
    }
}

/// `mcp__server__tool`, Gemini's `server__tool`, Cursor's `MCP:tool`, Codex's `server.tool`.
fn is_of_mcp(kind: AgentKind, tool_name: &str) -> bool {
    tool_name.starts_with("mcp__")
        || tool_name.starts_with("mcp_")
        || tool_name.starts_with("MCP:")
        || matches!(
            tool_name,
            "ListMcpResourcesTool" | "ReadMcpResourceTool" | "beforeMCPExecution"
        )
        || (kind == AgentKind::GeminiCli && tool_name.contains("__"))
}
