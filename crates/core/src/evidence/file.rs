//! How an evidence file is read: JSON, strictly, without judging what it says.
//!
//! INVARIANT (one reading): unknown members, members given twice, nulls, other spellings of
//! base64 and hex are refused, so that two verifiers cannot read two things out of one file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::fault::{EvidenceFault, EvidenceFaultKind};
use super::{EVIDENCE_FORMAT, Withheld};
use crate::hash::Digest;
use crate::id::Position;
use crate::record::{BodyEncoding, SALT_BYTES, Salt};

/// The whole file; events are read one by one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EvidenceFile<'a> {
    format: String,
    #[serde(borrow)]
    summary: &'a RawValue,
    pub(super) log: LogPart,
    pub(super) checkpoint: String,
    pub(super) witness_keys: Vec<String>,
    pub(super) run: RunPart,
    #[serde(borrow)]
    pub(super) events: Vec<&'a RawValue>,
    pub(super) event_count: u64,
}

/// Which log it is, and its keys.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogPart {
    pub(super) log_id: String,
    pub(super) lineage: Vec<Ancestor>,
    pub(super) origin: String,
    pub(super) key: String,
    pub(super) rotations: Vec<String>,
}

/// A log that this one was restored from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ancestor {
    pub(super) log_id: String,
    pub(super) last_position: u64,
}

/// Whose events they are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunPart {
    pub(super) workspace_id: String,
    pub(super) run_id: String,
}

#[derive(Debug, Deserialize)]
struct Probe {
    format: String,
}

impl<'a> EvidenceFile<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, EvidenceFault> {
        let file: Self = serde_json::from_str(text).map_err(|error| {
            // A newer format may have other members: then its number says more than the member.
            match serde_json::from_str::<Probe>(text) {
                Ok(probe) if probe.format != EVIDENCE_FORMAT => unknown_format(probe.format),
                Ok(_) | Err(_) => EvidenceFault::unreadable_file(error),
            }
        })?;
        if file.format != EVIDENCE_FORMAT {
            return Err(unknown_format(file.format));
        }
        if !file.summary.get().starts_with('{') {
            return Err(EvidenceFault::unreadable_file("`summary` is not an object"));
        }
        Ok(file)
    }
}

fn unknown_format(format: String) -> EvidenceFault {
    EvidenceFault::of_file(EvidenceFaultKind::UnknownFormat { format })
}

/// One event, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    position: u64,
    #[serde(default, deserialize_with = "present")]
    header: Option<String>,
    #[serde(default, deserialize_with = "present")]
    prev: Option<String>,
    #[serde(default, deserialize_with = "present")]
    commitment: Option<String>,
    #[serde(default, deserialize_with = "present")]
    encoding: Option<u8>,
    #[serde(default, deserialize_with = "present")]
    salt: Option<String>,
    #[serde(default, deserialize_with = "present")]
    body: Option<String>,
    #[serde(default, deserialize_with = "present")]
    event_hash: Option<String>,
    #[serde(default, deserialize_with = "present")]
    withheld: Option<Withheld>,
    proof: Vec<String>,
}

/// A member that is there has a value; null is none.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// One event of the file, decoded.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) position: Position,
    pub(super) content: Content,
    pub(super) path: Vec<Digest>,
}

/// What of the event is in the file.
#[derive(Debug)]
pub(super) enum Content {
    /// Its record, perhaps without the body.
    Record(EntryRecord),
    /// Its hash alone.
    HashOnly(Digest),
}

/// A record as the file has it.
#[derive(Debug)]
pub(super) struct EntryRecord {
    pub(super) header: Vec<u8>,
    pub(super) prev: Digest,
    pub(super) commitment: Digest,
    pub(super) body: EntryBody,
}

/// A body, or why there is none.
#[derive(Debug)]
pub(super) enum EntryBody {
    Here { salt: Salt, bytes: Vec<u8> },
    Withheld(Withheld),
}

impl Entry {
    /// Reads an event; an error says what does not fit.
    pub(super) fn read(raw: &RawValue) -> Result<Self, String> {
        let raw: RawEntry = serde_json::from_str(raw.get()).map_err(|error| error.to_string())?;
        let path = raw.proof.iter().map(|hex| digest("proof", hex)).collect::<Result<_, _>>()?;
        let position = Position(raw.position);
        let content = match raw {
            RawEntry {
                header: None,
                prev: None,
                commitment: None,
                encoding: None,
                salt: None,
                body: None,
                event_hash: Some(hash),
                withheld: Some(Withheld::Chosen),
                ..
            } => Content::HashOnly(digest("event_hash", &hash)?),
            RawEntry {
                header: Some(header),
                prev: Some(prev),
                commitment: Some(commitment),
                encoding: Some(encoding),
                salt,
                body,
                event_hash: None,
                withheld,
                ..
            } => {
                if BodyEncoding::from_code(encoding).is_none() {
                    return Err(format!("the encoding {encoding} is not known here"));
                }
                Content::Record(EntryRecord {
                    header: bytes("header", &header)?,
                    prev: digest("prev", &prev)?,
                    commitment: digest("commitment", &commitment)?,
                    body: EntryBody::read(salt, body, withheld)?,
                })
            }
            RawEntry { .. } => return Err("it is neither a record nor a hash alone".to_owned()),
        };
        Ok(Self { position, content, path })
    }
}

impl EntryBody {
    fn read(
        salt: Option<String>,
        body: Option<String>,
        withheld: Option<Withheld>,
    ) -> Result<Self, String> {
        match (salt, body, withheld) {
            (Some(salt), Some(body), None) => {
                let salt: [u8; SALT_BYTES] = bytes("salt", &salt)?
                    .try_into()
                    .map_err(|_| format!("`salt` is not {SALT_BYTES} bytes"))?;
                Ok(Self::Here { salt, bytes: bytes("body", &body)? })
            }
            (None, None, Some(why)) => Ok(Self::Withheld(why)),
            _ => Err("salt and body are there, or `withheld` says why they are not".to_owned()),
        }
    }
}

fn bytes(member: &str, text: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(text).map_err(|error| format!("`{member}` is not base64: {error}"))
}

fn digest(member: &str, text: &str) -> Result<Digest, String> {
    text.parse().map_err(|error| format!("`{member}`: {error}"))
}
