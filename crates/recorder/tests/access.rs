//! Who may come in, and that no reported fact changes it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

use std::sync::Arc;

use annals_core::id::{DialectName, WorkspaceId};
use annals_core::time::Timestamp;
use annals_recorder::Recorder;
use annals_recorder::access::{AccessRefusal, AuthenticationRefusal, IssueToken, TokenKind};
use annals_recorder::config::RecorderConfig;
use annals_recorder::principal::Rights;
use annals_recorder::refusal::AppendRefusal;
use annals_recorder::request::{AppendRequest, BodyFormat, Door};

fn wanted(rights: Rights, expires_in_s: Option<i64>) -> IssueToken {
    IssueToken {
        kind: TokenKind::Token,
        workspace_id: WorkspaceId::parse("team").unwrap(),
        rights,
        name: Some("ci".to_owned()),
        expires_in_s,
        stream_types: None,
        event_types: None,
    }
}

fn open() -> Recorder {
    Recorder::open(RecorderConfig::in_memory()).unwrap()
}

#[tokio::test]
async fn a_token_lets_in_until_it_ends() {
    let recorder = open();
    let owner = Arc::clone(recorder.access().owner());
    let issued =
        recorder.issue_token(Arc::clone(&owner), wanted(Rights::READ, Some(60))).await.unwrap();
    let now = recorder.clock().now();
    let principal = recorder.access().authenticate(&issued.token, now).unwrap();
    assert_eq!(principal.workspace_id.as_str(), "team");
    assert_eq!(principal.rights, Rights::READ);
    let later = now.plus_seconds(61);
    assert_eq!(
        recorder.access().authenticate(&issued.token, later),
        Err(AuthenticationRefusal::Expired)
    );
    recorder.revoke_token(owner, issued.info.token_id.clone()).await.unwrap();
    let refused = recorder.access().authenticate(&issued.token, now);
    assert_eq!(refused, Err(AuthenticationRefusal::Unauthorized));
    assert!(recorder.access().list()[0].revoked);
}

#[tokio::test]
async fn a_forged_or_cut_token_lets_nobody_in() {
    let recorder = open();
    let owner = Arc::clone(recorder.access().owner());
    let issued = recorder.issue_token(owner, wanted(Rights::READ, None)).await.unwrap();
    let mut forged = issued.token.clone();
    forged.pop();
    forged.push(if issued.token.ends_with('0') { '1' } else { '0' });
    for wrong in [forged.as_str(), &issued.token[..issued.token.len() - 1], "", "annals_owner_x_y"]
    {
        let refused = recorder.access().authenticate(wrong, Timestamp::from_micros(0));
        assert_eq!(refused, Err(AuthenticationRefusal::Unauthorized));
    }
}

#[tokio::test]
async fn only_the_owner_makes_tokens_and_none_that_administer() {
    let recorder = open();
    let owner = Arc::clone(recorder.access().owner());
    let refused =
        recorder.issue_token(Arc::clone(&owner), wanted(Rights::OPERATE, None)).await.unwrap_err();
    assert!(matches!(refused, AccessRefusal::Rights));
    let issued = recorder.issue_token(owner, wanted(Rights::APPEND, None)).await.unwrap();
    let holder = recorder.access().authenticate(&issued.token, recorder.clock().now()).unwrap();
    let refused = recorder.issue_token(holder, wanted(Rights::READ, None)).await.unwrap_err();
    assert!(matches!(refused, AccessRefusal::Forbidden));
}

#[tokio::test]
async fn an_append_of_a_revoked_credential_is_refused_in_its_turn() {
    let recorder = open();
    let owner = Arc::clone(recorder.access().owner());
    let issued =
        recorder.issue_token(Arc::clone(&owner), wanted(Rights::APPEND, None)).await.unwrap();
    let holder = recorder.access().authenticate(&issued.token, recorder.clock().now()).unwrap();
    recorder.revoke_token(owner, issued.info.token_id).await.unwrap();
    let body = r#"{"event_type":"note.taken","actor":{"actor_type":"agent","actor_id":"a"},"stream":{"stream_type":"run","stream_id":"r"},"data":1}"#;
    let request = AppendRequest {
        principal: holder,
        door: Door::Native,
        format: BodyFormat::Json,
        body: body.into(),
        atomicity: None,
        expected_seq: None,
        traceparent: None,
    };
    assert!(matches!(recorder.append(request).await.unwrap_err(), AppendRefusal::CredentialEnded));
}

#[tokio::test]
async fn a_reported_token_fact_lets_nobody_in_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::open(RecorderConfig::at(directory.path())).unwrap();
    let owner = Arc::clone(recorder.access().owner());
    let kept = recorder.issue_token(Arc::clone(&owner), wanted(Rights::READ, None)).await.unwrap();
    let body = format!(
        r#"{{"event_type":"token.revoked","actor":{{"actor_type":"service","actor_id":"x"}},"stream":{{"stream_type":"workspace","stream_id":"default"}},"data":{{"token_id":"{}"}},"origin":{{"dialect":"transcripts"}}}}"#,
        kept.info.token_id
    );
    let request = AppendRequest {
        principal: owner,
        door: Door::Translated(DialectName::parse("transcripts").unwrap()),
        format: BodyFormat::Json,
        body: body.into(),
        atomicity: None,
        expected_seq: None,
        traceparent: None,
    };
    recorder.append(request).await.unwrap();
    recorder.close().unwrap();
    drop(recorder);
    let recorder = Recorder::open(RecorderConfig::at(directory.path())).unwrap();
    assert_eq!(recorder.access().list().len(), 1);
    assert!(recorder.access().authenticate(&kept.token, recorder.clock().now()).is_ok());
    let owner_token = std::fs::read_to_string(directory.path().join("owner.token")).unwrap();
    assert!(recorder.access().authenticate(owner_token.trim(), recorder.clock().now()).is_ok());
}
