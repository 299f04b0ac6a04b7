//! The hooks dialect: what agents say at their events means the same as elsewhere, and goes out again
//! exactly as it came.
#![cfg(test)]

use annals_core::catalog::Catalog;
use annals_core::dialect::hooks::Hooks;
use annals_core::dialect::{ForeignContext, ForeignFault, ForeignReader, ForeignWriter};
use annals_core::envelope::{ActorType, Draft};
use annals_core::id::WorkspaceId;
use annals_core::json::{self, JsonLimits};
use annals_core::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

fn read(document: &str) -> Result<Draft, ForeignFault> {
    let workspace_id = WorkspaceId::parse("ws_1").unwrap();
    let catalog = Catalog::builtin().unwrap();
    let received_at = Timestamp::parse("2026-11-20T10:00:00Z").unwrap().at;
    let mut compact = Vec::new();
    json::compact(document.as_bytes(), &mut compact, &JsonLimits::EVENT).unwrap();
    let compact = String::from_utf8(compact).unwrap();
    let context = ForeignContext { workspace_id: &workspace_id, catalog: &catalog, received_at };
    Hooks::new().unwrap().read(&compact, &context)
}

/// The event as a reader gets it: the server has added the time where there was none.
fn stored(draft: &Draft) -> String {
    let mut draft = draft.clone();
    draft.occurred_at = draft.occurred_at.or(Some(Timestamp::from_micros(1_000_000)));
    let dialect = format!(r#""dialect":"hooks","type":{}"#, json!(draft.origin.origin_type));
    let time = draft.origin.time.as_ref().map(|time| format!(r#","time":{}"#, json!(time)));
    let origin =
        format!(r#","workspace_id":"ws_1","origin":{{{dialect}{}}}}}"#, time.unwrap_or_default());
    let mut plain = draft.clone();
    plain.origin = annals_core::envelope::Origin::default();
    let envelope = plain.to_json();
    format!("{}{origin}", envelope.strip_suffix('}').unwrap())
}

fn written(draft: &Draft) -> Option<String> {
    Hooks::new().unwrap().write(&stored(draft), &Catalog::builtin().unwrap())
}

fn data(draft: &Draft) -> Value {
    serde_json::from_str(&draft.data).unwrap()
}

/// Whether two documents are the same, number texts included.
fn assert_same(one: &str, other: &str) {
    let exact = |text: &str| -> Value {
        // A number becomes a string of its text, so that 1.0 and 1 differ.
        let mut out = String::new();
        quote_numbers(text, &mut out);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {text}"))
    };
    assert_eq!(exact(one), exact(other), "\n{one}\n{other}");
}

fn quote_numbers(text: &str, out: &mut String) {
    let mut rest = text.char_indices().peekable();
    let mut in_string = false;
    while let Some((_, character)) = rest.next() {
        match character {
            '\\' if in_string => {
                out.push(character);
                out.extend(rest.next().map(|(_, escaped)| escaped));
            }
            '"' => {
                in_string = !in_string;
                out.push(character);
            }
            '-' | '0'..='9' if !in_string => {
                out.push_str("\"#");
                out.push(character);
                while let Some((_, next)) = rest
                    .next_if(|(_, next)| matches!(next, '0'..='9' | '.' | 'e' | 'E' | '+' | '-'))
                {
                    out.push(next);
                }
                out.push('"');
            }
            character => out.push(character),
        }
    }
}

#[test]
fn every_fixture_goes_out_as_it_came_in() {
    let fixtures = include_str!("fixtures/dialects/hooks.ndjson");
    let (mut bytes, mut residue) = (0, 0);
    for line in fixtures.lines() {
        let draft = read(line).unwrap_or_else(|fault| panic!("{fault}: {line}"));
        let written = written(&draft).unwrap_or_else(|| panic!("it has no form: {line}"));
        assert_same(line, &written);
        assert_eq!(draft.origin.raw, None);
        bytes += line.len();
        let extensions: Value =
            serde_json::from_str(draft.extensions.as_deref().unwrap_or("{}")).unwrap();
        let differences = &extensions["translation"]["differences"];
        assert!(differences.is_null(), "{differences}\n{line}");
        residue += draft.extensions.as_ref().map_or(0, String::len);
    }
    println!("hooks: {bytes} bytes, of which {residue} are in extensions and none in origin.raw");
}

#[test]
fn every_payload_fits_the_schema_of_its_type() {
    let catalog = Catalog::builtin().unwrap();
    for line in include_str!("fixtures/dialects/hooks.ndjson").lines() {
        let draft = read(line).unwrap();
        let entry = catalog.entry(draft.event_type.as_str()).unwrap();
        let schema: Value = serde_json::from_str(entry.schema.as_deref().unwrap_or("{}")).unwrap();
        let data = data(&draft);
        for required in schema["required"].as_array().into_iter().flatten() {
            let name = required.as_str().unwrap();
            assert!(!data[name].is_null(), "{} lacks {name}: {line}", draft.event_type);
        }
    }
}

#[test]
fn a_tool_call_is_joined_by_its_id_and_belongs_to_the_sub_agent_that_made_it() {
    let of = |event: &str, rest: &str| {
        read(&format!(
            r#"{{"agent":"claude-code","payload":{{"session_id":"s1","hook_event_name":"{event}","agent_id":"a1","tool_name":"Bash","tool_input":{{"command":"ls"}},"tool_use_id":"toolu_1"{rest}}}}}"#
        ))
        .unwrap()
    };
    let begin = of("PreToolUse", "");
    assert_eq!(begin.event_type.as_str(), "tool.invoked");
    assert_eq!(begin.scope.run_id.as_ref().unwrap().as_str(), "s1");
    assert_eq!(begin.actor.actor_id.as_str(), "claude-code/a1");
    assert_eq!(begin.stream.to_string(), "run/s1");
    assert_eq!(data(&begin)["tool_call_id"], "toolu_1");
    assert_eq!(data(&begin)["title"], "ls");
    let end = of("PostToolUse", r#","tool_response":{"stdout":""},"duration_ms":7"#);
    assert_eq!(end.event_type.as_str(), "tool.succeeded");
    assert_eq!(data(&end)["tool_call_id"], "toolu_1");
    let failed = of("PostToolUse", r#","tool_response":{"is_error":true}"#);
    assert_eq!(failed.event_type.as_str(), "tool.failed");
    let failed = of("PostToolUseFailure", r#","error":"no such file","is_interrupt":false"#);
    assert_eq!(
        (failed.event_type.as_str(), &data(&failed)["message"]),
        ("tool.failed", &json!("no such file"))
    );
}

#[test]
fn agents_without_ids_of_calls_get_them_from_the_stamp_or_from_what_the_call_is_about() {
    let of = |event: &str, stamp: &str| {
        read(&format!(
            r#"{{"agent":"gemini"{stamp},"payload":{{"session_id":"s1","hook_event_name":"{event}","tool_name":"ls","tool_input":{{"path":"."}},"tool_response":{{}}}}}}"#
        ))
        .unwrap()
    };
    let (begin, end) = (of("BeforeTool", ""), of("AfterTool", ""));
    assert_eq!(data(&begin)["tool_call_id"], data(&end)["tool_call_id"]);
    let counted = of("AfterTool", r#","call":"hook-1-2""#);
    assert_eq!(data(&counted)["tool_call_id"], "hook-1-2");
}

#[test]
fn a_person_asks_and_an_agent_begins_and_ends() {
    let of = |event: &str, rest: &str| {
        read(&format!(
            r#"{{"agent":"claude-code","payload":{{"session_id":"s1","hook_event_name":"{event}"{rest}}}}}"#
        ))
        .unwrap()
    };
    let prompt = of("UserPromptSubmit", r#","prompt":"why?""#);
    assert_eq!(prompt.event_type.as_str(), "message.created");
    assert_eq!(
        (prompt.actor.actor_type, prompt.actor.actor_id.as_str()),
        (ActorType::User, "user")
    );
    assert_eq!(data(&prompt)["content_md"], "why?");
    assert_eq!(of("SessionStart", r#","source":"startup""#).event_type.as_str(), "run.started");
    assert_eq!(of("SessionEnd", r#","reason":"other""#).event_type.as_str(), "run.completed");
    let started = of("SubagentStart", r#","agent_id":"a1","agent_type":"Explore""#);
    assert_eq!(started.event_type.as_str(), "agent.started");
    assert_eq!(data(&started)["agent_id"], "claude-code/a1");
    assert_eq!(data(&started)["parent_agent_id"], "claude-code");
    let stopped = of("Stop", "");
    assert_eq!(data(&stopped)["agent_id"], "claude-code");
    assert_eq!(of("StopFailure", r#","error":"overloaded""#).event_type.as_str(), "agent.stopped");
}

#[test]
fn a_model_call_counts_cached_tokens_once() {
    let draft = read(
        r#"{"agent":"gemini","payload":{"session_id":"s1","hook_event_name":"AfterModel","llm_request":{"model":"gemini-3-pro"},
            "llm_response":{"usageMetadata":{"promptTokenCount":800,"cachedContentTokenCount":300,"candidatesTokenCount":9,"thoughtsTokenCount":2}}}}"#,
    )
    .unwrap();
    let data = data(&draft);
    assert_eq!(data["model"], "gemini-3-pro");
    assert_eq!(
        data["usage"],
        json!({"input_tokens": 500, "output_tokens": 11, "cache_read_tokens": 300, "cache_write_tokens": 0})
    );
}

#[test]
fn what_is_not_known_is_kept_whole() {
    let unknown = read(
        r#"{"agent":"claude-code","payload":{"session_id":"s1","hook_event_name":"New","x":1.0}}"#,
    );
    let unknown = unknown.unwrap();
    assert_eq!(unknown.event_type.as_str(), "foreign.event");
    assert_eq!(unknown.data, r#"{"session_id":"s1","hook_event_name":"New","x":1.0}"#);
    assert_eq!(unknown.origin.origin_type.as_deref(), Some("claude-code/New"));
    assert_eq!(unknown.scope.run_id.as_ref().unwrap().as_str(), "s1");
    let broken = read(r#"{"agent":"codex","payload":"{\"cut"}"#).unwrap();
    assert_eq!(
        (broken.event_type.as_str(), broken.data.as_str()),
        ("foreign.event", r#""{\"cut""#)
    );
}

#[test]
fn what_is_no_document_is_refused_by_name() {
    for (document, pointer) in [
        ("[]", None),
        (r#"{"payload":{}}"#, Some("/agent")),
        (r#"{"agent":"codex"}"#, Some("/payload")),
        (r#"{"agent":"Codex!","payload":{}}"#, Some("/agent")),
        (r#"{"agent":"codex","received_at":"yesterday","payload":{}}"#, Some("/received_at")),
        (r#"{"agent":"codex","received_at":7,"payload":{}}"#, Some("/received_at")),
    ] {
        assert_eq!(read(document).unwrap_err().pointer(), pointer, "{document}");
    }
}

#[test]
fn an_event_of_another_door_goes_out_as_the_hook_that_would_tell_it() {
    let envelope = r#"{"event_type":"tool.invoked","occurred_at":"2026-11-20T10:00:00.000000Z","workspace_id":"ws_1","run_id":"r1","actor":{"actor_type":"agent","actor_id":"a"},"data":{"tool_call_id":"t1","tool_name":"Bash","input":{"command":"ls"}}}"#;
    let written = Hooks::new().unwrap().write(envelope, &Catalog::builtin().unwrap()).unwrap();
    let document: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(document["agent"], "claude-code");
    assert_eq!(
        document["payload"],
        json!({"session_id": "r1", "tool_use_id": "t1", "tool_input": {"command": "ls"},
            "tool_name": "Bash", "hook_event_name": "PreToolUse"})
    );
    let none =
        r#"{"event_type":"lease.granted","occurred_at":"2026-11-20T10:00:00.000000Z","data":{}}"#;
    assert_eq!(Hooks::new().unwrap().write(none, &Catalog::builtin().unwrap()), None);
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("false".to_owned()),
        Just("0".to_owned()),
        Just("-1.50e3".to_owned()),
        Just("{}".to_owned()),
        "[a-z\\n\"]{0,8}".prop_map(|text| json!(text).to_string()),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3)
                .prop_map(|all| format!("[{}]", all.join(","))),
            prop::collection::btree_map("[a-z_]{1,6}", inner, 0..3).prop_map(|all| {
                let all: Vec<_> =
                    all.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", all.join(","))
            }),
        ]
    })
}

fn document() -> impl Strategy<Value = String> {
    let events = Catalog::builtin().unwrap();
    let names: Vec<String> = events
        .entries()
        .iter()
        .flat_map(|entry| entry.spellings("hooks").iter().map(|spelling| spelling.name.clone()))
        .chain(["claude-code/Unknown".to_owned()])
        .collect();
    let member = prop::sample::select(vec![
        "session_id",
        "conversation_id",
        "sessionId",
        "agent_id",
        "subagent_id",
        "subagentName",
        "tool_name",
        "tool_input",
        "tool_use_id",
        "tool_response",
        "toolResult",
        "tool_call_id",
        "input",
        "output",
        "message",
        "error",
        "reason",
        "prompt",
        "content_md",
        "status",
        "sender_type",
        "kind",
        "title",
        "model",
        "llm_request",
        "llm_response",
        "source",
        "extra",
        "duration",
        "duration_ms",
        "success",
        "name",
        "agentName",
    ]);
    let payload = prop::collection::btree_map(member, value(), 0..6);
    let stamp = prop::collection::btree_map(
        prop::sample::select(vec!["host", "seq", "call", "idempotency_key", "note"]),
        value(),
        0..3,
    );
    (prop::sample::select(names), payload, stamp, any::<bool>()).prop_map(
        |(name, payload, stamp, beside)| {
            let (agent, event) = name.split_once('/').unwrap();
            let mut members: Vec<String> =
                payload.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
            let mut outer: Vec<String> =
                stamp.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
            match beside {
                true => outer.push(format!("\"event\":\"{event}\"")),
                false => members.push(format!("\"hook_event_name\":\"{event}\"")),
            }
            outer.push(format!("\"agent\":\"{agent}\",\"payload\":{{{}}}", members.join(",")));
            format!("{{{}}}", outer.join(","))
        },
    )
}

proptest! {
    #[test]
    fn any_document_goes_out_as_it_came_in(document in document()) {
        let draft = read(&document).unwrap();
        let written = written(&draft);
        prop_assert!(written.is_some(), "{document}");
        assert_same(&document, &written.unwrap());
    }
}
