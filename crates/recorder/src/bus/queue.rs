//! What waits to be written to the log, and what did not fit.
//!
//! INVARIANT (no silent gap): an event that is not put in is counted in a gap, and the gap goes to the
//! log before the next event that is put in, or when nothing else waits.

use std::collections::{BTreeMap, VecDeque};

use annals_core::id::DialectName;
use annals_core::time::Timestamp;
use tokio::sync::oneshot;

use super::trail::TrailEnded;
use crate::refusal::EventRefusal;
use crate::request::Receipt;

/// Where the one who waits for an event gets its answer.
pub(super) type Reply = oneshot::Sender<Result<Receipt, NotKept>>;

/// Why an event is not kept.
#[derive(Debug, Clone)]
pub(super) enum NotKept {
    Refused(EventRefusal),
    Ended(TrailEnded),
}

/// An event as it goes to the log.
#[derive(Debug)]
pub(super) struct Entry {
    /// The envelope, with its identity and time.
    pub(super) text: String,
    /// The dialect that translated it.
    pub(super) dialect: Option<DialectName>,
    pub(super) reply: Option<Reply>,
    /// How many events it says are missing; none for an event itself.
    pub(super) missing: Option<u64>,
}

/// Why events are missing. Words of `bus.gap_recorded`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum GapReason {
    QueueFull,
    NoEvent,
    Refused,
}

impl GapReason {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::NoEvent => "no_event",
            Self::Refused => "refused",
        }
    }
}

/// Events that are missing.
#[derive(Debug, Clone)]
pub(super) struct Gap {
    pub(super) reason: GapReason,
    pub(super) count: u64,
    pub(super) first_at: Timestamp,
    pub(super) last_at: Timestamp,
    /// What was wrong with the first of them.
    pub(super) detail: Option<String>,
}

/// The queue of a trail.
#[derive(Debug, Default)]
pub(super) struct Queue {
    entries: VecDeque<Entry>,
    bytes: usize,
    gaps: BTreeMap<GapReason, Gap>,
    /// Nothing more is put in.
    pub(super) ended: Option<TrailEnded>,
    /// Nothing more is taken out: what is missing from here on can be said by no gap.
    pub(super) is_over: bool,
    /// Entries that were ever put in.
    pub(super) taken_in: u64,
}

impl Queue {
    pub(super) fn is_full(&self, events_max: usize, bytes_max: usize) -> bool {
        self.entries.len() >= events_max || self.bytes >= bytes_max
    }

    pub(super) fn put(&mut self, entry: Entry) {
        self.bytes += entry.text.len();
        self.taken_in += 1;
        self.entries.push_back(entry);
    }

    /// Counts an event that is not put in.
    pub(super) fn miss(&mut self, reason: GapReason, at: Timestamp, detail: Option<String>) {
        let new = Gap { reason, count: 0, first_at: at, last_at: at, detail };
        let gap = self.gaps.entry(reason).or_insert(new);
        gap.count += 1;
        gap.last_at = at.max(gap.last_at);
    }

    pub(super) fn take_gaps(&mut self) -> Vec<Gap> {
        std::mem::take(&mut self.gaps).into_values().collect()
    }

    /// The entries that go to the log next: of one dialect, and at most so many.
    pub(super) fn next_batch(&mut self, events_max: usize) -> Vec<Entry> {
        let mut batch: Vec<Entry> = Vec::new();
        while let Some(entry) = self.entries.front()
            && batch.len() < events_max
            && batch.first().is_none_or(|first| first.dialect == entry.dialect)
        {
            let Some(entry) = self.entries.pop_front() else { break };
            self.bytes -= entry.text.len();
            batch.push(entry);
        }
        batch
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str, dialect: Option<&str>) -> Entry {
        let dialect = dialect.map(|name| DialectName::parse(name).unwrap());
        Entry { text: text.to_owned(), dialect, reply: None, missing: None }
    }

    #[test]
    fn a_batch_is_of_one_dialect_and_in_order() {
        let mut queue = Queue::default();
        for (text, dialect) in
            [("a", None), ("b", None), ("c", Some("kernel")), ("d", None), ("e", None)]
        {
            queue.put(entry(text, dialect));
        }
        let mut batches = Vec::new();
        while queue.len() > 0 {
            let batch = queue.next_batch(2);
            batches.push(batch.iter().map(|entry| entry.text.clone()).collect::<String>());
        }
        assert_eq!(batches, ["ab", "c", "de"]);
        assert_eq!(queue.bytes, 0);
    }

    #[test]
    fn it_is_full_by_events_or_by_bytes() {
        let mut queue = Queue::default();
        assert!(!queue.is_full(2, 10));
        queue.put(entry("0123456789", None));
        assert!(queue.is_full(2, 10) && !queue.is_full(2, 11));
        queue.put(entry("", None));
        assert!(queue.is_full(2, 11));
    }

    #[test]
    fn missing_events_are_counted_by_reason() {
        let mut queue = Queue::default();
        for second in [3, 1, 2] {
            queue.miss(GapReason::QueueFull, Timestamp::from_micros(second), None);
        }
        queue.miss(GapReason::Refused, Timestamp::from_micros(9), Some("no".to_owned()));
        let gaps = queue.take_gaps();
        let told: Vec<_> = gaps.iter().map(|gap| (gap.reason.as_str(), gap.count)).collect();
        assert_eq!(told, [("queue_full", 3), ("refused", 1)]);
        assert_eq!(gaps[0].last_at.as_micros(), 3);
        assert!(queue.take_gaps().is_empty());
    }
}
