//! Which files of settings run the hook: a list beside its token, because a project's settings can be
//! in any directory.
//!
//! The list only says where to look. What counts is whether the hook is still in a file.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::agent::Agent;
use super::file::{SettingsFile, write};
use super::{SCOPES, block, edit, homes, is_toml};

/// Beside the token.
fn list_file() -> anyhow::Result<PathBuf> {
    let places = annals_hook::default_places().context("no home directory is known")?;
    Ok(places.token_file.with_file_name("installed.json"))
}

/// Remembers a file that has the hook.
pub(super) fn remember(settings: &Path) -> anyhow::Result<()> {
    let file = list_file()?;
    let mut listed = read(&file)?;
    if !listed.insert(settings.to_owned()) {
        return Ok(());
    }
    let dir = file.parent().context("the list has no directory")?;
    annals_hook::make_private_dir(dir).with_context(|| dir.display().to_string())?;
    let new = file.with_extension("new");
    write(&new, &serde_json::to_string(&listed)?, None)
        .and_then(|()| std::fs::rename(&new, &file))
        .with_context(|| file.display().to_string())
}

/// The files that have the hook: of those in the list, and of this user's and this project's.
pub(super) fn left() -> anyhow::Result<BTreeSet<PathBuf>> {
    let mut files = read(&list_file()?)?;
    let homes = homes()?;
    for agent in Agent::ALL {
        files.extend(SCOPES.map(|(scope, _)| agent.settings(scope, &homes)));
    }
    let mut left = BTreeSet::new();
    for path in files {
        let file = SettingsFile::read(&path)?;
        if event_count(&path, file.text()) > 0 {
            left.insert(file.path);
        }
    }
    Ok(left)
}

/// Forgets all of them.
pub(super) fn forget() -> anyhow::Result<()> {
    let file = list_file()?;
    match std::fs::remove_file(&file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| file.display().to_string())
        }
        _ => Ok(()),
    }
}

/// How many events a file of settings tells the hook of.
pub(super) fn event_count(path: &Path, text: &str) -> usize {
    match is_toml(path) {
        true => block::count(text),
        // A file that nobody can read has no hook of ours.
        false => edit::count(text).unwrap_or(0),
    }
}

fn read(file: &Path) -> anyhow::Result<BTreeSet<PathBuf>> {
    match std::fs::read_to_string(file) {
        Ok(text) => serde_json::from_str(&text).with_context(|| file.display().to_string()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(error).with_context(|| file.display().to_string()),
    }
}
