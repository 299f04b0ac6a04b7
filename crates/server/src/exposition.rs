//! Metric series in the text formats that Prometheus reads.
//!
//! Names follow OpenTelemetry's rules for Prometheus: what a name may not hold becomes `_`, the unit is
//! spelled out as a suffix, a sum that only rises ends in `_total`, the service is `job` and its
//! instance `instance`. Where two metrics come to one name and are of different types, or two series
//! to one line, the first is shown and the others are counted in `annals_metric_series_left_out`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;

use annals_recorder::views::{Figure, MetricFault, MetricSeries};

/// Which of the two formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextFormat {
    /// Prometheus' own, version 0.0.4.
    Prometheus,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

/// Units that have a name of their own; others are taken as they are spelled.
const UNITS: [(&str, &str); 33] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("%", "percent"),
    ("1", ""),
    ("bit", "bits"),
    ("kBy", "kilobytes"),
    ("kW", "kilowatts"),
    ("kg", "kilograms"),
    ("km", "kilometers"),
    ("mV", "millivolts"),
    ("mA", "milliamperes"),
];
/// Units behind a stroke.
const PER_UNITS: [(&str, &str); 7] = [
    ("s", "second"),
    ("m", "minute"),
    ("min", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
    Summary,
}

impl Kind {
    fn of(series: &MetricSeries) -> Self {
        match series.kind.as_str() {
            "sum" if series.is_monotonic => Self::Counter,
            "histogram" | "exponential_histogram" => Self::Histogram,
            "summary" => Self::Summary,
            _ => Self::Gauge,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
        }
    }
}

/// All lines of one name.
#[derive(Debug)]
struct Family {
    kind: Kind,
    help: String,
    lines: String,
}

/// Series on their way into a text.
#[derive(Debug)]
pub(crate) struct Exposition {
    format: TextFormat,
    families: Vec<(String, Family)>,
    indexes: HashMap<String, usize>,
    /// Name and labels of every series that is shown.
    shown: HashSet<String>,
    left_out: BTreeMap<&'static str, u64>,
}

impl Exposition {
    pub(crate) fn new(format: TextFormat) -> Self {
        let left_out = BTreeMap::from([("same_line", 0), ("type_conflict", 0)]);
        let (families, indexes, shown) = (Vec::new(), HashMap::new(), HashSet::new());
        Self { format, families, indexes, shown, left_out }
    }

    /// Adds a series.
    pub(crate) fn add(&mut self, series: &MetricSeries) {
        let kind = Kind::of(series);
        let name = metric_name(series, kind);
        let labels = labels(series);
        let index = match self.indexes.get(&name) {
            Some(index) => *index,
            None => {
                let help = series.description.clone().unwrap_or_default();
                self.families.push((name.clone(), Family { kind, help, lines: String::new() }));
                self.indexes.insert(name.clone(), self.families.len() - 1);
                self.families.len() - 1
            }
        };
        let Some((_, family)) = self.families.get_mut(index) else { return };
        if family.kind != kind {
            *self.left_out.entry("type_conflict").or_default() += 1;
        } else if !self.shown.insert(format!("{name}{{{labels}}}")) {
            *self.left_out.entry("same_line").or_default() += 1;
        } else {
            write_lines(&mut family.lines, &name, &labels, series, kind);
        }
    }

    /// The whole text, with what was left out.
    pub(crate) fn finish(mut self, faults: &[MetricFault]) -> String {
        let mut left_out = String::new();
        for (reason, count) in &self.left_out {
            // Writing to a String cannot fail; so for all lines here.
            let _ =
                writeln!(left_out, "annals_metric_series_left_out{{reason=\"{reason}\"}} {count}");
        }
        let help = "Metric series that come to the name or line of another one";
        self.push_own("annals_metric_series_left_out", Kind::Gauge, help, left_out);
        let mut points = String::new();
        for MetricFault { fault, points: count } in faults {
            let _ = writeln!(
                points,
                "annals_metric_points_left_out_total{{fault=\"{fault}\"}} {count}"
            );
        }
        let help = "Points of metrics that are in no series, by what is wrong with them";
        self.push_own("annals_metric_points_left_out_total", Kind::Counter, help, points);
        let mut text = String::new();
        for (name, family) in &self.families {
            self.write_head(&mut text, name, family);
            text.push_str(&family.lines);
        }
        if self.format == TextFormat::OpenMetrics {
            text.push_str("# EOF\n");
        }
        text
    }

    fn push_own(&mut self, name: &str, kind: Kind, help: &str, lines: String) {
        self.families.push((name.to_owned(), Family { kind, help: help.to_owned(), lines }));
    }

    fn write_head(&self, text: &mut String, name: &str, family: &Family) {
        // OpenMetrics names a counter without the suffix of its lines.
        let name = match (self.format, family.kind) {
            (TextFormat::OpenMetrics, Kind::Counter) => name.strip_suffix("_total").unwrap_or(name),
            _ => name,
        };
        if !family.help.is_empty() {
            let help = family.help.replace('\\', "\\\\").replace('\n', "\\n");
            let _ = writeln!(text, "# HELP {name} {help}");
        }
        let _ = writeln!(text, "# TYPE {name} {}", family.kind.as_str());
    }
}

/// The name that a metric has in Prometheus.
fn metric_name(series: &MetricSeries, kind: Kind) -> String {
    let mut tokens: Vec<&str> =
        series.name.split(|c: char| !c.is_ascii_alphanumeric() && c != ':').collect();
    tokens.retain(|token| !token.is_empty());
    let (unit, per_unit) = match series.unit.split_once('/') {
        Some((unit, per_unit)) => (unit_name(unit, &UNITS), unit_name(per_unit, &PER_UNITS)),
        None => (unit_name(&series.unit, &UNITS), String::new()),
    };
    let is_ratio = kind == Kind::Gauge && series.unit == "1";
    let ratio = if is_ratio { "ratio" } else { "" };
    if kind == Kind::Counter {
        tokens.retain(|token| *token != "total");
    }
    for suffix in [unit.as_str(), ratio] {
        if !suffix.is_empty() && !tokens.contains(&suffix) {
            tokens.push(suffix);
        }
    }
    if !per_unit.is_empty() && !tokens.contains(&per_unit.as_str()) {
        tokens.extend(["per", per_unit.as_str()]);
    }
    if kind == Kind::Counter {
        tokens.push("total");
    }
    let name = tokens.join("_");
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// A unit as a part of a name. What stands in braces is a remark and no unit.
fn unit_name(unit: &str, known: &[(&str, &str)]) -> String {
    let mut plain = String::new();
    let mut depth = 0_u32;
    for c in unit.trim().chars() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ if depth == 0 => plain.push(c),
            _ => {}
        }
    }
    if let Some((_, name)) = known.iter().find(|(short, _)| *short == plain) {
        return (*name).to_owned();
    }
    let tokens = plain.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    tokens.collect::<Vec<_>>().join("_")
}

/// The labels of a series. Values whose keys come to one label are joined, in the order of the keys.
fn labels(series: &MetricSeries) -> String {
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    let mut put = |key: &str, value: &str| {
        let label = labels.entry(label_name(key)).or_default();
        if !label.is_empty() {
            label.push(';');
        }
        label.push_str(value);
    };
    for (key, value) in [("job", &series.service), ("instance", &series.instance)] {
        if !value.is_empty() {
            put(key, value);
        }
    }
    for (key, value) in &series.attributes {
        match value {
            serde_json::Value::String(text) => put(key, text),
            other => put(key, &other.to_string()),
        }
    }
    let texts = labels.iter().map(|(name, value)| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("{name}=\"{value}\"")
    });
    texts.collect::<Vec<_>>().join(",")
}

fn label_name(key: &str) -> String {
    let name: String =
        key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    match name.chars().next() {
        Some(first) if first.is_ascii_digit() => format!("key_{name}"),
        // Two of them begin the names that Prometheus keeps to itself.
        _ if name.starts_with("__") => format!("key{name}"),
        // `le` is where a histogram says its bucket.
        _ if name == "le" || name == "quantile" => format!("key_{name}"),
        Some(_) => name,
        None => "key".to_owned(),
    }
}

fn write_lines(text: &mut String, name: &str, labels: &str, series: &MetricSeries, kind: Kind) {
    let figures = &series.figures;
    let braced = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
    if matches!(kind, Kind::Counter | Kind::Gauge) {
        let value = number(figures.value.unwrap_or_default());
        let _ = writeln!(text, "{name}{braced} {value}");
        return;
    }
    let count = figures.count.unwrap_or(0);
    if kind == Kind::Histogram {
        let comma = if labels.is_empty() { "" } else { "," };
        let mut below = 0_u64;
        for (bound, bucket) in figures.bounds.iter().zip(&figures.buckets) {
            below = below.saturating_add(*bucket);
            let bound = number(Figure::Real(*bound));
            let _ = writeln!(text, "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {below}");
        }
        let _ = writeln!(text, "{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {count}");
    }
    if let Some(sum) = figures.sum {
        let _ = writeln!(text, "{name}_sum{braced} {}", number(sum));
    }
    let _ = writeln!(text, "{name}_count{braced} {count}");
}

fn number(figure: Figure) -> String {
    match figure {
        Figure::Real(number) if number.is_nan() => "NaN".to_owned(),
        Figure::Real(number) if number.is_infinite() => {
            if number > 0.0 {
                "+Inf".to_owned()
            } else {
                "-Inf".to_owned()
            }
        }
        // A bound is written as `1.0` by OpenMetrics, and both read it so.
        Figure::Real(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            format!("{number:.1}")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use annals_core::time::Timestamp;
    use annals_recorder::views::Figures;
    use serde_json::json;

    use super::*;

    fn series(name: &str, unit: &str, kind: &str, attributes: serde_json::Value) -> MetricSeries {
        MetricSeries {
            name: name.to_owned(),
            description: None,
            unit: unit.to_owned(),
            kind: kind.to_owned(),
            is_monotonic: kind == "sum",
            service: "claude-code".to_owned(),
            instance: String::new(),
            attributes: serde_json::from_value(attributes).unwrap(),
            figures: Figures { value: Some(Figure::Whole(7)), ..Figures::default() },
            first_at: Timestamp::from_micros(0),
            last_at: Timestamp::from_micros(0),
            points: 1,
        }
    }

    fn named(name: &str, unit: &str, kind: &str) -> String {
        let series = series(name, unit, kind, json!({}));
        metric_name(&series, Kind::of(&series))
    }

    #[test]
    fn names_have_their_units_and_counters_end_in_total() {
        assert_eq!(
            named("claude_code.token.usage", "tokens", "sum"),
            "claude_code_token_usage_tokens_total"
        );
        assert_eq!(
            named("claude_code.cost.usage", "USD", "sum"),
            "claude_code_cost_usage_USD_total"
        );
        assert_eq!(
            named("gen_ai.client.operation.duration", "s", "histogram"),
            "gen_ai_client_operation_duration_seconds"
        );
        assert_eq!(
            named("gen_ai.client.token.usage", "{token}", "histogram"),
            "gen_ai_client_token_usage"
        );
        assert_eq!(named("jobs.total.done", "1", "sum"), "jobs_done_total");
        assert_eq!(named("cache.hit", "1", "gauge"), "cache_hit_ratio");
        assert_eq!(named("net.io", "By/s", "gauge"), "net_io_bytes_per_second");
        assert_eq!(named("http.duration.seconds", "s", "gauge"), "http_duration_seconds");
        assert_eq!(named("3d--prints", "", "gauge"), "_3d_prints");
    }

    #[test]
    fn labels_are_cleaned_joined_where_they_meet_and_escaped() {
        let one = series(
            "a",
            "",
            "gauge",
            json!({"x.y": "1", "x/y": "2", "7": true, "q": "a\"b\\c\nd", "le": "z"}),
        );
        assert_eq!(
            labels(&one),
            r#"job="claude-code",key_7="true",key_le="z",q="a\"b\\c\nd",x_y="1;2""#
        );
    }

    #[test]
    fn the_first_of_two_that_meet_is_shown_and_the_other_counted() {
        let mut text = Exposition::new(TextFormat::Prometheus);
        text.add(&series("a.b", "", "sum", json!({})));
        text.add(&series("a/b", "", "sum", json!({})));
        text.add(&series("a_b_total", "", "gauge", json!({})));
        let fault = MetricFault { fault: "late".to_owned(), points: 3 };
        let text = text.finish(&[fault]);
        assert_eq!(text.matches("a_b_total{job=\"claude-code\"} 7\n").count(), 1, "{text}");
        assert!(text.contains("left_out{reason=\"same_line\"} 1\n"), "{text}");
        assert!(text.contains("left_out{reason=\"type_conflict\"} 1\n"), "{text}");
        assert!(text.contains("annals_metric_points_left_out_total{fault=\"late\"} 3\n"), "{text}");
    }

    #[test]
    fn a_histogram_has_buckets_that_add_up_and_openmetrics_its_end() {
        let mut one = series("d", "s", "histogram", json!({}));
        one.figures = Figures {
            value: None,
            count: Some(6),
            sum: Some(Figure::Real(2.5)),
            bounds: vec![0.5, 1.0],
            buckets: vec![1, 2, 3],
        };
        let mut text = Exposition::new(TextFormat::OpenMetrics);
        text.add(&one);
        text.add(&series("n", "", "sum", json!({})));
        let text = text.finish(&[]);
        let lines: Vec<_> = text.lines().take(8).collect();
        assert_eq!(
            lines,
            [
                "# TYPE d_seconds histogram",
                "d_seconds_bucket{job=\"claude-code\",le=\"0.5\"} 1",
                "d_seconds_bucket{job=\"claude-code\",le=\"1.0\"} 3",
                "d_seconds_bucket{job=\"claude-code\",le=\"+Inf\"} 6",
                "d_seconds_sum{job=\"claude-code\"} 2.5",
                "d_seconds_count{job=\"claude-code\"} 6",
                "# TYPE n counter",
                "n_total{job=\"claude-code\"} 7",
            ]
        );
        assert!(text.ends_with("# EOF\n"));
    }
}
