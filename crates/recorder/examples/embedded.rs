//! A recorder inside a program, without a server: append an event, then read it back.
//!
//! Run it with `cargo run -p annals-recorder --example embedded`.

use std::sync::Arc;

use annals_recorder::Recorder;
use annals_recorder::config::RecorderConfig;
use annals_recorder::request::{AppendRequest, BatchAnswer, BodyFormat, Door};
use annals_store::query::{PageLimit, Query};

const EVENT: &str = r#"{
  "event_type": "tool.invoked",
  "actor": {"actor_type": "agent", "actor_id": "my-agent"},
  "stream": {"stream_type": "run", "stream_id": "run_1"},
  "run_id": "run_1",
  "data": {"tool_call_id": "call_1", "tool_name": "Bash", "input": {"command": "ls"}}
}"#;

#[expect(clippy::print_stdout, reason = "an example shows what it does")]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `RecorderConfig::at(directory)` keeps the log on disk.
    let recorder = Recorder::open(RecorderConfig::in_memory())?;
    let answer = recorder
        .append(AppendRequest {
            principal: Arc::clone(recorder.access().owner()),
            door: Door::Native,
            format: BodyFormat::Json,
            body: EVENT.into(),
            atomicity: None,
            expected_seq: None,
            traceparent: None,
        })
        .await?;
    if let BatchAnswer::One { receipt, .. } = answer {
        println!("kept at position {} as {}", receipt.event.position(), receipt.event.event_hash());
    }
    let page = recorder.log().scan(&Query::default(), PageLimit::events(10))?;
    for event in page.events {
        println!("{}", event.to_json());
    }
    recorder.close()?;
    Ok(())
}
