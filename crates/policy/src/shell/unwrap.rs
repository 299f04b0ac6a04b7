//! Programs that run another program: which of their words are that program's.

use super::lexer::{Opaque, Word};

/// A wrapper: options that take a word of their own, and words before the command.
struct Wrapper {
    names: &'static [&'static str],
    takes: &'static [&'static str],
    before: usize,
}

const WRAPPERS: [Wrapper; 10] = [
    Wrapper {
        names: &["sudo", "doas", "pkexec", "run0"],
        takes: &[
            "-u", "-g", "-h", "-p", "-C", "-r", "-t", "-T", "-D", "-R", "-U", "--user", "--group",
        ],
        before: 0,
    },
    Wrapper { names: &["env"], takes: &["-u", "-C", "--unset", "--chdir"], before: 0 },
    Wrapper {
        names: &[
            "nohup",
            "setsid",
            "exec",
            "command",
            "builtin",
            "busybox",
            "toybox",
            "chronic",
            "unbuffer",
            "fakeroot",
            "caffeinate",
            "time",
            "then",
            "winpty",
            "rtk",
        ],
        takes: &["-a", "-t", "-w"],
        before: 0,
    },
    Wrapper {
        names: &["nice", "ionice", "taskset", "chrt"],
        takes: &["-n", "-c", "-p"],
        before: 0,
    },
    Wrapper {
        names: &["timeout", "gtimeout"],
        takes: &["-s", "-k", "--signal", "--kill-after"],
        before: 1,
    },
    Wrapper {
        names: &["chroot", "flock"],
        takes: &["-w", "-E", "--userspec", "--groups"],
        before: 1,
    },
    Wrapper { names: &["stdbuf"], takes: &["-i", "-o", "-e"], before: 0 },
    Wrapper { names: &["watch", "entr"], takes: &["-n", "--interval"], before: 0 },
    Wrapper {
        names: &["xargs", "parallel"],
        takes: &[
            "-I",
            "-n",
            "-P",
            "-L",
            "-d",
            "-a",
            "-E",
            "-s",
            "-j",
            "--max-args",
            "--max-procs",
            "--delimiter",
        ],
        before: 0,
    },
    Wrapper { names: &["strace", "ltrace", "perf"], takes: &["-e", "-o", "-p", "-s"], before: 0 },
];

/// Tools whose subcommand `run` or `exec` runs a command.
const RUNNERS: [(&str, &str); 11] = [
    ("uv", "run"),
    ("poetry", "run"),
    ("pipenv", "run"),
    ("pdm", "run"),
    ("rye", "run"),
    ("hatch", "run"),
    ("pnpm", "exec"),
    ("nix", "--command"),
    ("nix", "-c"),
    ("mise", "exec"),
    ("bundle", "exec"),
];

/// The commands that this program is given to run, as words.
pub(super) fn inner(program: &str, arguments: &[Word]) -> Vec<Vec<Word>> {
    if matches!(program, "find" | "fd" | "fdfind") {
        return executed(arguments);
    }
    if RUNNERS.iter().any(|(name, _)| *name == program) {
        let runs = |word: &Word| RUNNERS.contains(&(program, word.text.as_str()));
        let after = arguments.iter().position(runs);
        let rest = after.map(|index| &arguments[index + 1..]).unwrap_or_default();
        let start = rest.iter().position(|word| !word.text.starts_with('-'));
        return start.map(|start| rest[start..].to_vec()).into_iter().collect();
    }
    let Some(wrapper) = WRAPPERS.iter().find(|wrapper| wrapper.names.contains(&program)) else {
        return Vec::new();
    };
    let mut index = 0;
    while let Some(word) = arguments.get(index) {
        let text = word.text.as_str();
        if text == "--" {
            index += 1;
            break;
        }
        let is_assignment = matches!(program, "env" | "sudo" | "doas")
            && !text.starts_with('-')
            && text.contains('=');
        if !text.starts_with('-') && !is_assignment {
            break;
        }
        index += if wrapper.takes.contains(&text) { 2 } else { 1 };
    }
    index += wrapper.before;
    match arguments.get(index..) {
        Some(rest) if !rest.is_empty() => vec![rest.to_vec()],
        _ => Vec::new(),
    }
}

/// `-exec … ;` of find, once for each.
fn executed(arguments: &[Word]) -> Vec<Vec<Word>> {
    let mut found = Vec::new();
    let mut rest = arguments;
    let starts = ["-exec", "-execdir", "-ok", "-okdir", "-x", "-X", "--exec", "--exec-batch"];
    while let Some(start) = rest.iter().position(|word| starts.contains(&word.text.as_str())) {
        rest = &rest[start + 1..];
        let end = rest
            .iter()
            .position(|word| matches!(word.text.as_str(), ";" | "+"))
            .unwrap_or(rest.len());
        if end > 0 {
            found.push(rest[..end].to_vec());
        }
        rest = &rest[end..];
    }
    found
}

/// The word behind one of these options.
pub(super) fn after<'a>(arguments: &'a [Word], options: &[&str]) -> Option<&'a Word> {
    let index = arguments.iter().position(|word| options.contains(&word.text.as_str()))?;
    arguments.get(index + 1)
}

/// The script of `sh -c`, also as `-lc`, `-euxc` or behind other options.
pub(super) fn shell_script(arguments: &[Word]) -> Result<Option<&Word>, Opaque> {
    let mut is_command = false;
    let mut index = 0;
    while let Some(word) = arguments.get(index) {
        let text = word.text.as_str();
        if !text.starts_with(['-', '+']) || text == "-" {
            break;
        }
        is_command |= text == "--command"
            || (!text.starts_with("--") && text.starts_with('-') && text.contains('c'));
        index += if matches!(text, "-o" | "+o" | "-O" | "+O" | "--rcfile" | "--init-file") {
            2
        } else {
            1
        };
    }
    if !is_command {
        return Ok(None);
    }
    arguments.get(index).map(Some).ok_or("a shell is given no script")
}
