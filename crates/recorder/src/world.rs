//! What a recorder takes from outside itself: time and randomness.
//!
//! Core and store never ask for either; this is where they come from, and where a test or a
//! simulation puts its own.

use std::cell::RefCell;
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
///
/// Small draws are served from a block that is drawn at once for each thread, because every draw
/// is a call into the system. No byte is given out twice.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

/// Bytes that a thread draws at once.
const BLOCK_BYTES: usize = 4_096;

struct Block {
    bytes: [u8; BLOCK_BYTES],
    used: usize,
}

thread_local! {
    static BLOCK: RefCell<Block> =
        const { RefCell::new(Block { bytes: [0; BLOCK_BYTES], used: BLOCK_BYTES }) };
}

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // The rest of a block is lost when it is too little: that is not to be much.
        if bytes.len() > BLOCK_BYTES / 8 {
            return draw(bytes);
        }
        BLOCK.with_borrow_mut(|block| block.take(bytes));
    }
}

impl Block {
    fn take(&mut self, bytes: &mut [u8]) {
        if BLOCK_BYTES - self.used < bytes.len() {
            draw(&mut self.bytes);
            self.used = 0;
        }
        let end = self.used + bytes.len();
        if let Some(fresh) = self.bytes.get_mut(self.used..end) {
            bytes.copy_from_slice(fresh);
            // What was given out is a secret of its taker.
            fresh.fill(0);
        }
        self.used = end;
    }
}

fn draw(bytes: &mut [u8]) {
    // A salt or token from a broken source would be a lie that nobody notices: stop instead.
    getrandom::fill(bytes).expect("the operating system has random numbers");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_random_bytes_come_twice() {
        let mut seen = std::collections::HashSet::new();
        for length in [16, 4_096, 5_000, 33] {
            for _ in 0..300 {
                let mut bytes = vec![0; length];
                SystemEntropy.fill(&mut bytes);
                assert!(seen.insert(bytes.split_off(length - 16)));
            }
        }
    }
}
