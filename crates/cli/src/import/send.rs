//! The way of an import's events to the server, or to nowhere in a dry run.

use annals_core::dialect::transcripts::DIALECT;
use annals_core::id::WorkspaceId;
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

/// The workspace of a dry run, and of a token that may not ask for its own.
const WORKSPACE: &str = "default";

/// Where events go.
#[derive(Debug)]
pub(super) struct Sender {
    /// None in a dry run.
    connection: Option<Box<Connection>>,
    workspace_id: WorkspaceId,
}

impl Sender {
    pub(super) async fn open(args: &ImportArgs) -> anyhow::Result<Self> {
        if args.dry_run {
            return Ok(Self { connection: None, workspace_id: WorkspaceId::parse(WORKSPACE)? });
        }
        let connection = Connection::open(&args.server)?;
        let workspace_id = connection.check().await?;
        let workspace_id = WorkspaceId::parse(workspace_id.as_deref().unwrap_or(WORKSPACE))?;
        Ok(Self { connection: Some(Box::new(connection)), workspace_id })
    }

    /// The workspace that events go to: ids that other doors derive too depend on it.
    pub(super) fn workspace_id(&self) -> &WorkspaceId {
        &self.workspace_id
    }

    /// Sends events in order and says of each what became of it.
    pub(super) async fn send(
        &self,
        drafts: Vec<Draft>,
    ) -> anyhow::Result<Vec<Result<Sent, Box<ItemProblem>>>> {
        let Some(connection) = &self.connection else {
            return Ok(vec![Ok(Sent::Not); drafts.len()]);
        };
        let mut results = Vec::with_capacity(drafts.len());
        let mut rest = drafts.into_iter().peekable();
        // A request is of one dialect.
        while let Some(first) = rest.next() {
            let dialect = dialect_of(&first);
            let mut batch = vec![first];
            while let Some(next) = rest.next_if(|next| dialect_of(next) == dialect) {
                batch.push(next);
            }
            results.extend(send_batch(connection, dialect, batch).await?);
        }
        Ok(results)
    }
}

fn dialect_of(draft: &Draft) -> String {
    let dialect = draft.origin.dialect.as_ref();
    dialect.map_or_else(|| DIALECT.to_owned(), ToString::to_string)
}

async fn send_batch(
    connection: &Connection,
    dialect: String,
    mut drafts: Vec<Draft>,
) -> anyhow::Result<Vec<Result<Sent, Box<ItemProblem>>>> {
    let options = AppendOptions { dialect: Some(dialect), ..AppendOptions::default() };
    let outcome = connection.client.append_batch(&mut drafts, &options).await;
    let outcome = outcome.map_err(|error| connection.advise(error))?;
    let sent = |replayed| if replayed { Sent::Replayed } else { Sent::Stored };
    Ok(outcome
        .results
        .into_iter()
        .map(|result| result.map(|receipt| sent(receipt.replayed)))
        .collect())
}
