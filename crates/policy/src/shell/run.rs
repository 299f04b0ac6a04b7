//! What one command runs: its program, its files, and the command or script that it is given in turn.

use super::lexer::{Opaque, Word};
use super::script::{Reader, Simple};
use super::unwrap;
use crate::input::Command;

const SHELLS: [&str; 8] = ["sh", "bash", "zsh", "dash", "ksh", "mksh", "ash", "fish"];
const INTERPRETERS: [&str; 12] = [
    "python",
    "python2",
    "python3",
    "node",
    "deno",
    "bun",
    "perl",
    "ruby",
    "php",
    "lua",
    "osascript",
    "Rscript",
];
/// Programs that read statements.
const DATABASES: [&str; 5] = ["psql", "mysql", "mariadb", "sqlite3", "duckdb"];
/// Variables by which a program is made to run another one.
const STEERING: [&str; 12] = [
    "GIT_SSH_COMMAND",
    "GIT_SSH",
    "GIT_EDITOR",
    "GIT_PAGER",
    "GIT_EXTERNAL_DIFF",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "PROMPT_COMMAND",
    "BASH_ENV",
    "LD_PRELOAD",
    "DYLD_INSERT_LIBRARIES",
];

impl Reader {
    /// Takes in one command and whatever it runs.
    pub(super) fn simple(
        &mut self,
        mut simple: Simple,
        via: &[String],
        piped_from: &[String],
    ) -> Result<(), Opaque> {
        let assigned = simple.words.iter().take_while(|word| is_assignment(word)).count();
        let steers = |word: &Word| {
            word.text.split_once('=').is_some_and(|(name, _)| STEERING.contains(&name))
        };
        if simple.words[..assigned].iter().any(steers) {
            return Err("a variable names another program to run");
        }
        simple.words.drain(..assigned);
        let writes = self.written(&simple);
        if simple.words.is_empty() {
            if writes.is_empty() {
                return Ok(());
            }
            // `> file` alone empties it.
            simple.words.push(Word { text: ":".to_owned(), ..Word::default() });
        }
        let command = self.command(&simple, via, piped_from, writes)?;
        self.changes_directory(&command);
        self.push(command.clone())?;
        self.inner(&simple, &command, piped_from)
    }

    fn command(
        &mut self,
        simple: &Simple,
        via: &[String],
        piped_from: &[String],
        writes: Vec<String>,
    ) -> Result<Command, Opaque> {
        let (name, arguments) = simple.words.split_first().ok_or("a command without a name")?;
        let is_home = name.text.starts_with("~/")
            || name.text.starts_with("$HOME/")
            || name.text.starts_with("${HOME}/");
        if name.dynamic || (name.text.contains(['*', '?']) && !name.quoted) {
            return Err("the program's name is known only when it runs");
        }
        if name.text.is_empty() {
            return Err("a command without a name");
        }
        let is_path = name.text.contains('/');
        let program = name.text.rsplit('/').next().unwrap_or_default().to_owned();
        let args: Vec<String> = arguments.iter().map(|word| word.text.clone()).collect();
        let paths = self.path_arguments(&program, &args);
        Ok(Command {
            program_path: (is_path || is_home).then(|| self.place.absolute(&name.text)),
            dynamic: arguments.iter().any(|word| word.dynamic)
                || via.last().is_some_and(|outer| {
                    matches!(outer.as_str(), "xargs" | "find" | "parallel" | "fd")
                }),
            code: code(&program, arguments, simple.here.as_ref()),
            program,
            args,
            via: via.to_vec(),
            piped_from: piped_from.to_vec(),
            paths,
            writes,
        })
    }

    /// The files that redirections fill.
    fn written(&self, simple: &Simple) -> Vec<String> {
        let into = simple.redirects.iter().filter(|(operator, word)| {
            let is_file = !word.text.chars().all(|letter| letter.is_ascii_digit() || letter == '-');
            let is_device = ["/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty"]
                .contains(&word.text.as_str());
            operator.contains('>') && is_file && !is_device
        });
        into.map(|(_, word)| self.place.absolute(&word.text)).collect()
    }

    /// Arguments as paths: all that are no option and no address, and what stands behind a `=`.
    fn path_arguments(&self, program: &str, args: &[String]) -> Vec<String> {
        if matches!(program, "echo" | "printf" | ":" | "true" | "false" | "test" | "[") {
            return Vec::new();
        }
        let candidates = args.iter().filter_map(|argument| match argument.split_once('=') {
            Some((option, value))
                if option.starts_with('-') || option == "of" || option == "if" =>
            {
                Some(value)
            }
            _ if argument.starts_with('-') => None,
            _ => Some(argument.as_str()),
        });
        let is_path = |text: &&str| {
            !text.is_empty() && !text.contains("://") && text.len() <= 4096 && !text.contains('\n')
        };
        candidates
            .filter(is_path)
            .map(|text| self.place.absolute(text.trim_start_matches('@')))
            .collect()
    }

    fn changes_directory(&mut self, command: &Command) {
        if !matches!(command.program.as_str(), "cd" | "pushd" | "popd") {
            return;
        }
        let target = command.args.iter().find(|argument| !argument.starts_with('-'));
        self.place.cwd = match target {
            Some(_) if command.dynamic => None,
            Some(target) => Some(self.place.absolute(target)),
            None if command.program == "cd" && command.args.is_empty() => {
                Some(self.place.absolute("~"))
            }
            None => None,
        };
    }

    /// What the command is given to run.
    fn inner(
        &mut self,
        simple: &Simple,
        command: &Command,
        piped_from: &[String],
    ) -> Result<(), Opaque> {
        let mut via = command.via.clone();
        via.push(command.program.clone());
        let arguments = &simple.words[1..];
        let program = command.program.as_str();
        if SHELLS.contains(&program) {
            return match unwrap::shell_script(arguments)? {
                Some(word) => self.script(word, &via, piped_from),
                None => match &simple.here {
                    Some(word) => self.script(word, &via, piped_from),
                    None => Ok(()),
                },
            };
        }
        match program {
            "eval" => {
                if arguments.iter().any(|word| word.dynamic) {
                    return Err("eval runs what is known only when it runs");
                }
                let script: Vec<&str> = arguments.iter().map(|word| word.text.as_str()).collect();
                return self.read(&script.join(" "), &via, piped_from);
            }
            "trap" => {
                return arguments.first().map_or(Ok(()), |word| self.script(word, &via, &[]));
            }
            "su" | "script" | "flock" => {
                if let Some(word) = unwrap::after(arguments, &["-c", "--command"]) {
                    return self.script(word, &via, piped_from);
                }
            }
            "nix-shell" => {
                if let Some(word) = unwrap::after(arguments, &["--run", "--command"]) {
                    return self.script(word, &via, piped_from);
                }
            }
            "env" => {
                if let Some(word) = unwrap::after(arguments, &["-S", "--split-string"]) {
                    return self.script(word, &via, piped_from);
                }
            }
            _ => {}
        }
        for words in unwrap::inner(program, arguments) {
            self.simple(
                Simple { words, redirects: Vec::new(), here: simple.here.clone() },
                &via,
                piped_from,
            )?;
        }
        Ok(())
    }

    fn script(&mut self, word: &Word, via: &[String], piped_from: &[String]) -> Result<(), Opaque> {
        // A script with `$x` in it can be read as it stands, unless the whole of it is computed.
        if word.dynamic && (!word.nested.is_empty() || word.text.trim_start().starts_with('$')) {
            return Err("a script is known only when it runs");
        }
        let place = self.place.clone();
        self.read(&word.text, via, piped_from)?;
        self.place = place;
        Ok(())
    }
}

fn is_assignment(word: &Word) -> bool {
    let Some((name, _)) = word.text.split_once('=') else { return false };
    let name = name.strip_suffix('+').unwrap_or(name);
    name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// The program text in the arguments of an interpreter, or in what it reads.
fn code(program: &str, arguments: &[Word], here: Option<&Word>) -> Option<String> {
    let base = program.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
    if DATABASES.contains(&program) {
        return here.map(|word| word.text.clone());
    }
    if matches!(program, "awk" | "gawk" | "mawk" | "nawk") {
        let given = arguments.iter().find(|word| !word.text.starts_with('-'));
        return given.map(|word| word.text.clone());
    }
    if !INTERPRETERS.contains(&program) && !INTERPRETERS.contains(&base) {
        return None;
    }
    let takes_code = |word: &&Word| {
        let text = word.text.as_str();
        matches!(text, "--eval" | "--print" | "eval" | "-p" | "-pe")
            || (text.starts_with('-')
                && !text.starts_with("--")
                && text.ends_with(['c', 'e', 'r', 'E']))
    };
    let given = arguments.iter().position(|word| takes_code(&word));
    let given = given.and_then(|index| arguments.get(index + 1));
    given.or(here).map(|word| word.text.clone())
}
