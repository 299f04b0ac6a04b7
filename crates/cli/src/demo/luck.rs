//! Random numbers from a seed: the same seed gives the same story.
//!
//! SplitMix64 (Steele, Lea, Flood 2014): small, good enough for a story, never for a secret.

use std::ops::RangeInclusive;

/// A source of numbers that a seed determines.
#[derive(Debug, Clone)]
pub(crate) struct Luck(u64);

impl Luck {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number of a range, both ends included.
    pub(crate) fn within(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (low, high) = range.into_inner();
        low + self.number() % (high.saturating_sub(low) + 1)
    }

    /// Whether something of a chance between 0 and 1 happens.
    pub(crate) fn happens(&mut self, chance: f64) -> bool {
        // 2^32 steps are fine enough, and both numbers are exact as f64.
        let draw = u32::try_from(self.number() >> 32).unwrap_or(u32::MAX);
        f64::from(draw) < chance * f64::from(u32::MAX)
    }

    /// Random bytes for an id.
    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.number().to_le_bytes()[..chunk.len()]);
        }
        bytes
    }

    /// Random lower-case letters and digits.
    pub(crate) fn word(&mut self, length: usize) -> String {
        const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        (0..length)
            .map(|_| char::from(ALPHABET[usize::try_from(self.number() % 32).unwrap_or(0)]))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let draw = |seed| {
            let mut luck = Luck::new(seed);
            (luck.number(), luck.word(8), luck.bytes::<10>(), luck.within(3..=9))
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn a_chance_is_about_what_it_says() {
        let mut luck = Luck::new(1);
        let count = (0..10_000).filter(|_| luck.happens(0.25)).count();
        assert!((2_300..2_700).contains(&count), "{count}");
        assert!(!luck.happens(0.0));
    }
}
