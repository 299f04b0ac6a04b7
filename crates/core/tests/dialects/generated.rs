//! Documents that nobody wrote by hand: members present, absent and null, unknown ones, names that
//! collide with ours, and numbers of every spelling.

use proptest::prelude::*;

use crate::fixtures::{DIALECTS, documents, read, stored, value, write};

/// JSON values as text.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        Just("0".to_owned()),
        Just("-0.0".to_owned()),
        Just("1.50".to_owned()),
        Just("12345678901234567890123".to_owned()),
        Just("\"\"".to_owned()),
        Just("\"agent\"".to_owned()),
        Just("\"room\"".to_owned()),
        Just("\"d95bafc8-f2a4-427b-9cf4-bb99f4bea973\"".to_owned()),
        Just("\"2026-11-20T10:00:00\"".to_owned()),
        Just("\"\\u0000\\ud83d\\ude00\"".to_owned()),
        "[a-z_/~\u{e4}]{0,6}".prop_map(|text| format!("\"{text}\"")),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3)
                .prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::btree_map(name(), inner, 0..4).prop_map(|members| {
                let members: Vec<_> =
                    members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

/// Names of members: those of the formats and of ours, and others.
fn name() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "tool_name",
        "tool_call_id",
        "input",
        "output",
        "message",
        "error",
        "result",
        "success",
        "session_id",
        "run_id",
        "agent_id",
        "id",
        "payload",
        "metadata",
        "annals",
        "correlation_id",
        "schema_version",
        "duration_ms",
        "execution_time_ms",
        "performance_metrics",
        "extensions",
        "translation",
        "differences",
        "origin",
        "data",
        "actor",
        "actor_type",
        "actor_id",
        "stream",
        "stream_type",
        "stream_id",
        "stream_seq",
        "room_id",
        "zone",
        "workflow_id",
        "event_data",
        "__uuid__",
        "__datetime__",
        "kind",
        "title",
        "usage",
        "status",
        "from",
        "to",
        "is_error",
        "policy_context",
        "event_version",
        "event_category",
        "timestamp",
        "",
    ];
    prop_oneof![prop::sample::select(KNOWN).prop_map(str::to_owned), "[a-z~/\u{e4}]{1,5}"]
}

#[derive(Debug, Clone)]
enum Change {
    Remove(usize),
    Put(String, String),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0_usize..12).prop_map(Change::Remove),
        (name(), json()).prop_map(|(name, value)| Change::Put(name, value)),
    ]
}

/// Changes members of an object, given as raw key and value.
fn changed(object: &str, changes: &[Change]) -> String {
    let mut members: Vec<(String, String)> = annals_core::json::members(object)
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    for change in changes {
        match change {
            Change::Remove(index) if !members.is_empty() => {
                members.remove(index % members.len());
            }
            Change::Remove(_) => {}
            Change::Put(name, value) => {
                members.retain(|(key, _)| key != name);
                members.push((name.clone(), value.clone()));
            }
        }
    }
    let members: Vec<_> = members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

/// Changes the document, its payload and its metadata.
fn twisted(dialect: &str, document: &str, outer: &[Change], inner: &[Change]) -> String {
    let nested: &[&str] = match dialect {
        "hive" => &["payload", "metadata"],
        "agentos" => &["data", "stream", "actor"],
        "envelope" => &["payload"],
        _ => &[],
    };
    let members: Vec<_> = annals_core::json::members(document)
        .map(|(key, value)| {
            let is_nested = nested.contains(&key) || dialect == "kernel";
            let is_object = value.starts_with('{');
            let value =
                if is_nested && is_object { changed(value, inner) } else { value.to_owned() };
            format!("\"{key}\":{value}")
        })
        .collect();
    let document = format!("{{{}}}", members.join(","));
    if dialect == "kernel" { document } else { changed(&document, outer) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn whatever_is_taken_in_goes_out_as_it_came(
        which in 0_usize..4,
        pick in any::<prop::sample::Index>(),
        outer in prop::collection::vec(change(), 0..4),
        inner in prop::collection::vec(change(), 0..5),
    ) {
        let dialect = DIALECTS[which];
        let documents = fixtures(dialect);
        let document = twisted(dialect, &documents[pick.index(documents.len())], &outer, &inner);
        if let Ok(draft) = read(dialect, &document) {
            let envelope = stored(&draft);
            let written = write(dialect, &envelope);
            prop_assert!(written.is_some(), "{}\n{}", document, envelope);
            let written = written.unwrap();
            prop_assert!(value(&written) == value(&document), "\n{}\n{}\n{}", document, written, envelope);
        }
    }
}

fn fixtures(dialect: &str) -> &'static [String] {
    use std::sync::OnceLock;
    static ALL: OnceLock<Vec<Vec<String>>> = OnceLock::new();
    let all = ALL.get_or_init(|| DIALECTS.iter().map(|dialect| documents(dialect)).collect());
    &all[DIALECTS.iter().position(|one| *one == dialect).unwrap()]
}

/// A payload of as many members as an event may have was once compared member by member with all
/// others; a sender could keep a core busy for minutes with one request.
#[test]
fn a_very_long_object_is_translated_in_time() {
    let members: Vec<_> = (0..90_000).map(|n| format!("\"m{n}\":{n}")).collect();
    let long = members.join(",");
    let documents = [
        (
            "hive",
            format!(
                r#"{{"event_id":"e","timestamp":"2026-11-20T10:00:00","event_type":"PostToolUse","payload":{{{long},"success":true,"message":1,"error":"x"}}}}"#
            ),
        ),
        (
            "hive",
            format!(
                r#"{{"event_id":"e","timestamp":"2026-11-20T10:00:00","event_type":"PreToolUse",{long}}}"#
            ),
        ),
        (
            "hive",
            format!(
                r#"{{"event_id":"e","timestamp":"2026-11-20T10:00:00","event_type":"PreToolUse","metadata":{{"annals":{{{long}}}}}}}"#
            ),
        ),
        ("kernel", format!(r#"{{"AgentStarted":{{{long},"id":"x"}}}}"#)),
        (
            "agentos",
            format!(
                r#"{{"event_id":"e","event_type":"finance.usage_recorded","occurred_at":"2026-11-20T10:00:00Z","data":{{{long},"prompt_tokens":1}},{}}}"#,
                long.replace("\"m", "\"n")
            ),
        ),
    ];
    for (dialect, document) in documents {
        let envelope = stored(&read(dialect, &document).unwrap());
        let written = write(dialect, &envelope).unwrap();
        assert_eq!(written.len(), document.len(), "{dialect}");
    }
}
