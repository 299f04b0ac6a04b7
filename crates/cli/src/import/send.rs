//! The way of an import's events to the server, or to nowhere in a dry run.

use annals_core::dialect::transcripts::DIALECT;
use annals_sdk::wire::ItemProblem;
use annals_sdk::{AppendOptions, Draft};

use crate::args::ImportArgs;
use crate::connect::Connection;

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// It is stored.
    Stored,
    /// It was there before.
    Replayed,
    /// Nothing was sent.
    Not,
}

/// Where events go.
#[derive(Debug)]
pub(super) enum Sender {
    Server(Box<Connection>),
    Nowhere,
}

impl Sender {
    pub(super) async fn open(args: &ImportArgs) -> anyhow::Result<Self> {
        if args.dry_run {
            return Ok(Self::Nowhere);
        }
        let connection = Connection::open(&args.server)?;
        connection.check().await?;
        Ok(Self::Server(Box::new(connection)))
    }

    /// Sends events in order and says of each what became of it.
    pub(super) async fn send(
        &self,
        mut drafts: Vec<Draft>,
    ) -> anyhow::Result<Vec<Result<Sent, Box<ItemProblem>>>> {
        let connection = match self {
            Self::Server(connection) if !drafts.is_empty() => connection,
            Self::Server(_) | Self::Nowhere => return Ok(vec![Ok(Sent::Not); drafts.len()]),
        };
        let options =
            AppendOptions { dialect: Some(DIALECT.to_owned()), ..AppendOptions::default() };
        let outcome = connection.client.append_batch(&mut drafts, &options).await;
        let outcome = outcome.map_err(|error| connection.advise(error))?;
        let sent = |replayed| if replayed { Sent::Replayed } else { Sent::Stored };
        Ok(outcome
            .results
            .into_iter()
            .map(|result| result.map(|receipt| sent(receipt.replayed)))
            .collect())
    }
}
