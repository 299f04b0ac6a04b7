//! From flags and environment to a client, and from a client's error to advice.

use std::path::PathBuf;

use annals_sdk::{Client, ClientError, RetryPolicy, is_local};

use crate::args::ServerArgs;
use crate::data_dir;

/// What a person can do about an error; shown after it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Hint(pub(crate) String);

/// A server to talk to.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) client: Client,
    data_dir: Option<PathBuf>,
    has_token: bool,
}

impl Connection {
    /// A client by flags, environment and the data directory, in this order.
    pub(crate) fn open(args: &ServerArgs) -> anyhow::Result<Self> {
        // The owner token of this machine goes to this machine: a foreign address gets it only
        // from somebody who names the directory that it is in.
        let is_ours = args.data_dir.is_some() || args.url.as_deref().is_none_or(is_local);
        let data_dir = is_ours.then(|| data_dir::resolve(args.data_dir.as_deref()).ok()).flatten();
        let given = args.token.clone().filter(|token| !token.trim().is_empty());
        let token = given.or_else(|| data_dir.as_deref().and_then(data_dir::owner_token));
        let mut builder = Client::builder();
        if let Some(url) = &args.url {
            builder = builder.url(url);
        }
        let has_token = token.is_some();
        if let Some(token) = token {
            builder = builder.token(token);
        }
        Ok(Self { client: builder.build()?, data_dir, has_token })
    }

    /// As [`Connection::open`], for commands that a person waits for: one try.
    pub(crate) fn open_impatient(args: &ServerArgs) -> anyhow::Result<Self> {
        let mut connection = Self::open(args)?;
        connection.client = connection.client.with_retry(RetryPolicy::never());
        Ok(connection)
    }

    /// Makes sure that a server answers, so that the first error of a long job is a clear one, and
    /// says which workspace it answers for, where the token may ask.
    pub(crate) async fn check(&self) -> anyhow::Result<Option<String>> {
        let once = self.client.with_retry(RetryPolicy::never());
        match once.status().await {
            Ok(status) => Ok(Some(status.workspace_id)),
            // A token that may append but not read gets this answer, from a server that is there.
            Err(ClientError::Refused(problem)) if problem.status == 403 => Ok(None),
            Err(error) => Err(self.advise(error)),
        }
    }

    /// An error with advice where there is some.
    pub(crate) fn advise(&self, error: ClientError) -> anyhow::Error {
        let hint = match &error {
            ClientError::Unreachable { url, .. } => Some(format!(
                "no server answers at {url}; start one with `annals serve`, or name another with --url"
            )),
            ClientError::Refused(problem) if problem.status == 401 => Some(self.token_advice()),
            _ => None,
        };
        match hint {
            Some(hint) => anyhow::Error::new(error).context(Hint(hint)),
            None => error.into(),
        }
    }

    fn token_advice(&self) -> String {
        if self.has_token {
            return "the token does not open this server; see `annals token create`".to_owned();
        }
        let place = self
            .data_dir
            .as_ref()
            .map(|dir| format!(" (looked for owner.token in {})", dir.display()));
        format!(
            "set ANNALS_TOKEN, or name the server's data directory{}",
            place.unwrap_or_default()
        )
    }
}
