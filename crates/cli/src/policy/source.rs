//! Where a policy's modules come from: files, directories, or this program.

use std::path::{Path, PathBuf};
use std::{fs, io};

use annals_policy::{Module, default_modules};
use anyhow::Context as _;

/// The modules of a directory, or the built-in ones with their tests.
pub(super) fn modules(dir: Option<&Path>) -> anyhow::Result<Vec<Module>> {
    match dir {
        Some(dir) => read(&[dir.to_owned()]),
        None => Ok(default_modules(true)),
    }
}

/// Reads files, and whatever ends in `.rego` below directories.
pub(super) fn read(paths: &[PathBuf]) -> anyhow::Result<Vec<Module>> {
    let mut modules = Vec::new();
    for path in paths {
        if path.is_dir() {
            let mut files = Vec::new();
            walk(path, &mut files).with_context(|| path.display().to_string())?;
            files.sort();
            for file in files {
                let name = file.strip_prefix(path).unwrap_or(&file).to_string_lossy().into_owned();
                modules.push(module(&file, name)?);
            }
        } else {
            modules.push(module(path, path.display().to_string())?);
        }
    }
    anyhow::ensure!(!modules.is_empty(), "there is no file that ends in .rego");
    Ok(modules)
}

fn module(file: &Path, name: String) -> anyhow::Result<Module> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    Ok(Module::new(name, text))
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rego") {
            files.push(path);
        }
    }
    Ok(())
}
