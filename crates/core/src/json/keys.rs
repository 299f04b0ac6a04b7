//! Finds a key that one object names twice.
//!
//! Small objects without escapes are compared as their keys come, behind a one-word filter. Larger
//! objects, and those with an escaped key, are sorted when they close: no hashing, so no input can
//! make it quadratic. Keys are compared after unescaping.

use std::borrow::Cow;

use super::error::JsonError;
use super::scan::StringToken;
use super::string::unescape;

/// Keys of an object up to which each is compared with those before it.
const COMPARED_KEY_COUNT_MAX: usize = 16;

/// Bytes of a key that an error repeats.
const SHOWN_KEY_BYTES_MAX: usize = 256;

/// The keys of all open objects, outermost first.
#[derive(Debug)]
pub(super) struct OpenKeys {
    keys: Vec<Key>,
    objects: Vec<OpenObject>,
}

/// Where one key's content is in the text.
#[derive(Clone, Copy, Debug)]
struct Key {
    start: usize,
    end: usize,
}

#[derive(Debug)]
struct OpenObject {
    first_key: usize,
    /// One bit per fingerprint seen. A clear bit proves that a key is new.
    fingerprints: u64,
    /// Set once the keys can only be compared when all are known.
    compares_at_close: bool,
}

/// A state of `OpenKeys` to return to.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenKeysMark {
    key_count: usize,
    object_count: usize,
}

impl Default for OpenKeys {
    fn default() -> Self {
        // Room for an event of the usual size, so that it is not made in steps.
        Self { keys: Vec::with_capacity(32), objects: Vec::with_capacity(8) }
    }
}

impl OpenKeys {
    pub(super) fn mark(&self) -> OpenKeysMark {
        OpenKeysMark { key_count: self.keys.len(), object_count: self.objects.len() }
    }

    pub(super) fn rewind(&mut self, mark: OpenKeysMark) {
        self.keys.truncate(mark.key_count);
        self.objects.truncate(mark.object_count);
    }

    #[inline]
    pub(super) fn open_object(&mut self) {
        let first_key = self.keys.len();
        self.objects.push(OpenObject { first_key, fingerprints: 0, compares_at_close: false });
    }

    /// Adds a key to the innermost object.
    #[inline]
    pub(super) fn add(&mut self, text: &str, token: &StringToken) -> Result<(), JsonError> {
        let Some(object) = self.objects.last_mut() else {
            return Ok(());
        };
        let earlier = &self.keys[object.first_key..];
        if token.has_escape || earlier.len() == COMPARED_KEY_COUNT_MAX {
            object.compares_at_close = true;
        }
        if !object.compares_at_close {
            let key = &text.as_bytes()[token.start..token.end];
            let bit = 1 << fingerprint(key);
            let may_be_known = object.fingerprints & bit != 0;
            object.fingerprints |= bit;
            if may_be_known
                && earlier.iter().any(|other| &text.as_bytes()[other.start..other.end] == key)
            {
                return Err(duplicate(&text[token.start..token.end], token.start));
            }
        }
        self.keys.push(Key { start: token.start, end: token.end });
        Ok(())
    }

    /// Closes the innermost object and compares what could not be compared before.
    #[inline]
    pub(super) fn close_object(&mut self, text: &str) -> Result<(), JsonError> {
        let Some(object) = self.objects.pop() else {
            return Ok(());
        };
        let found = if object.compares_at_close {
            first_duplicate(text, &self.keys[object.first_key..])
        } else {
            None
        };
        self.keys.truncate(object.first_key);
        match found {
            None => Ok(()),
            Some((name, start)) => Err(duplicate(&name, start)),
        }
    }
}

/// The key that is the first, in the order of the text, to repeat an earlier one.
fn first_duplicate<'a>(text: &'a str, keys: &[Key]) -> Option<(Cow<'a, str>, usize)> {
    let mut names: Vec<(Cow<'_, str>, usize)> =
        keys.iter().map(|key| (unescape(&text[key.start..key.end]), key.start)).collect();
    names.sort_unstable();
    names
        .windows(2)
        .filter(|pair| pair[0].0 == pair[1].0)
        .map(|pair| &pair[1])
        .min_by_key(|(_, start)| *start)
        .cloned()
}

fn duplicate(name: &str, content_start: usize) -> JsonError {
    let mut key = name.to_owned();
    if key.len() > SHOWN_KEY_BYTES_MAX {
        key.truncate(key.floor_char_boundary(SHOWN_KEY_BYTES_MAX));
        key.push('…');
    }
    JsonError::DuplicateKey { key, offset: content_start - 1 }
}

/// A number below 64 that equal keys share and different keys seldom do.
#[inline]
fn fingerprint(key: &[u8]) -> u32 {
    let (Some(first), Some(last)) = (key.first(), key.last()) else {
        return 0;
    };
    let middle = key[key.len() / 2];
    let mixed = (key.len() as u64) << 24
        | u64::from(*first) << 16
        | u64::from(middle) << 8
        | u64::from(*last);
    // Fibonacci hashing: the top bits of the product depend on all of the input.
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58) as u32
}
