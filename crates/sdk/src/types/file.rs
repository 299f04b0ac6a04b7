//! Payloads of the family `file`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// An agent is about to read a file.
    FileReadRequested = "file.read_requested", 1;
    required {}
    optional {
        /// String; may hold secrets or personal data.
        file_path "file_path": &str,
        /// String or null; may hold secrets or personal data.
        content "content": &str,
        /// Array; may hold secrets or personal data.
        attachments "attachments": impl Into<serde_json::Value>,
    }
    /// An agent edited a file.
    FileEdited = "file.edited", 1;
    required {}
    optional {
        /// String; may hold secrets or personal data.
        file_path "file_path": &str,
        /// Array; may hold secrets or personal data.
        edits "edits": impl Into<serde_json::Value>,
    }
    /// A watched file was changed, made or removed by somebody.
    FileChanged = "file.changed", 1;
    required {}
    optional {
        /// String; may hold secrets or personal data.
        file_path "file_path": &str,
        /// String; such as `change`, `add`, `unlink`.
        change "change": &str,
    }
    /// A session may now work in one more directory.
    DirectoryAdded = "directory.added", 1;
    required {}
    optional {
        /// String; may hold secrets or personal data.
        directory "directory": &str,
        source "source": &str,
    }
    /// An agent is about to get a worktree of its own.
    WorktreeRequested = "worktree.requested", 1;
    required {}
    optional {
        name "name": &str,
    }
    /// A worktree of an agent was removed.
    WorktreeRemoved = "worktree.removed", 1;
    required {}
    optional {
        /// String; may hold secrets or personal data.
        worktree_path "worktree_path": &str,
    }
}
