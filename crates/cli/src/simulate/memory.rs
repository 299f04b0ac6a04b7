//! What agents look up in their memory, put into it, and make of it.

use std::fmt::Write as _;

use super::object::Object;
use super::story::{Fact, Teller};
use super::workflow::Attempt;

const MEMORY: &str = "memory";
/// The length of the hive's embeddings.
const EMBEDDING_VALUES: usize = 1_536;

/// Half of the tasks ask the memory, and most of these add to it.
pub(super) fn recall_and_store(story: &mut Teller<'_>, attempt: &Attempt) {
    if !story.luck.happens(0.50) {
        return;
    }
    let began = story.pass(20..=200);
    let found = story.luck.within(0..=10);
    story.wait(5..=80);
    let payload = Object::new()
        .text("query_text", &format!("How was {} done before?", attempt.name.replace('_', " ")))
        .raw("query_embedding", embedding(story))
        .raw("similarity_threshold", "0.7")
        .raw("max_results", 10)
        .object("filter_criteria", Object::new().text("task_type", attempt.kind))
        .raw("results_count", found)
        .text("search_strategy", "cosine");
    story.tell(Fact::of("SemanticQuery", MEMORY).by(&attempt.agent.id).since(began), payload);
    if story.luck.happens(0.70) {
        store(story, attempt);
    }
}

fn store(story: &mut Teller<'_>, attempt: &Attempt) {
    story.wait(20..=200);
    let operation = story.one_of(&["insert", "insert", "insert", "update", "delete"], "insert");
    let content_id = format!("mem_{}", story.luck.word(8));
    let mut payload = Object::new().text("operation_type", operation).object(
        "content",
        Object::new().text("task", attempt.name).text("lesson", "Look at the tests first."),
    );
    payload = match story.luck.happens(0.25) {
        true => payload.raw("content_embedding", embedding(story)),
        false => payload,
    };
    let payload = payload
        .text("content_id", &content_id)
        .text("content_type", "lesson")
        .object("metadata", Object::new().text("author", attempt.agent.persona))
        .raw("affected_records", 1);
    story.tell(Fact::of("SemanticUpdate", MEMORY).by(&attempt.agent.id), payload);
}

/// Now and then what was learned is put together at the end.
pub(super) fn consolidate(story: &mut Teller<'_>) {
    if !story.luck.happens(0.15) {
        return;
    }
    let began = story.pass(50..=400);
    story.wait(200..=3_000);
    let keeper = story.some_agent();
    let kind = story.one_of(&["incremental", "full", "selective"], "incremental");
    let segments = story.luck.within(1..=60);
    let payload = Object::new()
        .text("consolidation_type", kind)
        .text("trigger_reason", "The workflow is about to end.")
        .raw("memory_segments_processed", segments)
        .raw("compression_ratio", format_args!("0.{}", story.luck.within(20..=90)))
        .object("knowledge_extracted", Object::new().raw("lessons", segments / 5))
        .raw("optimization_metrics", "null");
    let fact = Fact::of("MemoryConsolidation", MEMORY).by(&keeper.id).since(began);
    story.tell(fact, payload);
}

/// Values between -1 and 1, as an array.
fn embedding(story: &mut Teller<'_>) -> String {
    let mut text = String::with_capacity(EMBEDDING_VALUES * 8);
    text.push('[');
    for index in 0..EMBEDDING_VALUES {
        let drawn = story.luck.within(0..=19_999);
        let (sign, size) = if drawn < 10_000 { ("-", drawn + 1) } else { ("", drawn - 9_999) };
        let comma = if index == 0 { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(text, "{comma}{sign}{}.{:04}", size / 10_000, size % 10_000);
    }
    text.push(']');
    text
}
