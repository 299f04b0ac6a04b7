//! Where a catalog can come from: files of YAML, or an answer of a server.

use std::path::{Path, PathBuf};
use std::{fs, io};

use annals_core::catalog::{Catalog, PRICES_FILE};
use anyhow::Context as _;

/// A catalog that was read, and the one family that it is of, if it is one file.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) catalog: Catalog,
    pub(super) family: Option<String>,
}

impl Source {
    /// Reads a directory of YAML files, one such file, or a JSON answer.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let named = || path.display().to_string();
        if path.is_dir() {
            let files = yaml_files(path).with_context(named)?;
            anyhow::ensure!(!files.is_empty(), "{} holds no file of a catalog", path.display());
            return Ok(Self { catalog: read_yaml(&files)?, family: None });
        }
        if path.extension().is_some_and(|extension| extension == "json") {
            let text = fs::read_to_string(path).with_context(named)?;
            return Ok(Self {
                catalog: Catalog::from_answer(&text).with_context(named)?,
                family: None,
            });
        }
        let family = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        Ok(Self { catalog: read_yaml(&[path.to_owned()])?, family })
    }
}

fn yaml_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_yaml = path.extension().is_some_and(|extension| extension == "yaml");
        if is_yaml && path.file_name().is_some_and(|name| name != PRICES_FILE) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read_yaml(files: &[PathBuf]) -> anyhow::Result<Catalog> {
    let mut texts = Vec::new();
    for path in files {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        texts.push((name, text));
    }
    let texts = texts.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    Ok(Catalog::from_yaml(texts)?)
}
