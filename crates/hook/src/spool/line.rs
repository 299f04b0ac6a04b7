//! A line of a spool's file, linked to the one before it.
//!
//! Persisted: a newer hook reads what an older one left behind.

use annals_core::hash::{Digest, sha256};
use annals_core::json::{Json, as_str, as_u64, member};

/// Where a file is up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    /// The how-many-eth line the last one was.
    pub(super) n: u64,
    /// The hash of its bytes, without the newline.
    pub(super) hash: Digest,
}

impl Link {
    /// Before the first line.
    pub(super) const START: Self = Self { n: 0, hash: Digest::ZERO };

    /// The link after a line that is the `n`th.
    pub(super) fn of(n: u64, line: &[u8]) -> Self {
        Self { n, hash: sha256(&[line]) }
    }

    /// The next line, with its newline, and the link after it.
    pub(super) fn next(self, document: &str) -> (String, Self) {
        let n = self.n + 1;
        let mut line = format!("{{\"n\":{n},\"prev\":\"{}\",\"doc\":{document}}}", self.hash);
        let link = Self::of(n, line.as_bytes());
        line.push('\n');
        (line, link)
    }
}

/// A line that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) n: u64,
    pub(super) prev: String,
    pub(super) document: String,
}

/// Reads a line; none where it is damaged.
pub(super) fn read(line: &[u8]) -> Option<Line> {
    let json = Json::parse(line).ok()?;
    let text = json.as_str();
    let document = member(text, "doc").filter(|document| document.starts_with('{'))?;
    Some(Line {
        n: member(text, "n").and_then(as_u64)?,
        prev: member(text, "prev").and_then(as_str)?.into_owned(),
        document: document.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_which_one_it_follows() {
        let (first, link) = Link::START.next("{\"a\":1.0}");
        let (second, _) = link.next("{}");
        let read_first = read(first.trim_end().as_bytes()).unwrap();
        assert_eq!((read_first.n, read_first.document.as_str()), (1, "{\"a\":1.0}"));
        assert_eq!(read_first.prev, "0".repeat(64));
        let read_second = read(second.trim_end().as_bytes()).unwrap();
        assert_eq!((read_second.n, read_second.prev), (2, link.hash.to_string()));
        assert_eq!(Link::of(1, first.trim_end().as_bytes()), link);
    }

    #[test]
    fn what_is_no_line_is_none() {
        for damaged in [&b"{\"n\":1,\"prev\":\"\",\"doc\":{\"cut"[..], b"", b"{}", b"\0\0", b"[1]"]
        {
            assert_eq!(read(damaged), None);
        }
    }
}
