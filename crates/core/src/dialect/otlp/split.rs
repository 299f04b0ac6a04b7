//! A request taken apart: each item with its resource and scope as a request of its own.
//!
//! Only the arrays that lead to the items are opened; every other member stays where it is, in the
//! text that it came in. It does not look into items.
//! INVARIANT (nothing ignored in silence): an array beside those that lead to items would be lost
//! with its items, so it is refused by name.

use super::Signal;
use super::fields::{At, Message};
use crate::dialect::ForeignFault;
use crate::json::{JsonKind, elements, kind, members, unescape};
use crate::limits::OTLP_ITEMS_BYTES_MAX;

/// One span, log record or metric data point with its resource and scope, as an OTLP/JSON request of
/// one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its place among the items of the request, in order.
    pub index: usize,
    /// The request of this item alone.
    pub document: String,
}

/// The kinds of data that a metric may have.
pub(super) const METRIC_KINDS: [&str; 5] =
    ["gauge", "sum", "histogram", "exponentialHistogram", "summary"];
/// The member of a metric's data that holds its points.
pub(super) const DATA_POINTS: &str = "dataPoints";

/// Takes a request apart: compact, validated JSON text of an `ExportTraceServiceRequest`, an
/// `ExportLogsServiceRequest` or an `ExportMetricsServiceRequest`.
///
/// # Errors
/// When the request is not built as OTLP has it, with the place in the request, or when its items
/// with their resources and scopes would be too large together.
pub fn items(signal: Signal, request: &str) -> Result<Vec<Item>, ForeignFault> {
    if kind(request) != JsonKind::Object {
        return Err(ForeignFault::NotAnObject);
    }
    let mut splitter = Splitter { signal, items: Vec::new(), byte_count: 0 };
    let at = At::Top("");
    splitter.descend(0, &Message { text: request, at }, &Around::default())?;
    Ok(splitter.items)
}

/// The text before and after what is being opened.
#[derive(Debug, Default)]
struct Around {
    before: String,
    after: String,
}

impl Around {
    /// What is around the elements of a member of an object within.
    fn opened(&self, object: &str, name: &str) -> Self {
        let (mut before, mut after) = (format!("{}{{", self.before), String::new());
        let mut is_before = true;
        for (raw_key, value) in members(object) {
            let out = if is_before { &mut before } else { &mut after };
            if !(out.ends_with('{') && is_before) {
                out.push(',');
            }
            out.push('"');
            out.push_str(raw_key);
            out.push_str("\":");
            if is_before && unescape(raw_key) == name {
                is_before = false;
            } else {
                out.push_str(value);
            }
        }
        after.push('}');
        after.push_str(&self.after);
        Self { before, after }
    }

    fn elements(mut self) -> Self {
        self.before.push('[');
        self.after.insert(0, ']');
        self
    }
}

struct Splitter {
    signal: Signal,
    items: Vec<Item>,
    byte_count: usize,
}

impl Splitter {
    /// Opens the array of a level and goes on with what is in it.
    fn descend(
        &mut self,
        level: usize,
        message: &Message<'_>,
        around: &Around,
    ) -> Result<(), ForeignFault> {
        let Some(name) = self.signal.levels().get(level).copied() else { return Ok(()) };
        refuse_other_arrays(message, name)?;
        let array = message.array(name)?;
        if array == "[]" {
            return Ok(());
        }
        let inner = around.opened(message.text, name).elements();
        let at = message.at.member(name);
        for (index, element) in elements(array).enumerate() {
            let at = at.element(index);
            match (level, self.signal) {
                (2, Signal::Metrics) => self.points(element, at, &inner)?,
                (2, Signal::Traces | Signal::Logs) => self.push(element, &inner, &at)?,
                _ => self.descend(level + 1, &Message::new(element, at)?, &inner)?,
            }
        }
        Ok(())
    }

    /// The data points of a metric. A metric that is none stays whole; reading it says why.
    fn points(&mut self, metric: &str, at: At<'_>, around: &Around) -> Result<(), ForeignFault> {
        let message = Message { text: metric, at };
        let Ok((name, data)) = metric_data(&message) else {
            return self.push(metric, around, &at);
        };
        let of_kind = around.opened(metric, name);
        let inner = of_kind.opened(data.text, DATA_POINTS).elements();
        let at = at.member(name);
        let at = at.member(DATA_POINTS);
        for (index, point) in elements(data.array(DATA_POINTS)?).enumerate() {
            self.push(point, &inner, &at.element(index))?;
        }
        Ok(())
    }

    fn push(&mut self, item: &str, around: &Around, at: &At<'_>) -> Result<(), ForeignFault> {
        self.byte_count += around.before.len() + item.len() + around.after.len();
        if self.byte_count > OTLP_ITEMS_BYTES_MAX {
            let problem = format!(
                "the items up to this one, each with its resource and scope, have more than {OTLP_ITEMS_BYTES_MAX} bytes; send fewer at once"
            );
            return Err(at.fault(problem));
        }
        let document = [around.before.as_str(), item, &around.after].concat();
        self.items.push(Item { index: self.items.len(), document });
        Ok(())
    }
}

/// Whoever spells a member otherwise would lose its items.
fn refuse_other_arrays(message: &Message<'_>, name: &str) -> Result<(), ForeignFault> {
    for (raw_key, value) in members(message.text) {
        let key = unescape(raw_key);
        if key != name && kind(value) == JsonKind::Array && value != "[]" {
            let problem = format!("it is not known here and would be lost; items are in `{name}`");
            return Err(message.at.member(&key).fault(problem));
        }
    }
    Ok(())
}

/// The one kind of data that a metric has.
pub(super) fn metric_data<'a>(
    metric: &'a Message<'a>,
) -> Result<(&'static str, Message<'a>), ForeignFault> {
    if kind(metric.text) != JsonKind::Object {
        return Err(metric.at.fault("it must be an object"));
    }
    let mut kinds = METRIC_KINDS.into_iter().filter(|kind| metric.get(kind).is_some());
    let (Some(kind), None) = (kinds.next(), kinds.next()) else {
        return Err(metric.at.fault(format!("it must have one of {}", METRIC_KINDS.join(", "))));
    };
    let data = metric.message(kind)?;
    data.array(DATA_POINTS)?;
    Ok((kind, data))
}

/// Where the one item of a document is, and what is around it.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) resource: Message<'a>,
    pub(super) scope: Message<'a>,
    pub(super) item: Message<'a>,
}

impl<'a> Place<'a> {
    pub(super) fn of(signal: Signal, document: &'a str) -> Result<Self, ForeignFault> {
        if kind(document) != JsonKind::Object {
            return Err(ForeignFault::NotAnObject);
        }
        let [resources, scopes, items] = signal.levels();
        let top = Message { text: document, at: At::Top("") };
        let of_resource = only(&top, resources, AT_RESOURCE[signal as usize])?;
        let of_scope = only(&of_resource, scopes, AT_SCOPE[signal as usize])?;
        let item = only(&of_scope, items, AT_ITEM[signal as usize])?;
        let part = |message: &Message<'a>, name, at| {
            Message::new(message.get(name).unwrap_or("{}"), At::Top(at))
        };
        Ok(Self {
            resource: part(&of_resource, "resource", AT_RESOURCE_PART[signal as usize])?,
            scope: part(&of_scope, "scope", AT_SCOPE_PART[signal as usize])?,
            item,
        })
    }
}

const AT_RESOURCE: [&str; 3] = ["/resourceSpans/0", "/resourceLogs/0", "/resourceMetrics/0"];
const AT_RESOURCE_PART: [&str; 3] =
    ["/resourceSpans/0/resource", "/resourceLogs/0/resource", "/resourceMetrics/0/resource"];
const AT_SCOPE: [&str; 3] = [
    "/resourceSpans/0/scopeSpans/0",
    "/resourceLogs/0/scopeLogs/0",
    "/resourceMetrics/0/scopeMetrics/0",
];
const AT_SCOPE_PART: [&str; 3] = [
    "/resourceSpans/0/scopeSpans/0/scope",
    "/resourceLogs/0/scopeLogs/0/scope",
    "/resourceMetrics/0/scopeMetrics/0/scope",
];
const AT_ITEM: [&str; 3] = [
    "/resourceSpans/0/scopeSpans/0/spans/0",
    "/resourceLogs/0/scopeLogs/0/logRecords/0",
    "/resourceMetrics/0/scopeMetrics/0/metrics/0",
];

/// The only element of an array.
fn only<'a>(
    message: &Message<'a>,
    name: &str,
    at: &'static str,
) -> Result<Message<'a>, ForeignFault> {
    let mut found = elements(message.array(name)?);
    match (found.next(), found.next()) {
        (Some(one), None) => Message::new(one, At::Top(at)),
        (None, _) => Err(message.missing(name)),
        (Some(_), Some(_)) => Err(message.at.member(name).fault("an item's document has one item")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_keeps_what_is_around_it_in_its_place() {
        let request = r#"{"x":1,"resourceSpans":[{"resource":{"attributes":[]},"scopeSpans":[{"spans":[{"a":1},{"b":2}],"schemaUrl":"u"},{"scope":{"name":"s"},"spans":[{"c":3}]}],"schemaUrl":"v"},{"scopeSpans":[]}],"y":null}"#;
        let items = items(Signal::Traces, request).unwrap();
        let documents: Vec<_> = items.iter().map(|item| item.document.as_str()).collect();
        assert_eq!(
            documents,
            [
                r#"{"x":1,"resourceSpans":[{"resource":{"attributes":[]},"scopeSpans":[{"spans":[{"a":1}],"schemaUrl":"u"}],"schemaUrl":"v"}],"y":null}"#,
                r#"{"x":1,"resourceSpans":[{"resource":{"attributes":[]},"scopeSpans":[{"spans":[{"b":2}],"schemaUrl":"u"}],"schemaUrl":"v"}],"y":null}"#,
                r#"{"x":1,"resourceSpans":[{"resource":{"attributes":[]},"scopeSpans":[{"scope":{"name":"s"},"spans":[{"c":3}]}],"schemaUrl":"v"}],"y":null}"#,
            ]
        );
        assert_eq!(items[2].index, 2);
        for document in documents {
            assert_eq!(super::items(Signal::Traces, document).unwrap()[0].document, document);
        }
    }

    #[test]
    fn a_metric_is_taken_apart_by_its_points() {
        let request = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","sum":{"dataPoints":[{"asInt":1},{"asInt":2}],"isMonotonic":true},"unit":"1"},{"name":"b","gauge":{}},{"name":"c"}]}]}]}"#;
        let items = items(Signal::Metrics, request).unwrap();
        assert_eq!(items.len(), 3);
        assert_eq!(
            items[1].document,
            r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","sum":{"dataPoints":[{"asInt":2}],"isMonotonic":true},"unit":"1"}]}]}]}"#
        );
        assert!(items[2].document.contains(r#"[{"name":"c"}]"#));
    }

    #[test]
    fn what_would_be_lost_is_refused_with_its_place() {
        for (request, place) in [
            (r#"{"resource_spans":[{}]}"#, "/resource_spans"),
            (
                r#"{"resourceSpans":[{"instrumentationLibrarySpans":[{}]}]}"#,
                "/resourceSpans/0/instrumentationLibrarySpans",
            ),
            (r#"{"resourceSpans":{}}"#, "/resourceSpans"),
            (r#"{"resourceSpans":[7]}"#, "/resourceSpans/0"),
            (
                r#"{"resourceSpans":[{"scopeSpans":[{"spans":7}]}]}"#,
                "/resourceSpans/0/scopeSpans/0/spans",
            ),
        ] {
            let fault = items(Signal::Traces, request).unwrap_err();
            assert_eq!(fault.pointer(), Some(place), "{request}");
        }
        assert_eq!(items(Signal::Logs, "[]"), Err(ForeignFault::NotAnObject));
        assert_eq!(items(Signal::Logs, "{}"), Ok(Vec::new()));
        assert_eq!(items(Signal::Logs, r#"{"resourceLogs":null}"#), Ok(Vec::new()));
    }

    /// A resource of a megabyte before a million empty spans was a request that filled the memory.
    #[test]
    fn a_resource_is_not_repeated_without_bound() {
        let resource = "a".repeat(1 << 20);
        let spans = vec!["{}"; 70].join(",");
        let request = format!(
            r#"{{"resourceSpans":[{{"resource":{{"x":"{resource}"}},"scopeSpans":[{{"spans":[{spans}]}}]}}]}}"#
        );
        let fault = items(Signal::Traces, &request).unwrap_err();
        assert!(fault.to_string().contains("send fewer at once"), "{fault}");
    }
}
