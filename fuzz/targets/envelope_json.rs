//! Request bodies as JSON: what is accepted is kept token for token and read as one meaning.

#![no_main]

use annals_core::envelope::{Draft, Strictness};
use annals_core::json::{BodyLimits, JsonLimits, compact, compact_body};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let limits = BodyLimits { json: JsonLimits::EVENT, element_count_max: 1_000 };
    let mut out = String::new();
    let Ok(body) = compact_body(data, &mut out, &limits) else {
        assert!(out.is_empty());
        return;
    };
    for element in &body.elements {
        let Ok(range) = &element.text else { continue };
        let text = &out[range.clone()];
        let mut again = String::new();
        compact(text.as_bytes(), &mut again, &JsonLimits::EVENT).unwrap();
        assert_eq!(text, again, "compact text is a fixed point");
        let Ok(draft) = Draft::parse(text, Strictness::Native) else { continue };
        let json = draft.to_json();
        assert_eq!(Draft::parse(&json, Strictness::Native).as_ref(), Ok(&draft), "{json}");
    }
});
