//! `annals simulate`: agents at work that nobody pays for, in any format and at any rate.
//!
//! The story is pure (`story`); here it meets the clock and the place where it goes. Ctrl-C ends it
//! after the request that is under way, and what was sent is said in the end, whatever the end was.

mod args;
mod clock;
mod object;
mod scenario;

mod story;
mod workflow;

mod agents;
mod calls;
mod memory;
mod talk;
mod trouble;

mod speak;

mod report;
mod sink;
mod stop;

#[cfg(test)]
mod tests;

use std::process::ExitCode;
use std::time::Duration;

use annals_core::time::Timestamp;
use annals_recorder::world::{Clock as _, SystemClock};
use anyhow::bail;
use serde_json::json;
use tokio::time::Instant;

use crate::failure::{NO, is_broken_pipe, told};

pub(crate) use args::SimulateArgs;

use args::RateArg;
use clock::{Pace, Rate};
use report::Report;
use sink::{Delivered, Sink};
use speak::Speaker;
use stop::Stop;
use story::{Story, StoryPlan};

/// 2026-01-05T09:00:00Z, a Monday.
const DEFAULT_START: Timestamp = Timestamp::from_micros(1_767_603_600_000_000);
const DEFAULT_RATE: Rate = Rate::per_second(10);

/// Documents of one request.
const BATCH_DOCUMENTS_MAX: usize = 500;
/// Bytes of one request's documents, unless one is larger.
const BATCH_BYTES_MAX: usize = 1 << 20;

pub(crate) async fn run(args: SimulateArgs) -> anyhow::Result<ExitCode> {
    let sink = Sink::open(&args).await?;
    let is_server = sink.is_server();
    let stop = Stop::listen();
    let (start, rate, pace) = timing(&args, is_server);
    let plan = StoryPlan {
        scenarios: scenario::scenarios_named(&args.scenario),
        seed: args.seed,
        start,
        pace,
        is_endless: args.endless || args.count.is_some(),
    };
    let mut player = Player {
        story: Story::new(plan),
        speaker: Speaker::new(&args.dialect, start)?,
        report: Report::new(args.count, is_server),
        sink,
        stop,
        rate,
        left: args.count.unwrap_or(u64::MAX),
        has_said: false,
    };
    let began = Instant::now();
    let played = player.play(began).await;
    if played.as_ref().is_err_and(is_broken_pipe) {
        // Who has read enough wants to know no more, and how much it read is not known.
        return Ok(ExitCode::SUCCESS);
    }
    let facts = json!({
        "scenario": args.scenario,
        "seed": args.seed,
        "start": start.to_string(),
        "dialect": args.dialect,
    });
    told(player.report.finish(&facts, is_server, args.json, began.elapsed()))?;
    played?;
    Ok(if player.report.refused > 0 { ExitCode::from(NO) } else { ExitCode::SUCCESS })
}

/// When the story begins, how fast its documents go out, and what their times come from.
fn timing(args: &SimulateArgs, is_server: bool) -> (Timestamp, Option<Rate>, Pace) {
    let start = match (args.start, is_server) {
        (Some(start), _) => start,
        (None, true) => SystemClock.now(),
        (None, false) => DEFAULT_START,
    };
    let rate = match (args.rate, is_server) {
        (Some(RateArg::Even(rate)), _) => Some(rate),
        (None, true) => Some(DEFAULT_RATE),
        (Some(RateArg::Max), _) | (None, false) => None,
    };
    let pace = match rate {
        Some(rate) => Pace::Even(rate),
        // As fast as a server takes them, the gaps of the story would lead into its future.
        None if is_server && args.start.is_none() => Pace::Live(|| SystemClock.now()),
        None => Pace::Story,
    };
    (start, rate, pace)
}

/// Brings a story's documents to where they go, when their time comes.
#[derive(Debug)]
struct Player {
    story: Story,
    speaker: Speaker,
    report: Report,
    sink: Sink,
    stop: Stop,
    rate: Option<Rate>,
    /// Documents that are still wanted.
    left: u64,
    /// Whether any event had a form.
    has_said: bool,
}

impl Player {
    async fn play(&mut self, began: Instant) -> anyhow::Result<()> {
        let (mut batch, mut batch_bytes) = (Vec::new(), 0);
        let mut number = 0;
        while self.left > 0 && !self.stop.is_asked() {
            let Some(document) = self.next_document()? else { break };
            let due = self.rate.map(|rate| began + Duration::from_micros(rate.due_micros(number)));
            let is_early = due.is_some_and(|due| due > Instant::now());
            let is_full = batch.len() >= BATCH_DOCUMENTS_MAX
                || batch_bytes + document.len() > BATCH_BYTES_MAX;
            if is_early || is_full {
                self.deliver(&mut batch).await?;
                batch_bytes = 0;
            }
            if let Some(due) = due.filter(|_| is_early) {
                tokio::select! {
                    () = tokio::time::sleep_until(due) => {}
                    () = self.stop.asked() => break,
                }
            }
            batch_bytes += document.len();
            batch.push(document);
            number += 1;
            self.left -= 1;
        }
        self.report.was_stopped = self.stop.is_asked();
        if !self.report.was_stopped {
            self.deliver(&mut batch).await?;
        }
        Ok(())
    }

    /// The next document that the format has a form for.
    fn next_document(&mut self) -> anyhow::Result<Option<String>> {
        while let Some(told) = self.story.next() {
            if let Some(document) = self.speaker.say(told)? {
                self.has_said = true;
                return Ok(Some(document));
            }
            self.report.without_form += 1;
            if !self.has_said && self.story.rounds() > 0 {
                break;
            }
        }
        if !self.has_said {
            bail!("no event of the story has a form in this format");
        }
        Ok(None)
    }

    async fn deliver(&mut self, batch: &mut Vec<String>) -> anyhow::Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let Self { sink, stop, report, .. } = self;
        let delivered = sink.deliver(batch, stop, &|text| report.say(text)).await?;
        let count = u64::try_from(batch.len()).unwrap_or(0);
        match &delivered {
            Delivered::Written => report.written += count,
            Delivered::Answered(outcome) => report.answered(outcome),
            Delivered::Stopped { was_under_way: true } => report.uncertain += count,
            Delivered::Stopped { was_under_way: false } => {}
        }
        if !matches!(delivered, Delivered::Stopped { .. }) {
            report.sent(batch);
        }
        batch.clear();
        Ok(())
    }
}
