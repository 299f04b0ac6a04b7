//! A program that reports its tool calls, and never waits for the server while it works.
//!
//! Run it with `cargo run -p annals-sdk --example tool_calls`; `ANNALS_URL` and `ANNALS_TOKEN` say where
//! the events go. Without a server it works all the same, and says at the end what was not delivered.

#![expect(clippy::print_stdout, reason = "an example tells what it does")]

use std::error::Error;
use std::time::Duration;

use annals_sdk::types::{RunCompleted, RunStarted};
use annals_sdk::{Client, Reporter, ReporterOptions, agent};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let reporter = Reporter::start(Client::from_env()?, ReporterOptions::default())?;
    let run_id = format!("example-{}", std::process::id());
    let run = reporter.run(&run_id, agent("example")?)?;
    run.report(|actor, stream| {
        RunStarted::new().run_id(&run_id).title("Look something up").draft(actor, stream)
    })?;

    // By hand: the guard ends the call as failed if this function returns or panics before it does.
    let mut call = run.tool_call("search", json!({"query": "append-only logs"}));
    call.tokens(120, 38);
    call.succeed("3 hits");

    // Around a future: the call ends as the future does, also when it is dropped half-way.
    let read = run.around("read_file", json!({"path": "no-such-file"}), async {
        std::fs::read_to_string("no-such-file")
    });
    if let Err(error) = read.await {
        println!("the tool failed, and that is on the log: {error}");
    }

    run.report(|actor, stream| RunCompleted::new().run_id(&run_id).draft(actor, stream))?;
    let delivery =
        tokio::task::spawn_blocking(move || reporter.close(Duration::from_secs(2))).await?;
    println!("{} events stored, {} not delivered", delivery.stored, delivery.pending);
    Ok(())
}
