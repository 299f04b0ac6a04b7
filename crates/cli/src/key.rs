//! `annals key`: the keys that sign the log's checkpoints.

use std::process::ExitCode;

use crate::args::{KeyArgs, KeyCommand};
use crate::connect::Connection;
use crate::output;

pub(crate) async fn run(args: KeyArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        KeyCommand::Show(args) => {
            let connection = Connection::open_impatient(&args.server)?;
            let keys =
                connection.client.log_keys().await.map_err(|error| connection.advise(error))?;
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
