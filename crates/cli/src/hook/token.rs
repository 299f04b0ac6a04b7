//! The hook's own token: it may append and nothing else, and lies in a file of this user alone.

use std::path::Path;

use annals_hook::spool::Spool;
use annals_sdk::wire::{IssueTokenRequest, RightName};
use anyhow::Context as _;

use super::args::{InstallArgs, UninstallArgs};
use super::file::write_new;
use super::installs;
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

/// Ends the token when nobody needs it any more. A token that cannot be ended is named: whoever finds
/// its file can append with it.
pub(super) async fn end(args: &UninstallArgs) -> anyhow::Result<()> {
    let places = annals_hook::default_places().context("no home directory is known")?;
    let file = places.token_file;
    if args.keep_token || !file.exists() {
        return Ok(());
    }
    if let Some(other) = installs::left()?.into_iter().next() {
        output::note(format_args!("its token stays, for the hook in {}", other.display()));
        return Ok(());
    }
    let waiting = Spool::new(&places.spool, u64::MAX).waiting()?.documents;
    if waiting > 0 {
        output::note(format_args!(
            "its token stays, for {waiting} events that wait: annals-hook --flush delivers them, \
             and this command again ends the token"
        ));
        return Ok(());
    }
    let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let Some(token_id) = token_id(text.trim()) else {
        output::note(format_args!("{} holds no token; it stays as it is", file.display()));
        return Ok(());
    };
    match revoke(args, token_id).await {
        Ok(()) => gone(&file, token_id),
        Err(error) => {
            output::note(format_args!("{}", output::plain(&format!("{error:#}"))));
            output::note(format_args!(
                "its token {token_id} is still valid: `annals token revoke {token_id}` ends it; \
                 it is in {}",
                file.display()
            ));
            Ok(())
        }
    }
}

async fn revoke(args: &UninstallArgs, token_id: &str) -> anyhow::Result<()> {
    let connection = Connection::open_impatient(&args.server)?;
    let revoked = connection.client.revoke_token(token_id).await;
    revoked.map(drop).map_err(|error| connection.advise(error))
}

fn gone(file: &Path, token_id: &str) -> anyhow::Result<()> {
    std::fs::remove_file(file).with_context(|| file.display().to_string())?;
    installs::forget()?;
    output::note(format_args!("its token {token_id} opens nothing any more"));
    Ok(())
}

/// The public part of a token's text, `annals_token_ID_SECRET`.
fn token_id(text: &str) -> Option<&str> {
    let mut parts = text.strip_prefix("annals_token_")?.split('_');
    let token_id = parts.next().filter(|id| !id.is_empty());
    token_id.filter(|_| parts.next().is_some() && parts.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_part_of_a_token_is_found_and_of_nothing_else() {
        assert_eq!(token_id("annals_token_01ab_ffee"), Some("01ab"));
        for other in
            ["", "annals_owner_01ab_ffee", "annals_token_01ab", "annals_token__ff", "x_y_z"]
        {
            assert_eq!(token_id(other), None, "{other}");
        }
    }
}
