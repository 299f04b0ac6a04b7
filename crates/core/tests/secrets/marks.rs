//! What stands in a secret's place, where it is reported, and what an installation decides.

use annals_core::envelope::{Actor, ActorType, Draft, StreamKey};
use annals_core::secrets::{
    CustomRule, Exception, MaskKey, RuleFault, SECRET_MATCHES_LISTED_MAX, Scanner, SecretSettings,
};
use proptest::prelude::*;

use crate::support::{ALNUM, HEX, key, noise, redacted, redacted_json};

fn github() -> String {
    format!("ghp_{}", noise(ALNUM, 36, 11))
}

fn mark(rule: &str, secret: &str) -> String {
    format!("[redacted:{rule}:{}]", key().fingerprint(secret))
}

#[test]
fn only_the_characters_of_a_secret_change() {
    let secret = github();
    let mark = mark("github_token", &secret);
    let text = |secret: &str| {
        format!(
            r#"{{"b":1.50e+3,"a":"\u00e9\n\"{secret}\"\t\ud83d\ude00 é {secret}","{secret}":[0,-0,"x{{"],"z":{{}}}}"#
        )
    };
    assert_eq!(redacted_json(&text(&secret)), text(&mark));
}

#[test]
fn a_secret_behind_escapes_is_found() {
    let secret = github();
    let hidden: String =
        secret.chars().map(|letter| format!("\\u{:04x}", u32::from(letter))).collect();
    assert_eq!(
        redacted_json(&format!("[\"{hidden}\"]")),
        format!("[\"{}\"]", mark("github_token", &secret))
    );
    let address = r#"["https:\/\/u:z7!kQ2mw@h\/"]"#;
    assert_eq!(
        redacted_json(address),
        address.replace("z7!kQ2mw", &mark("url_password", "z7!kQ2mw"))
    );
}

#[test]
fn a_key_says_what_its_value_is() {
    for (before, secret, rule, behind) in [
        (r#"{"password":""#, "z7!kQ2", "password", r#""}"#),
        (r#"{"a":{"clientSecret":""#, "kQ2mwz7xP9", "named_secret", r#""}}"#),
        (r#"{"api_keys":["x",""#, "kQ2mwz7xP9aa", "named_key", r#""]}"#),
        (r#"{"name":"API_KEY","value":""#, "kQ2mwz7xP9aa", "named_key", r#""}"#),
        (
            r#"[{"key":"http.request.header.authorization","value":{"stringValue":"Bearer "#,
            "kQ2mwz7xP9aakQ2mwz7xP9aa",
            "bearer_token",
            r#""}}]"#,
        ),
        (r#"{"password":{"value":""#, "z7!kQ2", "password", r#""}}"#),
        (r#"{"Cookie":"a=b; session="#, "kQ2mwz7xP9aakQ2mwz7xP9aa", "cookie", r#""}"#),
    ] {
        let after = redacted_json(&format!("{before}{secret}{behind}"));
        assert_eq!(after, format!("{before}{}{behind}", mark(rule, secret)));
    }
    for text in [
        r#"{"password":{"type":"string"},"token":12345678901234567890}"#,
        r#"{"next_page_token":"CAUQAkQ2mwz7xP9aakQ2mwz7"}"#,
        r#"{"password":null,"secret":true,"tokens":[1,2]}"#,
    ] {
        assert_eq!(redacted_json(text), text);
    }
}

#[test]
fn a_report_names_rule_fingerprint_and_place() {
    let secret = github();
    let text = format!(r#"{{"a/b":[0,{{"c":"{secret}"}}],"k{secret}":1}}"#);
    let text = text.replace('k', "=");
    let secret = secret.replace('k', "=");
    if secret.contains('=') {
        return;
    }
    let (_, report) = Scanner::builtin().redact_json(&key(), &text, "/data").unwrap();
    let found: Vec<_> = report
        .matches
        .iter()
        .map(|found| (found.rule_id.as_str(), found.pointer.as_str()))
        .collect();
    assert_eq!(found, [("github_token", "/data/a~1b/1/c"), ("github_token", "/data")]);
    assert_eq!(report.match_count(), 2);
    assert_eq!(report.matches[0].fingerprint, key().fingerprint(&secret));
}

#[test]
fn a_long_list_of_finds_is_counted_to_its_end() {
    let texts: Vec<String> =
        (0..150).map(|seed| format!("\"ghp_{}\"", noise(ALNUM, 36, seed + 1))).collect();
    let text = format!("[{}]", texts.join(","));
    let (_, report) = Scanner::builtin().redact_json(&key(), &text, "").unwrap();
    assert_eq!((report.matches.len(), report.match_count()), (SECRET_MATCHES_LISTED_MAX, 150));
}

#[test]
fn keys_that_become_alike_are_told_apart() {
    let secret = github();
    let mark = mark("github_token", &secret);
    let text = format!(r#"{{"{secret}":1,"{mark}":2}}"#);
    let after = redacted_json(&text);
    assert_eq!(after, format!(r#"{{"{mark}#1":1,"{mark}":2}}"#));
}

fn draft(actor: &str, stream: &str) -> Draft {
    let actor = Actor { actor_type: ActorType::User, actor_id: actor.parse().unwrap() };
    let stream =
        StreamKey { stream_type: "run".parse().unwrap(), stream_id: stream.parse().unwrap() };
    Draft::new("note.taken".parse().unwrap(), actor, stream, "{}".to_owned())
}

#[test]
fn every_free_field_of_a_draft_is_looked_through() {
    let secret = github();
    let object = || Some(format!(r#"{{"a":"{secret}"}}"#));
    let mut draft = draft(&secret, &secret);
    draft.data = format!("\"{secret}\"");
    draft.policy_context = object();
    draft.model_context = object();
    draft.display = object();
    draft.extensions = object();
    draft.origin.raw = object();
    draft.origin.origin_type = Some(secret.clone());
    draft.origin.id = Some(secret.clone());
    draft.origin.time = Some(secret.clone());
    draft.scope.run_id = Some(secret.parse().unwrap());
    draft.scope.thread_id = Some(secret.parse().unwrap());
    draft.correlation_id = Some(secret.parse().unwrap());
    draft.causation_id = Some(secret.parse().unwrap());
    draft.idempotency_key = Some(secret.parse().unwrap());
    draft.event_type = secret.parse().unwrap();
    let key = key();
    let redacted = Scanner::builtin().redact_draft(&key, &draft);
    assert!(!format!("{:?}", redacted.draft).contains(&secret), "{:?}", redacted.draft);
    assert_eq!(redacted.report.match_count(), 17);
    let again = Scanner::builtin().redact_draft(&key, &redacted.draft);
    assert!(again.report.is_empty());
    assert_eq!(again.draft, redacted.draft);
}

#[test]
fn mail_addresses_in_ids_become_pseudonyms_and_elsewhere_stay() {
    let key = key();
    let mut draft = draft("ann@example.org", "Ann@Example.org");
    draft.data = r#"{"to":"ann@example.org"}"#.to_owned();
    let redacted = Scanner::builtin().redact_draft(&key, &draft);
    let expected = Scanner::builtin().redact_id(&key, "ann@example.org");
    assert!(expected.starts_with("mail_"));
    assert_eq!(redacted.draft.actor.actor_id.as_str(), expected.as_ref());
    assert_eq!(redacted.draft.stream.stream_id.as_str(), expected.as_ref());
    assert_eq!(redacted.draft.data, draft.data);
    assert!(redacted.report.is_empty(), "a pseudonym is no secret");
    assert_ne!(Scanner::builtin().redact_id(&MaskKey::new([8; 32]), "ann@example.org"), expected);
}

fn settings(rules: Vec<CustomRule>, allow: Vec<Exception>) -> SecretSettings {
    SecretSettings { rules, allow, ..SecretSettings::default() }
}

fn badge() -> CustomRule {
    CustomRule {
        id: "badge".to_owned(),
        regex: r"badge no\. ([0-9]{6})".to_owned(),
        keywords: vec!["BADGE".to_owned()],
    }
}

#[test]
fn an_installation_adds_rules_of_its_own() {
    let scanner = Scanner::new(&settings(vec![badge()], Vec::new())).unwrap();
    let (after, report) =
        scanner.redact_text(&key(), "badge no. 123456, badge no. 654321").unwrap();
    assert_eq!(
        after,
        format!("badge no. {}, badge no. {}", mark("badge", "123456"), mark("badge", "654321"))
    );
    assert_eq!(report.by_rule.get("badge"), Some(&2));
}

#[test]
fn exceptions_let_pass_what_they_name_and_nothing_else() {
    let secret = github();
    let text = format!(r#"{{"a":{{"b":"{secret}"}},"c":"{secret}"}}"#);
    let redacted = |exception| {
        let scanner = Scanner::new(&settings(Vec::new(), vec![exception])).unwrap();
        scanner.redact_json(&key(), &text, "/data").map(|found| found.0)
    };
    let path = |path: &str| Exception { paths: vec![path.to_owned()], ..Exception::default() };
    let marked = mark("github_token", &secret);
    let after = redacted(path("/data/a")).unwrap();
    assert_eq!(after, format!(r#"{{"a":{{"b":"{secret}"}},"c":"{marked}"}}"#));
    assert_eq!(redacted(path("/data/*/b")).unwrap(), after);
    assert_eq!(redacted(path("/data")), None);
    let by_text = Exception { regex: Some(secret.clone()), ..Exception::default() };
    assert_eq!(redacted(by_text), None);
    let by_rule = Exception { rules: vec!["github_token".to_owned()], ..Exception::default() };
    assert_eq!(redacted(by_rule), None);
    let other = Exception { rules: vec!["jwt".to_owned()], ..Exception::default() };
    assert!(redacted(other).is_some());
}

#[test]
fn settings_that_cannot_be_meant_are_refused_by_name() {
    let fault = |settings| Scanner::new(&settings).unwrap_err();
    let rule = |change: fn(&mut CustomRule)| {
        let mut rule = badge();
        change(&mut rule);
        fault(settings(vec![rule], Vec::new()))
    };
    assert!(matches!(rule(|rule| rule.id = "Badge".to_owned()), RuleFault::Id { .. }));
    assert!(matches!(rule(|rule| rule.id = "jwt".to_owned()), RuleFault::Id { .. }));
    assert!(matches!(rule(|rule| rule.keywords.clear()), RuleFault::Keywords { .. }));
    assert!(matches!(rule(|rule| rule.keywords.push("ab".to_owned())), RuleFault::Keywords { .. }));
    assert!(matches!(rule(|rule| rule.regex = "(".to_owned()), RuleFault::Regex { .. }));
    let allow = |exception| fault(settings(Vec::new(), vec![exception]));
    assert_eq!(allow(Exception::default()), RuleFault::EmptyException { number: 1 });
    let unknown = Exception { rules: vec!["none".to_owned()], ..Exception::default() };
    assert!(matches!(allow(unknown), RuleFault::UnknownRule { number: 1, .. }));
}

#[test]
fn equal_secrets_are_marked_alike_and_others_apart() {
    let (one, two) = (github(), format!("ghp_{}", noise(ALNUM, 36, 12)));
    let after = redacted(&format!("{one} {one} {two}"));
    let marks: Vec<&str> = after.split(' ').collect();
    assert_eq!(marks[0], marks[1]);
    assert_ne!(marks[0], marks[2]);
}

proptest! {
    #[test]
    fn any_text_is_looked_through_without_harm(text in ".{0,200}") {
        let after = redacted(&text);
        prop_assert_eq!(redacted(&after), after);
    }

    #[test]
    fn texts_full_of_literals_are_looked_through_without_harm(
        parts in proptest::collection::vec(prop_oneof![
            Just("password".to_owned()), Just("\"token\": \"".to_owned()), Just("=".to_owned()),
            Just("://u:p@".to_owned()), Just("curl -u ".to_owned()), Just("Bearer ".to_owned()),
            Just("-----BEGIN PRIVATE KEY-----".to_owned()), Just("eyJ".to_owned()), Just("é😀".to_owned()),
            Just("\\u00".to_owned()), Just("Cookie: a=".to_owned()), Just(" is ".to_owned()),
            Just(noise(HEX, 40, 3)), Just(noise(ALNUM, 20, 4)), Just("\n".to_owned()), "[a-z'\"\\\\{}:;]{0,6}",
        ], 0..30)
    ) {
        let text = parts.concat();
        let json = serde_json::to_string(&serde_json::json!({ "a": text, "password": [text], "k": { "v": 1.5 } })).unwrap();
        let after = redacted_json(&json);
        let read: serde_json::Value = serde_json::from_str(&after).unwrap();
        prop_assert_eq!(&read["k"]["v"], &serde_json::json!(1.5));
        redacted(&text);
    }
}
