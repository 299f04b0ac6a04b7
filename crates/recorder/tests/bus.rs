//! The in-process bus and its audit trail, as a program meets them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use annals_core::catalog::{AuditAction, Catalog};
use annals_core::dialect::writers;
use annals_core::envelope::{Actor, ActorType, Draft, StreamKey};
use annals_core::event::Event;
use annals_recorder::Recorder;
use annals_recorder::bus::{
    AgentId, AttachError, AuditTrail, DurableError, EventBus, KernelEvent, NotRecorded, Phase,
    RecvError, TrailCounts, TrailEnded, TrailOptions, TryRecvError,
};
use annals_recorder::config::RecorderConfig;
use annals_store::query::{PageLimit, Query};
use serde_json::{Value, json};

fn agent() -> AgentId {
    AgentId::from_u128(0x4f8e_2a10_6a3d_4b1e_9c57_d0a3_f6b2_c481)
}

fn created(name: &str) -> KernelEvent {
    KernelEvent::AgentCreated { id: agent(), name: name.to_owned() }
}

fn recorder() -> Recorder {
    Recorder::open(RecorderConfig::in_memory()).unwrap()
}

fn with_trail() -> (Recorder, EventBus<KernelEvent>, AuditTrail) {
    let (recorder, bus) = (recorder(), EventBus::new(64));
    let trail = bus.attach_audit(&recorder, TrailOptions::named("kernel")).unwrap();
    (recorder, bus, trail)
}

/// Everything that is on the log of a recorder.
fn on_log(recorder: &Recorder) -> Vec<Event> {
    recorder.log().scan(&Query::default(), PageLimit::events(10_000)).unwrap().events
}

fn value(event: &Event) -> Value {
    serde_json::from_str(&event.to_json()).unwrap()
}

/// The event that the trail makes of one.
async fn recorded(event: KernelEvent) -> Value {
    let (_recorder, bus, trail) = with_trail();
    let receipt = bus.publish_durable(event).await.unwrap();
    trail.finish().await;
    value(&receipt.event)
}

fn all_events() -> Vec<KernelEvent> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../core/tests/fixtures/dialects/kernel.ndjson");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_bus_tells_how_it_is() {
    let bus = EventBus::<KernelEvent>::new(256);
    assert_eq!(bus.capacity(), 256);
    assert!(format!("{bus:?}").starts_with("EventBus"));
    assert_eq!(EventBus::<u8>::new(0).capacity(), 1);
}

#[test]
fn publishing_to_nobody_is_fine() {
    let bus = EventBus::new(16);
    let published = bus.publish(created("orphan")).unwrap();
    assert_eq!((published.subscribers, published.is_recorded), (0, false));
}

#[test]
fn every_listener_hears_every_event_and_clones_are_one_bus() {
    let bus = EventBus::new(16);
    let (mut first, mut second) = (bus.subscribe(), bus.clone().subscribe());
    assert_eq!(bus.subscriber_count(), 2);
    assert_eq!(bus.clone().publish(created("multi")).unwrap().subscribers, 2);
    for listener in [&mut first, &mut second] {
        assert_eq!(listener.try_recv(), Ok(created("multi")));
        assert_eq!(listener.try_recv(), Err(TryRecvError::Empty));
    }
    drop(first);
    assert_eq!(bus.subscriber_count(), 1);
    drop(bus);
    assert_eq!(second.try_recv(), Err(RecvError::Closed.into()));
}

#[tokio::test]
async fn a_slow_listener_is_told_how_much_it_missed() {
    let bus = EventBus::new(4);
    let mut listener = bus.subscribe();
    for number in 0..10 {
        bus.publish(number).unwrap();
    }
    assert_eq!(listener.recv().await, Err(RecvError::Lagged(6)));
    assert_eq!(listener.recv().await, Ok(6));
    assert_eq!(bus.lagged(), 6);
}

#[tokio::test]
async fn a_durable_event_is_on_the_log_before_anybody_hears_of_it() {
    let (recorder, bus, trail) = with_trail();
    let mut listener = bus.subscribe();
    let receipt = bus.publish_durable(created("first")).await.unwrap();
    assert_eq!(on_log(&recorder).len(), 1);
    assert_eq!(receipt.event.event_type(), "agent.registered");
    assert_eq!(listener.try_recv(), Ok(created("first")));
    let event = value(&receipt.event);
    // The bus has none of these; the trail gives them.
    for field in ["event_id", "occurred_at", "recorded_at", "workspace_id", "correlation_id"] {
        assert!(event[field].is_string(), "{field} in {event}");
    }
    assert_eq!(event["authority"], "observed", "a bus makes no decision of the log");
    let counts = trail.finish().await;
    assert_eq!(counts, TrailCounts { recorded: 1, ..TrailCounts::default() });
}

#[tokio::test]
async fn what_is_published_is_recorded_in_order_after_a_flush() {
    let (recorder, bus, trail) = with_trail();
    let mut listener = bus.subscribe();
    for number in 0..50 {
        assert!(bus.publish(created(&format!("agent-{number}"))).unwrap().is_recorded);
    }
    trail.flush().await.unwrap();
    let names: Vec<_> = on_log(&recorder)
        .iter()
        .map(|event| value(event)["data"]["display_name"].as_str().unwrap().to_owned())
        .collect();
    let mut heard = Vec::new();
    while let Ok(KernelEvent::AgentCreated { name, .. }) = listener.try_recv() {
        heard.push(name);
    }
    assert_eq!(names, heard);
    assert_eq!(names.len(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_publishers_are_recorded_in_the_order_that_listeners_hear() {
    let (recorder, bus) = (recorder(), EventBus::new(4_096));
    let trail = bus.attach_audit(&recorder, TrailOptions::named("kernel")).unwrap();
    let mut listener = bus.subscribe();
    let publishers = (0..4).map(|publisher| {
        let bus = bus.clone();
        std::thread::spawn(move || {
            for number in 0..250 {
                bus.publish(created(&format!("{publisher}-{number}"))).unwrap();
            }
        })
    });
    publishers.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());
    drop(bus);
    let counts = trail.finish().await;
    assert_eq!(counts, TrailCounts { recorded: 1_000, ..TrailCounts::default() });
    for event in on_log(&recorder) {
        let name = value(&event)["data"]["display_name"].as_str().unwrap().to_owned();
        assert_eq!(listener.recv().await, Ok(created(&name)));
    }
}

/// The trail of the system that this bus is like skipped what it could not follow, and its chain
/// verified all the same.
#[tokio::test]
async fn a_trail_that_cannot_follow_records_the_gap_with_its_count() {
    let (recorder, bus) = (recorder(), EventBus::new(64));
    let options = TrailOptions { queue_events_max: 4, ..TrailOptions::named("kernel") };
    let trail = bus.attach_audit(&recorder, options).unwrap();
    let mut listener = bus.subscribe();
    // Nothing is awaited, so the trail has no turn in between.
    let results: Vec<_> = (0..10).map(|n| bus.publish(created(&format!("agent-{n}")))).collect();
    assert!(results[..4].iter().all(Result::is_ok));
    assert!(results[4..].iter().all(|result| *result == Err(NotRecorded::QueueFull)));
    assert_eq!(trail.counts().waiting, 4);
    trail.flush().await.unwrap();
    bus.publish(created("later")).unwrap();
    trail.flush().await.unwrap();

    let events = on_log(&recorder);
    let types: Vec<_> = events.iter().map(|event| event.event_type().to_owned()).collect();
    assert_eq!(types[3..], ["agent.registered", "bus.gap_recorded", "agent.registered"]);
    let gap = value(&events[4]);
    assert_eq!(gap["data"]["dropped"], 6);
    assert_eq!(gap["data"]["reason"], "queue_full");
    assert_eq!(gap["stream"]["stream_id"], "kernel");
    assert!(gap["data"]["from"].as_str() <= gap["data"]["to"].as_str());
    assert_eq!(recorder.stats().snapshot().audit_lagged_events, 6);
    let counts = trail.finish().await;
    assert_eq!(counts, TrailCounts { recorded: 5, missing: 6, ..TrailCounts::default() });
    // Listeners are not the trail: they heard all of them.
    let heard = std::iter::from_fn(|| listener.try_recv().ok()).count();
    assert_eq!(heard, 11);
}

#[tokio::test]
async fn who_awaits_waits_for_room_and_makes_no_gap() {
    let (recorder, bus) = (recorder(), EventBus::new(64));
    let options = TrailOptions { queue_events_max: 1, ..TrailOptions::named("kernel") };
    let trail = bus.attach_audit(&recorder, options).unwrap();
    let waiting: Vec<_> = (0..20)
        .map(|number| {
            let bus = bus.clone();
            tokio::spawn(async move { bus.publish_durable(created(&format!("a-{number}"))).await })
        })
        .collect();
    for waiting in waiting {
        waiting.await.unwrap().unwrap();
    }
    assert_eq!(recorder.stats().snapshot().audit_lagged_events, 0);
    assert_eq!(trail.finish().await.recorded, 20);
}

fn bad_call() -> Draft {
    let actor = Actor { actor_type: ActorType::Agent, actor_id: "a".parse().unwrap() };
    let stream = StreamKey { stream_type: "run".parse().unwrap(), stream_id: "r".parse().unwrap() };
    Draft::new("tool.invoked".parse().unwrap(), actor, stream, "{\"tool_name\":7}".to_owned())
}

#[tokio::test]
async fn what_the_log_refuses_is_said_to_who_awaits_and_else_becomes_a_gap() {
    let (recorder, bus) = (recorder(), EventBus::<Draft>::new(64));
    let trail = bus.attach_audit(&recorder, TrailOptions::named("drafts")).unwrap();
    let mut listener = bus.subscribe();
    let refused = bus.publish_durable(bad_call()).await;
    assert!(matches!(refused, Err(DurableError::Refused(_))), "{refused:?}");
    assert_eq!(listener.try_recv(), Err(TryRecvError::Empty), "what is not kept is not told");
    assert!(on_log(&recorder).is_empty());

    bus.publish(bad_call()).unwrap();
    trail.flush().await.unwrap();
    let events = on_log(&recorder);
    let gap = value(&events[0]);
    assert_eq!((events.len(), &gap["data"]["reason"]), (1, &json!("refused")));
    assert!(gap["data"]["detail"].as_str().unwrap().contains("tool.invoked"), "{gap}");
    assert_eq!(trail.finish().await.missing, 1);
}

#[tokio::test]
async fn a_value_that_is_no_event_is_a_gap_too() {
    let (recorder, bus, trail) = with_trail();
    let published = bus.publish(KernelEvent::Unknown(json!(7)));
    assert!(matches!(published, Err(NotRecorded::NotAnEvent(_))), "{published:?}");
    trail.flush().await.unwrap();
    assert_eq!(value(&on_log(&recorder)[0])["data"]["reason"], "no_event");
    assert_eq!(trail.finish().await.missing, 1);
    assert!(bus.publish(KernelEvent::Unknown(json!(7))).is_err());
}

#[tokio::test]
async fn a_closed_recorder_is_said_to_the_publisher() {
    let (recorder, bus, trail) = with_trail();
    bus.publish(created("kept")).unwrap();
    trail.flush().await.unwrap();
    recorder.close().unwrap();
    let failed = bus.publish_durable(created("late")).await;
    assert_eq!(failed.err(), Some(DurableError::Ended(TrailEnded::RecorderClosing)));
    let published = bus.publish(created("later"));
    assert_eq!(published, Err(NotRecorded::Ended(TrailEnded::RecorderClosing)));
    assert!(bus.publish(KernelEvent::Unknown(json!(7))).is_err());
    assert_eq!(trail.flush().await, Err(TrailEnded::RecorderClosing));
    let counts = trail.finish().await;
    assert_eq!((counts.recorded, counts.lost), (1, 2));
}

#[tokio::test]
async fn the_end_of_a_bus_writes_what_waits_and_it_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = Recorder::open(RecorderConfig::at(dir.path())).unwrap();
    let bus = EventBus::new(64);
    let trail = bus.attach_audit(&recorder, TrailOptions::named("kernel")).unwrap();
    for number in 0..20 {
        bus.publish(created(&format!("agent-{number}"))).unwrap();
    }
    drop(bus);
    assert_eq!(trail.finish().await.recorded, 20);
    recorder.close().unwrap();
    let again = Recorder::open(RecorderConfig::at(dir.path())).unwrap();
    assert_eq!(on_log(&again).len(), 20);
    // A trail that is attached to a log with a past goes on after it.
    let bus = EventBus::new(64);
    let trail = bus.attach_audit(&again, TrailOptions::named("kernel")).unwrap();
    let receipt = bus.publish_durable(created("next")).await.unwrap();
    assert_eq!(receipt.event.position().get(), 21);
    trail.finish().await;
    again.close().unwrap();
}

#[tokio::test]
async fn a_bus_has_one_trail() {
    let (recorder, bus, trail) = with_trail();
    let again = bus.attach_audit(&recorder, TrailOptions::named("kernel"));
    assert_eq!(again.err(), Some(AttachError::AlreadyAttached));
    let other = EventBus::<KernelEvent>::new(1);
    let unnamed = other.attach_audit(&recorder, TrailOptions::named(""));
    assert!(matches!(unnamed, Err(AttachError::Name { .. })));
    let none = other.publish_durable(created("x")).await;
    assert_eq!(none.err(), Some(DurableError::NoTrail));
    trail.finish().await;
}

#[test]
fn a_trail_needs_a_runtime() {
    let attached =
        EventBus::<KernelEvent>::new(1).attach_audit(&recorder(), TrailOptions::named("kernel"));
    assert_eq!(attached.err(), Some(AttachError::NoRuntime));
}

#[tokio::test]
async fn every_kernel_event_is_recorded_and_goes_out_as_it_was() {
    let (recorder, bus) = (recorder(), EventBus::<KernelEvent>::new(256));
    let trail = bus.attach_audit(&recorder, TrailOptions::named("kernel")).unwrap();
    let catalog = Catalog::builtin().unwrap();
    let writer = writers().iter().find(|writer| writer.name == "kernel").unwrap();
    let mut variants = BTreeSet::new();
    for event in all_events() {
        let document = serde_json::to_value(&event).unwrap();
        let is_known = !matches!(event, KernelEvent::Unknown(_));
        let receipt = match bus.publish_durable(event).await {
            Ok(receipt) => receipt,
            Err(refused) => panic!("{refused}: {document}"),
        };
        let written = writer.writer.write(&receipt.event.to_json(), &catalog).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), document);
        assert_eq!(value(&receipt.event)["authority"], "observed", "{document}");
        if is_known {
            variants.insert(document.as_object().unwrap().keys().next().unwrap().clone());
        }
    }
    assert_eq!(variants.len(), 33, "{variants:?}");
    assert_eq!(trail.finish().await.missing, 0);
}

fn audit_action(event: &Value) -> AuditAction {
    let catalog = Catalog::builtin().unwrap();
    catalog.entry(event["event_type"].as_str().unwrap()).unwrap().audit
}

#[tokio::test]
async fn an_agent_that_fails_leaves_with_its_reason() {
    let event = recorded(KernelEvent::AgentFailed { id: agent(), error: "boom".to_owned() }).await;
    assert_eq!(audit_action(&event), AuditAction::AgentExit);
    assert_eq!(event["data"]["message"], "boom");
}

fn started() -> KernelEvent {
    KernelEvent::ToolExecutionStarted {
        session_id: "abc-123".to_owned(),
        tool_name: "bash".to_owned(),
        tool_call_id: "c1".to_owned(),
        tool_args: json!({"command": "ls"}),
        context: None,
    }
}

/// The structured actions were there and nothing used them: calls of tools were texts.
#[tokio::test]
async fn calls_of_tools_are_calls_and_results_in_an_audit() {
    assert_eq!(audit_action(&recorded(started()).await), AuditAction::ToolCall);
    for is_error in [false, true] {
        let finished = KernelEvent::ToolExecutionFinished {
            session_id: "abc-123".to_owned(),
            tool_call_id: "c1".to_owned(),
            tool_name: "bash".to_owned(),
            duration_ms: 234,
            is_error,
            output_summary: "done".to_owned(),
        };
        let event = recorded(finished).await;
        assert_eq!(audit_action(&event), AuditAction::ToolResult);
        assert_eq!(event["event_type"], if is_error { "tool.failed" } else { "tool.succeeded" });
        assert_eq!(event["data"]["duration_ms"], 234);
    }
    let stored = KernelEvent::MemoryStored {
        id: "m1".to_owned(),
        memory_type: "fact".to_owned(),
        source: "agent".to_owned(),
    };
    assert_eq!(audit_action(&recorded(stored).await), AuditAction::MemoryWrite);
    let recalled = KernelEvent::MemoryRecalled { query: "rust".to_owned(), count: 3 };
    assert_eq!(audit_action(&recorded(recalled).await), AuditAction::MemoryRead);
}

/// The test of this name asked for the action and never for the actor.
#[tokio::test]
async fn who_did_it_is_found_by_agent_and_by_session() {
    let event = recorded(started()).await;
    assert_eq!(event["run_id"], "abc-123");
    assert_eq!(event["data"]["tool_name"], "bash");
    let id = agent().to_string();
    for event in [
        created("a"),
        KernelEvent::AgentStarted { id: agent() },
        KernelEvent::AgentStopped { id: agent(), success: true },
        KernelEvent::AgentFailed { id: agent(), error: String::new() },
        KernelEvent::MessageReceived { from: agent(), content: "hi".to_owned() },
        KernelEvent::AgentOutput {
            session_id: "s".to_owned(),
            agent_id: agent(),
            output: "hi".to_owned(),
        },
    ] {
        assert_eq!(recorded(event.clone()).await["actor"]["actor_id"], *id, "{event:?}");
    }
    let phase = KernelEvent::PhaseStarted { session_id: "s".to_owned(), phase: Phase::Interview };
    assert_eq!(recorded(phase).await["run_id"], "s");
}

#[tokio::test]
async fn what_a_trail_keeps_has_no_secret_in_it() {
    let key = ["AKIA", "IOSFODNN7", "EXAMPLQ"].concat();
    let mut event = started();
    if let KernelEvent::ToolExecutionStarted { tool_args, .. } = &mut event {
        *tool_args = json!({"command": format!("export AWS_ACCESS_KEY_ID={key}")});
    }
    let event = recorded(event).await;
    assert!(!event.to_string().contains(&key), "{event}");
    assert!(event["data"]["input"].to_string().contains("[redacted:"), "{event}");
}

fn progress(tab_id: Option<AgentId>) -> KernelEvent {
    KernelEvent::ToolExecutionProgress {
        session_id: "s1".to_owned(),
        tool_call_id: "c1".to_owned(),
        tool_name: "browse".to_owned(),
        progress: "navigating".to_owned(),
        tab_id,
        context: None,
    }
}

#[tokio::test]
async fn progress_says_its_tab_only_where_it_has_one() {
    let with_tab = recorded(progress(Some(agent()))).await;
    assert_eq!(with_tab["data"]["tab_id"], agent().to_string());
    let without = recorded(progress(None)).await;
    assert!(without["data"].get("tab_id").is_none(), "{without}");
    assert_eq!(without["data"]["tool_name"], "browse");
}

#[test]
fn kernel_events_keep_their_json_form() {
    for event in all_events().into_iter().chain([progress(None), progress(Some(agent()))]) {
        let text = serde_json::to_string(&event).unwrap();
        let back: KernelEvent = serde_json::from_str(&text).unwrap();
        assert_eq!(back, event);
        assert_eq!(serde_json::to_string(&back).unwrap(), text);
    }
}

#[test]
fn an_optional_member_that_is_absent_stays_absent() {
    let text = r#"{"ToolExecutionProgress":{"session_id":"s","tool_call_id":"c","tool_name":"browse","progress":"step 1"}}"#;
    let event: KernelEvent = serde_json::from_str(text).unwrap();
    assert!(matches!(event, KernelEvent::ToolExecutionProgress { tab_id: None, .. }));
    assert_eq!(serde_json::to_string(&event).unwrap(), text);
    let stopped: KernelEvent =
        serde_json::from_str(&format!(r#"{{"AgentStopped":{{"id":"{}"}}}}"#, agent())).unwrap();
    assert_eq!(stopped, KernelEvent::AgentStopped { id: agent(), success: false });
}

/// A kernel that dropped variants could not read its own older events.
#[test]
fn an_event_of_another_version_is_read_and_written_as_it_was() {
    let text = r#"{"MemoCreated":{"id":"m","tags":[]}}"#;
    let event: KernelEvent = serde_json::from_str(text).unwrap();
    assert!(matches!(event, KernelEvent::Unknown(_)));
    assert_eq!(serde_json::to_string(&event).unwrap(), text);
}
