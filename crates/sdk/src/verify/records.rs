//! Records against their leaves, one after the other: hash, chain, commitment.
//!
//! INVARIANT (nothing taken on trust): place, stream and id come from the hashed header bytes, not
//! from what the server wrote beside them.

use std::collections::HashMap;

use annals_api::wire::StoredRecord;
use annals_core::hash::Digest;
use annals_core::merkle::leaf_hash;
use annals_core::record::{HeaderError, HeaderRef, SALT_BYTES, commitment, event_hash};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::report::{LogFault, LogFaultKind};
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

/// Checks records in order of position.
#[derive(Debug, Default)]
pub(super) struct RecordChecker {
    tips: HashMap<String, Tip>,
    /// Positions of records whose bodies were erased.
    pub(super) erased: Vec<u64>,
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
    /// Checks one record against the leaf that the tree has at its position.
    pub(super) fn check(
        &mut self,
        record: &Record,
        leaf: &Digest,
        reading: Reading,
    ) -> Result<(), Box<LogFault>> {
        let header =
            HeaderRef::parse(&record.header).map_err(|error| unreadable(record, &error))?;
        let hash = event_hash(&record.header, &record.commitment, &record.prev);
        let wrong = |(kind, what): Wrong| Box::new(named(kind, &header, record.position, &what));
        check_leaf(&header, record, &hash, leaf).map_err(wrong)?;
        self.check_body(record).map_err(wrong)?;
        self.check_chain(&header, record, hash, reading).map_err(wrong)?;
        if self.workspace_id.is_none() {
            self.workspace_id = Some(header.workspace_id.to_owned());
        }
        self.record_count += 1;
        Ok(())
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
            None => self.erased.push(record.position),
        }
        Ok(())
    }

    fn check_chain(
        &mut self,
        header: &HeaderRef<'_>,
        record: &Record,
        event_hash: Digest,
        reading: Reading,
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
            None if reading == Reading::FromTheStart && seq != 1 => removed(
                "is the first of its stream that there is: those before are missing".to_owned(),
            ),
            _ => Ok(()),
        }
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
