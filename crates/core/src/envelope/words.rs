//! The small closed vocabularies of the envelope and the two pairs that name things.
//!
//! The numbers are persisted in record headers: never reuse or reorder them.

use std::fmt;

use crate::id::{ActorId, StreamId, StreamType};

/// A text is none of the words that a field allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("allowed are {allowed}")]
pub struct UnknownWord {
    /// The words that the field allows, for a person.
    pub allowed: &'static str,
}

macro_rules! word_enum {
    ($(#[$doc:meta])* $name:ident, $allowed:literal { $($(#[$variant_doc:meta])* $variant:ident = $code:literal $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// The word on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The number in a record header.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self { $(Self::$variant => $code,)* }
            }

            /// The variant with this number in a record header.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text { $($word => Ok(Self::$variant),)* _ => Err(UnknownWord { allowed: $allowed }) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    };
}

word_enum! {
    /// What sort of party an event names as the one who acted.
    ActorType, "user, service, agent" {
        /// A person.
        User = 1 "user",
        /// A program that is no agent.
        Service = 2 "service",
        /// An agent.
        Agent = 3 "agent",
    }
}

word_enum! {
    /// How much an action may do without a person.
    Zone, "sandbox, supervised, high_stakes" {
        /// Nothing outside the sandbox is touched.
        Sandbox = 1 "sandbox",
        /// The usual zone.
        Supervised = 2 "supervised",
        /// Mistakes here are dear.
        HighStakes = 3 "high_stakes",
    }
}

word_enum! {
    /// Whether Annals decided a fact itself or somebody reported it.
    Authority, "control, observed" {
        /// Decided and written by the server's own commands.
        Control = 1 "control",
        /// Reported through a door; can only tighten.
        Observed = 2 "observed",
    }
}

word_enum! {
    /// How much of the body was replaced before the event was kept.
    RedactionLevel, "none, partial, full" {
        /// Nothing.
        None = 0 "none",
        /// Some values.
        Partial = 1 "partial",
        /// All of it.
        Full = 2 "full",
    }
}

/// Who an event says did it: a claim, not a fact.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Actor {
    /// What sort of party.
    pub actor_type: ActorType,
    /// Its name.
    pub actor_id: ActorId,
}

/// A stream's name within its workspace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamKey {
    /// The kind of stream.
    pub stream_type: StreamType,
    /// Its name within the kind.
    pub stream_id: StreamId,
}

impl fmt::Display for StreamKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.stream_type, self.stream_id)
    }
}
