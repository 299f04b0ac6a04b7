//! Streams of lines: NDJSON bodies and server-sent events, whole and in pieces.

#![no_main]

#[path = "../../crates/sdk/src/sse.rs"]
#[allow(unreachable_pub, dead_code, reason = "the module is another crate's")]
mod sse;

use annals_core::envelope::{Draft, Strictness};
use annals_core::json::{JsonLimits, compact, lines};
use libfuzzer_sys::fuzz_target;
use sse::{SseFrame, SseParser};

const FRAME_BYTES_MAX: usize = 300;

fn frames(data: &[u8], piece_bytes: usize) -> (Vec<SseFrame>, bool) {
    let mut parser = SseParser::new(FRAME_BYTES_MAX);
    let mut frames = Vec::new();
    for piece in data.chunks(piece_bytes.max(1)) {
        if parser.feed(piece, |frame| frames.push(frame)).is_err() {
            return (frames, true);
        }
    }
    (frames, false)
}

fuzz_target!(|data: &[u8]| {
    let mut last_number = 0;
    for (number, line) in lines(data) {
        assert!(number > last_number && !line.contains(&b'\n'));
        last_number = number;
        let mut text = String::new();
        if compact(line, &mut text, &JsonLimits::EVENT).is_ok() {
            let _ = Draft::parse(&text, Strictness::Native);
        }
    }
    let piece_bytes = usize::from(data.first().copied().unwrap_or(1) % 7);
    assert_eq!(frames(data, data.len()), frames(data, piece_bytes));
});
