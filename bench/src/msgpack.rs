//! Owns row k: one event to MessagePack and back, in this process.

use std::time::{Duration, Instant};

use annals_core::json::JsonLimits;
use annals_core::msgpack::{from_json, to_json};
use anyhow::{Result, ensure};

use crate::figures::{Figures, Line};
use crate::row::{Plan, say};
use crate::sample;

const TURN: Duration = Duration::from_millis(500);

/// Measures the row.
pub fn measure(plan: &Plan) -> Result<Figures> {
    say("row k: MessagePack");
    let event = sample::event();
    let packed_bytes = from_json(&event).len();
    let times = (0..plan.rounds).map(|_| turn(&event)).collect::<Result<Vec<_>>>()?;
    Ok(Figures {
        key: "k",
        title: "encode and decode MessagePack, one event",
        how: format!(
            "The event of {} bytes of JSON that all rows send, to {packed_bytes} bytes of MessagePack and back with the limits of one event; one thread, no server.",
            event.len()
        ),
        lines: vec![Line::new("encode + decode", "µs", times).below(10.0)],
    })
}

fn turn(event: &str) -> Result<f64> {
    let (start, mut count, mut json) = (Instant::now(), 0_u32, Vec::new());
    while start.elapsed() < TURN {
        for _ in 0..100 {
            json.clear();
            to_json(&from_json(std::hint::black_box(event)), &mut json, &JsonLimits::EVENT)?;
        }
        count += 100;
    }
    let elapsed = start.elapsed();
    ensure!(json == event.as_bytes(), "MessagePack gave another event back");
    Ok(elapsed.as_secs_f64() * 1e6 / f64::from(count))
}
