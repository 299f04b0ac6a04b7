//! `annals restore`: a data directory made from a backup, under a new identity.

use std::process::ExitCode;

use annals_recorder::copies::{MissingEvents, restore};
use annals_recorder::world::SystemEntropy;

use crate::args::RestoreArgs;
use crate::output;

pub(crate) fn run(args: &RestoreArgs) -> anyhow::Result<ExitCode> {
    let missing = if args.accept_loss { MissingEvents::Accept } else { MissingEvents::Refuse };
    let restored = restore(&args.backup, &args.data, missing, &SystemEntropy)?;
    let data = args.data.display();
    output::line(format_args!(
        "restored {} events of log {} into {data}",
        restored.last_position, restored.parent_log_id
    ))?;
    output::note(format_args!(
        "It is a new log, {}, with a new key and a new owner token; older tokens do not open it.\n\
         Start it with `annals serve --data {data}`.",
        restored.log_id
    ));
    Ok(ExitCode::SUCCESS)
}
