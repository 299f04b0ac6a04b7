//! A point in time that the process does not outlive.

use std::time::{Duration, Instant};

/// The part of the time that is kept for the spool: a sync to disk can take this long.
const SPOOL_SHARE: u32 = 3;

/// When to be done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    began_at: Instant,
    ends_at: Instant,
}

impl Deadline {
    pub(crate) fn after(time: Duration) -> Self {
        let began_at = Instant::now();
        Self { began_at, ends_at: began_at + time }
    }

    /// The time that is left.
    pub(crate) fn left(&self) -> Duration {
        self.ends_at.saturating_duration_since(Instant::now())
    }

    /// An earlier deadline that leaves time for the spool.
    pub(crate) fn before_spooling(&self) -> Self {
        let share = (self.ends_at - self.began_at) / SPOOL_SHARE;
        Self { began_at: self.began_at, ends_at: self.ends_at - share }
    }

    /// An earlier deadline at half of the time, for reading what the agent says.
    pub(crate) fn half(&self) -> Self {
        let share = (self.ends_at - self.began_at) / 2;
        Self { began_at: self.began_at, ends_at: self.ends_at - share }
    }
}
