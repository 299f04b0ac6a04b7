//! Paths made absolute and plain, without looking at any disk.
//!
//! Symbolic links are not seen: a path through one is what its text says. What is relative to a directory that
//! is not known begins with `?/`, and what is below a home directory that is not known with `~`.

/// Where relative paths begin, and where `~` is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    pub(crate) cwd: Option<String>,
    pub(crate) home: Option<String>,
}

impl Place {
    pub(crate) fn new(cwd: Option<&str>, home: Option<&str>) -> Self {
        let cwd = cwd.map(str::trim).filter(|cwd| !cwd.is_empty());
        let home = home.map(str::to_owned).or_else(|| cwd.and_then(guessed_home));
        let mut place = Self { cwd: None, home };
        place.cwd = cwd.map(|cwd| place.absolute(cwd));
        place
    }

    /// The path, absolute and without `.`, `..` and doubled slashes.
    pub(crate) fn absolute(&self, path: &str) -> String {
        let path = with_slashes(path.strip_prefix("file://").unwrap_or(path));
        let below_home = ["~", "$HOME", "${HOME}"].iter().find_map(|home| {
            path.strip_prefix(home).filter(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        if let Some(rest) = below_home {
            return match &self.home {
                Some(home) => plain(&format!("{home}{rest}")),
                None => plain(&format!("~{rest}")),
            };
        }
        let below_cwd = ["$PWD", "${PWD}"].iter().find_map(|cwd| {
            path.strip_prefix(cwd).filter(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        let relative = match below_cwd {
            Some(rest) => rest.trim_start_matches('/'),
            None if is_rooted(&path) => return plain(&path),
            None => path.as_str(),
        };
        match &self.cwd {
            Some(cwd) => plain(&format!("{cwd}/{relative}")),
            None => plain(&format!("?/{relative}")),
        }
    }
}

/// A home directory of the usual shape that a path lies in.
fn guessed_home(cwd: &str) -> Option<String> {
    let mut parts = cwd.split('/');
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next());
    match (first, second, third) {
        ("", top @ ("home" | "Users"), Some(user)) if !user.is_empty() => {
            Some(format!("/{top}/{user}"))
        }
        ("", top, _) if top == "root" => Some(format!("/{top}")),
        _ => None,
    }
}

fn with_slashes(path: &str) -> String {
    if has_drive(path) { path.replace('\\', "/") } else { path.to_owned() }
}

fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic())
}

fn is_rooted(path: &str) -> bool {
    path.starts_with('/') || path.starts_with('~') || path.starts_with("?/") || has_drive(path)
}

/// Takes out `.`, `..` and empty parts; nothing is above the first part of a path that is not at `/`.
fn plain(path: &str) -> String {
    let is_at_root = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if is_at_root => {
                parts.pop();
            }
            ".." if parts.len() > 1 && parts.last() != Some(&"..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if is_at_root { format!("/{joined}") } else { joined }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_plain_and_absolute_where_that_can_be_known() {
        let place = Place::new(Some("/home/ada/code"), None);
        for (path, plain) in [
            ("src/main.rs", "/home/ada/code/src/main.rs"),
            ("./a/../b//c/", "/home/ada/code/b/c"),
            ("../../../../etc/passwd", "/etc/passwd"),
            ("/etc/./ssh/../passwd", "/etc/passwd"),
            ("~/.ssh/id_ed25519", "/home/ada/.ssh/id_ed25519"),
            ("$HOME/.aws", "/home/ada/.aws"),
            ("${PWD}/x", "/home/ada/code/x"),
            ("~", "/home/ada"),
            ("~bob/x", "~bob/x"),
            ("file:///tmp/x", "/tmp/x"),
            ("C:\\Users\\ada\\..\\x", "C:/Users/x"),
            ("", "/home/ada/code"),
        ] {
            assert_eq!(place.absolute(path), plain, "{path}");
        }
        let nowhere = Place::default();
        assert_eq!(nowhere.absolute("a/../../b"), "?/../b");
        assert_eq!(nowhere.absolute("~/.ssh"), "~/.ssh");
    }
}
