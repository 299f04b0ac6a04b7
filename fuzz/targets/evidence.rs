//! Evidence files: a file that passes has nothing but events of the log that signed it.
//!
//! The corpus holds a file whose signature is right, so that edits reach what lies behind it.

#![no_main]

use annals_core::evidence::verify_evidence;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match verify_evidence(text) {
        Ok(report) => {
            let _ = format!("{report:?}");
        }
        Err(fault) => {
            let _ = format!("{fault} {fault:?}");
        }
    }
});
