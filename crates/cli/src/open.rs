//! `annals open`: a new link that opens the dashboard logged in, once and for a minute.

use std::process::ExitCode;

use crate::args::OpenArgs;
use crate::connect::Connection;
use crate::output;

pub(crate) async fn run(args: OpenArgs) -> anyhow::Result<ExitCode> {
    let connection = Connection::open_impatient(&args.server)?;
    let code =
        connection.client.create_login_code().await.map_err(|error| connection.advise(error))?;
    output::line(&code.url)?;
    if output::is_terminal() {
        output::note("The link works once, for one minute.");
    }
    Ok(ExitCode::SUCCESS)
}
