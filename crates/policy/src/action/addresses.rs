//! The addresses that a command or a text names.

use crate::input::Command;

/// Programs that take an address without `http://`.
const FETCHING: [&str; 6] = ["curl", "wget", "http", "https", "xh", "aria2c"];
/// Their options that take a word which is no address.
const TAKES: [&str; 34] = [
    "-o",
    "-O",
    "-H",
    "-d",
    "-X",
    "-u",
    "-A",
    "-e",
    "-b",
    "-c",
    "-F",
    "-T",
    "-w",
    "-m",
    "-P",
    "-K",
    "-E",
    "-D",
    "-r",
    "-C",
    "--output",
    "--header",
    "--data",
    "--data-raw",
    "--data-binary",
    "--request",
    "--user",
    "--user-agent",
    "--max-time",
    "--retry",
    "--connect-timeout",
    "--write-out",
    "--cookie",
    "--form",
];

/// Every address among a command's arguments.
pub(super) fn of(command: &Command) -> Vec<String> {
    let mut found: Vec<String> =
        command.args.iter().filter_map(|argument| address(argument)).collect();
    if FETCHING.contains(&command.program.as_str()) {
        found.extend(bare(&command.args));
    }
    found
}

/// Arguments of a fetching program that can only be addresses: no options, no words of options, with a host's shape.
fn bare(args: &[String]) -> impl Iterator<Item = String> {
    args.iter().enumerate().filter_map(|(index, argument)| {
        let before = index.checked_sub(1).and_then(|index| args.get(index));
        let is_of_option = before.is_some_and(|before| takes_word(before));
        let host = argument.split(['/', ':', '?', '#']).next().unwrap_or_default();
        let is_host = host == "localhost" || host.contains('.') || host.contains('$');
        let is_bare = !argument.starts_with(['-', '/', '.', '@']) && !argument.contains("://");
        (is_bare && is_host && !is_of_option).then(|| format!("http://{argument}"))
    })
}

/// `-o`, and flags with it at their end such as `-sSo`.
fn takes_word(option: &str) -> bool {
    let last = option.chars().last().unwrap_or_default();
    TAKES.contains(&option)
        || (option.starts_with('-')
            && !option.starts_with("--")
            && TAKES.contains(&format!("-{last}").as_str()))
}

/// An argument that is an address, also as `user@host:path` of git and ssh.
fn address(argument: &str) -> Option<String> {
    let text = argument.trim_matches(|letter| letter == '"' || letter == '\'');
    let text = text
        .rsplit_once('=')
        .map_or(text, |(before, after)| if before.starts_with('-') { after } else { text });
    let (scheme, rest) = text.split_once("://")?;
    let is_scheme = !scheme.is_empty()
        && scheme.chars().all(|letter| letter.is_ascii_alphanumeric() || "+.-".contains(letter));
    (is_scheme && scheme != "file" && !rest.is_empty()).then(|| text.to_owned())
}

/// Every address in a text.
pub(super) fn within(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let scheme = rest[..at]
            .rfind(|letter: char| !letter.is_ascii_alphanumeric())
            .map_or(0, |end| end + rest[end..].chars().next().map_or(1, char::len_utf8));
        let length = rest[at..]
            .find(|letter: char| letter.is_whitespace() || "\"'`<>()[]{}|\\^,".contains(letter))
            .unwrap_or(rest.len() - at);
        if scheme < at && length > 3 && &rest[scheme..at] != "file" {
            found.push(rest[scheme..at + length].to_owned());
        }
        rest = &rest[at + length.max(3)..];
    }
    found
}
