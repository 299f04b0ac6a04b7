//! Runs the published contract vectors for server-sent events against our parser.
//!
//! The vectors are optional data beside the repository; without them it says so and passes.

use std::path::Path;

use annals_sdk::{SseFrame, SseParser};
use base64::Engine as _;

const VECTORS: &str =
    "../../../shared/data/sse/launchdarkly+sse-contract-tests/contract-vectors.json";

/// What a browser would dispatch: frames with data, the last id carried over.
fn dispatched(frames: &[SseFrame]) -> Vec<(String, String, String)> {
    let mut last_id = String::new();
    let mut events = Vec::new();
    for frame in frames {
        if let Some(id) = &frame.id {
            last_id.clone_from(id);
        }
        if let Some(data) = &frame.data {
            let event = frame.event.clone().unwrap_or_else(|| "message".to_owned());
            events.push((event, data.clone(), last_id.clone()));
        }
    }
    events
}

#[test]
fn parses_the_published_vectors() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(VECTORS);
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is not there", path.display());
        return;
    };
    let vectors: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    assert!(vectors.len() > 30);
    for vector in &vectors {
        let mut parser = SseParser::new(1 << 20);
        let mut frames = Vec::new();
        for chunk in vector["chunks_b64"].as_array().unwrap() {
            let bytes =
                base64::engine::general_purpose::STANDARD.decode(chunk.as_str().unwrap()).unwrap();
            parser.feed(&bytes, |frame| frames.push(frame)).unwrap();
        }
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let expected: Vec<_> = vector["events"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| (text(&event["type"]), text(&event["data"]), text(&event["lastEventId"])))
            .collect();
        assert_eq!(dispatched(&frames), expected, "{}", vector["source"]);
    }
}
