//! Which containers are open, one bit each, so that hostile nesting costs an eighth of a byte a
//! level however far it is followed.
//!
//! It does not enforce the depth limit.

/// A stack of bits: set is an object, clear is an array.
#[derive(Debug, Default)]
pub(super) struct OpenContainers {
    words: Vec<u64>,
    depth: usize,
}

impl OpenContainers {
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    #[inline]
    pub(super) fn push(&mut self, container: Container) {
        let (word, bit) = (self.depth / 64, self.depth % 64);
        if word == self.words.len() {
            self.words.push(0);
        }
        match container {
            Container::Object => self.words[word] |= 1 << bit,
            Container::Array => self.words[word] &= !(1 << bit),
        }
        self.depth += 1;
    }

    /// Closes the innermost container; the caller has opened one.
    #[inline]
    pub(super) fn pop(&mut self) {
        self.depth -= 1;
    }

    /// The innermost container; the caller has opened one.
    #[inline]
    pub(super) fn innermost(&self) -> Container {
        let index = self.depth - 1;
        if self.words[index / 64] >> (index % 64) & 1 == 1 {
            Container::Object
        } else {
            Container::Array
        }
    }
}

/// What holds other values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Array,
    Object,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_every_level_across_words() {
        let mut open = OpenContainers::default();
        let kind = |level: usize| {
            if level.is_multiple_of(3) { Container::Object } else { Container::Array }
        };
        for _ in 0..2 {
            for level in 0..200 {
                open.push(kind(level));
            }
            for level in (0..200).rev() {
                assert_eq!(open.innermost(), kind(level));
                open.pop();
            }
            // The second round meets bits that the first one left behind.
            open.push(Container::Array);
            open.pop();
        }
        assert_eq!(open.depth(), 0);
    }
}
