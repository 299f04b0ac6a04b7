//! What the recorder's tests share: short ways to append.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    reason = "a test stops at what it did not expect; not each test uses all"
)]

use std::sync::Arc;

use annals_recorder::Recorder;
use annals_recorder::request::{AppendRequest, BatchAnswer, BodyFormat, Door, EventResult};

pub(crate) fn request(recorder: &Recorder, body: String) -> AppendRequest {
    AppendRequest {
        principal: Arc::clone(recorder.access().owner()),
        door: Door::Native,
        format: BodyFormat::Ndjson,
        body: body.into(),
        atomicity: None,
        expected_seq: None,
        traceparent: None,
    }
}

/// Appends lines and expects each to be kept.
pub(crate) async fn append_all(recorder: &Recorder, lines: &[String]) {
    for chunk in lines.chunks(1_000) {
        match recorder.append(request(recorder, chunk.join("\n"))).await.unwrap() {
            BatchAnswer::Many(results) => {
                for result in results {
                    assert!(matches!(result, EventResult::Accepted(_)), "{result:?}");
                }
            }
            BatchAnswer::One { .. } => panic!("a batch was sent"),
        }
    }
}

/// One event of an agent in a run, `second` seconds after a fixed moment.
pub(crate) fn line(run: &str, agent: &str, event_type: &str, second: u32, data: &str) -> String {
    format!(
        r#"{{"event_type":"{event_type}","occurred_at":"2026-01-01T00:{:02}:{:02}Z","actor":{{"actor_type":"agent","actor_id":"{agent}"}},"stream":{{"stream_type":"run","stream_id":"{run}"}},"run_id":"{run}","data":{data}}}"#,
        second / 60,
        second % 60,
    )
}
