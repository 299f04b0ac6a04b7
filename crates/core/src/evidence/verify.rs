//! The verification of an evidence file: signatures first, then event by event in its order.
//!
//! The first fault ends it, so that the event it names is the first that is wrong.

use serde_json::value::RawValue;

use super::Withheld;
use super::fault::{EvidenceFault, EvidenceFaultKind, NamedEvent};
use super::file::{Content, Entry, EntryBody, EntryRecord, EvidenceFile, LogPart};
use super::report::{Cosignature, EvidenceReport};
use super::streams::{Link, Streams, is_of_run};
use crate::checkpoint::{Checkpoint, SignedCheckpoint, SignedRotation};
use crate::hash::Digest;
use crate::id::{LogId, Position};
use crate::merkle::{InclusionProof, leaf_hash, verify_inclusion};
use crate::note::VerifierKey;
use crate::record::{HeaderRef, commitment, event_hash};

/// Checks an evidence file.
///
/// # Errors
/// The first fault.
pub fn verify_evidence(text: &str) -> Result<EvidenceReport, EvidenceFault> {
    let file = EvidenceFile::read(text)?;
    let signed = SignedCheckpoint::parse(&file.checkpoint)
        .map_err(|fault| EvidenceFault::of_file(EvidenceFaultKind::Checkpoint(fault)))?;
    let mut walk = Walk {
        report: check_signatures(&file, &signed)?,
        checkpoint: signed.checkpoint(),
        lineage: lineage(&file.log)?,
        streams: Streams::default(),
    };
    for (index, raw) in file.events.iter().enumerate() {
        let later = file.events.get(index + 1..).unwrap_or_default();
        let mut named = NamedEvent { number: index + 1, ..NamedEvent::default() };
        walk.take(raw, later, &mut named).map_err(|kind| {
            let fault = EvidenceFault { event: Some(Box::new(named)), kind };
            // What is missing here may stand elsewhere: then the order is what is wrong.
            let is_missing = matches!(fault.kind, EvidenceFaultKind::EventsMissing { .. });
            let disorder = if is_missing { first_disorder(&file.events) } else { None };
            disorder.unwrap_or(fault)
        })?;
    }
    let Walk { mut report, streams, .. } = walk;
    let (claimed, found) = (file.event_count, report.event_count());
    if claimed != found {
        return Err(EvidenceFault::of_file(EvidenceFaultKind::EventCount { claimed, found }));
    }
    report.streams = streams.into_report();
    Ok(report)
}

/// Checks all that is signed but the events, and begins the report with it.
fn check_signatures(
    file: &EvidenceFile<'_>,
    signed: &SignedCheckpoint,
) -> Result<EvidenceReport, EvidenceFault> {
    let key: VerifierKey = read("log.key", &file.log.key)?;
    let checkpoint = signed.checkpoint();
    if checkpoint.origin != file.log.origin {
        let (claimed, signed) = (file.log.origin.clone(), checkpoint.origin.clone());
        let kind = EvidenceFaultKind::OtherOrigin { claimed, signed };
        return Err(EvidenceFault::of_file(kind));
    }
    signed
        .verify(&key)
        .map_err(|fault| EvidenceFault::of_file(EvidenceFaultKind::Checkpoint(fault)))?;
    let former_keys = former_keys(&file.log, &key, checkpoint)?;
    let cosignatures = cosignatures(&file.witness_keys, signed)?;
    let is_checked = |signature: &&crate::note::NoteSignature| {
        signature.is_by(&key) || cosignatures.iter().any(|known| signature.is_by(&known.key))
    };
    let signatures = &signed.note().signatures;
    Ok(EvidenceReport {
        log_id: read("log.log_id", &file.log.log_id)?,
        origin: checkpoint.origin.clone(),
        unchecked_signature_count: signatures.len() - signatures.iter().filter(is_checked).count(),
        key,
        former_keys,
        size: checkpoint.size,
        root: checkpoint.root,
        cosignatures,
        workspace_id: read("run.workspace_id", &file.run.workspace_id)?,
        run_id: read("run.run_id", &file.run.run_id)?,
        full_count: 0,
        redacted_count: 0,
        body_left_out_count: 0,
        hash_only_count: 0,
        positions: None,
        streams: Vec::new(),
    })
}

/// The keys before the present one, each proven by a change that both keys signed.
fn former_keys(
    log: &LogPart,
    key: &VerifierKey,
    checkpoint: &Checkpoint,
) -> Result<Vec<VerifierKey>, EvidenceFault> {
    let mut keys: Vec<VerifierKey> = Vec::new();
    let mut size_max = checkpoint.size;
    for (index, text) in log.rotations.iter().enumerate() {
        let fault = |detail: &dyn std::fmt::Display| {
            let (number, detail) = (index + 1, detail.to_string());
            EvidenceFault::of_file(EvidenceFaultKind::Rotation { number, detail })
        };
        let rotation = SignedRotation::parse_verified(text).map_err(|error| fault(&error))?;
        let statement = rotation.statement();
        if statement.origin != log.origin {
            return Err(fault(&"it is of another log"));
        }
        if statement.new_key != *keys.last().unwrap_or(key) {
            return Err(fault(&"it does not lead to the key after it"));
        }
        if statement.size > size_max {
            return Err(fault(&"it is younger than what was signed after it"));
        }
        size_max = statement.size;
        keys.push(statement.old_key.clone());
    }
    Ok(keys)
}

fn cosignatures(
    witness_keys: &[String],
    signed: &SignedCheckpoint,
) -> Result<Vec<Cosignature>, EvidenceFault> {
    let mut cosignatures: Vec<Cosignature> = Vec::new();
    for text in witness_keys {
        let key: VerifierKey = read("witness_keys", text)?;
        if cosignatures.iter().any(|known| known.key == key) {
            return Err(EvidenceFault::unreadable_file("a witness key is there twice"));
        }
        let cosigned_at = signed.verify_cosignature(&key).map_err(|fault| {
            let name = key.name().to_owned();
            EvidenceFault::of_file(EvidenceFaultKind::Cosignature { name, fault })
        })?;
        cosignatures.push(Cosignature { key, cosigned_at });
    }
    Ok(cosignatures)
}

/// The logs of the positions: each ancestor's id up to its last position, oldest first.
fn lineage(log: &LogPart) -> Result<Vec<(LogId, Position)>, EvidenceFault> {
    let mut lineage: Vec<(LogId, Position)> = Vec::new();
    for ancestor in &log.lineage {
        let last = Position(ancestor.last_position);
        if lineage.last().is_some_and(|(_, before)| *before >= last) {
            return Err(EvidenceFault::unreadable_file("`lineage` is not in order"));
        }
        lineage.push((read("log.lineage", &ancestor.log_id)?, last));
    }
    Ok(lineage)
}

fn read<T: std::str::FromStr<Err: std::fmt::Display>>(
    member: &str,
    text: &str,
) -> Result<T, EvidenceFault> {
    text.parse()
        .map_err(|error| EvidenceFault::unreadable_file(format_args!("`{member}`: {error}")))
}

/// The way through the events.
struct Walk<'a> {
    report: EvidenceReport,
    checkpoint: &'a Checkpoint,
    lineage: Vec<(LogId, Position)>,
    streams: Streams,
}

impl Walk<'_> {
    fn take(
        &mut self,
        raw: &RawValue,
        later: &[&RawValue],
        named: &mut NamedEvent,
    ) -> Result<(), EvidenceFaultKind> {
        let entry = Entry::read(raw).map_err(|detail| EvidenceFaultKind::Unreadable { detail })?;
        named.position = Some(entry.position);
        self.check_position(entry.position)?;
        match &entry.content {
            Content::HashOnly(hash) => {
                self.check_proof(&entry, hash)?;
                self.streams.take_hash_only(entry.position, *hash);
                self.report.hash_only_count += 1;
            }
            Content::Record(record) => self.take_record(&entry, record, later, named)?,
        }
        let first = self.report.positions.map_or(entry.position, |(first, _)| first);
        self.report.positions = Some((first, entry.position));
        Ok(())
    }

    fn check_position(&self, position: Position) -> Result<(), EvidenceFaultKind> {
        let after = self.report.positions.map_or(Position(0), |(_, last)| last);
        if position <= after {
            return Err(EvidenceFaultKind::OutOfOrder { after });
        }
        let size = self.checkpoint.size;
        if position.get() > size {
            return Err(EvidenceFaultKind::BeyondCheckpoint { size });
        }
        Ok(())
    }

    fn take_record(
        &mut self,
        entry: &Entry,
        record: &EntryRecord,
        later: &[&RawValue],
        named: &mut NamedEvent,
    ) -> Result<(), EvidenceFaultKind> {
        let header = HeaderRef::parse(&record.header).map_err(EvidenceFaultKind::Header)?;
        named.stream = Some((header.stream_type.to_owned(), header.stream_id.to_owned()));
        named.stream_seq = Some(header.stream_seq);
        named.event_id = Some(header.event_id);
        self.check_claims(entry.position, &header)?;
        let count = self.check_body(record)?;
        let event_hash = event_hash(&record.header, &record.commitment, &record.prev);
        self.check_proof(entry, &event_hash).map_err(|fault| {
            // The next event of the stream remembers the hash, so it can say what was edited.
            match prev_of_next(&header, later) {
                Some(prev) if prev == event_hash => {
                    EvidenceFaultKind::EditedProof { root: self.checkpoint.root }
                }
                Some(expected) => EvidenceFaultKind::EditedHeader { expected, found: event_hash },
                None => fault,
            }
        })?;
        let link = Link { header: &header, prev: record.prev, event_hash };
        self.streams.take(&link, &self.report.run_id)?;
        *count(&mut self.report) += 1;
        Ok(())
    }

    /// What the header says against what the file says around it.
    fn check_claims(
        &self,
        position: Position,
        header: &HeaderRef<'_>,
    ) -> Result<(), EvidenceFaultKind> {
        if header.position != position {
            return Err(EvidenceFaultKind::OtherPosition { found: header.position });
        }
        let owner = self.lineage.iter().find(|(_, last)| position <= *last);
        let expected = owner.map_or(self.report.log_id, |(log_id, _)| *log_id);
        if header.log_id != expected {
            return Err(EvidenceFaultKind::OtherLog { expected, found: header.log_id });
        }
        if header.workspace_id != self.report.workspace_id.as_str() {
            let found = header.workspace_id.to_owned();
            return Err(EvidenceFaultKind::OtherWorkspace { found });
        }
        if !is_of_run(header, &self.report.run_id) {
            return Err(EvidenceFaultKind::OtherRun);
        }
        Ok(())
    }

    /// Checks the body against its commitment, and says which count the event belongs to.
    fn check_body(&self, record: &EntryRecord) -> Result<Count, EvidenceFaultKind> {
        match &record.body {
            EntryBody::Here { salt, bytes } => {
                let (expected, found) = (record.commitment, commitment(salt, bytes));
                if expected != found {
                    return Err(EvidenceFaultKind::EditedBody { expected, found });
                }
                Ok(|report| &mut report.full_count)
            }
            EntryBody::Withheld(Withheld::Redacted) => Ok(|report| &mut report.redacted_count),
            EntryBody::Withheld(Withheld::Chosen) => Ok(|report| &mut report.body_left_out_count),
        }
    }

    fn check_proof(&self, entry: &Entry, event_hash: &Digest) -> Result<(), EvidenceFaultKind> {
        let Checkpoint { size, root, .. } = *self.checkpoint;
        let leaf_index = entry.position.get() - 1;
        let proof = InclusionProof { leaf_index, size, path: &entry.path };
        verify_inclusion(&proof, &leaf_hash(event_hash.as_bytes()), &root)
            .map_err(|_| EvidenceFaultKind::NotInTree { event_hash: *event_hash, root })
    }
}

/// The first event that does not stand in the order of positions.
fn first_disorder(events: &[&RawValue]) -> Option<EvidenceFault> {
    let mut after = Position(0);
    for (index, raw) in events.iter().enumerate() {
        let position = Entry::read(raw).ok()?.position;
        if position <= after {
            let named =
                NamedEvent { number: index + 1, position: Some(position), ..NamedEvent::default() };
            let kind = EvidenceFaultKind::OutOfOrder { after };
            return Some(EvidenceFault { event: Some(Box::new(named)), kind });
        }
        after = position;
    }
    None
}

/// Where in the report an event is counted.
type Count = fn(&mut EvidenceReport) -> &mut u64;

/// The hash that the next event of a stream says it follows, if that event is in the file.
fn prev_of_next(header: &HeaderRef<'_>, later: &[&RawValue]) -> Option<Digest> {
    later.iter().find_map(|raw| {
        let Ok(Entry { content: Content::Record(record), .. }) = Entry::read(raw) else {
            return None;
        };
        let next = HeaderRef::parse(&record.header).ok()?;
        let is_next = next.stream_type == header.stream_type
            && next.stream_id == header.stream_id
            && next.stream_seq.get().checked_sub(1) == Some(header.stream_seq.get());
        is_next.then_some(record.prev)
    })
}
