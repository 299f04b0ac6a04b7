//! `annals tail`: the log as it grows, as lines for people or JSON for programs.
//!
//! Resuming after a broken connection is the SDK's; here it is only said that it happened.

mod line;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use annals_core::id::{Position, Seq};
use annals_sdk::{EventQuery, TailQuery, Tailed};
use anyhow::Context as _;
use futures_util::StreamExt as _;

use crate::args::TailArgs;
use crate::connect::Connection;
use crate::output;

use line::Columns;

/// Waits shorter than this are not worth a word.
const QUIET_WAIT_MAX: Duration = Duration::from_millis(150);

pub(crate) async fn run(args: TailArgs) -> anyhow::Result<ExitCode> {
    let query = tail_query(&args)?;
    let connection = Connection::open(&args.server)?;
    connection.check().await?;
    let mut tail = connection.client.tail(query);
    let columns = Columns::of_width(output::terminal_width());
    let mut view = View { is_json: args.json, columns, was_connected: false };
    let mut left = args.limit.unwrap_or(u64::MAX);
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    while left > 0 {
        let tailed = tokio::select! {
            tailed = tail.next() => tailed,
            _ = &mut interrupted => break,
        };
        let Some(tailed) = tailed else { break };
        let tailed = tailed.map_err(|error| connection.advise(error))?;
        left -= u64::from(matches!(tailed, Tailed::Event(_)));
        view.show(&tailed)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// How what comes is shown.
struct View {
    is_json: bool,
    columns: Columns,
    was_connected: bool,
}

impl View {
    fn show(&mut self, tailed: &Tailed) -> io::Result<()> {
        match tailed {
            Tailed::Event(event) if self.is_json => output::line(&event.json)?,
            Tailed::Event(event) => output::line(line::of_event(event, self.columns))?,
            Tailed::Connected { after } => {
                if self.was_connected {
                    output::note(format_args!("— connected again, after {after} —"));
                }
                self.was_connected = true;
            }
            Tailed::Reconnecting { reason, delay } if *delay > QUIET_WAIT_MAX => {
                let seconds = delay.as_secs_f32();
                output::note(format_args!("— {reason}; trying again in {seconds:.1} s —"));
            }
            Tailed::Reconnecting { .. } => {}
        }
        Ok(())
    }
}

fn tail_query(args: &TailArgs) -> anyhow::Result<TailQuery> {
    let filter = EventQuery {
        event_types: args.event_types.clone(),
        run_id: args.run.clone(),
        ..EventQuery::all()
    };
    let Some(name) = &args.stream else {
        let query = match args.from {
            Some(from) => TailQuery::after(Position(from.saturating_sub(1))),
            None => TailQuery::now(),
        };
        return Ok(query.filter(filter));
    };
    let (stream_type, stream_id) =
        name.split_once('/').context("--stream is TYPE/ID, such as run/r1")?;
    let query = match args.from {
        Some(from) => TailQuery::stream(stream_type, stream_id, Seq(from)),
        None => TailQuery::stream_now(stream_type, stream_id),
    };
    Ok(query.filter(filter))
}
