//! What there is to count about checkpoints, read without waiting for whoever signs.
//!
//! A signature may wait for the disk under the notary's lock; who only watches must not.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use annals_core::time::Timestamp;

use super::Trust;

/// No checkpoint was ever signed.
const NEVER: i64 = i64::MIN;

/// The checkpoints that this process signed. Written under the notary's lock only.
#[derive(Debug)]
pub(super) struct Signed {
    count: AtomicU64,
    newest_at_us: AtomicI64,
}

impl Signed {
    /// None yet by this process; the newest one of before was signed then.
    pub(super) fn before(newest_at: Option<Timestamp>) -> Self {
        let newest_at_us = newest_at.map_or(NEVER, Timestamp::as_micros);
        Self { count: AtomicU64::new(0), newest_at_us: AtomicI64::new(newest_at_us) }
    }

    pub(super) fn note(&self, now: Timestamp) {
        self.newest_at_us.store(now.as_micros(), Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn newest_at(&self) -> Option<Timestamp> {
        let micros = self.newest_at_us.load(Ordering::Relaxed);
        (micros != NEVER).then(|| Timestamp::from_micros(micros))
    }
}

/// How signing goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CheckpointCounts {
    /// Checkpoints that this process signed.
    pub signed: u64,
    /// Events under the newest one; 0 before the first.
    pub newest_size: u64,
    /// How long ago the newest one was signed; zero before the first.
    pub newest_age: Duration,
}

impl Trust {
    /// How signing goes. Waits for nothing.
    #[must_use]
    pub fn checkpoint_counts(&self) -> CheckpointCounts {
        let age_us = self.signed.newest_at().map_or(0, |at| {
            // A clock that went back makes nothing younger than it is.
            self.clock.now().as_micros().saturating_sub(at.as_micros()).max(0)
        });
        CheckpointCounts {
            signed: self.signed.count.load(Ordering::Relaxed),
            newest_size: self.latest().map_or(0, |newest| newest.checkpoint().size),
            newest_age: Duration::from_micros(age_us.unsigned_abs()),
        }
    }
}
