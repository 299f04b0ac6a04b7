//! Which of a command's arguments it writes, moves or deletes, for programs that are known.
//!
//! Of a program that is not listed nothing is claimed; what it does inside of a workspace is its own business,
//! and the paths that it names are in the document all the same.

use crate::input::Command;
use crate::paths::Place;

const ALL: &[&str] = &[
    "rm",
    "rmdir",
    "unlink",
    "shred",
    "mkdir",
    "touch",
    "tee",
    "truncate",
    "mv",
    "chmod",
    "chown",
    "chgrp",
    "chattr",
    "srm",
    "trash",
    "mkfifo",
    "mknod",
    "fallocate",
    "wipefs",
    "mkswap",
    "setfacl",
];
const LAST: &[&str] = &["cp", "ln", "install", "rsync", "scp", "sftp", "ditto"];
const IN_PLACE: &[&str] = &["sed", "gsed", "perl", "ruby", "yq", "prettier"];

/// Paths that the command writes beside its redirections.
pub(super) fn of(command: &Command, place: &Place) -> Vec<String> {
    let program = command.program.as_str();
    let has =
        |options: &[&str]| command.args.iter().any(|argument| options.contains(&argument.as_str()));
    if ALL.contains(&program) || program.starts_with("mkfs") {
        return command.paths.clone();
    }
    if LAST.contains(&program) {
        let target =
            value_of(command, &["-t", "--target-directory"]).map(|target| place.absolute(&target));
        return target.or_else(|| command.paths.last().cloned()).into_iter().collect();
    }
    if IN_PLACE.contains(&program) {
        let in_place = |argument: &String| {
            argument.starts_with("-i")
                || argument.starts_with("--in-place")
                || argument == "-pi"
                || argument == "--write"
        };
        return if command.args.iter().any(in_place) { command.paths.clone() } else { Vec::new() };
    }
    let named = match program {
        "dd" => {
            command.args.iter().find_map(|argument| argument.strip_prefix("of=").map(str::to_owned))
        }
        "curl" => value_of(command, &["-o", "--output", "--output-dir"]),
        "wget" => value_of(command, &["-O", "--output-document", "-P", "--directory-prefix"]),
        "tar" if !has(&["-t", "--list", "-tf", "-tvf", "tf", "tvf"]) => {
            value_of(command, &["-C", "--directory", "-f"])
        }
        "unzip" => value_of(command, &["-d"]),
        "git" if command.args.first().is_some_and(|first| first == "clone") => {
            command.args.get(2).filter(|target| !target.starts_with('-')).cloned()
        }
        "find" | "fd" if has(&["-delete"]) => {
            command.args.first().filter(|first| !first.starts_with('-')).cloned()
        }
        _ => None,
    };
    named.map(|path| place.absolute(&path)).into_iter().collect()
}

/// The word behind an option, or behind its `=`.
fn value_of(command: &Command, options: &[&str]) -> Option<String> {
    for (index, argument) in command.args.iter().enumerate() {
        for option in options {
            if argument == option {
                return command.args.get(index + 1).cloned();
            }
            if let Some(value) =
                argument.strip_prefix(option).and_then(|rest| rest.strip_prefix('='))
            {
                return Some(value.to_owned());
            }
        }
    }
    None
}
