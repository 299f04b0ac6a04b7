//! The fixtures, and what every test here does with them.

use std::path::PathBuf;
use std::sync::Arc;

use annals_core::catalog::Catalog;
use annals_core::dialect::cloudevents::CloudEvents;
use annals_core::dialect::otlp::{self, Item, OTLP, Signal};
use annals_core::dialect::{
    ForeignContext, ForeignFault, ForeignReader, NamedWriter, readers, writers,
};
use annals_core::envelope::{Draft, Strictness};
use annals_core::id::WorkspaceId;
use annals_core::json::Json;
use annals_core::time::Timestamp;
use serde_json::Value;

/// The dialects whose doors take JSON documents.
pub(crate) const DIALECTS: [&str; 4] = ["agentos", "hive", "kernel", "envelope"];
/// All dialects that are translated both ways.
pub(crate) const ALL: [&str; 7] =
    ["agentos", "cloudevents", "hive", "kernel", "envelope", "hooks", OTLP];

pub(crate) fn workspace() -> WorkspaceId {
    WorkspaceId::parse("ws_test").unwrap()
}

pub(crate) fn catalog() -> Catalog {
    Catalog::builtin().unwrap()
}

pub(crate) fn reader(dialect: &str) -> Arc<dyn ForeignReader> {
    if dialect == "cloudevents" {
        return Arc::new(CloudEvents::one().unwrap());
    }
    readers().iter().find(|reader| reader.dialect().as_str() == dialect).unwrap().clone()
}

pub(crate) fn writer(dialect: &str) -> &'static NamedWriter {
    writers().iter().find(|writer| writer.name == dialect).unwrap()
}

/// The documents of a dialect, each as compact text; those of OTLP are requests of one item.
pub(crate) fn documents(dialect: &str) -> Vec<String> {
    if dialect != OTLP {
        return lines(dialect);
    }
    let files = [
        (Signal::Traces, "otlp_traces"),
        (Signal::Logs, "otlp_logs"),
        (Signal::Metrics, "otlp_metrics"),
    ];
    let requests = files
        .into_iter()
        .flat_map(|(signal, file)| lines(file).into_iter().map(move |line| (signal, line)));
    let items = requests.flat_map(|(signal, request)| otlp::items(signal, &request).unwrap());
    items.map(|item| item.document).collect()
}

/// The lines of a file of fixtures.
fn lines(file: &str) -> Vec<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/dialects")
        .join(format!("{file}.ndjson"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| Json::parse(line.as_bytes()).unwrap().into_string())
        .collect()
}

pub(crate) fn read(dialect: &str, document: &str) -> Result<Draft, ForeignFault> {
    if dialect == OTLP {
        return read_item(document).map(|mut drafts| drafts.pop().unwrap());
    }
    let (workspace, catalog) = (workspace(), catalog());
    reader(dialect).read(document, &context(&workspace, &catalog))
}

/// The facts of one item of OTLP, of which the last one has the item.
pub(crate) fn read_item(document: &str) -> Result<Vec<Draft>, ForeignFault> {
    let (workspace, catalog) = (workspace(), catalog());
    let item = Item { index: 0, document: document.to_owned() };
    let signal = Signal::of(document).unwrap();
    otlp::read(signal, &item, &context(&workspace, &catalog))
}

fn context<'a>(workspace_id: &'a WorkspaceId, catalog: &'a Catalog) -> ForeignContext<'a> {
    ForeignContext {
        workspace_id,
        catalog,
        received_at: Timestamp::from_micros(1_790_000_000_000_000),
    }
}

/// The envelope of a draft as readers get it, without `origin.raw`, and with what a server sets.
pub(crate) fn stored(draft: &Draft) -> String {
    let mut draft = draft.clone();
    draft.origin.raw = None;
    draft.workspace_id = Some(workspace());
    let dialect = draft.origin.dialect.clone().unwrap();
    let event_id = draft.event_id.map_or_else(String::new, |_| String::new());
    let text = draft.to_json();
    // What is kept reads back as the same draft.
    let again = Draft::parse(&text, Strictness::Translated(&dialect)).unwrap();
    assert_eq!(again, draft, "{event_id}");
    let mut text = text;
    if draft.event_id.is_none() {
        text.insert_str(1, "\"event_id\":\"0190b3c4-1111-7abc-8def-0123456789ab\",");
    }
    if draft.occurred_at.is_none() {
        text.insert_str(1, "\"occurred_at\":\"2026-11-20T12:00:00.000000Z\",");
    }
    if draft.correlation_id.is_none() {
        text.insert_str(1, "\"correlation_id\":\"0190b3c4-1111-7abc-8def-0123456789ab\",");
    }
    text.insert_str(1, "\"position\":7,");
    text
}

pub(crate) fn write(dialect: &str, envelope: &str) -> Option<String> {
    writer(dialect).writer.write(envelope, &catalog())
}

/// The value with its number texts.
pub(crate) fn value(text: &str) -> Value {
    serde_json::from_str(&numbers_as_text(text)).unwrap()
}

/// Every number becomes an object with its text, so that comparing values compares number texts.
fn numbers_as_text(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => {
                let mut escaped = false;
                let end = rest[1..].char_indices().find(|(_, character)| {
                    let ends = *character == '"' && !escaped;
                    escaped = *character == '\\' && !escaped;
                    ends
                });
                end.map_or(rest.len(), |(index, _)| index + 2)
            }
            '-' | '0'..='9' => {
                let is_number = |c: char| matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E');
                let length = rest.find(|c| !is_number(c)).unwrap_or(rest.len());
                out.push_str(&format!("{{\"number\":\"{}\"}}", &rest[..length]));
                rest = &rest[length..];
                continue;
            }
            other => other.len_utf8(),
        };
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out
}
