//! Where a server's data is when nobody says otherwise, and the owner token in it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The file with the owner token, made by the server.
const OWNER_TOKEN_FILE: &str = "owner.token";

/// The directory that was asked for, else the platform's.
pub(crate) fn resolve(asked: Option<&Path>) -> anyhow::Result<PathBuf> {
    match asked {
        Some(path) => Ok(path.to_owned()),
        None => platform_default()
            .context("no home directory is known; name a data directory with --data DIR"),
    }
}

/// The owner token in a data directory, if it is there and this user may read it.
pub(crate) fn owner_token(data_dir: &Path) -> Option<String> {
    let text = fs::read_to_string(data_dir.join(OWNER_TOKEN_FILE)).ok()?;
    let token = text.trim();
    (!token.is_empty()).then(|| token.to_owned())
}

/// Where this user's checkpoints of logs are remembered: never inside a data directory, so that
/// whoever replaces a log does not replace them too.
pub(crate) fn checkpoints() -> Option<PathBuf> {
    if cfg!(windows) {
        return absolute("LOCALAPPDATA").map(|base| base.join("annals-checkpoints"));
    }
    if cfg!(target_os = "macos") {
        return absolute("HOME")
            .map(|home| home.join("Library/Application Support/annals-checkpoints"));
    }
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .map(|base| base.join("annals/checkpoints"))
}

/// A directory named by the environment.
fn absolute(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

fn platform_default() -> Option<PathBuf> {
    if cfg!(windows) {
        return absolute("LOCALAPPDATA").map(|base| base.join("annals"));
    }
    if cfg!(target_os = "macos") {
        return absolute("HOME").map(|home| home.join("Library/Application Support/annals"));
    }
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .map(|base| base.join("annals"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_owner_token_without_its_newline() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(owner_token(dir.path()), None);
        fs::write(dir.path().join(OWNER_TOKEN_FILE), "annals_owner_a_b\n").unwrap();
        assert_eq!(owner_token(dir.path()).as_deref(), Some("annals_owner_a_b"));
    }
}
