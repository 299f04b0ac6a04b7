//! Cursors: where a page ended, sealed to the question that it answers.
//!
//! To clients a cursor is opaque. One that was changed, or is used with other filters, is refused:
//! going on with it would skip or repeat events.

use annals_api::reason;
use annals_core::hash::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::problem::ApiProblem;

const VERSION: u8 = 1;
const SEAL_BYTES: usize = 8;
const PLACE_BYTES: usize = 16;
const CURSOR_BYTES: usize = 1 + PLACE_BYTES + SEAL_BYTES;

/// Where a page ended: one number, and a second one where the first is not unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) major: u64,
    pub(crate) minor: u64,
}

impl From<u64> for Place {
    fn from(major: u64) -> Self {
        Self { major, minor: 0 }
    }
}

/// Writes a cursor for the page that ended at a place.
pub(crate) fn encode(place: impl Into<Place>, question: &Digest) -> String {
    let place = place_bytes(place.into());
    let mut bytes = Vec::with_capacity(CURSOR_BYTES);
    bytes.push(VERSION);
    bytes.extend_from_slice(&place);
    bytes.extend_from_slice(&seal(&place, question));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a cursor that `encode` made for the same question.
pub(crate) fn decode(text: &str, question: &Digest) -> Result<Place, ApiProblem> {
    let bytes: [u8; CURSOR_BYTES] = URL_SAFE_NO_PAD
        .decode(text)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(foreign)?;
    let [version, rest @ ..] = bytes;
    let (place, given_seal) = rest.split_at(PLACE_BYTES);
    let (major, minor) = place.split_at(8);
    let number = |half: &[u8]| half.try_into().map(u64::from_le_bytes).map_err(|_| foreign());
    if version == VERSION && given_seal == seal(place, question) {
        Ok(Place { major: number(major)?, minor: number(minor)? })
    } else {
        Err(foreign())
    }
}

fn place_bytes(place: Place) -> [u8; PLACE_BYTES] {
    let mut bytes = [0; PLACE_BYTES];
    bytes[..8].copy_from_slice(&place.major.to_le_bytes());
    bytes[8..].copy_from_slice(&place.minor.to_le_bytes());
    bytes
}

/// No secret: it finds mistakes. A reader who forges a cursor sees nothing but their own events.
fn seal(place: &[u8], question: &Digest) -> [u8; SEAL_BYTES] {
    let digest = annals_core::hash::sha256(&[b"annals/cursor/1", question.as_bytes(), place]);
    let mut seal = [0; SEAL_BYTES];
    seal.copy_from_slice(&digest.as_bytes()[..SEAL_BYTES]);
    seal
}

fn foreign() -> ApiProblem {
    let detail = "the cursor was changed or belongs to another query; \
                  pass `next` unchanged with the same filters, or start without a cursor";
    ApiProblem::new(reason::INVALID_CURSOR, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_holds_for_its_question_only() {
        let question = annals_core::hash::sha256(&[b"one"]);
        let other = annals_core::hash::sha256(&[b"two"]);
        let cursor = encode(42_u64, &question);
        assert_eq!(decode(&cursor, &question).unwrap(), Place::from(42));
        assert!(decode(&cursor, &other).is_err());
        assert!(decode("", &question).is_err());
        assert!(decode("42", &question).is_err());
        let mut changed = URL_SAFE_NO_PAD.decode(&cursor).unwrap();
        changed[1] ^= 1;
        assert!(decode(&URL_SAFE_NO_PAD.encode(changed), &question).is_err());
    }
}
