//! What items mean: runs, calls and figures, whoever sent them.

use annals_core::dialect::otlp::OTLP;
use serde_json::{Value, json};

use super::requests::{PARENT, SPAN, TRACE, facts, log, span, types};
use crate::fixtures::{catalog, documents, stored, write};

#[test]
fn a_model_call_is_two_facts_of_one_call_with_its_figures() {
    let attributes = json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5.1", "gen_ai.response.model": "gpt-5.1-2026",
        "gen_ai.response.id": "chatcmpl-1", "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 1200, "gen_ai.usage.cache_read.input_tokens": 1024,
        "gen_ai.usage.output_tokens": 47, "gen_ai.conversation.id": "conv-1",
        "gen_ai.agent.name": "Weather",
    });
    let facts = facts(&span("trip", "chat gpt-5.1", attributes, json!({})));
    let [(begin, began), (end, ended)] = facts.as_slice() else { panic!("{facts:?}") };
    assert_eq!(begin.event_type.as_str(), "model.invoked");
    assert_eq!(end.event_type.as_str(), "model.completed");
    assert_eq!(begin.occurred_at.unwrap().to_string(), "2026-09-21T14:13:20.000000Z");
    assert_eq!(end.occurred_at.unwrap().to_string(), "2026-09-21T14:13:21.500000Z");
    for (draft, data) in [(begin, began), (end, ended)] {
        assert_eq!(draft.scope.run_id.as_ref().unwrap().as_str(), "conv-1");
        assert_eq!(draft.stream.stream_type.as_str(), "run");
        assert_eq!(draft.actor.actor_id.as_str(), "Weather");
        assert_eq!(draft.correlation_id.as_ref().unwrap().as_str(), TRACE);
        assert_eq!(data["model_call_id"], "chatcmpl-1");
        assert_eq!(data["span_id"], SPAN);
        assert_eq!(data["parent_span_id"], PARENT);
        assert_eq!(data["provider"], "openai");
    }
    assert_eq!(began["model"], "gpt-5.1");
    assert_eq!(ended["model"], "gpt-5.1-2026");
    assert_eq!(ended["duration_ms"], 1500);
    assert_eq!(ended["stop_reason"], "stop");
    let usage = json!({"input_tokens": 176, "output_tokens": 47, "cache_read_tokens": 1024});
    assert_eq!(ended["usage"], usage);
}

#[test]
fn a_call_that_failed_says_why() {
    let attributes = json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "ls"});
    let failed = json!({"status": {"code": 2, "message": "no such place"}});
    let facts = facts(&span("trip", "execute_tool ls", attributes, failed));
    assert_eq!(facts[1].0.event_type.as_str(), "tool.failed");
    assert_eq!(facts[1].1["message"], "no such place");
    assert_eq!(facts[1].1["tool_call_id"], SPAN);
    let attributes = json!({"gen_ai.operation.name": "chat", "error.type": "overloaded"});
    let facts = self::facts(&span("trip", "chat", attributes, json!({"status": {"code": 2}})));
    assert_eq!(facts[1].0.event_type.as_str(), "model.failed");
    assert_eq!(facts[1].1["message"], "overloaded");
}

#[test]
fn a_root_without_a_conversation_is_a_run_and_within_one_it_is_an_agent() {
    let attributes = json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "A"});
    let root = json!({"parentSpanId": ""});
    let of_trace = span("trip", "invoke_agent A", attributes.clone(), root.clone());
    let facts = facts(&of_trace);
    assert_eq!(types(&of_trace), ["run.started", "run.completed"]);
    assert_eq!(facts[0].1["run_id"], TRACE);
    assert_eq!(facts[0].1["agent_name"], "A");
    let mut named = attributes.clone();
    named["gen_ai.conversation.id"] = json!("conv-1");
    assert_eq!(
        types(&span("trip", "invoke_agent A", named, root)),
        ["agent.started", "agent.stopped"]
    );
    let child = span("trip", "invoke_agent A", attributes, json!({"status": {"code": 2}}));
    let facts = self::facts(&child);
    assert_eq!(facts[1].0.event_type.as_str(), "agent.stopped");
    assert_eq!(facts[1].1["success"], false);
    assert_eq!(facts[1].1["agent_id"], facts[1].0.actor.actor_id.as_str());
}

/// Telemetry, hooks and transcript of one session are one run, and of one call one call.
#[test]
fn claude_code_is_the_same_run_agent_and_call_as_by_its_hooks() {
    let session = json!({"session.id": "s-1", "tool_use_id": "toolu_1", "tool_name": "Bash"});
    let tool = facts(&span("claude-code", "claude_code.tool", session.clone(), json!({})));
    let mut result = session.clone();
    result["success"] = json!("true");
    result["duration_ms"] = json!("31");
    let result = facts(&log("claude-code", "tool_result", result));
    for (draft, data) in tool.iter().chain(&result) {
        assert_eq!(draft.scope.run_id.as_ref().unwrap().as_str(), "s-1");
        assert_eq!(draft.actor.actor_id.as_str(), "claude-code");
        assert_eq!(data["tool_call_id"], "toolu_1");
    }
    assert_eq!(result[0].0.event_type.as_str(), "tool.succeeded");
    assert_eq!(result[0].1["duration_ms"], 31);
    let attributes =
        json!({"session.id": "s-1", "agent_id": "a1", "model": "m", "request_id": "r"});
    let facts = facts(&span("claude-code", "claude_code.llm_request", attributes, json!({})));
    assert_eq!(facts[1].0.actor.actor_id.as_str(), "claude-code/a1");
    assert_eq!(facts[1].1["model_call_id"], "r");
    assert_eq!(facts[1].1["request_id"], "r");
}

#[test]
fn claude_code_counts_its_cache_beside_the_input_and_states_its_cost() {
    for (micros, dollars, cost) in
        [(json!("41800"), json!("0.9"), 41_800), (Value::Null, json!(0.0021), 2_100)]
    {
        let mut attributes = json!({
            "session.id": "s-1", "event.sequence": 3, "model": "claude-opus-4-6",
            "request_id": "r", "input_tokens": "12", "output_tokens": "340",
            "cache_read_tokens": "20480", "cache_creation_tokens": "512",
            "cost_usd": dollars, "duration_ms": "4210",
        });
        if !micros.is_null() {
            attributes["cost_usd_micros"] = micros;
        }
        let facts = facts(&log("claude-code", "api_request", attributes));
        let (draft, data) = &facts[0];
        assert_eq!(draft.event_type.as_str(), "model.completed");
        assert_eq!(data["cost_micros"], cost);
        assert_eq!(data["duration_ms"], 4210);
        let usage = json!({"input_tokens": 12, "output_tokens": 340, "cache_read_tokens": 20480, "cache_write_tokens": 512});
        assert_eq!(data["usage"], usage);
    }
}

#[test]
fn codex_counts_its_cache_within_the_input() {
    let attributes = json!({
        "conversation.id": "c-1", "event.kind": "response.completed", "input_token_count": 9100,
        "cached_token_count": 8192, "output_token_count": 310, "reasoning_token_count": 192,
    });
    let facts = facts(&log("codex_cli_rs", "codex.sse_event", attributes));
    let (draft, data) = &facts[0];
    assert_eq!(draft.event_type.as_str(), "model.completed");
    assert_eq!(draft.scope.run_id.as_ref().unwrap().as_str(), "c-1");
    assert_eq!(draft.actor.actor_id.as_str(), "codex");
    let usage = json!({"input_tokens": 908, "output_tokens": 310, "cache_read_tokens": 8192, "reasoning_tokens": 192});
    assert_eq!(data["usage"], usage);
}

/// The sums of an agent span are those of the calls within it, so they are told as the agent's and
/// are figures of no call.
#[test]
fn what_an_agent_used_in_all_and_what_a_metric_says_are_no_calls() {
    let attributes = json!({
        "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "A",
        "gen_ai.usage.input_tokens": 97, "gen_ai.conversation.id": "c",
    });
    let facts = facts(&span("trip", "invoke_agent A", attributes, json!({})));
    assert!(facts.iter().all(|(draft, _)| draft.event_type.as_str().starts_with("agent.")));
    assert_eq!(facts[1].1["usage"]["input_tokens"], 97);
    let metrics = documents(OTLP).into_iter().filter(|one| one.starts_with("{\"resourceMetrics"));
    for document in metrics {
        assert_eq!(types(&document), ["metric.reported"]);
    }
}

#[test]
fn figures_that_contradict_each_other_are_kept_and_said() {
    let attributes = json!({
        "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 4,
        "gen_ai.usage.cache_read.input_tokens": 9000, "gen_ai.usage.output_tokens": 2,
        "gen_ai.usage.total_tokens": 9999,
    });
    let document = span("trip", "chat", attributes, json!({}));
    let facts = facts(&document);
    let kept: Value = serde_json::from_str(facts[1].0.extensions.as_ref().unwrap()).unwrap();
    assert_eq!(kept["otlp"]["contradictions"].as_array().unwrap().len(), 2);
    assert_eq!(facts[1].1["usage"]["total_tokens_stated"], 9999);
    assert_eq!(write(OTLP, &stored(&facts[1].0)).unwrap(), document);
}

#[test]
fn the_servers_side_of_a_call_is_no_second_call() {
    let attributes = json!({"mcp.method.name": "tools/call", "gen_ai.tool.name": "fetch"});
    let client = span("trip", "tools/call fetch", attributes.clone(), json!({"kind": 3}));
    assert_eq!(types(&client), ["tool.invoked", "tool.succeeded"]);
    let server = span("trip", "tools/call fetch", attributes, json!({"kind": "SPAN_KIND_SERVER"}));
    assert_eq!(types(&server), ["span.recorded"]);
    let ids = |document: &str| facts(document).last().unwrap().0.event_id;
    assert_ne!(ids(&client), ids(&server));
}

/// A decision that telemetry tells is told, not made. Only the registration of an agent has the name
/// of a control fact; the recorder keeps whatever a dialect tells as observed.
#[test]
fn no_item_sounds_like_a_decision_of_the_server() {
    let catalog = catalog();
    for document in documents(OTLP) {
        for (draft, _) in facts(&document) {
            let name = draft.event_type.as_str();
            let authority = catalog.authority(name).as_str();
            assert!(authority == "observed" || name == "agent.registered", "{name}");
        }
    }
}

#[test]
fn work_that_is_no_agents_is_in_no_run() {
    let facts = facts(&span("shop", "SELECT orders", json!({"db.system.name": "x"}), json!({})));
    let (draft, data) = &facts[0];
    assert_eq!(draft.scope.run_id, None);
    assert_eq!(draft.stream.stream_type.as_str(), "trace");
    assert_eq!(draft.stream.stream_id.as_str(), TRACE);
    assert_eq!(draft.actor.actor_type.as_str(), "service");
    assert_eq!(data["attributes"]["db.system.name"], "x");
    assert_eq!(data["resource"]["service.name"], "shop");
}
