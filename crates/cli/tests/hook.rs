//! `annals hook`: other programs' settings are changed only as agreed to, and what their agents do
//! arrives, whether the server is there at that moment or later.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]

mod support;

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use support::{Server, annals, free_port, stderr, stdout};

const SETTINGS: &str = "{\n    \"model\": \"opus\",\n    \"n\": 1.0e2,\n    \"hooks\": {\n        \"Stop\": [\n            {\"hooks\": [{\"type\": \"command\", \"command\": \"say done\"}]}\n        ]\n    }\n}\n";

/// A user's home with nothing in it, and a project.
struct User {
    dir: tempfile::TempDir,
}

impl User {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("project")).unwrap();
        std::fs::write(dir.path().join("annals-hook"), "").unwrap();
        Self { dir }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        std::fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        std::fs::write(self.path(path), text).unwrap();
    }

    fn read(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.path(path)).ok()
    }

    fn command(&self) -> Command {
        let mut command = annals();
        for name in ["XDG_STATE_HOME", "CODEX_HOME", "COPILOT_HOME"] {
            command.env_remove(name);
        }
        command.env("HOME", self.dir.path()).current_dir(self.path("project"));
        command
    }

    fn annals(&self, server: Option<&Server>, arguments: &[&str]) -> Output {
        let mut command = self.command();
        if let Some(server) = server {
            command.env("ANNALS_URL", server.url()).env("ANNALS_TOKEN", &server.token);
        }
        command.args(arguments).output().unwrap()
    }

    fn install(&self, server: &Server, arguments: &[&str]) -> Output {
        let binary = self.path("annals-hook").display().to_string();
        let arguments = [&["hook", "install"], arguments, &["--binary", &binary]].concat();
        self.annals(Some(server), &arguments)
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn settings_are_changed_as_shown_and_come_back_as_they_were() {
    let user = User::new();
    let server = Server::start(&user.path("data"));
    user.write(".claude/settings.json", SETTINGS);
    std::fs::set_permissions(user.path(".claude/settings.json"), PermissionsExt::from_mode(0o640))
        .unwrap();

    let shown = user.install(&server, &["claude-code", "--dry-run"]);
    assert!(shown.status.success(), "{}", stderr(&shown));
    assert!(stdout(&shown).contains("+         \"PreToolUse\": ["), "{}", stdout(&shown));
    assert_eq!(user.read(".claude/settings.json").as_deref(), Some(SETTINGS));
    assert!(!user.path(".local/state/annals/hook/token").exists());

    let alone = user.install(&server, &["claude-code"]);
    assert!(!alone.status.success() && stderr(&alone).contains("--yes"), "{}", stderr(&alone));
    assert_eq!(user.read(".claude/settings.json").as_deref(), Some(SETTINGS));

    let done = user.install(&server, &["claude-code", "--yes"]);
    assert!(done.status.success(), "{}", stderr(&done));
    let with = user.read(".claude/settings.json").unwrap();
    let parsed: serde_json::Value = serde_json::from_str(&with).unwrap();
    assert_eq!(parsed["hooks"]["Stop"].as_array().unwrap().len(), 2);
    assert!(with.contains("\"n\": 1.0e2") && with.contains("say done"));
    assert!(
        parsed["hooks"].get("WorktreeCreate").is_none(),
        "that hook would take over the worktrees"
    );
    assert_eq!(mode(&user.path(".claude/settings.json")), 0o640);
    assert_eq!(user.read(".claude/settings.json.annals-1.bak").as_deref(), Some(SETTINGS));
    let token = user.path(".local/state/annals/hook/token");
    assert_eq!((mode(&token), mode(token.parent().unwrap())), (0o600, 0o700));

    let again = user.install(&server, &["claude-code", "--yes"]);
    assert!(stdout(&again).contains("has the hook already"), "{}", stdout(&again));
    assert!(!user.path(".claude/settings.json.annals-2.bak").exists());
    let status = user.annals(Some(&server), &["hook", "status"]);
    assert!(status.status.success(), "{}{}", stdout(&status), stderr(&status));
    assert!(stdout(&status).contains("claude-code  user  28 of 28 events"), "{}", stdout(&status));

    let gone = user.annals(None, &["hook", "uninstall", "claude-code", "--yes"]);
    assert!(gone.status.success(), "{}", stderr(&gone));
    assert_eq!(user.read(".claude/settings.json").as_deref(), Some(SETTINGS));
    let text = std::fs::read_to_string(&token).unwrap();
    let token_id = text.split('_').nth(2).unwrap();
    let named = format!("annals token revoke {token_id}");
    assert!(stderr(&gone).contains(&named), "nobody could end it: {}", stderr(&gone));
    let nothing = user.annals(Some(&server), &["hook", "uninstall", "claude-code", "--yes"]);
    assert!(stdout(&nothing).contains("does not have the hook"), "{}", stdout(&nothing));
    assert!(stderr(&nothing).contains("opens nothing any more"), "{}", stderr(&nothing));
    assert!(!token.exists());
    let tokens = user.annals(Some(&server), &["token", "list"]);
    let line = stdout(&tokens).lines().find(|line| line.starts_with(token_id)).map(str::to_owned);
    assert!(line.unwrap().contains("revoked"));
    server.stop();
}

#[test]
fn every_agent_gets_its_own_kind_of_settings() {
    let user = User::new();
    let server = Server::start(&user.path("data"));
    user.write(".codex/config.toml", "model = \"o5\" # keep\n\n[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = \"command\"\ncommand = \"say\"\n");
    let before = user.read(".codex/config.toml").unwrap();
    let cases = [
        ("codex", "user", ".codex/config.toml"),
        ("codex", "project", "project/.codex/hooks.json"),
        ("gemini", "user", ".gemini/settings.json"),
        ("cursor", "user", ".cursor/hooks.json"),
        ("copilot", "project", "project/.github/hooks/annals.json"),
        ("claude-code", "project", "project/.claude/settings.local.json"),
    ];
    for (agent, scope, file) in cases {
        let done = user.install(&server, &[agent, "--scope", scope, "--yes"]);
        assert!(done.status.success(), "{agent}: {}", stderr(&done));
        let text = user.read(file).unwrap_or_else(|| panic!("{file} is not there"));
        assert!(text.contains("annals-hook"), "{text}");
    }
    let status = user.annals(Some(&server), &["hook", "status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&stdout(&status)).unwrap();
    assert_eq!(status["installed"].as_array().unwrap().len(), cases.len(), "{status}");
    for (agent, scope, file) in cases {
        let gone = user.annals(None, &["hook", "uninstall", agent, "--scope", scope, "--yes"]);
        assert!(gone.status.success(), "{agent}: {}", stderr(&gone));
        if agent != "codex" || scope != "user" {
            assert_eq!(user.read(file), None, "{file} was ours alone");
        }
    }
    assert_eq!(user.read(".codex/config.toml"), Some(before));
    server.stop();
}

#[test]
fn the_token_ends_with_the_last_hook_and_when_nothing_waits_for_it() {
    let user = User::new();
    let server = Server::start(&user.path("data"));
    assert!(user.install(&server, &["cursor", "--yes"]).status.success());
    assert!(user.install(&server, &["gemini", "--scope", "project", "--yes"]).status.success());
    let token = user.path(".local/state/annals/hook/token");
    // From here the project's settings are known from the list alone.
    std::fs::create_dir_all(user.path("other")).unwrap();
    let uninstall = |place: &str, arguments: &[&str]| {
        let mut command = user.command();
        command.current_dir(user.path(place));
        command.env("ANNALS_URL", server.url()).env("ANNALS_TOKEN", &server.token);
        command.args(["hook", "uninstall"]).args(arguments).arg("--yes").output().unwrap()
    };
    let first = uninstall("other", &["cursor"]);
    assert!(first.status.success(), "{}", stderr(&first));
    assert!(stderr(&first).contains("project/.gemini/settings.json"), "{}", stderr(&first));
    assert!(token.exists());
    let last = uninstall("project", &["gemini", "--scope", "project"]);
    assert!(stderr(&last).contains("opens nothing any more"), "{}", stderr(&last));
    assert!(!token.exists());
    server.stop();
}

#[test]
fn nothing_is_changed_where_it_cannot_be_done_well() {
    let user = User::new();
    let server = Server::start(&user.path("data"));
    user.write(".gemini/settings.json", "{\"hooks\": [1]}");
    let refused = user.install(&server, &["gemini", "--yes"]);
    assert!(
        !refused.status.success() && stderr(&refused).contains("stays as it is"),
        "{}",
        stderr(&refused)
    );
    assert_eq!(user.read(".gemini/settings.json").as_deref(), Some("{\"hooks\": [1]}"));
    server.stop();
    let binary = user.path("annals-hook").display().to_string();
    let url = format!("http://127.0.0.1:{}", free_port());
    let away = user
        .annals(None, &["hook", "install", "cursor", "--yes", "--binary", &binary, "--url", &url]);
    assert_eq!(away.status.code(), Some(2), "{}", stderr(&away));
    assert!(stderr(&away).contains("annals serve"), "{}", stderr(&away));
    assert_eq!(user.read(".cursor/hooks.json"), None);
}

#[test]
fn a_link_to_settings_stays_a_link() {
    let user = User::new();
    let server = Server::start(&user.path("data"));
    user.write("dotfiles/settings.json", "{}\n");
    std::fs::create_dir_all(user.path(".gemini")).unwrap();
    std::os::unix::fs::symlink(
        user.path("dotfiles/settings.json"),
        user.path(".gemini/settings.json"),
    )
    .unwrap();
    let done = user.install(&server, &["gemini", "--yes"]);
    assert!(done.status.success(), "{}", stderr(&done));
    assert!(std::fs::symlink_metadata(user.path(".gemini/settings.json")).unwrap().is_symlink());
    assert!(user.read("dotfiles/settings.json").unwrap().contains("annals-hook"));
    server.stop();
}

/// Runs a hook as the agent's shell does.
fn tell(user: &User, command: &str, number: u64) {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).env("HOME", user.dir.path()).env_remove("XDG_STATE_HOME");
    let mut child =
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let payload = format!(
        r#"{{"session_id":"s1","hook_event_name":"PreToolUse","tool_name":"Bash","tool_use_id":"t{number}","tool_input":{{"command":"ls"}}}}"#
    );
    child.stdin.take().unwrap().write_all(payload.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
}

#[test]
fn what_an_agent_does_arrives_in_order_although_the_server_was_away() {
    let hook = Path::new(env!("CARGO_BIN_EXE_annals")).with_file_name("annals-hook");
    if !hook.exists() {
        println!("skipped: annals-hook is not built; `cargo build --bin annals-hook` builds it");
        return;
    }
    let user = User::new();
    let data = user.path("data");
    let listen = format!("127.0.0.1:{}", free_port());
    let server = Server::start_with(&data, &listen, &[]);
    let installed = user.annals(Some(&server), &["hook", "install", "claude-code", "--yes"]);
    assert!(installed.status.success(), "{}", stderr(&installed));
    let settings: serde_json::Value =
        serde_json::from_str(&user.read(".claude/settings.json").unwrap()).unwrap();
    let command = settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"].as_str().unwrap();
    // A slow machine is no reason to spool.
    let command = format!("{command} --deadline-ms 30000");
    tell(&user, &command, 1);
    server.stop();
    tell(&user, &command, 2);
    tell(&user, &command, 3);
    let away = user.annals(None, &["hook", "status", "--url", &format!("http://{listen}")]);
    assert_eq!(away.status.code(), Some(1));
    assert!(stdout(&away).contains("2 events wait"), "{}", stdout(&away));
    let server = Server::start_with(&data, &listen, &[]);
    tell(&user, &command, 4);
    let page = server.http().get("/v1/events?event_type=tool.invoked").unwrap().json();
    let calls: Vec<_> = page["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["data"]["tool_call_id"].clone())
        .collect();
    assert_eq!(calls, ["t1", "t2", "t3", "t4"]);
    assert_eq!(page["events"][0]["extensions"]["hooks"]["seq"], 1);
    server.stop();
}
