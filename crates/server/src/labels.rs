//! Label values that clients choose, kept few: the first so many distinct ones, then `other`.
//!
//! A label that was given once is given for as long as the process lives, so no series stops early.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The label of everything that has none of its own.
pub(crate) const OTHER: &str = "other";
/// Bytes of a value that becomes a label.
const LABEL_BYTES_MAX: usize = 200;

/// The values of one label.
#[derive(Debug)]
pub(crate) struct BoundedLabel {
    count_max: usize,
    known: Mutex<HashSet<Arc<str>>>,
}

impl BoundedLabel {
    /// A label with room for so many values beside `other`.
    pub(crate) fn new(count_max: usize) -> Self {
        Self { count_max, known: Mutex::default() }
    }

    /// The label for a value: itself, if it is among the first and short enough.
    pub(crate) fn of(&self, value: &str) -> Arc<str> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(label) = known.get(value) {
            return Arc::clone(label);
        }
        let has_room = known.len() < self.count_max && value.len() <= LABEL_BYTES_MAX;
        if value.is_empty() || !has_room {
            return Arc::from(OTHER);
        }
        let label: Arc<str> = Arc::from(value);
        known.insert(Arc::clone(&label));
        label
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_values_are_labels() {
        let label = BoundedLabel::new(2);
        let of = |value: &str| label.of(value).to_string();
        assert_eq!(
            [of("a"), of(""), of(&"x".repeat(201)), of("b"), of("c"), of("a"), of("b")],
            ["a", OTHER, OTHER, "b", OTHER, "a", "b"]
        );
    }
}
