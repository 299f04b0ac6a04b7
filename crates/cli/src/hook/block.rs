//! Our entries in Codex's TOML: one block between two comments, at the end, so that nothing else in
//! the file is touched.

use std::fmt::Write as _;

use super::agent::Agent;

const BEGIN: &str = "# annals hook: begin (annals hook uninstall codex takes this out)";
const END: &str = "# annals hook: end";
/// Seconds after which Codex gives up on the hook.
const TIMEOUT_SECONDS: u64 = 10;

/// The text with our block.
pub(super) fn install(text: &str, agent: Agent, command: &str) -> Result<String, toml::de::Error> {
    let mut with = uninstall(text);
    if !with.is_empty() && !with.ends_with('\n') {
        with.push('\n');
    }
    with.push_str(BEGIN);
    with.push('\n');
    let command = toml::Value::String(command.to_owned());
    for event in agent.events() {
        // Writing to a String cannot fail.
        let _ = write!(
            with,
            "[[hooks.{event}]]\n[[hooks.{event}.hooks]]\ntype = \"command\"\ncommand = {command}\ntimeout = {TIMEOUT_SECONDS}\n"
        );
    }
    with.push_str(END);
    with.push('\n');
    toml::from_str::<toml::Table>(&with).map(|_| with)
}

/// The text without it.
pub(super) fn uninstall(text: &str) -> String {
    let parts = text.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some(format!("{before}{}", after.strip_prefix('\n').unwrap_or(after)))
    });
    parts.unwrap_or_else(|| text.to_owned())
}

/// How many of our entries a text has.
pub(super) fn count(text: &str) -> usize {
    let block = text.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END));
    block.map_or(0, |(block, _)| block.matches("\ncommand = ").count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_comes_and_goes() {
        let text = "# mine\nmodel = \"x\" # keep\n\n[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = \"command\"\ncommand = \"say\"\n";
        let with = install(text, Agent::Codex, "'/a b/annals-hook' codex").unwrap();
        assert!(with.starts_with(text));
        assert_eq!(count(&with), Agent::Codex.events().len());
        assert_eq!(install(&with, Agent::Codex, "'/a b/annals-hook' codex").unwrap(), with);
        assert_eq!(uninstall(&with), text);
        let table: toml::Table = toml::from_str(&with).unwrap();
        assert_eq!(table["hooks"]["Stop"].as_array().unwrap().len(), 2);
        let ours = &table["hooks"]["PreToolUse"][0]["hooks"][0];
        assert_eq!(ours["command"].as_str(), Some("'/a b/annals-hook' codex"));
    }

    #[test]
    fn hooks_that_cannot_be_added_to_are_refused() {
        assert!(install("hooks = {}\n", Agent::Codex, "x").is_err());
        assert!(install("[[hooks.Stop.hooks]\n", Agent::Codex, "x").is_err());
    }
}
