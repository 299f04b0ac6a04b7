//! Data points of metrics. They are measurements and stay so: what a call used is told by its span
//! or its event, so that no token is counted twice.

use super::fields::{Message, count, double};
use super::frame::{Frame, add_text};
use super::kept::{self, Kept};
use super::names;
use super::split::{DATA_POINTS, Place, metric_data};
use super::value::attributes;
use crate::dialect::translation::homes::Homes;
use crate::dialect::translation::parts::{Parts, quoted};
use crate::dialect::{ForeignContext, ForeignFault};
use crate::envelope::{ActorType, Draft};
use crate::hash::sha256;
use crate::json::{as_bool, elements};

const TEMPORALITIES: [(u64, &str, &str); 3] = [
    (0, "AGGREGATION_TEMPORALITY_UNSPECIFIED", "unspecified"),
    (1, "AGGREGATION_TEMPORALITY_DELTA", "delta"),
    (2, "AGGREGATION_TEMPORALITY_CUMULATIVE", "cumulative"),
];

/// The fact of a data point.
pub(super) fn read(
    place: &Place<'_>,
    document: &str,
    context: &ForeignContext<'_>,
) -> Result<Vec<Draft>, ForeignFault> {
    let metric = place.item;
    let (kind, data_of_kind) = metric_data(&metric)?;
    let at = data_of_kind.at.member(DATA_POINTS);
    let mut points = elements(data_of_kind.array(DATA_POINTS)?);
    let (Some(point), None) = (points.next(), points.next()) else {
        return Err(at.fault("an item's document has one data point"));
    };
    let point = Message::new(point, at.element(0))?;
    let name = metric.text("name")?.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| metric.missing("name"))?;
    let frame = Frame::of(place, &name)?;
    let time = point.nanos("timeUnixNano")?.ok_or_else(|| point.missing("timeUnixNano"))?;
    let start = point.nanos("startTimeUnixNano")?;
    let labels = attributes(point.array("attributes")?, &point.at.member("attributes"))?;

    let mut data = Parts::default();
    data.insert_text("name", &name);
    add_text(&mut data, "description", metric.text("description")?.as_deref());
    add_text(&mut data, "unit", metric.text("unit")?.as_deref());
    data.insert_text("kind", word_of(kind));
    add_text(&mut data, "temporality", data_of_kind.word("aggregationTemporality", &TEMPORALITIES));
    if let Some(is_monotonic) = data_of_kind.get("isMonotonic").and_then(as_bool) {
        data.insert("monotonic", is_monotonic.to_string());
    }
    if !labels.is_empty() {
        data.insert("attributes", labels.to_text());
    }
    figures(kind, &point, &mut data)?;
    if let Some(start) = start {
        data.insert_text("start_at", &start.moment().to_string());
    }
    data.insert_text("at", &time.moment().to_string());
    frame.tell(&mut data)?;

    let mut homes = Homes {
        occurred_at: Some(time.moment()),
        time_text: time.text(),
        stream: frame.service_stream(),
        ..Homes::default()
    };
    homes.scope.run_id = frame.take_run(&mut labels.clone());
    let agent = frame.agent(&labels);
    frame.name_actor(&mut homes, ActorType::Service, agent.as_deref());
    let called = names::of_metric(&name, context.catalog);
    let entry = names::only(&called, context.catalog)?;
    let kept = Kept {
        origin_type: called.origin_type(),
        identity: identity(place, &point, &[&name, kind]),
        document: Some(document),
        contradictions: Vec::new(),
    };
    kept::draft(entry, homes, &data, kept, context).map(|draft| vec![draft])
}

const fn word_of(kind: &'static str) -> &'static str {
    match kind.as_bytes() {
        b"exponentialHistogram" => "exponential_histogram",
        _ => kind,
    }
}

/// What makes it the same point: whose series it is a point of, and its times.
fn identity(place: &Place<'_>, point: &Message<'_>, names: &[&str]) -> String {
    let part = |message: &Message<'_>, name: &str| message.get(name).unwrap_or("null").to_owned();
    let mut parts: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    parts.extend([place.resource.text.to_owned(), place.scope.text.to_owned()]);
    parts.push(part(&place.item, "unit"));
    for name in ["attributes", "startTimeUnixNano", "timeUnixNano"] {
        parts.push(part(point, name));
    }
    format!("otlp/metric/sha256:{}", sha256(&[parts.join(",").as_bytes()]))
}

/// The figures of a point.
fn figures(kind: &str, point: &Message<'_>, data: &mut Parts<'_>) -> Result<(), ForeignFault> {
    if let Some(flags) = point.count("flags")?.filter(|flags| flags != "0") {
        data.insert("flags", flags);
    }
    if matches!(kind, "gauge" | "sum") {
        let value = match point.integer("asInt")? {
            Some(value) => Some(value),
            None => point.double("asDouble")?,
        };
        put(data, "value", value);
        return Ok(());
    }
    put(data, "count", point.count("count")?);
    put(data, "sum", point.double("sum")?);
    put(data, "min", point.double("min")?);
    put(data, "max", point.double("max")?);
    match kind {
        "histogram" => {
            put(data, "bounds", numbers(point, "explicitBounds", double)?);
            put(data, "bucket_counts", numbers(point, "bucketCounts", count)?);
        }
        "exponentialHistogram" => {
            put(data, "scale", point.integer("scale")?);
            put(data, "zero_count", point.count("zeroCount")?);
            put(data, "zero_threshold", point.double("zeroThreshold")?);
            for side in ["positive", "negative"] {
                put(data, side, buckets(&point.message(side)?)?);
            }
        }
        _ => put(data, "quantiles", quantiles(point)?),
    }
    Ok(())
}

fn put(data: &mut Parts<'_>, name: &str, value: Option<String>) {
    if let Some(value) = value {
        data.insert(name, value);
    }
}

/// A list of numbers; none where it is empty.
fn numbers(
    message: &Message<'_>,
    name: &str,
    number: impl Fn(&str) -> Option<String>,
) -> Result<Option<String>, ForeignFault> {
    let at = message.at.member(name);
    let list = elements(message.array(name)?).enumerate().map(|(index, element)| {
        number(element).ok_or_else(|| at.element(index).fault("it must be a number"))
    });
    let list = list.collect::<Result<Vec<_>, _>>()?;
    Ok((!list.is_empty()).then(|| format!("[{}]", list.join(","))))
}

fn buckets(side: &Message<'_>) -> Result<Option<String>, ForeignFault> {
    let mut parts = Parts::default();
    put(&mut parts, "offset", side.integer("offset")?);
    put(&mut parts, "bucket_counts", numbers(side, "bucketCounts", count)?);
    Ok((!parts.is_empty()).then(|| parts.to_text()))
}

fn quantiles(point: &Message<'_>) -> Result<Option<String>, ForeignFault> {
    let at = point.at.member("quantileValues");
    let mut list = Vec::new();
    for (index, element) in elements(point.array("quantileValues")?).enumerate() {
        let one = Message::new(element, at.element(index))?;
        let mut parts = Parts::default();
        put(&mut parts, "quantile", one.double("quantile")?);
        put(&mut parts, "value", one.double("value")?);
        list.push(parts.to_text());
    }
    Ok((!list.is_empty()).then(|| format!("[{}]", list.join(","))))
}
