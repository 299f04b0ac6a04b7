//! What the catalog knows of one event type.
//!
//! Plain data; `read.rs` fills it. The words of the enums are those of the catalog's files and of
//! the API.

use crate::envelope::Authority;
use crate::id::StreamType;

use super::spelling::{DialectSpellings, Spelling};

/// One event type.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeEntry {
    /// The type.
    pub event_type: String,
    /// The version of its payload.
    pub version: u32,
    /// The file of the catalog that it is in, without its ending; its section in the documents.
    pub family: String,
    /// One of the seven categories.
    pub category: Category,
    /// Whether only the server writes it.
    pub authority: Authority,
    /// What an event of it states, in one sentence.
    pub meaning: String,
    /// The stream that dialects put it on.
    pub stream: StreamRule,
    /// How much it matters to who watches.
    pub severity: Severity,
    /// What it is in an audit trail.
    pub audit: AuditAction,
    /// Members of `data`, as dotted paths, that may hold secrets or personal data.
    pub sensitive: Vec<String>,
    /// How foreign formats say it, for each dialect that does.
    pub spellings: Vec<DialectSpellings>,
    /// The JSON Schema of `data`, as JSON text.
    pub schema: Option<String>,
    /// The route that writes it, for control types that one of this version's routes writes.
    pub route: Option<String>,
    /// A payload, as JSON text.
    pub example: Option<String>,
}

impl TypeEntry {
    /// How a dialect spells it; nothing for a dialect that does not.
    #[must_use]
    pub fn spellings(&self, dialect: &str) -> &[Spelling] {
        self.spellings
            .iter()
            .find(|spelled| spelled.dialect == dialect)
            .map_or(&[], |spelled| spelled.spellings.as_slice())
    }
}

/// The kind of stream that dialects put an event of a type on; the stream's id is that unit's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRule {
    /// The kind of unit, such as `run` or `room`.
    pub stream_type: StreamType,
}

/// An enum whose values have one word each.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$value_doc])* $value,)* }

        impl $name {
            /// All values, in the order of the documents.
            pub const ALL: &[Self] = &[$(Self::$value),*];

            /// The word in files and on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$value => $word,)* }
            }

            /// The value of a word.
            #[must_use]
            pub fn of(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }
    };
}

words! {
    /// The seven categories of events.
    Category {
        /// Runs, their steps and what they make.
        Workflow = "workflow",
        /// Agents and their states.
        Agent = "agent",
        /// Tools and their use.
        Tool = "tool",
        /// What agents store and recall.
        Memory = "memory",
        /// Messages between people and agents.
        Communication = "communication",
        /// Failures and what is done about them.
        Recovery = "recovery",
        /// The system itself.
        System = "system",
    }
}

words! {
    /// How much an event matters to who watches, the least first.
    Severity {
        /// Of use to who looks for a fault.
        Debug = "debug",
        /// Work as it should be.
        Info = "info",
        /// Worth a look at some time.
        Low = "low",
        /// Something went wrong that work can go on without.
        Medium = "medium",
        /// Something went wrong that somebody should look at soon.
        High = "high",
        /// Somebody should look at once.
        Critical = "critical",
    }
}

words! {
    /// What an event is in an audit trail.
    AuditAction {
        /// An agent came to be or began.
        AgentSpawn = "agent_spawn",
        /// An agent ended.
        AgentExit = "agent_exit",
        /// A tool was called.
        ToolCall = "tool_call",
        /// A call of a tool ended.
        ToolResult = "tool_result",
        /// Something was remembered or forgotten.
        MemoryWrite = "memory_write",
        /// Something was recalled.
        MemoryRead = "memory_read",
        /// A setting was changed.
        ConfigChange = "config_change",
        /// A program came in or went.
        ProgramInstall = "program_install",
        /// A skill came in or went.
        SkillInstall = "skill_install",
        /// A timer fired.
        CronTrigger = "cron_trigger",
        /// Something was committed to a repository.
        GitCommit = "git_commit",
        /// Somebody was not let.
        AccessDenied = "access_denied",
        /// Something was asked of a person, or a person decided.
        Approval = "approval",
        /// Somebody said something.
        Message = "message",
        /// Money or tokens were spent.
        Money = "money",
        /// Anything else.
        Other = "other",
    }
}
