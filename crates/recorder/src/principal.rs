//! The identity behind a credential, and what it may do. Facts, not claims.

use annals_core::envelope::Zone;
use annals_core::id::{EventType, PrincipalId, StreamType, TokenId, WorkspaceId};
use annals_core::time::Timestamp;

/// A set of rights.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rights(u8);

impl Rights {
    /// May append events.
    pub const APPEND: Self = Self(1);
    /// May read events and views.
    pub const READ: Self = Self(2);
    /// May ask for proofs, which reveals the log's total size.
    pub const VERIFY: Self = Self(4);
    /// May administer: tokens and, later, redaction.
    pub const OPERATE: Self = Self(8);

    const WORDS: [(Self, &'static str); 4] = [
        (Self::APPEND, "append"),
        (Self::READ, "read"),
        (Self::VERIFY, "verify"),
        (Self::OPERATE, "operate"),
    ];

    /// Both of two sets.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all rights of another set are in this one.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is no right at all.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The words of the set, in a fixed order.
    #[must_use]
    pub fn words(self) -> Vec<&'static str> {
        Self::WORDS
            .iter()
            .filter(|(right, _)| self.contains(*right))
            .map(|(_, word)| *word)
            .collect()
    }

    /// The right that a word names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(_, known)| *known == word).map(|(right, _)| *right)
    }
}

/// Whoever holds a valid credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The identity that events carry as `actor_principal_id`.
    pub principal_id: PrincipalId,
    /// The only workspace it sees and writes.
    pub workspace_id: WorkspaceId,
    /// What it may do.
    pub rights: Rights,
    /// The highest zone its events may claim.
    pub zone_max: Zone,
    /// The credential.
    pub token_id: TokenId,
    /// When the credential ends.
    pub expires_at: Option<Timestamp>,
    /// The stream types it may append to; none means any.
    pub stream_types: Option<Vec<StreamType>>,
    /// The event types it may append; none means any.
    pub event_types: Option<Vec<EventType>>,
}

impl Principal {
    /// Whether the credential has ended at a time.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether its scope covers an append.
    #[must_use]
    pub fn covers(&self, stream_type: &StreamType, event_type: &EventType) -> bool {
        self.stream_types.as_ref().is_none_or(|allowed| allowed.contains(stream_type))
            && self.event_types.as_ref().is_none_or(|allowed| allowed.contains(event_type))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_have_one_word_each() {
        let all = Rights::APPEND.with(Rights::READ).with(Rights::VERIFY).with(Rights::OPERATE);
        assert_eq!(all.words(), ["append", "read", "verify", "operate"]);
        for word in all.words() {
            assert_eq!(Rights::from_word(word).unwrap().words(), [word]);
        }
        assert!(!Rights::READ.contains(Rights::APPEND));
        assert_eq!(Rights::from_word("decide"), None);
    }
}
