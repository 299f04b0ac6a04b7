//! What publishing costs: on a bus alone, with an audit trail, and awaited until durable.
//!
//! Run it with `cargo run --release -p annals-recorder --example bus_cost`.

use std::time::{Duration, Instant};

use annals_recorder::Recorder;
use annals_recorder::bus::{EventBus, KernelEvent, TrailOptions};
use annals_recorder::config::RecorderConfig;

const EVENTS: u32 = 100_000;
const AWAITED: u32 = 2_000;
const PUBLISHERS: u32 = 64;

fn call(number: u32) -> KernelEvent {
    KernelEvent::ToolExecutionStarted {
        session_id: "session-1".to_owned(),
        tool_name: "read_file".to_owned(),
        tool_call_id: format!("call-{number}"),
        tool_args: serde_json::json!({"path": "src/main.rs"}),
        context: None,
    }
}

#[expect(clippy::print_stdout, reason = "an example shows what it does")]
fn say(what: &str, count: u32, took: Duration) {
    let rate = f64::from(count) / took.as_secs_f64();
    println!("{what}: {rate:.0} events/s, {:.2} µs each", 1e6 / rate);
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bus = EventBus::<KernelEvent>::new(256);
    let _listener = bus.subscribe();
    let began = Instant::now();
    for number in 0..EVENTS {
        bus.publish(call(number))?;
    }
    say("a bus alone", EVENTS, began.elapsed());

    let dir = std::env::temp_dir().join(format!("annals-bus-cost-{}", std::process::id()));
    let recorder = Recorder::open(RecorderConfig::at(&dir))?;
    let options = TrailOptions {
        queue_events_max: 1 << 20,
        queue_bytes_max: 1 << 30,
        ..TrailOptions::named("kernel")
    };
    let trail = bus.attach_audit(&recorder, options)?;
    let began = Instant::now();
    for number in 0..EVENTS {
        bus.publish(call(number))?;
    }
    say("published, with a trail", EVENTS, began.elapsed());
    trail.flush().await?;
    say("the same, until all are on disk", EVENTS, began.elapsed());

    let began = Instant::now();
    for number in 0..AWAITED {
        bus.publish_durable(call(number)).await?;
    }
    say("awaited one by one", AWAITED, began.elapsed());
    let began = Instant::now();
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|_| {
            let bus = bus.clone();
            tokio::spawn(async move {
                for number in 0..AWAITED {
                    bus.publish_durable(call(number)).await?;
                }
                Ok::<_, annals_recorder::bus::DurableError>(())
            })
        })
        .collect();
    for publisher in publishers {
        publisher.await??;
    }
    say("awaited by 64 publishers", AWAITED * PUBLISHERS, began.elapsed());
    trail.finish().await;
    recorder.close()?;
    std::fs::remove_dir_all(dir)?;
    Ok(())
}
