//! The law (as it came), identities, where events go, and our own events as CloudEvents.

use proptest::prelude::*;

use super::*;
use crate::dialect::translation::same::is_same;
use crate::id::{EventId, WorkspaceId};
use crate::json::{Json, member};
use crate::time::Timestamp;

const WORKSPACE: &str = "w1";

fn draft_of(document: &str) -> Result<Draft, ForeignFault> {
    let workspace_id = WorkspaceId::parse(WORKSPACE).unwrap();
    let catalog = Catalog::builtin().unwrap();
    let context = ForeignContext {
        workspace_id: &workspace_id,
        catalog: &catalog,
        received_at: Timestamp::from_micros(0),
    };
    let json = Json::parse(document.as_bytes()).unwrap();
    CloudEvents::one().unwrap().read(json.as_str(), &context)
}

fn written(draft: &Draft) -> String {
    let catalog = Catalog::builtin().unwrap();
    let out = CloudEvents::one().unwrap().write(&draft.to_json(), &catalog).unwrap();
    Json::parse(out.as_bytes()).unwrap().into_string()
}

/// Reads and writes a document, and says what came of it in between.
fn check(document: &str) -> Draft {
    let draft = draft_of(document).unwrap_or_else(|fault| panic!("{fault}: {document}"));
    let json = Json::parse(document.as_bytes()).unwrap();
    let back = written(&draft);
    assert!(is_same(json.as_str(), &back), "{document}\n{back}");
    assert_eq!(draft.origin.raw, None);
    draft
}

fn with(members: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"a 1","source":"https://example.com/s","type":"com.example.t"{members}}}"#
    )
}

/// Who did it.
fn parties(draft: &Draft) -> (&str, &str) {
    (draft.actor.actor_type.as_str(), draft.actor.actor_id.as_str())
}

#[test]
fn a_cloud_event_comes_back_as_it_came() {
    for members in [
        "",
        r#","data":null"#,
        r#","data":{"a":1.50,"b":[true,null,0],"c":"\u00e9"}"#,
        r#","data":"text","datacontenttype":"text/plain; charset=utf-8""#,
        r#","data":"<a/>","datacontenttype":"application/xml","subject":null,"time":null,"ext":null"#,
        r#","data_base64":"AAEC","datacontenttype":"application/octet-stream""#,
        r#","data_base64":"""#,
        r#","data_base64":null"#,
        r#","data_base64":null,"data":3"#,
        r#","data":{"$bin":"AAEC"}"#,
        r#","data":{"$bin":"?"}"#,
        r#","data":{"$bin":"AAEC","a":1}"#,
        r#","time":"2018-04-05T17:31:00Z","subject":"a b","dataschema":"https://example.com/x#y","sequence":"001""#,
        r#","time":"2018-04-05T17:31:00.000000Z","ext1":5,"ext2":false,"ext3":"","traceparent":"no trace""#,
        r#","runid":"r1","roomid":"","actorid":"a","streamtype":"UPPER","streamid":"x","zone":"moon","eventversion":0"#,
    ] {
        check(&with(members));
    }
    check(&with("").replace("com.example.t", "a type with spaces ✓"));
    check(&with("").replace("com.example.t", "annals.lagged"));
    check(&with("").replace("\"1.0\"", "\"1.1\""));
    check(&with("").replace("https://example.com/s", "."));
    check(&with("").replace("https://example.com/s", &"x".repeat(300)));
}

#[test]
fn attributes_find_their_places_in_the_envelope() {
    let members = r#","subject":"s","time":"2018-04-05T19:31:00.1+02:00","datacontenttype":"application/json","ext":7,"data":{"a":1}"#;
    let draft = check(&with(members));
    assert_eq!(draft.event_type.as_str(), "com.example.t");
    assert_eq!(draft.occurred_at.unwrap().to_string(), "2018-04-05T17:31:00.100000Z");
    assert_eq!(parties(&draft), ("service", "https://example.com/s"));
    assert_eq!(draft.stream.to_string(), "source/https://example.com/s");
    assert_eq!(draft.data, r#"{"a":1}"#);
    let extensions = draft.extensions.as_deref().unwrap();
    assert_eq!(member(extensions, "ext"), Some("7"));
    assert_eq!(member(extensions, "subject"), Some("\"s\""));
    assert_eq!(draft.origin.id.as_deref(), Some("a 1"));
    assert_eq!((draft.origin.origin_type, draft.correlation_id), (None, None));
}

#[test]
fn a_trace_is_the_correlation_and_else_what_says_so() {
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let traceparent = format!(r#","traceparent":"00-{trace}-b7ad6b7169203331-01""#);
    let correlation = |members: &str| check(&with(members)).correlation_id.map(|id| id.to_string());
    assert_eq!(correlation(&traceparent).as_deref(), Some(trace));
    let both = format!(r#"{traceparent},"correlationid":"c1""#);
    assert_eq!(correlation(&both).as_deref(), Some(trace));
    assert_eq!(correlation(r#","correlationid":"c1","traceparent":"00-0""#).as_deref(), Some("c1"));
    assert_eq!(correlation(r#","correlationid":"""#), None);
}

#[test]
fn units_of_work_are_named_by_attributes() {
    let draft = check(&with(
        r#","runid":"r1","actortype":"agent","actorid":"a1","causationid":"c","idempotencykey":"k""#,
    ));
    assert_eq!(draft.stream.to_string(), "run/r1");
    assert_eq!(parties(&draft), ("agent", "a1"));
    assert_eq!(draft.causation_id.unwrap().as_str(), "c");
    assert_eq!(draft.idempotency_key.unwrap().as_str(), "k");
    let draft = check(&with(r#","runid":"r1","roomid":"m1""#));
    assert_eq!(
        (draft.stream.to_string().as_str(), draft.scope.run_id.unwrap().as_str()),
        ("room/m1", "r1")
    );
    let draft = check(&with(r#","streamtype":"room","streamid":"m1""#));
    assert_eq!(draft.scope.room_id.unwrap().as_str(), "m1");
    let draft = check(&with(r#","streamtype":"thing","streamid":"t1","runid":"r1""#));
    assert_eq!(draft.stream.to_string(), "thing/t1");
}

#[test]
fn known_types_go_to_the_stream_of_their_unit() {
    let started = with(r#","data":{"run_id":"r9"}"#).replace("com.example.t", "run.started");
    let draft = check(&started);
    assert_eq!(
        (draft.stream.to_string().as_str(), draft.scope.run_id.unwrap().as_str()),
        ("run/r9", "r9")
    );
    let control = with(r#","data":{"token_id":"t"}"#).replace("com.example.t", "token.revoked");
    assert_eq!(check(&control).event_type.as_str(), "token.revoked");
}

#[test]
fn types_outside_the_grammar_and_our_own_frames_are_foreign() {
    for name in ["a b", "annals.lagged", "ä"] {
        let draft = check(&with("").replace("com.example.t", name));
        assert_eq!(draft.event_type.as_str(), "foreign.event");
        assert_eq!(draft.origin.origin_type.as_deref(), Some(name));
    }
}

/// Persisted: the ids of events that are kept must not change.
#[test]
fn the_identity_is_the_workspace_the_source_and_the_id() {
    let workspace = |id| WorkspaceId::parse(id).unwrap();
    let id = event_id(&workspace("w1"), "/s", "1");
    assert_eq!(id.to_string(), "f879b7d2-d97e-8b5c-82bc-1329b2936d37");
    for other in [
        event_id(&workspace("w2"), "/s", "1"),
        event_id(&workspace("w1"), "/s1", ""),
        event_id(&workspace("w1"), "/", "s1"),
        event_id(&workspace("w1/"), "s", "1"),
    ] {
        assert_ne!(other, id);
    }
    let own = "0190a6a1-0000-7000-8000-000000000001";
    assert_eq!(event_id(&workspace("w1"), "annals:w1", own), EventId::parse(own).unwrap());
    assert_ne!(event_id(&workspace("w1"), "/s", own), EventId::parse(own).unwrap());
    assert_eq!(
        check(&with("")).event_id,
        Some(event_id(&workspace(WORKSPACE), "https://example.com/s", "a 1"))
    );
}

/// A stored event of ours, as readers get it.
const OURS: &str = r#"{"position":7,"event_id":"0190a6a1-0000-7000-8000-000000000001","event_type":"tool.invoked","event_version":2,"occurred_at":"2026-01-31T09:30:00.250000Z","recorded_at":"2026-01-31T09:30:01.000000Z","workspace_id":"my ws","run_id":"r1","actor":{"actor_type":"agent","actor_id":"a1"},"actor_principal_id":"p1","zone":"sandbox","stream":{"stream_type":"run","stream_id":"r1","stream_seq":3},"correlation_id":"c1","idempotency_key":"k1","authority":"observed","redaction_level":"none","contains_secrets":false,"data":{"tool_call_id":"t1","tool_name":"Bash","input":{"n":1.0}},"model_context":{"model":"m"},"extensions":{"x":{"y":"\u0085\ufffe"}},"prev_event_hash":null,"event_hash":"00"}"#;

#[test]
fn our_own_events_go_out_and_come_back_with_all_that_a_sender_says() {
    let catalog = Catalog::builtin().unwrap();
    let out = CloudEvents::one().unwrap().write(OURS, &catalog).unwrap();
    let of = |name: &str| member(&out, name).unwrap_or_default();
    assert_eq!(of("source"), r#""annals:my%20ws""#);
    assert_eq!(of("sequence"), r#""00000000000000000007""#);
    let draft = check(&out);
    assert_eq!(draft.event_id.unwrap().to_string(), "0190a6a1-0000-7000-8000-000000000001");
    assert_eq!((draft.event_type.as_str(), draft.event_version), ("tool.invoked", 2));
    assert_eq!(draft.stream.to_string(), "run/r1");
    assert_eq!(parties(&draft), ("agent", "a1"));
    assert_eq!(draft.scope.run_id.unwrap().as_str(), "r1");
    assert_eq!(draft.zone.as_str(), "sandbox");
    assert_eq!(draft.correlation_id.unwrap().as_str(), "c1");
    assert_eq!(draft.idempotency_key.unwrap().as_str(), "k1");
    assert_eq!(draft.data, r#"{"tool_call_id":"t1","tool_name":"Bash","input":{"n":1.0}}"#);
    assert_eq!(draft.model_context.as_deref(), Some(r#"{"model":"m"}"#));
}

#[test]
fn every_type_of_the_catalog_goes_out_as_a_cloud_event_and_comes_back() {
    let catalog = Catalog::builtin().unwrap();
    for entry in catalog.entries() {
        let data = entry.example.as_deref().unwrap_or("null");
        let ours = OURS.replace("tool.invoked", &entry.event_type);
        let start = ours.find(r#""data":"#).unwrap() + 7;
        let end = ours.find(r#","model_context""#).unwrap();
        let ours = format!("{}{data}{}", &ours[..start], &ours[end..]);
        let ours = Json::parse(ours.as_bytes()).unwrap();
        let out = CloudEvents::one().unwrap().write(ours.as_str(), &catalog).unwrap();
        let draft = check(&out);
        assert_eq!(draft.event_type.as_str(), entry.event_type, "{out}");
        assert!(
            is_same(&draft.data, member(ours.as_str(), "data").unwrap()),
            "{out}\n{}",
            draft.data
        );
    }
}

#[test]
fn a_redacted_event_says_so() {
    let redacted = r#"{"event_id":"0190a6a1-0000-7000-8000-000000000001","event_type":"t.u","event_version":1,"occurred_at":"2026-01-31T09:30:00.250000Z","workspace_id":"w1","actor":{"actor_type":"service","actor_id":"/s"},"zone":"supervised","stream":{"stream_type":"source","stream_id":"/s"},"correlation_id":"c1","data":null,"origin":{"dialect":"cloudevents"},"redaction":{"reason":"r"}}"#;
    let out = CloudEvents::one().unwrap().write(redacted, &Catalog::builtin().unwrap()).unwrap();
    assert_eq!(member(&out, "redaction"), Some(r#""{\"reason\":\"r\"}""#));
    assert_eq!(member(&out, "source"), Some(r#""annals:w1""#));
    check(&out);
}

fn json_value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("false".to_owned()),
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
        any::<String>().prop_map(|text| crate::dialect::translation::parts::quoted(&text)),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::btree_map("[a-z$]{0,4}", inner, 0..4).prop_map(|members| {
                let members: Vec<_> =
                    members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

fn attribute_text() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| {
        text.chars().filter(|character| !grammar::is_disallowed(*character)).collect()
    })
}

fn attribute_value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|flag| flag.to_string()),
        any::<i32>().prop_map(|number| number.to_string()),
        attribute_text().prop_map(|text| crate::dialect::translation::parts::quoted(&text)),
    ]
}

prop_compose! {
    fn document()(
        id in attribute_text().prop_filter("an id is not empty", |id| !id.is_empty()),
        source in "(https?://[a-z]{1,5}(:[0-9]{0,4})?)?/[a-z0-9%20]{0}[a-z/.-]{0,12}(\\?[a-z=&]{0,5})?(#[a-z]{0,3})?",
        event_type in "[a-z.]{1,20}|[a-z ]{1,9}",
        time in proptest::option::of("20[0-9]{2}-0[1-9]-1[0-9]T0[0-9]:[0-5][0-9]:00(\\.[0-9]{1,9})?(Z|[+-]0[0-9]:30)"),
        extensions in proptest::collection::btree_map("x[a-z0-9]{0,20}", attribute_value(), 0..6),
        named in proptest::collection::btree_map(
            proptest::sample::select(vec!["runid", "roomid", "actorid", "actortype", "streamtype", "streamid", "zone", "eventversion", "traceparent", "correlationid", "policycontext", "eventtype"]),
            attribute_value(), 0..5),
        data in prop_oneof![
            Just(None),
            json_value().prop_map(|value| Some(("data", value))),
            proptest::collection::vec(any::<u8>(), 0..20).prop_map(|bytes| Some(("data_base64", format!("\"{}\"", STANDARD.encode(bytes))))),
        ],
    ) -> String {
        let mut parts = crate::dialect::translation::parts::Parts::default();
        let quoted = crate::dialect::translation::parts::quoted;
        parts.insert("specversion", quoted("1.0"));
        parts.insert("id", quoted(&id));
        parts.insert("source", quoted(&source));
        parts.insert("type", quoted(&event_type));
        if let Some(time) = &time {
            parts.insert("time", quoted(time));
        }
        for (name, value) in &extensions {
            parts.insert(name, value.clone());
        }
        for (name, value) in &named {
            parts.insert(name, value.clone());
        }
        if let Some((name, value)) = data {
            parts.insert(name, value);
        }
        parts.to_text()
    }
}

proptest! {
    #[test]
    fn every_cloud_event_comes_back_as_it_came(document in document()) {
        check(&document);
    }

    #[test]
    fn every_cloud_event_has_a_binary_form_that_means_the_same(document in document()) {
        let message = BinaryMessage::of_document(&document).unwrap().expect("no content type is stated");
        let headers = message.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let content_type = message.content_type.iter().map(|value| ("content-type", value.as_bytes()));
        let back = document_of_headers(headers.chain(content_type), &message.body).unwrap();
        let again = BinaryMessage::of_document(&back).unwrap().unwrap();
        // An empty body says nothing of what it was.
        prop_assert_eq!(again.body, message.body);
        let sorted = |mut headers: Vec<(String, String)>| { headers.sort(); headers };
        prop_assert_eq!(sorted(again.headers), sorted(message.headers));
        check(&back);
    }

    #[test]
    fn no_text_breaks_the_reader(text in "\\{[ -~]{0,60}\\}") {
        if let Ok(json) = Json::parse(text.as_bytes()) {
            let _ = draft_of(json.as_str());
        }
    }
}
