//! A program whose parts talk over a bus, with an audit trail on a log, and no server.
//!
//! Run it with `cargo run -p annals-recorder --example bus`.

use annals_recorder::Recorder;
use annals_recorder::bus::{AgentId, EventBus, KernelEvent, RecvError, TrailOptions};
use annals_recorder::config::RecorderConfig;
use annals_store::query::{PageLimit, Query};

#[expect(clippy::print_stdout, reason = "an example shows what it does")]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `RecorderConfig::at(directory)` keeps the log on disk.
    let recorder = Recorder::open(RecorderConfig::in_memory())?;
    let bus = EventBus::<KernelEvent>::new(256);
    let trail = bus.attach_audit(&recorder, TrailOptions::named("kernel"))?;

    // A part of the program that listens.
    let mut events = bus.subscribe();
    let listener = tokio::spawn(async move {
        let mut heard = 0;
        loop {
            match events.recv().await {
                Ok(event) => {
                    println!("heard {event:?}");
                    heard += 1;
                }
                // What was missed is on the log all the same.
                Err(RecvError::Lagged(count)) => println!("missed {count}"),
                Err(RecvError::Closed) => return heard,
            }
        }
    });

    // Parts that tell what they do: at once, or only after it is kept.
    let id = AgentId::from_u128(7);
    bus.publish(KernelEvent::AgentStarted { id })?;
    let call = KernelEvent::ToolExecutionStarted {
        session_id: "session-1".to_owned(),
        tool_name: "bash".to_owned(),
        tool_call_id: "call-1".to_owned(),
        tool_args: serde_json::json!({"command": "rm -r build"}),
        context: None,
    };
    let receipt = bus.publish_durable(call).await?;
    println!("kept at position {}, so the command may run", receipt.event.position());
    bus.publish(KernelEvent::AgentStopped { id, success: true })?;

    drop(bus);
    println!("{:?}", trail.finish().await);
    println!("{} events were heard", listener.await?);
    for event in recorder.log().scan(&Query::default(), PageLimit::events(10))?.events {
        println!("{}", event.to_json());
    }
    recorder.close()?;
    Ok(())
}
