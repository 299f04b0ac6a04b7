//! CloudEvents: any document of the JSON format that is read comes out as it came, and any message
//! in the binary mode that is read means the same in both modes.

#![no_main]

use std::sync::OnceLock;

use annals_core::catalog::Catalog;
use annals_core::dialect::cloudevents::{BinaryMessage, CloudEvents, document_of_headers};
use annals_core::dialect::{ForeignContext, ForeignReader, ForeignWriter};
use annals_core::json::Json;
use annals_core::time::Timestamp;
use annals_fuzz::workspace;
use libfuzzer_sys::fuzz_target;

fn catalog() -> &'static Catalog {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    CATALOG.get_or_init(|| Catalog::builtin().unwrap())
}

/// Reads a document and writes it; what is written is read as the same event.
fn document(text: &str) {
    let workspace_id = workspace();
    let received_at = Timestamp::from_micros(0);
    let context = ForeignContext { workspace_id: &workspace_id, catalog: catalog(), received_at };
    let dialect = CloudEvents::one().unwrap();
    let Ok(draft) = dialect.read(text, &context) else { return };
    let written = dialect.write(&draft.to_json(), catalog()).unwrap();
    let written = Json::parse(written.as_bytes()).unwrap();
    let again = dialect.read(written.as_str(), &context).unwrap();
    let rewritten = dialect.write(&again.to_json(), catalog()).unwrap();
    assert_eq!(written.as_str(), rewritten, "what is written is a fixed point");
    assert_eq!((&again.event_id, &again.data), (&draft.event_id, &draft.data));
    let _ = BinaryMessage::of_document(text).unwrap();
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(json) = Json::parse(bytes) {
        document(json.as_str());
    }
    // A line for each header, an empty line, the body.
    let split = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap_or(bytes.len());
    let (head, body) = bytes.split_at(split);
    let headers = head.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((str::from_utf8(&line[..colon]).ok()?, &line[colon + 1..]))
    });
    if let Ok(text) = document_of_headers(headers, body.get(2..).unwrap_or_default()) {
        let json = Json::parse(text.as_bytes()).unwrap();
        assert_eq!(json.as_str(), text, "a binary message becomes compact text");
        document(&text);
    }
});
