//! A file of settings: read, kept beside it as it was, and replaced as a whole.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// A file of settings as it is.
#[derive(Debug, Clone)]
pub(super) struct SettingsFile {
    /// The file itself, behind links that lead to it.
    pub(super) path: PathBuf,
    /// Its text; none where it is not there.
    pub(super) text: Option<String>,
}

impl SettingsFile {
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Self { path, text: Some(text) }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self { path, text: None }),
            Err(error) => Err(error).with_context(|| path.display().to_string()),
        }
    }

    pub(super) fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// Replaces the text, and keeps the one from before beside it; gives where that is.
    pub(super) fn replace(&self, text: &str) -> anyhow::Result<Option<PathBuf>> {
        self.check_unchanged()?;
        let backup = self.back_up()?;
        if let Some(dir) = self.path.parent() {
            fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        }
        let new = sibling(&self.path, "annals-new");
        let written = write(&new, text, self.mode()).and_then(|()| fs::rename(&new, &self.path));
        written.with_context(|| self.path.display().to_string())?;
        Ok(backup)
    }

    /// Removes the file, and keeps what it said beside it; gives where that is.
    pub(super) fn remove(&self) -> anyhow::Result<Option<PathBuf>> {
        self.check_unchanged()?;
        let backup = self.back_up()?;
        fs::remove_file(&self.path).with_context(|| self.path.display().to_string())?;
        Ok(backup)
    }

    /// A person has read the change before agreeing to it; meanwhile the agent may have written.
    fn check_unchanged(&self) -> anyhow::Result<()> {
        let now = Self::read(&self.path)?;
        anyhow::ensure!(
            now.text == self.text,
            "{} was changed by somebody else just now; try again",
            self.path.display()
        );
        Ok(())
    }

    fn back_up(&self) -> anyhow::Result<Option<PathBuf>> {
        let Some(text) = &self.text else { return Ok(None) };
        for number in 1.. {
            let backup = sibling(&self.path, &format!("annals-{number}.bak"));
            // Not `.json`: some agents read every such file of a directory.
            match write_new(&backup, text, self.mode()) {
                Ok(()) => return Ok(Some(backup)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| backup.display().to_string()),
            }
        }
        Ok(None)
    }

    /// Who may read and write it; a new file is this user's.
    fn mode(&self) -> Option<u32> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&self.path).ok().map(|metadata| metadata.permissions().mode());
            mode.map(|mode| mode & 0o777)
        }
        #[cfg(not(unix))]
        None
    }
}

fn sibling(path: &Path, ending: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{name}.{ending}"))
}

/// Writes a file anew.
pub(super) fn write(path: &Path, text: &str, mode: Option<u32>) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    write_new(path, text, mode)
}

/// Writes a file that must not be there yet, readable to no more people than the mode says.
pub(super) fn write_new(path: &Path, text: &str, mode: Option<u32>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode.unwrap_or(0o600));
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
