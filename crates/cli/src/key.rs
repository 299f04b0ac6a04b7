//! `annals key`: the keys that sign the log's checkpoints, from a server or from its directory.

use std::path::Path;
use std::process::ExitCode;

use annals_recorder::copies::read_identity;
use annals_recorder::trust::PublicTrust;
use anyhow::Context as _;

use crate::args::{KeyArgs, KeyCommand, KeyShowArgs, ServerArgs};
use crate::connect::Connection;
use crate::output;

pub(crate) async fn run(args: KeyArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        KeyCommand::Show(args) => {
            let keys = match &args.data {
                Some(directory) => in_directory(directory)?,
                None => of_server(args).await?,
            };
            for key in keys {
                output::line(key)?;
            }
        }
        KeyCommand::Rotate(args) => {
            let connection = Connection::open_impatient(&args.server)?;
            let keys = connection
                .client
                .rotate_log_key()
                .await
                .map_err(|error| connection.advise(error))?;
            output::line(&keys.key)?;
            output::note("This key signs from now on; the rotation is on the log, signed by both.");
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn of_server(args: KeyShowArgs) -> anyhow::Result<Vec<String>> {
    let KeyShowArgs { url, token, owner_of, .. } = args;
    let connection = Connection::open_impatient(&ServerArgs { url, token, data_dir: owner_of })?;
    let keys = connection.client.log_keys().await.map_err(|error| connection.advise(error))?;
    Ok(keys.iter().map(ToString::to_string).collect())
}

/// The keys that a directory names, the present one first. Nothing stands between the files and
/// whoever reads them, and nothing is written.
fn in_directory(directory: &Path) -> anyhow::Result<Vec<String>> {
    let log_id = read_identity(directory)?.log_id;
    let trust = PublicTrust::read(directory, log_id)?.with_context(|| {
        format!("{} has no key yet; a log gets one at its first start", directory.display())
    })?;
    let former = trust.former_keys().into_iter().map(|former| former.key.to_string());
    Ok(std::iter::once(trust.key.to_string()).chain(former).collect())
}
