//! Puts the findings of neighbouring segments together: streams, times, the tree and the counts.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashSet};

use annals_core::hash::Digest;
use annals_core::id::Position;
use annals_core::time::Timestamp;

use super::fault::{AuditFault, AuditFaultKind, Named, StreamEnd, Suspicion};
use super::findings::{SegmentFindings, StreamMap, StreamSpan};
use super::ground::Ground;
use super::subtrees::Subtrees;
use super::{AuditReport, SignedTree};

/// Everything up to the segment that was merged last.
#[derive(Debug)]
pub(super) struct Merge {
    is_from_start: bool,
    next: u64,
    event_count: u64,
    body_count: u64,
    streams: StreamMap<StreamEnd>,
    recorded_at: Timestamp,
    erased: Vec<Named>,
    /// Positions that redactions on the log name.
    redacted: HashSet<u64>,
    /// None when the tree before the first checked event is not known.
    tree: Option<Subtrees>,
    roots: BTreeMap<u64, Digest>,
    torn_bytes: u64,
}

impl Merge {
    pub(super) fn new(ground: &Ground) -> Self {
        let mut merge = Self {
            is_from_start: ground.from == 1,
            next: if ground.tasks.is_empty() { 1 } else { ground.from },
            event_count: 0,
            body_count: 0,
            streams: StreamMap::default(),
            recorded_at: Timestamp::from_micros(i64::MIN),
            erased: Vec::new(),
            redacted: HashSet::new(),
            tree: ground.tree_before(),
            roots: BTreeMap::new(),
            torn_bytes: 0,
        };
        merge.note_root();
        merge
    }

    /// The last merged position.
    pub(super) fn head(&self) -> u64 {
        self.next - 1
    }

    /// The root at a size that a cut was made for.
    pub(super) fn root_at(&self, size: u64) -> Option<Digest> {
        self.roots.get(&size).copied()
    }

    /// Adds the next segment, and says what is wrong first up to its end.
    pub(super) fn take(&mut self, findings: SegmentFindings) -> Option<Suspicion> {
        let SegmentFindings { streams, suspicion, .. } = findings;
        let across = [self.goes_back(&findings.first, findings.recorded), self.link(streams)];
        let mut suspicions: Vec<Suspicion> =
            across.into_iter().flatten().chain(suspicion).collect();
        suspicions.sort_by_key(Suspicion::position);
        self.next = findings.next;
        self.event_count += findings.event_count;
        self.body_count += findings.body_count;
        self.torn_bytes += findings.torn_bytes;
        self.erased.extend(findings.erased);
        self.redacted.extend(findings.redacted);
        for part in &findings.parts {
            if let Some(tree) = &mut self.tree {
                tree.append(part);
            }
            self.note_root();
        }
        suspicions.into_iter().next()
    }

    fn note_root(&mut self) {
        if let Some(tree) = &self.tree
            && let Some(root) = tree.root()
        {
            // Roots between cuts are noted as well, one for each segment; nobody asks for them.
            self.roots.insert(tree.end(), root);
        }
    }

    fn goes_back(
        &mut self,
        first: &u64,
        recorded: Option<(Timestamp, Timestamp)>,
    ) -> Option<Suspicion> {
        let (from, to) = recorded?;
        let before = std::mem::replace(&mut self.recorded_at, to);
        (from < before).then(|| {
            Suspicion::Fault(AuditFault::at(
                *first,
                AuditFaultKind::EditedHeader,
                format!("that it was recorded not before {before}"),
                from.to_string(),
            ))
        })
    }

    /// Continues all streams, and says which one does not go on first.
    fn link(&mut self, spans: StreamMap<StreamSpan>) -> Option<Suspicion> {
        let mut first: Option<Suspicion> = None;
        for (stream, StreamSpan { first: link, last }) in spans {
            let (end, goes_on) = match self.streams.entry(stream) {
                Entry::Vacant(vacant) => {
                    vacant.insert(last);
                    // A check from the middle of a log meets streams that go on.
                    (None, link.continues(None) || (!self.is_from_start && link.seq > 1))
                }
                Entry::Occupied(mut occupied) => {
                    let end = occupied.insert(last);
                    (Some(end), link.continues(Some(&end)))
                }
            };
            let is_first = first.as_ref().is_none_or(|first| link.position < first.position());
            if !goes_on && is_first {
                first = Some(Suspicion::Link { end, link });
            }
        }
        first
    }

    /// Erased bodies that no redaction on the log names.
    fn unexplained(&self) -> impl Iterator<Item = &Named> {
        self.erased.iter().filter(|named| !self.redacted.contains(&named.position))
    }

    /// The first erased body that neither a redaction nor the directory's own file names.
    pub(super) fn unredacted(&self, ground: &Ground) -> Option<Suspicion> {
        let named =
            self.unexplained().find(|named| !ground.redactions.contains(&named.position))?;
        Some(Suspicion::Fault(named.fault(
            AuditFaultKind::ErasedWithoutRedaction,
            "its body, or a redaction of it",
            "zeros, and no redaction that names it",
        )))
    }

    pub(super) fn report(self, ground: &Ground, fault: Option<AuditFault>) -> AuditReport {
        let is_whole = fault.is_none();
        let wanted = |size: &u64| Some(SignedTree { size: *size, root: self.root_at(*size)? });
        // What a check begins with is not what it checked.
        let agreed = |tree: &&SignedTree| {
            is_whole && tree.size >= ground.from && self.root_at(tree.size) == Some(tree.root)
        };
        let bodies_unexplained = self.unexplained().count() as u64;
        AuditReport {
            log_id: ground.log_id,
            lineage: ground.lineage.ancestors().to_vec(),
            from: Position(ground.from),
            head: Position(self.head()),
            events: self.event_count,
            streams: self.streams.len() as u64,
            bodies_checked: self.body_count,
            bodies_erased: self.erased.len() as u64 - bodies_unexplained,
            bodies_unexplained,
            first_unexplained: self.unexplained().next().map(|named| Position(named.position)),
            root: self.tree.as_ref().filter(|_| is_whole).and_then(Subtrees::root),
            roots: ground.roots_at.iter().filter_map(wanted).collect(),
            signed_checked: ground.signed.iter().filter(agreed).copied().collect(),
            torn_bytes: self.torn_bytes,
            fault,
        }
    }
}
