//! Where documents go: to standard output, or through the door of their format to a server.
//!
//! INVARIANT (nothing sent twice unseen): a request is sent again only when the last one certainly kept
//! nothing, or when its documents have ids that make a second one harmless.

use std::time::Duration;

use annals_core::envelope::{Draft, Strictness};
use annals_sdk::{AppendOptions, BatchOutcome, ClientError, RetryPolicy};
use anyhow::bail;
use tokio::time::Instant;

use crate::args::ServerArgs;
use crate::connect::Connection;
use crate::output;

use super::args::SimulateArgs;
use super::speak::{NATIVE, has_ids};
use super::stop::Stop;

/// How long a request that is under way may still take when it is time to end.
const LAST_ANSWER: Duration = Duration::from_secs(5);
/// Between two tries of a request that the server cannot take now.
const TRY_AGAIN: Duration = Duration::from_millis(500);
/// How long a server is waited for.
const WAIT_MAX: Duration = Duration::from_secs(600);

/// What became of a batch.
#[derive(Debug)]
pub(super) enum Delivered {
    Written,
    Answered(BatchOutcome),
    /// It was time to end; whether the request was under way, and so may be kept.
    Stopped {
        was_under_way: bool,
    },
}

#[derive(Debug)]
pub(super) enum Sink {
    Output,
    Server(Box<Server>),
}

#[derive(Debug)]
pub(super) struct Server {
    connection: Connection,
    dialect: String,
}

impl Sink {
    pub(super) async fn open(args: &SimulateArgs) -> anyhow::Result<Self> {
        if args.url.is_none() {
            return Ok(Self::Output);
        }
        let server = ServerArgs {
            url: args.url.clone(),
            token: args.token.clone(),
            data_dir: args.data_dir.clone(),
        };
        let mut connection = Connection::open(&server)?;
        // It waits by itself, because it says so.
        connection.client = connection.client.with_retry(RetryPolicy::never());
        connection.check().await?;
        Ok(Self::Server(Box::new(Server { connection, dialect: args.dialect.clone() })))
    }

    pub(super) const fn is_server(&self) -> bool {
        matches!(self, Self::Server(_))
    }

    /// Hands documents over, in order.
    pub(super) async fn deliver(
        &self,
        documents: &[String],
        stop: &mut Stop,
        say: &(dyn Fn(&str) + Sync),
    ) -> anyhow::Result<Delivered> {
        match self {
            Self::Output => {
                let mut text = documents.join("\n");
                text.push('\n');
                output::text(&text)?;
                Ok(Delivered::Written)
            }
            Self::Server(server) => server.deliver(documents, stop, say).await,
        }
    }
}

impl Server {
    async fn deliver(
        &self,
        documents: &[String],
        stop: &mut Stop,
        say: &(dyn Fn(&str) + Sync),
    ) -> anyhow::Result<Delivered> {
        let began = Instant::now();
        let mut has_waited = false;
        loop {
            let answer = tokio::select! {
                answer = self.append(documents) => answer,
                () = too_late(stop) => return Ok(Delivered::Stopped { was_under_way: true }),
            };
            let error = match answer {
                Ok(outcome) => {
                    if has_waited {
                        let waited = began.elapsed().as_secs_f32();
                        say(&format!("the server takes events again, after {waited:.1} s"));
                    }
                    return Ok(Delivered::Answered(outcome));
                }
                Err(error) => error,
            };
            if !error.is_retryable() || began.elapsed() >= WAIT_MAX {
                return Err(self.connection.advise(error));
            }
            if !error.has_no_side_effects() && !has_ids(&self.dialect) {
                bail!(
                    "{error}; up to {} documents may be stored, and are not sent again because the format has no ids",
                    documents.len()
                );
            }
            if !has_waited {
                say(&format!("the server takes no events now, waiting: {error}"));
                has_waited = true;
            }
            tokio::select! {
                () = tokio::time::sleep(TRY_AGAIN) => {}
                () = stop.asked() => {
                    let was_under_way = !error.has_no_side_effects();
                    return Ok(Delivered::Stopped { was_under_way });
                }
            }
        }
    }

    async fn append(&self, documents: &[String]) -> Result<BatchOutcome, ClientError> {
        let client = &self.connection.client;
        let array = || format!("[{}]", documents.join(","));
        match self.dialect.as_str() {
            NATIVE => {
                let drafts: Result<Vec<_>, _> =
                    documents.iter().map(|text| Draft::parse(text, Strictness::Native)).collect();
                let mut drafts = drafts.map_err(|fault| ClientError::Invalid(fault.to_string()))?;
                client.append_batch(&mut drafts, &AppendOptions::default()).await
            }
            "cloudevents" => client.append_cloud_events(array(), documents.len()).await,
            door => client.append_foreign(door, array(), documents.len(), false).await,
        }
    }
}

/// Resolves when it is time to end and the last answer has had its time.
async fn too_late(stop: &mut Stop) {
    stop.asked().await;
    tokio::time::sleep(LAST_ANSWER).await;
}
