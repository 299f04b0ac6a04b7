//! `annals append`: events from flags, a file or standard input to the server.
//!
//! Events from standard input go out as they come, line by line, in batches of whatever has
//! arrived. A broken line is said with its number, and the rest goes on, unless all or none is
//! asked for. Documents of a foreign format go to the door of that format.

mod door;
mod input;

use std::path::Path;
use std::process::ExitCode;

use annals_core::envelope::{Actor, Draft};
use annals_core::id::{IdempotencyKey, RunId, Seq};
use annals_sdk::wire::{ItemProblem, Receipt};
use annals_sdk::{AppendOptions, ClientError, agent, draft, service, stream, user};
use anyhow::{Context as _, bail};

use crate::args::AppendArgs;
use crate::connect::Connection;
use crate::failure::{COULD_NOT_TELL, NO};
use crate::output;

use input::{Input, Source, Sourced};

pub(crate) async fn run(args: AppendArgs) -> anyhow::Result<ExitCode> {
    let connection = Connection::open(&args.server.clone().into())?;
    let options = AppendOptions {
        expected_seq: args.expected_seq.map(Seq),
        atomic: args.atomic,
        ..AppendOptions::default()
    };
    let mut sending = Sending { connection, options, is_json: args.json, tally: Tally::default() };
    match (&args.event_type, &args.file) {
        (_, Some(path)) if args.door.is_some() => {
            sending.send_foreign(args.door.as_deref().unwrap_or_default(), path).await?;
        }
        (Some(event_type), _) => {
            let draft = draft_of_flags(event_type, &args)?;
            sending.send(vec![Sourced { place: "the event".to_owned(), draft }]).await?;
        }
        (None, Some(path)) => {
            sending.send_all(Input::of_path(path), path.as_os_str() == "-").await?
        }
        (None, None) => bail!(
            "nothing to append: name a file, - for standard input, or an event with --type and --stream (see --help)"
        ),
    }
    sending.tally.finish(args.json || args.event_type.is_some())
}

/// Events on their way to the server, and what became of those before.
struct Sending {
    connection: Connection,
    options: AppendOptions,
    is_json: bool,
    tally: Tally,
}

impl Sending {
    /// Sends everything that an input gives.
    async fn send_all(&mut self, mut input: Input, is_live: bool) -> anyhow::Result<()> {
        if !is_live {
            self.connection.check().await?;
        }
        let needs_all = self.options.atomic || self.options.expected_seq.is_some();
        let mut held = Vec::new();
        while let Some(source) = input.next().await {
            match source {
                Source::Events(events) if needs_all => held.extend(events),
                Source::Events(events) => self.send(events).await?,
                Source::Broken { place, reason } if needs_all => bail!("{place}: {reason}"),
                Source::Broken { place, reason } => {
                    self.tally.broken += 1;
                    output::note(format_args!("{place}: {reason}"));
                }
                Source::Unreadable(error) => return Err(error),
            }
        }
        if needs_all { self.send(held).await } else { Ok(()) }
    }

    /// Sends the documents of a foreign format to their door.
    async fn send_foreign(&mut self, door: &str, path: &Path) -> anyhow::Result<()> {
        let input = door::read(path)?;
        if self.options.atomic && (input.bodies.len() > 1 || !input.broken.is_empty()) {
            bail!("--atomic needs documents that are all JSON and fit into one request");
        }
        for (place, error) in &input.broken {
            self.tally.broken += 1;
            output::note(format_args!("{place}: {error}"));
        }
        for body in input.bodies {
            let (text, count) = (body.text, body.places.len());
            let sent =
                self.connection.client.append_foreign(door, text, count, self.options.atomic);
            let outcome = sent.await.map_err(|error| self.connection.advise(error))?;
            for (place, result) in body.places.iter().zip(&outcome.results) {
                match result {
                    Ok(receipt) => self.stored(receipt)?,
                    Err(problem) => self.refused(place, problem)?,
                }
            }
        }
        Ok(())
    }

    async fn send(&mut self, events: Vec<Sourced>) -> anyhow::Result<()> {
        let (places, mut drafts): (Vec<_>, Vec<_>) =
            events.into_iter().map(|event| (event.place, event.draft)).unzip();
        match drafts.as_mut_slice() {
            [] => {}
            [draft] => match self.connection.client.append_one(draft, &self.options).await {
                Ok(receipt) => self.stored(&receipt)?,
                Err(error) => self.one_refused(&places[0], error)?,
            },
            drafts => {
                let outcome = self.connection.client.append_batch(drafts, &self.options).await;
                let outcome = outcome.map_err(|error| self.connection.advise(error))?;
                for (place, result) in places.iter().zip(&outcome.results) {
                    match result {
                        Ok(receipt) => self.stored(receipt)?,
                        Err(problem) => self.refused(place, problem)?,
                    }
                }
            }
        }
        Ok(())
    }

    fn stored(&mut self, receipt: &Receipt) -> anyhow::Result<()> {
        match receipt.replayed {
            true => self.tally.replayed += 1,
            false => self.tally.stored += 1,
        }
        if self.is_json {
            output::line(serde_json::to_string(receipt)?)?;
        } else if self.tally.total() == 1 {
            self.tally.first = Some(receipt.clone());
        }
        Ok(())
    }

    /// A lone event's problem: an answer about the event is told, anything else ends the command.
    fn one_refused(&mut self, place: &str, error: ClientError) -> anyhow::Result<()> {
        match error {
            ClientError::Refused(problem)
                if problem.status < 500 && !matches!(problem.status, 401 | 429) =>
            {
                let problem = ItemProblem {
                    type_uri: problem.type_uri,
                    title: problem.title,
                    detail: problem.detail,
                    reason_code: problem.reason_code,
                    retryable: problem.retryable,
                    details: problem.details,
                };
                self.refused(place, &problem)
            }
            error => Err(self.connection.advise(error)),
        }
    }

    fn refused(&mut self, place: &str, problem: &ItemProblem) -> anyhow::Result<()> {
        self.tally.refused += 1;
        if self.is_json {
            output::line(serde_json::to_string(problem)?)?;
        }
        output::note(format_args!(
            "{place}: {} ({})",
            output::plain(&problem.detail),
            problem.reason_code
        ));
        Ok(())
    }
}

/// What became of the events.
#[derive(Debug, Default)]
struct Tally {
    stored: u64,
    replayed: u64,
    refused: u64,
    broken: u64,
    first: Option<Receipt>,
}

impl Tally {
    fn total(&self) -> u64 {
        self.stored + self.replayed + self.refused + self.broken
    }

    fn finish(&self, is_brief: bool) -> anyhow::Result<ExitCode> {
        match &self.first {
            Some(receipt) if self.total() == 1 => output::line(serde_json::to_string(receipt)?)?,
            _ if is_brief => {}
            _ => output::line(format_args!(
                "stored {}, there before {}, refused {}",
                self.stored,
                self.replayed,
                self.refused + self.broken
            ))?,
        }
        Ok(match (self.total(), self.refused + self.broken) {
            (0, _) => {
                output::note("there was no event in the input");
                ExitCode::from(COULD_NOT_TELL)
            }
            (_, 0) => ExitCode::SUCCESS,
            (_, _) => ExitCode::from(NO),
        })
    }
}

fn draft_of_flags(event_type: &str, args: &AppendArgs) -> anyhow::Result<Draft> {
    let name = args.stream.as_deref().context("--stream TYPE/ID is missing")?;
    let (stream_type, stream_id) =
        name.split_once('/').context("--stream is TYPE/ID, such as run/r1")?;
    let payload = args.payload.as_deref().unwrap_or("null");
    let data: Box<serde_json::value::RawValue> =
        serde_json::from_str(payload).with_context(|| {
            format!("--data is no JSON: {payload} (quote text twice: '\"like this\"')")
        })?;
    let mut draft =
        draft(event_type, actor(args.actor.as_deref())?, stream(stream_type, stream_id)?, &data)?;
    let run_id = args.run.as_deref().or((stream_type == "run").then_some(stream_id));
    draft.scope.run_id = run_id.map(RunId::parse).transpose().context("--run")?;
    let key = args.idempotency_key.as_deref();
    draft.idempotency_key =
        key.map(IdempotencyKey::parse).transpose().context("--idempotency-key")?;
    Ok(draft)
}

fn actor(text: Option<&str>) -> anyhow::Result<Actor> {
    let Some(text) = text else {
        let login = std::env::var("USER").ok().filter(|name| !name.is_empty());
        return Ok(user(login.as_deref().unwrap_or("unknown"))?);
    };
    Ok(match text.split_once('/') {
        Some(("user", actor_id)) => user(actor_id)?,
        Some(("agent", actor_id)) => agent(actor_id)?,
        Some(("service", actor_id)) => service(actor_id)?,
        _ => bail!("--actor is user/ID, agent/ID or service/ID"),
    })
}
