//! Putting our entries into a text of settings and taking them out again.
//!
//! INVARIANT (nothing else changes): every byte outside of our entries stays, comments and odd
//! spacing included; taking out what was put in gives the text from before.

use serde_json::Value;

use super::agent::{Agent, is_our_entry};
use super::jsonc::{Item, JsoncFault, Node, parse, value};

/// Settings that cannot be edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum EditFault {
    /// The text is no JSON.
    #[error("it is no JSON: {0}")]
    NotJson(#[from] JsoncFault),
    /// A value is not what the agent wants there.
    #[error("`{place}` in it is not {wanted}, so nothing can be added there")]
    Unexpected { place: String, wanted: &'static str },
}

fn unexpected(place: &str, wanted: &'static str) -> EditFault {
    EditFault::Unexpected { place: place.to_owned(), wanted }
}

/// The text with our entry for every event that an agent tells. Entries of ours that say something
/// else, such as another path, are replaced.
pub(super) fn install(text: &str, agent: Agent, command: &str) -> Result<String, EditFault> {
    if entries(text)?.iter().filter(|(_, is_ours, _)| *is_ours).count() == agent.events().len()
        && agent.events().iter().all(|event| has(text, event, &agent.entry(event, command)))
    {
        return Ok(text.to_owned());
    }
    let mut text = uninstall(text)?;
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        text = match agent.file_version() {
            Some(version) => format!("{{\n  \"version\": {version}\n}}\n"),
            None => "{}\n".to_owned(),
        };
    }
    for event in agent.events() {
        text = add(&text, event, &agent.entry(event, command))?;
    }
    Ok(text)
}

/// The text without our entries, and without what they leave empty.
pub(super) fn uninstall(text: &str) -> Result<String, EditFault> {
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        return Ok(text.to_owned());
    }
    let mut text = text.to_owned();
    while let Some(shorter) = without_one(&text)? {
        text = shorter;
    }
    Ok(text)
}

/// How many of our entries a text has.
pub(super) fn count(text: &str) -> Result<usize, EditFault> {
    Ok(entries(text)?.iter().filter(|(_, is_ours, _)| *is_ours).count())
}

/// Whether a text says nothing but what a new file of ours would.
pub(super) fn is_bare(text: &str) -> bool {
    let Ok(node) = parse(text) else { return text.trim().is_empty() };
    node.is_object()
        && node.items().iter().all(|item| item.key == "version")
        && !text.contains("//")
        && !text.contains("/*")
}

/// All entries: the event, whether it is ours, and what it says.
fn entries(text: &str) -> Result<Vec<(String, bool, Value)>, EditFault> {
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        return Ok(Vec::new());
    }
    let node = parse(text)?;
    if !node.is_object() {
        return Err(unexpected("/", "an object"));
    }
    let Some(hooks) = node.member("hooks") else { return Ok(Vec::new()) };
    if !hooks.value.is_object() {
        return Err(unexpected("hooks", "an object"));
    }
    let mut found = Vec::new();
    for event in hooks.value.items() {
        for entry in event.value.items() {
            let entry = value(text, &entry.value);
            found.push((event.key.clone(), is_our_entry(&entry), entry));
        }
    }
    Ok(found)
}

fn has(text: &str, event: &str, wanted: &Value) -> bool {
    let found = entries(text).unwrap_or_default();
    found.iter().any(|(name, is_ours, entry)| name == event && *is_ours && entry == wanted)
}

/// Adds one entry at the end of its event's array.
fn add(text: &str, event: &str, entry: &Value) -> Result<String, EditFault> {
    let node = parse(text)?;
    let style = Style::of(text, &node);
    let Some(hooks) = node.member("hooks") else {
        let hooks = Value::Object(
            [(event.to_owned(), Value::Array(vec![entry.clone()]))].into_iter().collect(),
        );
        return Ok(insert(text, &node, &style, Some("hooks"), &hooks));
    };
    if !hooks.value.is_object() {
        return Err(unexpected("hooks", "an object"));
    }
    match hooks.value.member(event) {
        None => {
            let array = Value::Array(vec![entry.clone()]);
            Ok(insert(text, &hooks.value, &style, Some(event), &array))
        }
        Some(array) if array.value.is_array() => {
            Ok(insert(text, &array.value, &style, None, entry))
        }
        Some(_) => Err(unexpected(&format!("hooks.{event}"), "an array")),
    }
}

/// How a text is laid out.
#[derive(Debug, Clone)]
struct Style {
    newline: &'static str,
    /// What one level is indented by.
    unit: String,
}

impl Style {
    fn of(text: &str, node: &Node) -> Self {
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let unit = node.items().first().and_then(|first| indent_before(text, first.start));
        let unit = unit.filter(|unit| !unit.is_empty()).unwrap_or("  ").to_owned();
        Self { newline, unit }
    }
}

/// The white space before a place, if that is where its line begins.
fn indent_before(text: &str, at: usize) -> Option<&str> {
    let before = text.get(..at)?;
    let begin = before.rfind('\n')? + 1;
    let indent = before.get(begin..)?;
    indent.chars().all(|character| matches!(character, ' ' | '\t')).then_some(indent)
}

/// The white space with which the line of a place begins.
fn line_indent(text: &str, at: usize) -> &str {
    let before = text.get(..at).unwrap_or_default();
    let begin = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.get(begin..).unwrap_or_default();
    let length = line.len() - line.trim_start_matches([' ', '\t']).len();
    line.get(..length).unwrap_or_default()
}

/// Adds a value at the end of an array or an object.
fn insert(text: &str, node: &Node, style: &Style, key: Option<&str>, added: &Value) -> String {
    let close = node.span.end - 1;
    let outer = line_indent(text, node.span.start);
    let last = node.items().last();
    let indent = last.and_then(|last| indent_before(text, last.start));
    let is_inline = last.is_some() && indent.is_none();
    let indent = indent.map_or_else(|| format!("{outer}{}", style.unit), str::to_owned);
    let written = if is_inline { added.to_string() } else { pretty(added, style, &indent) };
    let item = match key {
        Some(key) => format!("{}: {written}", Value::String(key.to_owned())),
        None => written,
    };
    let Some(last) = last else {
        let newline = style.newline;
        let blank = text.get(node.span.start + 1..close).unwrap_or_default();
        // Comments in an empty object stay before what comes in.
        let kept = blank.trim_end();
        return splice(
            text,
            node.span.start + 1 + kept.len()..close,
            &format!("{newline}{indent}{item}{newline}{outer}"),
        );
    };
    let space = if is_inline { " ".to_owned() } else { format!("{}{indent}", style.newline) };
    match last.comma {
        Some(comma) => splice(text, comma + 1..comma + 1, &format!("{space}{item},")),
        None => splice(text, last.value.span.end..last.value.span.end, &format!(",{space}{item}")),
    }
}

fn splice(text: &str, range: std::ops::Range<usize>, with: &str) -> String {
    let before = text.get(..range.start).unwrap_or_default();
    let after = text.get(range.end..).unwrap_or_default();
    format!("{before}{with}{after}")
}

/// A value over several lines, the first of which is indented already.
fn pretty(value: &Value, style: &Style, indent: &str) -> String {
    let inner = format!("{indent}{}", style.unit);
    let lines = |open: char, items: Vec<String>, close: char| {
        let newline = style.newline;
        let joined = items.join(&format!(",{newline}{inner}"));
        format!("{open}{newline}{inner}{joined}{newline}{indent}{close}")
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            lines('[', items.iter().map(|item| pretty(item, style, &inner)).collect(), ']')
        }
        Value::Object(members) if !members.is_empty() => {
            let member = |(key, value): (&String, &Value)| {
                format!("{}: {}", Value::String(key.clone()), pretty(value, style, &inner))
            };
            lines('{', members.iter().map(member).collect(), '}')
        }
        other => other.to_string(),
    }
}

/// The text without one entry of ours; none where there is none.
fn without_one(text: &str) -> Result<Option<String>, EditFault> {
    let node = parse(text)?;
    if !node.is_object() {
        return Err(unexpected("/", "an object"));
    }
    let Some((place, hooks)) =
        node.items().iter().enumerate().find(|(_, item)| item.key == "hooks")
    else {
        return Ok(None);
    };
    for (index, event) in hooks.value.items().iter().enumerate() {
        let ours =
            event.value.items().iter().position(|entry| is_our_entry(&value(text, &entry.value)));
        let Some(ours) = ours else { continue };
        return Ok(Some(match (event.value.items().len(), hooks.value.items().len()) {
            (1, 1) => remove(text, &node, place),
            (1, _) => remove(text, &hooks.value, index),
            _ => remove(text, &event.value, ours),
        }));
    }
    Ok(None)
}

/// Takes an element or a member out, with the comma that joined it and the line that it began.
fn remove(text: &str, node: &Node, index: usize) -> String {
    let items: &[Item] = node.items();
    let Some(item) = items.get(index) else { return text.to_owned() };
    let before = text.get(..item.start).unwrap_or_default();
    let start = before.trim_end_matches([' ', '\t', '\r', '\n']).len();
    let is_last = index + 1 == items.len();
    let previous = index.checked_sub(1).and_then(|previous| items.get(previous));
    let comma_before =
        previous.filter(|_| is_last && item.comma.is_none()).and_then(|item| item.comma);
    let commas = item.comma.into_iter().chain(comma_before).map(|comma| comma..comma + 1);
    let mut cut: Vec<_> = std::iter::once(start..item.value.span.end).chain(commas).collect();
    cut.sort_by_key(|range| std::cmp::Reverse(range.start));
    let mut shorter = text.to_owned();
    for range in cut {
        shorter = splice(&shorter, range, "");
    }
    if items.len() == 1 {
        let inner_start = node.span.start + 1;
        let removed = text.len() - shorter.len();
        let inner = shorter.get(inner_start..node.span.end - 1 - removed).unwrap_or_default();
        if inner.trim().is_empty() {
            shorter = splice(&shorter, inner_start..inner_start + inner.len(), "");
        }
    }
    shorter
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAND: &str = "/opt/annals-hook gemini";

    fn both(text: &str, agent: Agent) -> String {
        let with = install(text, agent, COMMAND).unwrap();
        assert_eq!(count(&with).unwrap(), agent.events().len(), "{with}");
        assert_eq!(install(&with, agent, COMMAND).unwrap(), with, "a second time changes nothing");
        with
    }

    #[test]
    fn what_was_put_in_comes_out_and_leaves_the_text_as_it_was() {
        let texts = [
            "{}",
            "{}\n",
            "{\n}\n",
            "{\"a\":1}",
            "{\"a\": 1, \"hooks\": {\"BeforeTool\": [{\"hooks\": [{\"command\": \"lint\"}]}]}}",
            "{\n    \"theme\": \"dark\",\n    \"n\": 1.0e2\n}\n",
            "{\r\n\t\"theme\": \"dark\"\r\n}",
            "\u{feff}{\n  // the theme\n  \"theme\": \"dark\", // dark\n  \"hooks\": {\n    \"Other\": [], /* none */\n    \"BeforeTool\": [\n      { \"hooks\": [ { \"command\": \"lint\" } ] },  // mine\n    ],\n  },\n}\n",
            "{\"hooks\":{\"AfterTool\":[{\"matcher\":\"x\",\"hooks\":[]}]},\"z\":[]}",
        ];
        for text in texts {
            let with = both(text, Agent::Gemini);
            let without = uninstall(&with).unwrap();
            let tidy = |text: &str| text.replace("{\n}", "{}");
            assert_eq!(without, tidy(text), "\n{with}");
        }
    }

    #[test]
    fn everything_else_stays_byte_for_byte() {
        let text = "{\n  // keep\n  \"b\": 1.0,   \"a\": \"\\u0041\",\n  \"hooks\": {\"Stop\": [ {\"hooks\":[{\"type\":\"command\",\"command\":\"say\"}]} ]}\n}";
        let with = both(text, Agent::ClaudeCode);
        // What was there is there in the same order with nothing but additions between.
        let mut rest = with.as_str();
        for piece in [
            "{\n  // keep\n  \"b\": 1.0,   \"a\": \"\\u0041\",\n  \"hooks\": {\"Stop\": [ {\"hooks\":[{\"type\":\"command\",\"command\":\"say\"}]}",
            " ]",
            "}\n}",
        ] {
            let at = rest.find(piece).unwrap_or_else(|| panic!("{piece} is gone from {with}"));
            rest = &rest[at + piece.len()..];
        }
    }

    #[test]
    fn an_entry_with_another_path_is_replaced() {
        let old = install("{}", Agent::Codex, "/old/annals-hook codex").unwrap();
        let new = install(&old, Agent::Codex, "/new/annals-hook codex").unwrap();
        assert!(!new.contains("/old/") && new.contains("/new/"));
        assert_eq!(count(&new).unwrap(), Agent::Codex.events().len());
    }

    #[test]
    fn a_new_file_is_what_the_agent_wants() {
        for agent in Agent::ALL {
            let text = both("", agent);
            let parsed: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(parsed["version"].as_u64(), agent.file_version());
            let first = &parsed["hooks"][agent.events()[0]][0];
            assert_eq!(*first, agent.entry(agent.events()[0], COMMAND));
            assert!(is_bare(&uninstall(&text).unwrap()), "{text}");
        }
    }

    #[test]
    fn entries_of_others_are_not_touched() {
        let text = "{\"hooks\": {\"PreToolUse\": [{\"hooks\": [{\"command\": \"annals-hook claude-code\"}, {\"command\": \"lint\"}]}]}}";
        assert_eq!(uninstall(text).unwrap(), text);
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        for (text, message) in [
            ("{", "it is no JSON"),
            ("[]", "`/` in it is not an object"),
            ("{\"hooks\": []}", "`hooks` in it is not an object"),
            ("{\"hooks\": {\"Stop\": {}}}", "`hooks.Stop` in it is not an array"),
        ] {
            let fault = install(text, Agent::ClaudeCode, COMMAND).unwrap_err().to_string();
            assert!(fault.starts_with(message), "{fault}");
        }
    }
}
