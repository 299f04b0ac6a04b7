//! What a recorder takes from outside itself: time and randomness.
//!
//! Core and store never ask for either; this is where they come from, and where a test or a
//! simulation puts its own.

use std::fmt::Debug;

use annals_core::id::EventId;
use annals_core::time::Timestamp;

/// Where the time comes from.
pub trait Clock: Debug + Send + Sync {
    /// The wall clock, UTC.
    fn now(&self) -> Timestamp;
}

/// Where randomness comes from.
pub trait Entropy: Debug + Send + Sync {
    /// Fills a buffer with random bytes.
    fn fill(&self, bytes: &mut [u8]);

    /// A new event id: a UUID of version 7, so that ids sort by time.
    fn event_id(&self, now: Timestamp) -> EventId {
        let mut random = [0; 10];
        self.fill(&mut random);
        let millis = u64::try_from(now.as_micros() / 1_000).unwrap_or(0);
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        EventId::from_bytes(id.into_bytes())
    }
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_epoch =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
    }
}

/// The operating system's random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // A salt or token from a broken source would be a lie that nobody notices: stop instead.
        getrandom::fill(bytes).expect("the operating system has random numbers");
    }
}
