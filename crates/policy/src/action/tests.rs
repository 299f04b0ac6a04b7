//! What tool calls of the five agents become.

use super::*;

fn action(kind: AgentKind, tool: &str, input: &str) -> Action {
    action_of(ActionOrigin { kind, cwd: Some("/home/ada/code"), home: None }, tool, input)
}

#[test]
fn tools_of_all_five_agents_have_their_class_and_paths() {
    use ActionClass::{FileDelete, FileEdit, FileRead, FileWrite};
    for (kind, tool, input, class, paths) in [
        (AgentKind::ClaudeCode, "Read", r#"{"file_path":"/etc/hosts"}"#, FileRead, "/etc/hosts"),
        (AgentKind::ClaudeCode, "Glob", r#"{"pattern":"**/*.rs"}"#, FileRead, "/home/ada/code"),
        (
            AgentKind::ClaudeCode,
            "Grep",
            r#"{"pattern":"x","path":"src"}"#,
            FileRead,
            "/home/ada/code/src",
        ),
        (
            AgentKind::ClaudeCode,
            "Write",
            r#"{"file_path":"../x","content":"y"}"#,
            FileWrite,
            "/home/ada/x",
        ),
        (
            AgentKind::ClaudeCode,
            "NotebookEdit",
            r#"{"notebook_path":"a.ipynb"}"#,
            FileEdit,
            "/home/ada/code/a.ipynb",
        ),
        (
            AgentKind::Codex,
            "apply_patch",
            r#"{"input":"*** Begin Patch\n*** Update File: a.rs\n*** End Patch"}"#,
            FileEdit,
            "/home/ada/code/a.rs",
        ),
        (AgentKind::GeminiCli, "write_file", r#"{"file_path":"b"}"#, FileWrite, "/home/ada/code/b"),
        (
            AgentKind::GeminiCli,
            "read_many_files",
            r#"{"paths":["c"]}"#,
            FileRead,
            "/home/ada/code/c",
        ),
        (
            AgentKind::Cursor,
            "delete_file",
            r#"{"target_file":"d"}"#,
            FileDelete,
            "/home/ada/code/d",
        ),
        (
            AgentKind::Copilot,
            "view",
            r#""{\"path\":\"~/.ssh/config\"}""#,
            FileRead,
            "/home/ada/.ssh/config",
        ),
    ] {
        let made = action(kind, tool, input);
        assert_eq!((made.class, made.paths), (class, vec![paths.to_owned()]), "{tool}");
        let is_write = !matches!(class, FileRead);
        assert_eq!(!made.writes.is_empty(), is_write, "{tool}");
    }
    let other = |kind, tool, class| assert_eq!(action(kind, tool, "{}").class, class, "{tool}");
    other(AgentKind::ClaudeCode, "mcp__git__push", ActionClass::McpTool);
    other(AgentKind::ClaudeCode, "TodoWrite", ActionClass::AgentState);
    other(AgentKind::ClaudeCode, "Task", ActionClass::Subagent);
    other(AgentKind::GeminiCli, "git__push", ActionClass::McpTool);
    other(AgentKind::ClaudeCode, "read_file", ActionClass::ToolCall);
    other(AgentKind::Other, "Whatever", ActionClass::ToolCall);
}

#[test]
fn shell_calls_are_taken_apart() {
    let made = action(
        AgentKind::Codex,
        "shell",
        r#"{"command":["bash","-lc","rm -rf '../x y' > log"],"workdir":"sub"}"#,
    );
    let shell = made.shell.unwrap();
    assert_eq!(shell.opaque, None);
    assert_eq!(shell.commands[1].program, "rm");
    assert_eq!(made.writes, ["/home/ada/code/sub/log", "/home/ada/code/x y"]);
    let made = action(
        AgentKind::ClaudeCode,
        "Bash",
        r#"{"command":"curl -o /tmp/a https://x.example/a"}"#,
    );
    assert_eq!(made.urls, ["https://x.example/a"]);
    assert_eq!(made.writes, ["/tmp/a"]);
    let made = action(AgentKind::ClaudeCode, "Bash", r#"{"command":7}"#);
    assert!(made.shell.unwrap().opaque.is_some());
}

#[test]
fn addresses_are_found_in_what_is_said() {
    let made = action(
        AgentKind::GeminiCli,
        "web_fetch",
        r#"{"prompt":"read https://a.example/x, (http://b.example) and ://"}"#,
    );
    assert_eq!(made.urls, ["http://b.example", "https://a.example/x"]);
}

#[test]
fn what_is_not_json_is_kept_and_is_nothing_that_is_known() {
    let made = action(AgentKind::ClaudeCode, "Read", "{");
    assert_eq!((made.class, made.arguments.get()), (ActionClass::ToolCall, "\"{\""));
}
