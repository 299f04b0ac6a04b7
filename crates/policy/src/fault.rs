//! Why a policy does not compile: where, what, and what to do about it.
//!
//! It owns no decision; what happens while a policy is evaluated is in `decision`.

use std::fmt;

/// A policy that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct PolicyFault {
    /// The module's path; empty if the fault is of the policy as a whole.
    pub path: String,
    /// Line and column from 1, where they are known.
    pub at: Option<(u32, u32)>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl PolicyFault {
    /// A fault of the policy as a whole.
    pub(crate) fn whole(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { path: String::new(), at: None, message: message.into(), help: help.into() }
    }

    /// A fault somewhere in a module.
    pub(crate) fn at(
        path: &str,
        at: Option<(u32, u32)>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { path: path.to_owned(), at, message: message.into(), help: help.into() }
    }

    /// Reads what the engine says: an arrow with file, line and column, some source, `error: …`.
    pub(crate) fn of_engine(path: &str, error: &str) -> Self {
        let message = error
            .split_once("error: ")
            .map_or(error, |(_, message)| message)
            .trim()
            .trim_end_matches('\n')
            .to_owned();
        let (file, at) = arrow(error).unwrap_or((path, None));
        let help = if message.contains("`if`") || message.contains("contains") {
            "policies are Rego v1: rules need `if` before a body and `contains` for a set"
        } else {
            "correct the policy there; `annals policy check FILE` tells when it compiles"
        };
        Self::at(file, at, message, help)
    }
}

/// File, line and column of `--> file:line:column`.
fn arrow(error: &str) -> Option<(&str, Option<(u32, u32)>)> {
    let (_, rest) = error.split_once("--> ")?;
    let place = rest.lines().next()?.trim();
    let mut parts = place.rsplitn(3, ':');
    let column = parts.next()?.parse().ok()?;
    let line = parts.next()?.parse().ok()?;
    Some((parts.next()?, Some((line, column))))
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.path.as_str(), self.at) {
            ("", _) => {}
            (path, Some((line, column))) => write!(out, "{path}:{line}:{column}: ")?,
            (path, None) => write!(out, "{path}: ")?,
        }
        write!(out, "{}; {}", self.message, self.help)
    }
}
