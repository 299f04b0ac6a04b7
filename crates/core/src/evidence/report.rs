//! What a verified evidence file proves, and what it leaves open.

use std::fmt;

use crate::hash::Digest;
use crate::id::{LogId, Position, RunId, Seq, WorkspaceId};
use crate::note::VerifierKey;

/// What was checked of a file that holds.
///
/// All of it stands or falls with `key`: that it is the log's is for the reader to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceReport {
    /// The log that the file names.
    pub log_id: LogId,
    /// The log's name, as signed.
    pub origin: String,
    /// The key that signed the checkpoint.
    pub key: VerifierKey,
    /// Keys that gave way to it, newest first, each change signed by both.
    pub former_keys: Vec<VerifierKey>,
    /// Events that the checkpoint covers.
    pub size: u64,
    /// The root that was signed.
    pub root: Digest,
    /// Witnesses whose cosignature fits the key that the file gives for them.
    pub cosignatures: Vec<Cosignature>,
    /// Signature lines of the checkpoint by keys that the file does not give: not checked.
    pub unchecked_signature_count: usize,
    /// Whose events they are.
    pub workspace_id: WorkspaceId,
    /// Which run's events they are.
    pub run_id: RunId,
    /// Events with header and body.
    pub full_count: u64,
    /// Events with their header, whose body the file says is erased from the log.
    pub redacted_count: u64,
    /// Events with their header, whose body was left out of the file.
    pub body_left_out_count: u64,
    /// Events of which there is the hash alone; that they are the run's was not checked.
    pub hash_only_count: u64,
    /// The positions of the first and the last event.
    pub positions: Option<(Position, Position)>,
    /// The streams that the events with headers are of, by name.
    pub streams: Vec<EvidenceStream>,
}

/// A witness's word that it saw the checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// The witness's key, as the file gives it.
    pub key: VerifierKey,
    /// When it cosigned, in seconds since 1970.
    pub cosigned_at: u64,
}

/// The part of a stream that is in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceStream {
    /// The kind of stream.
    pub stream_type: String,
    /// Which one of the kind.
    pub stream_id: String,
    /// The first event with a header.
    pub first_seq: Seq,
    /// The last event with a header. Whether the stream goes on after it, no file can tell.
    pub last_seq: Seq,
    /// Events with a header.
    pub event_count: u64,
    /// Nothing is missing from seq 1 to this one; 0 if the beginning is.
    pub complete_to: Seq,
}

impl EvidenceReport {
    /// Events of the file.
    #[must_use]
    pub fn event_count(&self) -> u64 {
        self.full_count + self.redacted_count + self.body_left_out_count + self.hash_only_count
    }

    /// Whether the file is signed under a key that the reader knows: by it, or by one that it
    /// gave way to, step by step.
    #[must_use]
    pub fn is_signed_under(&self, known: &VerifierKey) -> bool {
        self.key == *known || self.former_keys.contains(known)
    }
}

impl fmt::Display for EvidenceReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "run {} of workspace {}", self.run_id, self.workspace_id)?;
        self.write_events(formatter)?;
        for stream in &self.streams {
            writeln!(formatter, "stream {stream}")?;
        }
        writeln!(
            formatter,
            "checkpoint of {} with {} events, root {}",
            self.origin, self.size, self.root
        )?;
        writeln!(formatter, "signed by {}", self.key)?;
        for key in &self.former_keys {
            writeln!(formatter, "  which followed {key}")?;
        }
        for Cosignature { key, cosigned_at } in &self.cosignatures {
            writeln!(formatter, "cosigned at {cosigned_at} s by {key}")?;
        }
        if self.unchecked_signature_count > 0 {
            let count = self.unchecked_signature_count;
            writeln!(
                formatter,
                "{count} signatures by keys that the file does not give: not checked"
            )?;
        }
        formatter.write_str(
            "not checked: that these keys are the right ones; that the run has no later events",
        )
    }
}

impl EvidenceReport {
    fn write_events(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} events", self.event_count())?;
        if let Some((first, last)) = self.positions {
            write!(formatter, " at positions {first} to {last}")?;
        }
        writeln!(formatter, ": {} whole", self.full_count)?;
        let lines = [
            (self.redacted_count, "without their body, which the file says is erased"),
            (self.body_left_out_count, "without their body, which was left out"),
            (self.hash_only_count, "as a hash only; whether they are of this run: not checked"),
        ];
        for (count, what) in lines.iter().filter(|(count, _)| *count > 0) {
            writeln!(formatter, "  {count} {what}")?;
        }
        Ok(())
    }
}

impl fmt::Display for EvidenceStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stream_type, stream_id, first_seq, last_seq, event_count, complete_to } = self;
        write!(formatter, "{stream_type}/{stream_id}: {event_count} events, ")?;
        if complete_to == last_seq {
            write!(formatter, "complete from seq 1 to {last_seq}")
        } else if complete_to.get() > 0 {
            write!(formatter, "complete from seq 1 to {complete_to}, then parts up to {last_seq}")
        } else {
            write!(formatter, "parts from seq {first_seq} to {last_seq}")
        }
    }
}
