//! Where the hook's token and its spool are when nobody says otherwise.
//!
//! Never in the server's data directory: the hook works without a server, and another user may run it.

use std::path::PathBuf;

/// The hook's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The file with the token.
    pub token_file: PathBuf,
    /// The directory where payloads wait.
    pub spool: PathBuf,
}

/// The places of this user; none where no home directory is known.
#[must_use]
pub fn default_places() -> Option<Places> {
    let state = state_dir()?;
    Some(Places { token_file: state.join("token"), spool: state.join("spool") })
}

fn state_dir() -> Option<PathBuf> {
    if cfg!(windows) {
        return absolute("LOCALAPPDATA").map(|base| base.join("annals-hook"));
    }
    if cfg!(target_os = "macos") {
        return absolute("HOME").map(|home| home.join("Library/Application Support/annals-hook"));
    }
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .map(|base| base.join("annals/hook"))
}

/// A directory named by the environment.
fn absolute(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
}
