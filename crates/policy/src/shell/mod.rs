//! Takes a command line apart: which programs it runs with which arguments, on which files.
//!
//! It sees through `&&`, `;`, `|`, `$(…)`, quotes, assignments, redirections, control structures, `bash -c`,
//! `sudo`, `env`, `xargs`, `find -exec` and their like. It runs nothing and looks at no disk. It is made to
//! err on one side: a command line that it does not understand is `opaque`, which is never "harmless".
//! It does not see aliases, functions of the user's profile, or what a script file does.

mod lexer;
mod run;
mod script;
mod unwrap;

use crate::input::Shell;
use crate::paths::Place;

/// Bytes of a command line that is looked at.
const SCRIPT_BYTES_MAX: usize = 64 << 10;
/// Commands of one command line.
const COMMAND_COUNT_MAX: usize = 512;
/// Scripts inside scripts.
const DEPTH_MAX: usize = 8;

/// What a command line runs, as far as it can be told before it runs.
pub fn read_script(script: &str, cwd: Option<&str>, home: Option<&str>) -> Shell {
    read_at(script, &Place::new(cwd, home))
}

pub(crate) fn read_at(script: &str, place: &Place) -> Shell {
    let mut reader = script::Reader::new(place.clone());
    let opaque = reader.read(script, &[], &[]).err();
    Shell { opaque: opaque.map(str::to_owned), commands: reader.commands }
}

#[cfg(test)]
mod tests;
