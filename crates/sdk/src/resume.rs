//! Where a tail goes on after a break: pure, fed with frames, asked for a resume point.
//!
//! INVARIANT (exact resume): every event of the tail is handed out once and in order. A frame at or
//! before the last one handed out is dropped; on a whole stream a hole is an error, never skipped.

use annals_core::hash::Digest;

use crate::event::StoredEvent;

/// What places count on a tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counting {
    /// Positions of the log, which may have holes for this reader.
    Positions,
    /// Seqs of one stream, some of which a filter leaves out.
    FilteredSeqs,
    /// Seqs of one stream without holes.
    WholeSeqs,
}

/// The place after which the tail goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ResumePoint {
    /// The last place that is done with.
    pub(crate) after: u64,
    /// The last event seen, for the server to check: its place and hash.
    pub(crate) known: Option<(u64, Digest)>,
}

/// What to do with an event that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Hand it out.
    New,
    /// It was handed out before.
    Old,
    /// Events between the last one and this one are missing.
    Hole {
        /// The first seq that is missing.
        expected: u64,
    },
}

/// The state of a tail between frames.
#[derive(Debug, Clone)]
pub(crate) struct Resume {
    counting: Counting,
    after: u64,
    known: Option<(u64, Digest)>,
}

impl Resume {
    pub(crate) fn new(counting: Counting, start: ResumePoint) -> Self {
        Self { counting, after: start.after, known: start.known }
    }

    /// Notes an event and says what to do with it.
    pub(crate) fn take_event(&mut self, event: &StoredEvent) -> Verdict {
        let place = match self.counting {
            Counting::Positions => event.position.get(),
            Counting::FilteredSeqs | Counting::WholeSeqs => event.stream_seq.get(),
        };
        if place <= self.after {
            return Verdict::Old;
        }
        if self.counting == Counting::WholeSeqs && place != self.after + 1 {
            return Verdict::Hole { expected: self.after + 1 };
        }
        self.after = place;
        self.known = Some((place, event.event_hash));
        Verdict::New
    }

    /// Notes that nothing up to a place was for this tail.
    pub(crate) fn take_scanned(&mut self, place: u64) {
        if self.counting != Counting::WholeSeqs {
            self.after = self.after.max(place);
        }
    }

    /// Where to go on.
    pub(crate) fn point(&self) -> ResumePoint {
        ResumePoint { after: self.after, known: self.known }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::tests::event_json;

    fn event(position: u64, seq: u64) -> StoredEvent {
        StoredEvent::from_json(event_json(position, seq)).unwrap()
    }

    fn fresh(counting: Counting) -> Resume {
        Resume::new(counting, ResumePoint { after: 0, known: None })
    }

    #[test]
    fn hands_out_each_event_once() {
        let mut resume = fresh(Counting::Positions);
        assert_eq!(resume.take_event(&event(3, 1)), Verdict::New);
        assert_eq!(resume.take_event(&event(3, 1)), Verdict::Old);
        assert_eq!(resume.take_event(&event(2, 9)), Verdict::Old);
        assert_eq!(resume.take_event(&event(9, 2)), Verdict::New);
        assert_eq!(resume.point().after, 9);
        assert_eq!(resume.point().known.map(|(place, _)| place), Some(9));
    }

    #[test]
    fn a_place_scanned_so_far_moves_the_point_and_keeps_the_known_event() {
        let mut resume = fresh(Counting::Positions);
        resume.take_event(&event(3, 1));
        resume.take_scanned(50);
        resume.take_scanned(40);
        assert_eq!(resume.point().after, 50);
        assert_eq!(resume.point().known.map(|(place, _)| place), Some(3));
    }

    #[test]
    fn a_hole_in_a_whole_stream_is_told_and_not_passed() {
        let mut resume = fresh(Counting::WholeSeqs);
        assert_eq!(resume.take_event(&event(10, 1)), Verdict::New);
        assert_eq!(resume.take_event(&event(12, 3)), Verdict::Hole { expected: 2 });
        assert_eq!(resume.point().after, 1);
        let mut filtered = fresh(Counting::FilteredSeqs);
        assert_eq!(filtered.take_event(&event(12, 3)), Verdict::New);
    }
}
