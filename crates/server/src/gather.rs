//! Bytes of unknown number, gathered up to a limit and counted as they come.
//!
//! Many bytes are gathered in pages of their own from the system: they are given when they are
//! first written, never move, and go back at once when the body is dropped. An allocator would
//! keep what refused bodies leave, and the budget would be a budget in name only.

use axum::body::Bytes;
use memmap2::MmapMut;

use crate::budget::BudgetShare;

/// Up to so many bytes an ordinary allocation is the better place.
const SMALL_BYTES_MAX: usize = 256 << 10;

/// Why no more bytes are gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GatherRefusal {
    #[error("there are more than {byte_count_max} bytes")]
    TooLarge { byte_count_max: usize },
    #[error("the common budget is spent")]
    Overloaded,
}

/// Bytes that came so far.
#[derive(Debug)]
pub(crate) struct Gathered {
    share: BudgetShare,
    place: Place,
    byte_count_max: usize,
}

#[derive(Debug)]
enum Place {
    Small(Vec<u8>),
    Pages(Pages),
}

/// Pages with room for the limit, of which only what was written takes memory.
#[derive(Debug)]
struct Pages {
    pages: MmapMut,
    byte_count: usize,
}

impl AsRef<[u8]> for Pages {
    fn as_ref(&self) -> &[u8] {
        &self.pages[..self.byte_count]
    }
}

impl Gathered {
    pub(crate) fn new(share: BudgetShare, byte_count_max: usize) -> Self {
        Self { share, place: Place::Small(Vec::new()), byte_count_max }
    }

    /// Adds bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), GatherRefusal> {
        let byte_count = self.byte_count() + bytes.len();
        if byte_count > self.byte_count_max {
            return Err(GatherRefusal::TooLarge { byte_count_max: self.byte_count_max });
        }
        if !self.share.grow_to(byte_count) {
            return Err(GatherRefusal::Overloaded);
        }
        if byte_count > SMALL_BYTES_MAX {
            self.move_to_pages()?;
        }
        match &mut self.place {
            Place::Small(small) => small.extend_from_slice(bytes),
            Place::Pages(pages) => {
                pages.pages[pages.byte_count..byte_count].copy_from_slice(bytes);
                pages.byte_count = byte_count;
            }
        }
        Ok(())
    }

    fn byte_count(&self) -> usize {
        match &self.place {
            Place::Small(small) => small.len(),
            Place::Pages(pages) => pages.byte_count,
        }
    }

    fn move_to_pages(&mut self) -> Result<(), GatherRefusal> {
        if let Place::Small(small) = &self.place {
            let mut pages =
                MmapMut::map_anon(self.byte_count_max).map_err(|_| GatherRefusal::Overloaded)?;
            pages[..small.len()].copy_from_slice(small);
            self.place = Place::Pages(Pages { pages, byte_count: small.len() });
        }
        Ok(())
    }

    /// All bytes, and the share that counts them.
    pub(crate) fn finish(self) -> (Bytes, BudgetShare) {
        let bytes = match self.place {
            Place::Small(small) => Bytes::from(small),
            Place::Pages(pages) => Bytes::from_owner(pages),
        };
        (bytes, self.share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::BodyBudget;

    #[test]
    fn gathers_few_and_many_bytes_and_counts_them() {
        for byte_count in [0, 1, SMALL_BYTES_MAX, SMALL_BYTES_MAX + 1, 4 * SMALL_BYTES_MAX] {
            let budget = BodyBudget::new(4 * SMALL_BYTES_MAX);
            let mut gathered = Gathered::new(budget.share(), 4 * SMALL_BYTES_MAX);
            let input: Vec<u8> = (0..byte_count).map(|n| u8::try_from(n % 251).unwrap()).collect();
            for piece in input.chunks(1_000) {
                gathered.push(piece).unwrap();
            }
            assert_eq!(budget.held_bytes(), byte_count);
            let (bytes, share) = gathered.finish();
            assert!(bytes == input, "{byte_count}");
            drop(share);
            assert_eq!(budget.held_bytes(), 0);
        }
    }

    #[test]
    fn refuses_what_is_too_much_for_the_body_or_for_all() {
        let budget = BodyBudget::new(100);
        let mut gathered = Gathered::new(budget.share(), 10);
        assert_eq!(gathered.push(&[0; 11]), Err(GatherRefusal::TooLarge { byte_count_max: 10 }));
        let mut gathered = Gathered::new(budget.share(), 1_000);
        gathered.push(&[0; 60]).unwrap();
        assert_eq!(gathered.push(&[0; 60]), Err(GatherRefusal::Overloaded));
        drop(gathered);
        assert_eq!(budget.held_bytes(), 0);
    }
}
