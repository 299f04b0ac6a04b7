//! Finds the events that a query wants: walks the lists of its keys side by side and checks each
//! event that all of them name.
//!
//! The lists only narrow down; [`Scan::admits`] decides. A scan looks at a bounded number of
//! events, then ends with a place to go on, so that no query can hold a thread for long.

use annals_core::event::Event;
use annals_core::id::Position;
use annals_core::record::HeaderRef;

use super::segment::RecordReader;
use super::state::{Shared, Source, SourcePostings, View};
use crate::contract::ReadFailure;
use crate::query::{Order, PageLimit};

/// Events that one call looks at.
const LOOKED_AT_MAX: usize = 50_000;

/// What a scan looks for.
pub(crate) struct Scan<'a> {
    /// One key of each list must name an event. No list: every event is looked at.
    pub(crate) all_of: Vec<Vec<u64>>,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) order: Order,
    /// Whether an event is really wanted.
    pub(crate) admits: &'a dyn Fn(&HeaderRef<'_>) -> bool,
}

/// What a scan found.
pub(crate) struct Found {
    pub(crate) events: Vec<Event>,
    /// Behind which position to go on; none at the end.
    pub(crate) next: Option<Position>,
}

/// Runs a scan over a view whose events reach at least to `plan.last`.
pub(crate) fn scan(
    shared: &Shared,
    view: &View,
    plan: &Scan<'_>,
    limit: PageLimit,
) -> Result<Found, ReadFailure> {
    let mut room = limit.room();
    let mut events: Vec<Event> = Vec::new();
    let mut reader = match plan.all_of.is_empty() && plan.order == Order::Asc {
        true => RecordReader::sequential(&shared.files),
        false => RecordReader::new(&shared.files),
    };
    let mut looked_at = 0;
    let mut walk = Candidates::new(shared, view, plan);
    while let Some(position) = walk.next()? {
        let event = shared.event(view, &mut reader, position)?;
        let is_wanted = (plan.admits)(&event.header());
        if is_wanted && !room.take(&event) {
            let next = events.last().map(Event::position);
            return Ok(Found { events, next });
        }
        if is_wanted {
            events.push(event);
        }
        looked_at += 1;
        if looked_at >= LOOKED_AT_MAX {
            return Ok(Found { events, next: Some(Position(position)) });
        }
    }
    Ok(Found { events, next: None })
}

/// The positions that may be wanted, in the scan's order.
struct Candidates<'a> {
    shared: &'a Shared,
    plan: &'a Scan<'a>,
    sources: Vec<Source<'a>>,
    /// Positions still to be walked, both included; empty when `first` is beyond `last`.
    first: u64,
    last: u64,
    lists: Option<Vec<Vec<SourcePostings<'a>>>>,
}

impl<'a> Candidates<'a> {
    fn new(shared: &'a Shared, view: &'a View, plan: &'a Scan<'a>) -> Self {
        let between = view.sources_between(plan.first, plan.last);
        let mut sources: Vec<Source<'a>> = between.collect();
        // Sources are taken from the end.
        if plan.order == Order::Asc {
            sources.reverse();
        }
        Self { shared, plan, sources, first: plan.first, last: plan.last, lists: None }
    }

    fn next(&mut self) -> Result<Option<u64>, ReadFailure> {
        if self.plan.all_of.is_empty() {
            return Ok(self.next_of_all());
        }
        while self.first <= self.last {
            if self.lists.is_none() {
                let Some(source) = self.sources.pop() else { return Ok(None) };
                self.lists = Some(self.open(source)?);
            }
            let found = match self.plan.order {
                Order::Asc => self.agree_upwards()?,
                Order::Desc => self.agree_downwards()?,
            };
            match (found, self.plan.order) {
                (None, _) => self.lists = None,
                (Some(position), Order::Asc) => {
                    self.first = position + 1;
                    return Ok((position <= self.last).then_some(position));
                }
                (Some(position), Order::Desc) => {
                    if position < self.first {
                        return Ok(None);
                    }
                    self.last = position - 1;
                    return Ok(Some(position));
                }
            }
        }
        Ok(None)
    }

    fn next_of_all(&mut self) -> Option<u64> {
        if self.first > self.last {
            return None;
        }
        match self.plan.order {
            Order::Asc => {
                self.first += 1;
                Some(self.first - 1)
            }
            Order::Desc => {
                self.last -= 1;
                Some(self.last + 1)
            }
        }
    }

    fn open(&self, source: Source<'a>) -> Result<Vec<Vec<SourcePostings<'a>>>, ReadFailure> {
        let mut lists = Vec::new();
        for any_of in &self.plan.all_of {
            let mut list = Vec::new();
            for key in any_of {
                list.push(self.shared.postings(source, *key, self.first, self.last)?);
            }
            lists.push(list);
        }
        Ok(lists)
    }

    /// The first position from `first` on that every list has, in the source in hand.
    fn agree_upwards(&mut self) -> Result<Option<u64>, ReadFailure> {
        let Some(lists) = &mut self.lists else { return Ok(None) };
        let mut wanted = self.first;
        let mut agreed = 0;
        while agreed < lists.len() {
            agreed = 0;
            for list in lists.iter_mut() {
                let mut nearest: Option<u64> = None;
                for postings in list {
                    let found = postings.at_or_after(wanted)?;
                    nearest = [nearest, found].into_iter().flatten().min();
                }
                match nearest {
                    None => return Ok(None),
                    Some(position) if position > self.last => return Ok(None),
                    Some(position) if position == wanted => agreed += 1,
                    Some(position) => wanted = position,
                }
            }
        }
        Ok(Some(wanted))
    }

    /// The last position up to `last` that every list has, in the source in hand.
    fn agree_downwards(&mut self) -> Result<Option<u64>, ReadFailure> {
        let Some(lists) = &mut self.lists else { return Ok(None) };
        let mut wanted = self.last;
        let mut agreed = 0;
        while agreed < lists.len() {
            agreed = 0;
            for list in lists.iter_mut() {
                let mut nearest: Option<u64> = None;
                for postings in list {
                    nearest = nearest.max(postings.at_or_before(wanted)?);
                }
                match nearest {
                    None => return Ok(None),
                    Some(position) if position < self.first => return Ok(None),
                    Some(position) if position == wanted => agreed += 1,
                    Some(position) => wanted = position,
                }
            }
        }
        Ok(Some(wanted))
    }
}
