//! The memory that request bodies may hold over all connections.
//!
//! Bytes are taken as they arrive, not as they are announced, so that a sender who announces much
//! and sends nothing holds nothing. Nobody waits for bytes: whoever gets none is told `overloaded`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// All bytes that bodies may hold.
#[derive(Debug)]
pub(crate) struct BodyBudget {
    byte_count_max: usize,
    held_bytes: AtomicUsize,
}

impl BodyBudget {
    pub(crate) fn new(byte_count_max: usize) -> Arc<Self> {
        Arc::new(Self { byte_count_max, held_bytes: AtomicUsize::new(0) })
    }

    /// Bytes that bodies hold at this moment.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held_bytes.load(Ordering::Relaxed)
    }

    /// A share of nothing yet.
    pub(crate) fn share(self: &Arc<Self>) -> BudgetShare {
        BudgetShare { budget: Arc::clone(self), held_bytes: 0 }
    }

    fn take(&self, byte_count: usize) -> bool {
        let taken = self.held_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| {
            held.checked_add(byte_count).filter(|sum| *sum <= self.byte_count_max)
        });
        taken.is_ok()
    }
}

/// What one body holds; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct BudgetShare {
    budget: Arc<BodyBudget>,
    held_bytes: usize,
}

impl BudgetShare {
    /// Holds so many bytes more. False when there are not enough.
    pub(crate) fn grow_by(&mut self, byte_count: usize) -> bool {
        let is_taken = self.budget.take(byte_count);
        if is_taken {
            self.held_bytes += byte_count;
        }
        is_taken
    }

    /// Holds at least so many bytes from here on. False when there are not enough.
    pub(crate) fn grow_to(&mut self, byte_count: usize) -> bool {
        self.grow_by(byte_count.saturating_sub(self.held_bytes))
    }
}

impl Drop for BudgetShare {
    fn drop(&mut self) {
        self.budget.held_bytes.fetch_sub(self.held_bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_never_exceed_the_budget_and_come_back() {
        let budget = BodyBudget::new(100);
        let mut first = budget.share();
        let mut second = budget.share();
        assert!(first.grow_to(60));
        assert!(first.grow_to(50), "holding less is no growth");
        assert!(!second.grow_to(41));
        assert!(second.grow_to(40));
        drop(first);
        assert_eq!(budget.held_bytes(), 40);
        assert!(second.grow_to(100));
        drop(second);
        assert_eq!(budget.held_bytes(), 0);
    }
}
