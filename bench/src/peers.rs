//! Owns where the programs of the other sides are looked for, and what is said when one is not there.
//!
//! It installs nothing; the script `peers` beside this crate does.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::output;

/// Where the script puts what no package manager of the system has.
const DIRECTORY: &str = "target/peers/bin";

/// The server of the crate `durable-streams`.
pub const DURABLE_STREAMS: &str = "durable-streams-server";
/// The server of NATS.
pub const NATS: &str = "nats-server";

/// The program, from the script's directory or the search path.
pub fn find(name: &str) -> Option<PathBuf> {
    let own = Path::new(DIRECTORY).join(name);
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let elsewhere = std::env::split_paths(&paths).map(|directory| directory.join(name));
    std::iter::once(own).chain(elsewhere).find(|path| path.is_file())?.canonicalize().ok()
}

/// What the report says of a side that cannot take part.
pub fn missing(name: &str) -> String {
    format!("{name} is not installed here (`bench/peers` gets it), so that side was skipped")
}

/// What a program says of its own version, or that it is not there.
pub fn version(name: &str) -> String {
    let Some(path) = find(name) else {
        return "not installed".to_owned();
    };
    // The server of durable-streams has no such option; the script notes what it installed.
    let noted = path.with_file_name(format!("{name}.version"));
    std::fs::read_to_string(noted)
        .map(|text| text.trim().to_owned())
        .or_else(|_| output(Command::new(&path).arg("--version")))
        .unwrap_or_else(|_| "unknown version".to_owned())
}
