//! OTLP: what is read of protobuf is compact JSON, taken apart into items that are requests of their own, and a
//! fact that holds an item gives it back as it was.

#![no_main]

use std::sync::OnceLock;

use annals_core::catalog::Catalog;
use annals_core::dialect::otlp::{Otlp, Signal, items, read};
use annals_core::dialect::{ForeignContext, ForeignWriter};
use annals_core::json::Json;
use annals_core::time::Timestamp;
use annals_fuzz::workspace;
use annals_server::parsers;
use libfuzzer_sys::fuzz_target;

fn catalog() -> &'static Catalog {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    CATALOG.get_or_init(|| Catalog::builtin().unwrap())
}

fn request(signal: Signal, text: &str) {
    let workspace_id = workspace();
    let received_at = Timestamp::from_micros(0);
    let context = ForeignContext { workspace_id: &workspace_id, catalog: catalog(), received_at };
    for item in items(signal, text).unwrap_or_default() {
        let again = items(signal, &item.document).unwrap();
        assert_eq!((again.len(), &again[0].document), (1, &item.document));
        let Ok(drafts) = read(signal, &item, &context) else { continue };
        let last = drafts.last().expect("an item states a fact");
        let written = Otlp.write(&last.to_json(), catalog());
        assert_eq!(written.as_deref(), Some(item.document.as_str()), "it goes out as it came");
    }
}

fuzz_target!(|bytes: &[u8]| {
    for signal in Signal::ALL {
        if let Ok(text) = parsers::otlp(signal, bytes) {
            let json = Json::parse(text.as_bytes());
            assert!(
                json.as_ref().is_ok_and(|json| json.as_str() == text) || json.is_err(),
                "compact text"
            );
            if json.is_ok() {
                request(signal, &text);
            }
        }
        if let Ok(json) = Json::parse(bytes) {
            request(signal, json.as_str());
        }
    }
});
