//! Compressed events: zlib streams, as the hive's serializer makes them at level 6.
//!
//! A small stream may hold very much, so what comes out is bounded twice: for one event, and for all
//! events of a request. Nothing is cut: what is too large is refused.

use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::Compression;
use flate2::bufread::ZlibDecoder;
use flate2::write::ZlibEncoder;

use crate::dialect::ForeignFault;
use crate::dialect::fault::invalid;
use crate::limits::{BODY_BYTES_MAX, EVENT_BYTES_MAX};

const LEVEL: u32 = 6;

/// How much the streams of one request may still hold; without an end where there is no request.
#[derive(Debug, Default)]
pub(super) struct Room(Option<AtomicUsize>);

impl Room {
    /// That of a new request: a body may be as large when it is not compressed.
    pub(super) fn of_request() -> Self {
        Self(Some(AtomicUsize::new(BODY_BYTES_MAX)))
    }

    fn take(&self, byte_count: usize) -> bool {
        let Some(left) = &self.0 else { return true };
        let less = |left: usize| left.checked_sub(byte_count);
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

/// What a stream holds.
pub(super) fn inflate(pointer: &str, bytes: &[u8], room: &Room) -> Result<Vec<u8>, ForeignFault> {
    let mut decoder = ZlibDecoder::new(bytes);
    let mut held = Vec::new();
    let read = decoder.by_ref().take(EVENT_BYTES_MAX as u64 + 1).read_to_end(&mut held);
    if held.len() > EVENT_BYTES_MAX {
        return Err(too_large(pointer, EVENT_BYTES_MAX, "event"));
    }
    read.map_err(|_| invalid(pointer, "it is said to be compressed, and is no zlib stream"))?;
    if !decoder.into_inner().is_empty() {
        return Err(invalid(pointer, "there are bytes behind its zlib stream"));
    }
    if !room.take(held.len()) {
        return Err(too_large(pointer, BODY_BYTES_MAX, "request"));
    }
    Ok(held)
}

/// A stream that holds some bytes.
pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(LEVEL));
    // Writing to a vector cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

pub(super) fn too_large(pointer: &str, byte_count_max: usize, unit: &'static str) -> ForeignFault {
    ForeignFault::TooLarge { pointer: pointer.to_owned(), byte_count_max, unit }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINTER: &str = "/event_data";

    #[test]
    fn what_was_compressed_comes_out() {
        let text = "tool ".repeat(100);
        let stream = deflate(text.as_bytes());
        assert!(stream.len() < 50 && stream.starts_with(&[0x78]));
        assert_eq!(inflate(POINTER, &stream, &Room::default()).unwrap(), text.as_bytes());
        // Python's zlib.compress(b'a' * 10, 6).
        let pythons = [0x78, 0x9c, 0x4b, 0x4c, 0x84, 0x01, 0x00, 0x14, 0xe1, 0x03, 0xcb];
        assert_eq!(inflate(POINTER, &pythons, &Room::default()).unwrap(), b"aaaaaaaaaa");
    }

    #[test]
    fn a_stream_that_is_damaged_or_holds_too_much_is_refused() {
        let room = Room::default();
        let mut stream = deflate(&vec![b'a'; EVENT_BYTES_MAX + 1]);
        assert!(matches!(
            inflate(POINTER, &stream, &room),
            Err(ForeignFault::TooLarge { byte_count_max: EVENT_BYTES_MAX, .. })
        ));
        stream = deflate(b"abc");
        for wrong in [
            stream[..stream.len() - 1].to_vec(),
            [stream.as_slice(), b"x"].concat(),
            [&stream[..stream.len() - 1], b"x"].concat(),
            b"abc".to_vec(),
            Vec::new(),
        ] {
            let fault = inflate(POINTER, &wrong, &room).unwrap_err();
            assert!(matches!(fault, ForeignFault::InvalidMember { .. }), "{fault:?}");
        }
    }

    #[test]
    fn all_streams_of_a_request_together_hold_no_more_than_a_body() {
        let room = Room::of_request();
        let stream = deflate(&vec![b'a'; EVENT_BYTES_MAX]);
        for _ in 0..BODY_BYTES_MAX / EVENT_BYTES_MAX {
            assert!(inflate(POINTER, &stream, &room).is_ok());
        }
        assert!(matches!(
            inflate(POINTER, &deflate(b"a"), &room),
            Err(ForeignFault::TooLarge { byte_count_max: BODY_BYTES_MAX, .. })
        ));
    }
}
