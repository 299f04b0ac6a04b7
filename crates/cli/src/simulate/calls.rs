//! Calls of tools, each a beginning and an end that share a correlation, and changes of the tools.

use super::object::Object;
use super::scenario::tools_of;
use super::story::{Fact, Teller};
use super::workflow::Attempt;

const TOOL: &str = "tool";

/// Between one and four tools, one after the other.
pub(super) fn use_tools(story: &mut Teller<'_>, attempt: &Attempt) {
    let mut tools = tools_of(attempt.kind).to_vec();
    let call_count = story.luck.within(1..=4);
    for _ in 0..call_count {
        let Some(last) = tools.len().checked_sub(1) else { return };
        let last = u64::try_from(last).unwrap_or(0);
        let index = usize::try_from(story.luck.within(0..=last)).unwrap_or(0);
        call(story, attempt, tools.swap_remove(index));
    }
}

fn call(story: &mut Teller<'_>, attempt: &Attempt, tool: &str) {
    let call = story.uuid();
    let began = story.wait(20..=300);
    let payload = Object::new()
        .text("tool_name", tool)
        .object("parameters", parameters(tool, attempt.name))
        .raw("tool_version", "null")
        .text("expected_output_type", "text")
        .raw("timeout_ms", 30_000)
        .object("retry_policy", Object::new().raw("max_retries", 1));
    let fact = Fact::of("PreToolUse", TOOL).by(&attempt.agent.id).correlated(&call);
    story.tell(fact, payload);
    story.wait(100..=2_000);
    let ended = Object::new().text("tool_name", tool);
    let payload = if story.luck.happens(0.95) {
        let lines = story.luck.within(1..=400);
        ended
            .raw("success", true)
            .text("result", &format!("{lines} lines"))
            .raw("error", "null")
            .raw("error_type", "null")
    } else {
        let word = story
            .one_of(&["timeout", "permission_denied", "not_found", "invalid_input"], "timeout");
        ended
            .raw("success", false)
            .raw("result", "null")
            .text("error", &format!("{tool} could not do it: {}", word.replace('_', " ")))
            .text("error_type", word)
    };
    let payload = payload
        .raw("retry_count", 0)
        .raw("result_truncated", false)
        .raw("full_result_size", "null");
    let fact = Fact::of("PostToolUse", TOOL).by(&attempt.agent.id).correlated(&call);
    story.tell(fact.since(began), payload);
}

fn parameters(tool: &str, task: &str) -> Object {
    let file = format!("src/{task}.rs");
    let object = Object::new();
    match tool {
        "Bash" => object.text("command", &format!("make {}", task.replace('_', "-"))),
        "Read" => object.text("file_path", &file),
        "Write" => object.text("file_path", &file).text("content", "// To be continued.\n"),
        "Edit" => object
            .text("file_path", &file)
            .text("old_string", "retry(1)")
            .text("new_string", "retry(3)"),
        "MultiEdit" => object.text("file_path", &file).raw("edits", "[]"),
        "Grep" => object.text("pattern", task).text("path", "src"),
        "Glob" => object.text("pattern", "src/**/*.rs"),
        "WebSearch" => object.text("query", &task.replace('_', " ")),
        "WebFetch" => object.text("url", "https://docs.example.com/handbook"),
        "TodoWrite" => object.texts("todos", &[task]),
        _ => object.text("path", "src"),
    }
}

/// Now and then a tool comes, gets a newer version, or goes.
pub(super) fn change_tools(story: &mut Teller<'_>) {
    let tool = story.one_of(&["pdf_reader", "ticket_search", "chart_maker"], "pdf_reader");
    let changes = [
        ("ToolRegistered", "registered", 0.20),
        ("ToolUpdated", "updated", 0.10),
        ("ToolUnregistered", "unregistered", 0.10),
    ];
    let mut minor = story.luck.within(0..=9);
    for (name, action, chance) in changes {
        if !story.luck.happens(chance) {
            continue;
        }
        story.wait(20..=200);
        minor += u64::from(action == "updated");
        let version = format!("2.{minor}.0");
        let payload = Object::new()
            .text("tool_name", tool)
            .text("action", action)
            .object("tool_metadata", Object::new().text("version", &version))
            .texts("capabilities", &["read"])
            .object(
                "performance_characteristics",
                Object::new().raw("p95_ms", story.luck.within(80..=1_800)),
            );
        story.tell(Fact::of(name, TOOL), payload);
    }
}
