//! One event as one line for a person: when, where, what, who, and the gist of its payload.
//!
//! The payload is foreign text: it is made plain before it reaches a terminal.

use std::fmt::Write as _;

use annals_core::id::EventType;
use annals_sdk::StoredEvent;
use owo_colors::{AnsiColors, OwoColorize as _};
use serde_json::Value;

use crate::output::{plain, shortened};

/// How many characters the parts of a line get.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns {
    run: usize,
    actor: usize,
    gist: usize,
}

impl Columns {
    /// Characters of time, position, type and the gaps.
    const FIXED: usize = 44;
    const WIDE: Self = Self { run: 24, actor: 26, gist: 110 };
    const NARROW: Self = Self { run: 16, actor: 18, gist: 22 };

    /// Fitted to a terminal; without one, wide.
    pub(crate) fn of_width(width: Option<usize>) -> Self {
        let Some(width) = width else { return Self::WIDE };
        let base = if width >= 140 { Self::WIDE } else { Self::NARROW };
        let left = width.saturating_sub(Self::FIXED + base.run + base.actor);
        Self { gist: left.max(Self::NARROW.gist), ..base }
    }
}

/// The line, with colours that the output strips where nobody sees them.
pub(crate) fn of_event(event: &StoredEvent, columns: Columns) -> String {
    let Columns { run, actor, .. } = columns;
    let time = event.recorded_at.to_string();
    // 2026-01-31T09:30:00.250000Z: the time of day to milliseconds.
    let clock = time.get(11..23).unwrap_or(&time);
    let stream =
        event.run_id.as_ref().map_or_else(|| event.stream.to_string(), |run_id| run_id.to_string());
    let mut line = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        line,
        "{} {:>7}  {:run$}  {:16}  {:actor$}  {}",
        clock.dimmed(),
        event.position.dimmed(),
        shortened(&plain(&stream), run),
        event.event_type.as_str().color(color(&event.event_type)),
        shortened(&plain(event.actor.actor_id.as_str()), actor),
        shortened(&gist(event), columns.gist),
    );
    line.trim_end().to_owned()
}

/// One hue a family; red for failures alone.
fn color(event_type: &EventType) -> AnsiColors {
    let name = event_type.as_str();
    if name.ends_with(".failed") {
        return AnsiColors::Red;
    }
    match name.split('.').next().unwrap_or(name) {
        "run" | "step" | "artifact" => AnsiColors::Green,
        "agent" | "usage" => AnsiColors::Magenta,
        "model" => AnsiColors::Blue,
        "tool" => AnsiColors::Cyan,
        "message" => AnsiColors::Yellow,
        _ => AnsiColors::Default,
    }
}

/// What of the payload tells most, on one line.
fn gist(event: &StoredEvent) -> String {
    let data: Value = serde_json::from_str(&event.data).unwrap_or(Value::Null);
    let text = |name: &str| data.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let number = |name: &str| data.get(name).and_then(Value::as_u64);
    let mut parts: Vec<String> = Vec::new();
    let words = match event.event_type.as_str().split('.').next() {
        Some("tool") => ["tool_name", "title", "message"].as_slice(),
        Some("model") => ["model", "message"].as_slice(),
        Some("message") => ["content_md"].as_slice(),
        Some("run") => ["title", "summary", "message"].as_slice(),
        Some("agent") => ["name", "message", "reason"].as_slice(),
        _ => ["title", "name", "message", "text"].as_slice(),
    };
    parts.extend(words.iter().filter_map(|word| text(word)).map(plain));
    if let Some(usage) = data.get("usage") {
        let count = |name: &str| usage.get(name).and_then(Value::as_u64).unwrap_or(0);
        let read = count("input_tokens") + count("cache_read_tokens") + count("cache_write_tokens");
        parts.push(format!("{read} → {} tokens", count("output_tokens")));
    }
    parts.extend(number("duration_ms").map(duration));
    if let Some(violation) = &event.schema_violation {
        let place = plain(&format!("/data{}", violation.pointer));
        parts.insert(0, format!("(does not fit its type: {place}, {})", plain(&violation.problem)));
    }
    if parts.is_empty() && !data.is_null() {
        parts.push(plain(&event.data));
    }
    parts.join(" · ")
}

/// A duration as people say it.
fn duration(millis: u64) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        _ => format!("{} m {} s", millis / 60_000, millis % 60_000 / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(event_type: &str, data: &str) -> StoredEvent {
        let json = format!(
            r#"{{"position":12,"event_id":"0190b3c4-1111-7abc-8def-0123456789ab","event_type":"{event_type}","event_version":1,"occurred_at":"2026-01-01T00:00:00.000000Z","recorded_at":"2026-01-01T09:30:00.250000Z","workspace_id":"default","run_id":"r1","actor":{{"actor_type":"agent","actor_id":"claude-code"}},"stream":{{"stream_type":"run","stream_id":"r1","stream_seq":1}},"authority":"observed","data":{data},"prev_event_hash":null,"event_hash":"{}"}}"#,
            "ab".repeat(32)
        );
        StoredEvent::from_json(json).unwrap()
    }

    fn plain_line(event_type: &str, data: &str) -> String {
        anstream::adapter::strip_str(&of_event(&event(event_type, data), Columns::of_width(None)))
            .to_string()
    }

    #[test]
    fn shows_when_where_what_who_and_the_gist() {
        let line = plain_line(
            "tool.succeeded",
            r#"{"tool_name":"Bash","title":"cargo test","duration_ms":8120}"#,
        );
        assert!(line.starts_with("09:30:00.250      12  r1 "), "{line}");
        assert!(line.ends_with("Bash · cargo test · 8.1 s"), "{line}");
    }

    #[test]
    fn a_line_fits_its_terminal() {
        let event =
            event("message.created", &format!(r#"{{"content_md":"{}"}}"#, "word ".repeat(100)));
        for width in [100, 120, 140, 200] {
            let line = of_event(&event, Columns::of_width(Some(width)));
            let count = anstream::adapter::strip_str(&line).to_string().chars().count();
            assert!((width - 2..=width).contains(&count), "{count} characters on {width} columns");
        }
    }

    #[test]
    fn foreign_text_stays_on_its_line_and_steers_nothing() {
        let line = plain_line("message.created", r#"{"content_md":"one\ntwo\u001b]0;x\u0007"}"#);
        assert!(line.contains("one two\u{fffd}]0;x\u{fffd}"), "{line}");
        assert!(!line.contains(['\n', '\u{1b}']));
    }

    #[test]
    fn an_unknown_payload_is_shown_as_it_is() {
        assert!(plain_line("weather.measured", r#"{"t":[1,2]}"#).ends_with(r#"{"t":[1,2]}"#));
        assert!(plain_line("weather.measured", "null").ends_with("claude-code"));
    }

    #[test]
    fn a_payload_that_does_not_fit_its_type_is_said_first() {
        let marked = event("tool.invoked", r#"{"tool_name":7,"title":"ls"}"#).json.replace(
            "\"data\":",
            r#""schema_violation":{"pointer":"/tool_name","rule":"/properties/tool_name/type","problem":"value is not of type \"string\""},"data":"#,
        );
        let event = StoredEvent::from_json(marked).unwrap();
        let line = of_event(&event, Columns::of_width(None));
        let line = anstream::adapter::strip_str(&line).to_string();
        let said =
            r#"(does not fit its type: /data/tool_name, value is not of type "string") · ls"#;
        assert!(line.ends_with(said), "{line}");
    }

    #[test]
    fn durations_are_said_as_people_do() {
        assert_eq!([4, 1_250, 192_000].map(duration), ["4 ms", "1.2 s", "3 m 12 s"]);
    }
}
