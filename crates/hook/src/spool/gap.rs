//! What did not fit into the spool: counted, until a document can tell of it.

use std::path::Path;

use annals_core::dialect::hooks::Gap;
use annals_core::json::{Json, as_str, as_u64, member};

use super::replace;
use crate::stamped::{Stamped, quoted};

/// The agent of a gap that several agents have part in.
const SEVERAL: &str = "several";

/// Payloads that could not be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) agent: String,
    pub(super) reason: String,
    pub(super) dropped: u64,
    pub(super) byte_count: u64,
    pub(super) from: String,
    pub(super) to: String,
}

impl Missing {
    /// One payload.
    pub(super) fn one(agent: &str, reason: &str, byte_count: u64, at: &str) -> Self {
        Self {
            agent: agent.to_owned(),
            reason: reason.to_owned(),
            dropped: 1,
            byte_count,
            from: at.to_owned(),
            to: at.to_owned(),
        }
    }

    fn and(mut self, other: Self) -> Self {
        if self.agent != other.agent {
            SEVERAL.clone_into(&mut self.agent);
        }
        if self.reason != other.reason {
            SEVERAL.clone_into(&mut self.reason);
        }
        self.dropped += other.dropped;
        self.byte_count += other.byte_count;
        self.to = other.to;
        self
    }

    /// The document that tells of it. It is the same whenever it is made.
    pub(super) fn document(&self) -> String {
        let gap = Gap {
            agent: &self.agent,
            session_id: None,
            reason: &self.reason,
            dropped: self.dropped,
            byte_count: self.byte_count,
            from: &self.from,
            to: &self.to,
            detail: None,
        };
        Stamped::gap(&gap).document()
    }

    fn to_text(&self) -> String {
        format!(
            "{{\"agent\":{},\"reason\":{},\"dropped\":{},\"byte_count\":{},\"from\":{},\"to\":{}}}",
            quoted(&self.agent),
            quoted(&self.reason),
            self.dropped,
            self.byte_count,
            quoted(&self.from),
            quoted(&self.to),
        )
    }
}

/// What is missing so far.
pub(super) fn read(path: &Path) -> Option<Missing> {
    let json = Json::parse(&std::fs::read(path).ok()?).ok()?;
    let text = |name| member(json.as_str(), name).and_then(as_str).map(|text| text.into_owned());
    let number = |name| member(json.as_str(), name).and_then(as_u64);
    Some(Missing {
        agent: text("agent")?,
        reason: text("reason")?,
        dropped: number("dropped")?,
        byte_count: number("byte_count")?,
        from: text("from")?,
        to: text("to")?,
    })
}

/// Adds to what is missing; the lock is held.
pub(super) fn add(path: &Path, missing: Missing) -> std::io::Result<()> {
    let all = match read(path) {
        Some(earlier) => earlier.and(missing),
        None => missing,
    };
    replace(path, &all.to_text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_what_is_missing_and_tells_it_in_the_same_words_every_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gap.json");
        assert_eq!(read(&path), None);
        add(&path, Missing::one("codex", "spool_full", 10, "t1")).unwrap();
        add(&path, Missing::one("codex", "spool_full", 5, "t2")).unwrap();
        let missing = read(&path).unwrap();
        assert_eq!((missing.dropped, missing.byte_count), (2, 15));
        assert_eq!((missing.from.as_str(), missing.to.as_str()), ("t1", "t2"));
        assert_eq!(missing.document(), read(&path).unwrap().document());
        add(&path, Missing::one("gemini", "refused", 1, "t3")).unwrap();
        assert_eq!(read(&path).unwrap().agent, "several");
    }
}
