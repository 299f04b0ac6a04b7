//! What a recorder is opened with.

use std::path::PathBuf;
use std::sync::Arc;

use annals_core::secrets::SecretSettings;

use crate::world::{Clock, Entropy, SystemClock, SystemEntropy};

/// When an append counts as kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// After a successful fdatasync.
    Sync,
    /// After the operating system took the bytes: a power failure may lose them.
    Os,
}

impl Durability {
    /// The word in receipts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Os => "os",
        }
    }
}

/// Whether payloads of known types are held against their schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaCheck {
    /// Known types are checked, unknown ones pass.
    KnownTypes,
    /// Nothing is checked.
    Off,
}

/// Whether the views are folded and served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewMode {
    /// Folded beside the log.
    On,
    /// Not folded; a log without screens.
    Off,
}

/// Everything that a recorder is told at its opening.
#[derive(Debug, Clone)]
pub struct RecorderConfig {
    /// The data directory; none keeps everything in memory and loses it at the end.
    pub data_dir: Option<PathBuf>,
    /// When an append counts as kept.
    pub durability: Durability,
    /// Bytes of a segment file.
    pub segment_bytes: u64,
    /// Whether payloads are checked.
    pub schema_check: SchemaCheck,
    /// What is looked for before anything is kept, and what passes.
    pub secrets: SecretSettings,
    /// Whether views are kept.
    pub views: ViewMode,
    /// The name under which a new log signs; none names it by its id. A log keeps its first name.
    pub origin: Option<String>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// Bytes of a segment file where nobody says otherwise.
const SEGMENT_BYTES: u64 = 64 << 20;

impl RecorderConfig {
    /// A durable recorder in a data directory.
    #[must_use]
    pub fn at(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: Some(data_dir.into()), ..Self::in_memory() }
    }

    /// A recorder for tests and examples that forgets everything at its end.
    #[must_use]
    pub fn in_memory() -> Self {
        Self {
            data_dir: None,
            durability: Durability::Sync,
            segment_bytes: SEGMENT_BYTES,
            schema_check: SchemaCheck::KnownTypes,
            secrets: SecretSettings::default(),
            views: ViewMode::On,
            origin: None,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }
    }
}
