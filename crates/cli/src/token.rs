//! `annals token`: credentials for others.

use std::process::ExitCode;

use annals_sdk::wire::{IssueTokenRequest, RightName, TokenInfo};
use anyhow::{Context as _, bail};

use crate::args::{TokenArgs, TokenCommand, TokenCreateArgs, TokenListArgs, TokenRevokeArgs};
use crate::connect::Connection;
use crate::output;

pub(crate) async fn run(args: TokenArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        TokenCommand::Create(args) => create(args).await,
        TokenCommand::List(args) => list(args).await,
        TokenCommand::Revoke(args) => revoke(args).await,
    }
}

async fn create(args: TokenCreateArgs) -> anyhow::Result<ExitCode> {
    let request = IssueTokenRequest {
        workspace_id: args.workspace,
        rights: args.rights.iter().map(|right| right_name(right)).collect::<Result<_, _>>()?,
        expires_in_s: args.expires.as_deref().map(seconds).transpose()?,
        name: args.name,
        stream_types: None,
        event_types: None,
    };
    let connection = Connection::open_impatient(&args.server)?;
    let issued =
        connection.client.create_token(&request).await.map_err(|error| connection.advise(error))?;
    if args.json {
        output::line(serde_json::to_string(&issued)?)?;
    } else {
        output::line(&issued.token)?;
        output::note(format_args!(
            "token {} opens workspace {} until {}; it is not shown again",
            issued.token_id,
            output::plain(&issued.workspace_id),
            issued.expires_at.as_deref().unwrap_or("it is revoked"),
        ));
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(args: TokenListArgs) -> anyhow::Result<ExitCode> {
    let connection = Connection::open_impatient(&args.server)?;
    let list = connection.client.tokens().await.map_err(|error| connection.advise(error))?;
    for token in &list.tokens {
        match args.json {
            true => output::line(serde_json::to_string(token)?)?,
            false => output::line(token_line(token))?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn revoke(args: TokenRevokeArgs) -> anyhow::Result<ExitCode> {
    let connection = Connection::open_impatient(&args.server)?;
    let revoked = connection
        .client
        .revoke_token(&args.token_id)
        .await
        .map_err(|error| connection.advise(error))?;
    output::line(format_args!("revoked {}", revoked.token_id))?;
    Ok(ExitCode::SUCCESS)
}

fn token_line(token: &TokenInfo) -> String {
    let rights: Vec<&str> = token.rights.iter().map(|right| right.as_str()).collect();
    let end = match (token.revoked, token.expires_at.as_deref()) {
        (true, _) => "revoked".to_owned(),
        (false, Some(end)) => format!("until {end}"),
        (false, None) => "no end".to_owned(),
    };
    let name = token.name.as_deref().map(output::plain).unwrap_or_default();
    format!(
        "{}  {}  {}  {end}  {name}",
        token.token_id,
        output::plain(&token.workspace_id),
        rights.join(",")
    )
    .trim_end()
    .to_owned()
}

fn right_name(word: &str) -> anyhow::Result<RightName> {
    match word.trim() {
        "append" => Ok(RightName::Append),
        "read" => Ok(RightName::Read),
        "verify" => Ok(RightName::Verify),
        "operate" => Ok(RightName::Operate),
        other => bail!(
            "`{other}` is no right; a token may have append, read and verify \
             (operate is the owner token's alone)"
        ),
    }
}

/// Seconds of a duration such as `45s`, `30m`, `12h`, `30d`.
fn seconds(text: &str) -> anyhow::Result<u64> {
    let wrong = || format!("`{text}` is no duration such as 45s, 30m, 12h or 30d");
    let unit = match text.bytes().last() {
        Some(b's') => 1,
        Some(b'm') => 60,
        Some(b'h') => 60 * 60,
        Some(b'd') => 24 * 60 * 60,
        _ => bail!(wrong()),
    };
    let count: u64 = text[..text.len() - 1].parse().with_context(wrong)?;
    count.checked_mul(unit).filter(|seconds| *seconds > 0).with_context(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations_as_people_write_them() {
        assert_eq!(seconds("30d").unwrap(), 2_592_000);
        assert_eq!(seconds("12h").unwrap(), 43_200);
        for wrong in ["", "30", "d", "0d", "1w", "-1d", "1.5h", "999999999999999999d", "3ö"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_the_rights_that_there_are() {
        assert_eq!(right_name(" read").unwrap(), RightName::Read);
        assert!(right_name("write").unwrap_err().to_string().contains("append, read"));
    }
}
