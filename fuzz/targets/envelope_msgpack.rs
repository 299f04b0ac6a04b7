//! Request bodies as MessagePack: what is accepted is one JSON text, and goes there and back.

#![no_main]

use annals_core::envelope::{Draft, Strictness};
use annals_core::json::{JsonLimits, compact};
use annals_core::msgpack::{from_json, to_json};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut json = Vec::new();
    if to_json(data, &mut json, &JsonLimits::EVENT).is_err() {
        return;
    }
    let json = String::from_utf8(json).unwrap();
    let mut again = String::new();
    compact(json.as_bytes(), &mut again, &JsonLimits::EVENT).unwrap();
    assert_eq!(json, again, "the text is compact");
    let packed = from_json(&json);
    let mut back = Vec::new();
    to_json(&packed, &mut back, &JsonLimits::EVENT).unwrap();
    assert_eq!(json.as_bytes(), back, "there and back");
    let _ = Draft::parse(&json, Strictness::Native);
});
