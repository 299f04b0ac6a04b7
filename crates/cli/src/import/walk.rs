//! Which files an import looks at: the named ones, and under a directory those that end in
//! `.jsonl`, `.json` or `.traj`.
//!
//! What a file is, its content tells later. Symbolic links to directories are not followed, so that
//! a loop cannot catch the walk.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// How the names of files end that are looked at.
const ENDINGS: [&str; 3] = ["jsonl", "json", "traj"];

/// How a file came up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Its path was given.
    Named,
    /// It lies under a directory that was given.
    Walked,
}

/// A file to look at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) path: PathBuf,
    pub(super) byte_count: u64,
    pub(super) found: Found,
}

/// All files of the given paths, each once, in order.
pub(super) fn files(paths: &[PathBuf]) -> anyhow::Result<Vec<Candidate>> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for path in paths {
        let metadata =
            fs::metadata(path).with_context(|| format!("{} cannot be read", path.display()))?;
        if metadata.is_dir() {
            walk(path, &mut |path, byte_count| {
                if seen.insert(path.clone()) {
                    found.push(Candidate { path, byte_count, found: Found::Walked });
                }
            })?;
        } else if seen.insert(path.clone()) {
            found.push(Candidate {
                path: path.clone(),
                byte_count: metadata.len(),
                found: Found::Named,
            });
        }
    }
    Ok(found)
}

fn walk(directory: &Path, each: &mut impl FnMut(PathBuf, u64)) -> anyhow::Result<()> {
    let unreadable = || format!("{} cannot be read", directory.display());
    let entries = fs::read_dir(directory).with_context(unreadable)?;
    let mut entries: Vec<_> = entries.collect::<Result<_, _>>().with_context(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_type().with_context(unreadable)?.is_dir() {
            walk(&path, each)?;
        } else if path
            .extension()
            .is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known))
            && let Ok(metadata) = fs::metadata(&path)
            && metadata.is_file()
        {
            each(path, metadata.len());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_transcripts_under_directories_and_named_files_whatever_their_ending() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b/two.jsonl", "b/readme.md", "a.json", "odd.log"] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "{}").unwrap();
        }
        let odd = dir.path().join("odd.log");
        let found = files(&[dir.path().to_owned(), odd.clone(), odd]).unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|file| file.path.strip_prefix(dir.path()).unwrap().display().to_string())
            .collect();
        assert_eq!(names, ["a.json", "b/two.jsonl", "odd.log"]);
        assert_eq!(found[2].found, Found::Named);
        assert!(files(&[dir.path().join("missing")]).is_err());
    }
}
