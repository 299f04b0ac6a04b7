//! The first event of a restored log: which log it was made of, and how much of it.
//!
//! A restored log goes on under a new id, name and key. This event ties it to its parent: whoever
//! holds a checkpoint of the parent can see what became of the events behind the copy.

use std::path::Path;
use std::sync::Arc;

use annals_core::checkpoint::SignedCheckpoint;
use annals_core::hash::Digest;
use annals_core::id::{EventType, LogId};
use serde::Serialize;

use super::files::{TrustFile, TrustFiles};
use super::public::{PublicTrust, PublicTrustError};
use super::rotate::{literal, log_stream, render};
use crate::principal::Principal;
use crate::sequencer::LogFact;

/// Gives a directory that was just restored the newest checkpoint of its parent, if the backup has
/// one: the restored log's first event then carries it.
///
/// # Errors
/// When it is not signed by the parent's key of its time, or cannot be read or written.
pub fn adopt_parent(backup: &Path, parent: LogId, data_dir: &Path) -> Result<(), PublicTrustError> {
    let Some(signed) = PublicTrust::read_signed(backup, parent)? else { return Ok(()) };
    let files = TrustFiles::of(Some(data_dir));
    Ok(files.write(TrustFile::ParentCheckpoint, &signed.to_string())?)
}

/// The type of the event. Persisted: never rename.
const RESTORED: &str = "log.restored";

/// What a restored log has to say before anything else.
#[derive(Debug, Clone)]
pub(crate) struct Restoration {
    pub(super) log_id: LogId,
    pub(super) parent_log_id: LogId,
    /// Events that were taken over.
    pub(super) size: u64,
    /// The root over them.
    pub(super) root: Digest,
    /// The newest checkpoint of the parent that came with the copy.
    pub(super) checkpoint: Option<SignedCheckpoint>,
}

/// Persisted in the header of `log.restored`: add fields only as optional ones.
#[derive(Debug, Serialize)]
#[serde(tag = "fact", rename = "restored")]
struct Restored<'a> {
    parent_log_id: String,
    parent_origin: &'a str,
    size: u64,
    root: String,
}

impl Restoration {
    /// What goes to the log.
    pub(crate) fn fact(&self, by: Arc<Principal>) -> LogFact {
        let parent_origin = self.parent_origin();
        let control = Restored {
            parent_log_id: self.parent_log_id.to_string(),
            parent_origin: &parent_origin,
            size: self.size,
            root: self.root.to_string(),
        };
        let data = serde_json::json!({
            "parent_log_id": control.parent_log_id,
            "parent_origin": parent_origin,
            "size": self.size,
            "root": control.root,
            "checkpoint": self.checkpoint.as_ref().map(ToString::to_string),
        });
        LogFact {
            by,
            event_type: literal(EventType::parse(RESTORED)),
            stream: log_stream(self.log_id),
            control: render(&control),
            data: data.to_string(),
        }
    }

    /// As its checkpoint says; without one, the name that a log has when nobody gives it another.
    fn parent_origin(&self) -> String {
        match &self.checkpoint {
            Some(signed) => signed.checkpoint().origin.clone(),
            None => super::open::default_origin(self.parent_log_id),
        }
    }
}
