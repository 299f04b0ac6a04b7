//! Records against their leaves, one after the other: hash, owner, chain, commitment, redactions.
//!
//! INVARIANT (nothing taken on trust): place, stream and id come from the hashed header bytes, not
//! from what the server wrote beside them.

use std::collections::{BTreeSet, HashMap, HashSet};

use annals_api::wire::{LogStatus, StoredRecord};
use annals_core::hash::Digest;
use annals_core::id::LogId;
use annals_core::merkle::leaf_hash;
use annals_core::record::{HeaderError, HeaderRef, SALT_BYTES, commitment, event_hash};
use annals_core::redaction::redacted_position;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::report::{LogFault, LogFaultKind};
use super::senseless;
use crate::error::ClientError;

/// A record, decoded.
#[derive(Debug)]
pub(super) struct Record {
    header: Vec<u8>,
    prev: Digest,
    commitment: Digest,
    /// None when it was erased.
    secret: Option<([u8; SALT_BYTES], Vec<u8>)>,
    /// Where the server says it is.
    pub(super) position: u64,
}

impl Record {
    pub(super) fn decode(wire: &StoredRecord) -> Result<Self, ClientError> {
        let bytes = |text: &str| {
            STANDARD.decode(text).map_err(|error| ClientError::Protocol(error.to_string()))
        };
        let digest = |text: &str| {
            let parsed: Result<Digest, _> = text.parse();
            parsed.map_err(|_| ClientError::Protocol(format!("`{text}` is no hash")))
        };
        let secret = match (&wire.salt, &wire.body) {
            (Some(salt), Some(body)) => {
                let salt = bytes(salt)?.try_into();
                let salt =
                    salt.map_err(|_| ClientError::Protocol("a salt has not 32 bytes".to_owned()))?;
                Some((salt, bytes(body)?))
            }
            _ => None,
        };
        Ok(Self {
            header: bytes(&wire.header)?,
            prev: digest(&wire.prev)?,
            commitment: digest(&wire.commitment)?,
            secret,
            position: wire.position,
        })
    }
}

/// The end of a stream as far as it was read.
#[derive(Debug, Clone, Copy)]
struct Tip {
    seq: u64,
    event_hash: Digest,
}

/// Which log's id the header of a position carries: a restored log keeps its parents' events.
#[derive(Debug)]
pub(super) struct Owners {
    /// With the last position of each, oldest first.
    ancestors: Vec<(LogId, u64)>,
    own: LogId,
}

impl Owners {
    pub(super) fn of(status: &LogStatus) -> Result<Self, ClientError> {
        let parse = |log_id: &str| log_id.parse::<LogId>().map_err(senseless);
        let mut ancestors = Vec::new();
        for ancestor in &status.lineage {
            ancestors.push((parse(&ancestor.log_id)?, ancestor.last_position));
        }
        Ok(Self { ancestors, own: parse(&status.log_id)? })
    }

    fn of_position(&self, position: u64) -> LogId {
        let owner = self.ancestors.iter().find(|(_, last)| position <= *last);
        owner.map_or(self.own, |(log_id, _)| *log_id)
    }
}

/// Checks records in order of position.
#[derive(Debug)]
pub(super) struct RecordChecker {
    owners: Owners,
    reading: Reading,
    tips: HashMap<String, Tip>,
    /// Positions of records whose bodies were erased.
    erased: BTreeSet<u64>,
    /// Positions that redactions among the records name.
    redacted: HashSet<u64>,
    pub(super) record_count: u64,
    pub(super) body_count: u64,
    pub(super) workspace_id: Option<String>,
}

/// Whether the streams are read from their first events on, so that none may begin in its middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    FromTheStart,
    FromTheMiddle,
}

impl RecordChecker {
    pub(super) fn new(owners: Owners, reading: Reading) -> Self {
        Self {
            owners,
            reading,
            tips: HashMap::new(),
            erased: BTreeSet::new(),
            redacted: HashSet::new(),
            record_count: 0,
            body_count: 0,
            workspace_id: None,
        }
    }

    /// Checks one record against the leaf that the tree has at its position.
    pub(super) fn check(&mut self, record: &Record, leaf: &Digest) -> Result<(), Box<LogFault>> {
        let header =
            HeaderRef::parse(&record.header).map_err(|error| unreadable(record, &error))?;
        let hash = event_hash(&record.header, &record.commitment, &record.prev);
        let wrong = |(kind, what): Wrong| Box::new(named(kind, &header, record.position, &what));
        check_leaf(&header, record, &hash, leaf).map_err(wrong)?;
        self.check_owner(&header).map_err(wrong)?;
        self.check_body(record).map_err(wrong)?;
        self.check_chain(&header, record, hash).map_err(wrong)?;
        // A redaction always stands behind what it redacts.
        let redacted = redacted_position(&header).map(|redacted| redacted.get());
        self.redacted.extend(redacted.filter(|redacted| *redacted < record.position));
        if self.workspace_id.is_none() {
            self.workspace_id = Some(header.workspace_id.to_owned());
        }
        self.record_count += 1;
        Ok(())
    }

    fn check_owner(&self, header: &HeaderRef<'_>) -> Result<(), Wrong> {
        let expected = self.owners.of_position(header.position.get());
        if header.log_id == expected {
            return Ok(());
        }
        let what = format!("is of the log {} and not of {expected}", header.log_id);
        Err((LogFaultKind::ForeignLog, what))
    }

    fn check_body(&mut self, record: &Record) -> Result<(), Wrong> {
        match &record.secret {
            Some((salt, body)) if commitment(salt, body) == record.commitment => {
                self.body_count += 1;
            }
            Some(_) => {
                let what = "has another body than the one that it was appended with";
                return Err((LogFaultKind::EditedBody, what.to_owned()));
            }
            None => {
                self.erased.insert(record.position);
            }
        }
        Ok(())
    }

    fn check_chain(
        &mut self,
        header: &HeaderRef<'_>,
        record: &Record,
        event_hash: Digest,
    ) -> Result<(), Wrong> {
        let key = format!("{}\0{}\0{}", header.workspace_id, header.stream_type, header.stream_id);
        let seq = header.stream_seq.get();
        let removed = |what: String| Err((LogFaultKind::Removed, what));
        match self.tips.insert(key, Tip { seq, event_hash }) {
            Some(tip) if tip.seq + 1 != seq => {
                removed(format!("follows seq {}: what lies between is missing", tip.seq))
            }
            Some(tip) if tip.event_hash != record.prev => {
                let hash = tip.event_hash;
                let what =
                    format!("does not follow the event before it, which has the hash {hash}");
                Err((LogFaultKind::Reordered, what))
            }
            None if seq == 1 && record.prev != Digest::ZERO => {
                removed("is the first of its stream and names one before it".to_owned())
            }
            None if self.reading == Reading::FromTheStart && seq != 1 => removed(
                "is the first of its stream that there is: those before are missing".to_owned(),
            ),
            _ => Ok(()),
        }
    }

    /// The first position up to `last` whose body was erased without a redaction among the records.
    pub(super) fn unexplained(&self, last: u64) -> Option<u64> {
        self.erased.range(..=last).find(|position| !self.redacted.contains(position)).copied()
    }

    /// Records whose bodies were erased.
    pub(super) fn erased_count(&self) -> u64 {
        self.erased.len() as u64
    }

    /// Streams that were read.
    pub(super) fn stream_count(&self) -> usize {
        self.tips.len()
    }
}

/// How an event is wrong, and what to say of it.
type Wrong = (LogFaultKind, String);

fn check_leaf(
    header: &HeaderRef<'_>,
    record: &Record,
    event_hash: &Digest,
    leaf: &Digest,
) -> Result<(), Wrong> {
    if header.position.get() != record.position {
        let what = format!("says of itself that it is at position {}", header.position);
        return Err((LogFaultKind::Reordered, what));
    }
    if leaf_hash(event_hash.as_bytes()) == *leaf {
        return Ok(());
    }
    let what = format!(
        "is not the one that is in the tree: its header, commitment or predecessor was changed \
         (its hash is {event_hash})"
    );
    Err((LogFaultKind::EditedHeader, what))
}

fn unreadable(record: &Record, error: &HeaderError) -> Box<LogFault> {
    let message = format!("the header at position {} cannot be read: {error}", record.position);
    let fault = LogFault::of_log(LogFaultKind::EditedHeader, message);
    Box::new(LogFault { position: Some(record.position), ..fault })
}

fn named(kind: LogFaultKind, header: &HeaderRef<'_>, position: u64, what: &str) -> LogFault {
    let stream = format!("{}/{}", header.stream_type, header.stream_id);
    LogFault {
        kind,
        position: Some(position),
        message: format!(
            "the event at position {position} (stream {stream}, seq {}, id {}) {what}",
            header.stream_seq, header.event_id
        ),
        stream: Some(stream),
        seq: Some(header.stream_seq.get()),
        event_id: Some(header.event_id.to_string()),
    }
}
