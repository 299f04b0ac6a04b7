//! The hook's own token: it may append and nothing else, and lies in a file of this user alone.

use annals_sdk::wire::{IssueTokenRequest, RightName};
use anyhow::Context as _;

use super::args::InstallArgs;
use super::file::write_new;
use crate::connect::Connection;
use crate::output;

/// How long it lives. A hook asks nobody for a new one, so it is long; `--new-token` makes another.
const LIFETIME_SECONDS: u64 = 365 * 24 * 60 * 60;

/// Makes the token unless there is one.
pub(super) async fn ensure(args: &InstallArgs) -> anyhow::Result<()> {
    let places = annals_hook::default_places().context("no home directory is known")?;
    let file = places.token_file;
    if file.exists() && !args.new_token {
        return Ok(());
    }
    let request = IssueTokenRequest {
        workspace_id: args.workspace.clone(),
        rights: vec![RightName::Append],
        expires_in_s: Some(LIFETIME_SECONDS),
        name: Some("annals-hook".to_owned()),
        stream_types: None,
        event_types: None,
    };
    let connection = Connection::open_impatient(&args.server)?;
    let issued =
        connection.client.create_token(&request).await.map_err(|error| connection.advise(error))?;
    let dir = file.parent().context("the token's file has no directory")?;
    annals_hook::make_private_dir(dir).with_context(|| dir.display().to_string())?;
    let new = file.with_extension("new");
    // What an interrupted attempt left behind has no use.
    let _ = std::fs::remove_file(&new);
    write_new(&new, &format!("{}\n", issued.token), None)
        .and_then(|()| std::fs::rename(&new, &file))
        .with_context(|| file.display().to_string())?;
    output::note(format_args!(
        "token {} may append to workspace {} until {}; it is in {}",
        issued.token_id,
        output::plain(&issued.workspace_id),
        issued.expires_at.as_deref().unwrap_or("it is revoked"),
        file.display(),
    ));
    Ok(())
}
