//! Lists of messages that a convention writes as one attribute per leaf, put together again.
//!
//! `llm.input_messages.0.message.role` is the role of the first message. Attributes that contradict
//! each other stay as they are.

use std::collections::BTreeMap;

use crate::dialect::translation::parts::{Parts, quoted};

/// Where such lists are, and what they are called here.
const LISTS: [(&str, &str); 4] = [
    ("llm.input_messages.", "input_messages"),
    ("llm.output_messages.", "output_messages"),
    ("gen_ai.prompt.", "input_messages"),
    ("gen_ai.completion.", "output_messages"),
];
/// Steps that only say what the thing is that they hold.
const WRAPPERS: [&str; 3] = ["message", "message_content", "tool_call"];
/// Steps of one name; no convention has as many.
const STEP_COUNT_MAX: usize = 16;

#[derive(Debug)]
enum Node {
    Leaf(String),
    Inner(BTreeMap<String, Node>),
}

impl Node {
    /// Puts a leaf into its place; says whether that was free.
    fn put(&mut self, steps: &[&str], value: String) -> bool {
        let Self::Inner(inner) = self else { return false };
        match steps {
            [] => false,
            [last] => inner.insert((*last).to_owned(), Self::Leaf(value)).is_none(),
            [first, rest @ ..] => {
                let node = inner.entry((*first).to_owned());
                node.or_insert_with(|| Self::Inner(BTreeMap::new())).put(rest, value)
            }
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Leaf(value) => out.push_str(value),
            Self::Inner(inner) => match numbered(inner) {
                Some(elements) => list(out, '[', elements.iter(), ']', |out, node| node.write(out)),
                None => list(out, '{', inner.iter(), '}', |out, (name, node)| {
                    out.push_str(&quoted(name));
                    out.push(':');
                    node.write(out);
                }),
            },
        }
    }
}

fn list<T>(
    out: &mut String,
    open: char,
    items: impl Iterator<Item = T>,
    close: char,
    write: impl Fn(&mut String, T),
) {
    out.push(open);
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(close);
}

/// The elements of a list, where all names are numbers.
fn numbered(inner: &BTreeMap<String, Node>) -> Option<Vec<&Node>> {
    let pairs = inner.iter().map(|(name, node)| Some((name.parse::<u32>().ok()?, node)));
    let mut pairs: Vec<_> = pairs.collect::<Option<_>>()?;
    pairs.sort_by_key(|(number, _)| *number);
    Some(pairs.into_iter().map(|(_, node)| node).collect())
}

/// Takes the lists out of an item's attributes into its payload.
pub(super) fn take(attributes: &mut Parts<'_>, data: &mut Parts<'_>) {
    for (prefix, name) in LISTS {
        let Some(text) = together(attributes, prefix).filter(|_| !data.has(name)) else { continue };
        attributes.split_off(|key| is_of(key, prefix));
        data.insert(name, text);
    }
}

/// Whether a name leads into a numbered element.
fn is_of(key: &str, prefix: &str) -> bool {
    let rest = key.strip_prefix(prefix).unwrap_or_default();
    rest.starts_with(|first: char| first.is_ascii_digit()) && rest.contains('.')
}

fn together(attributes: &Parts<'_>, prefix: &str) -> Option<String> {
    let mut root = Node::Inner(BTreeMap::new());
    let mut is_any = false;
    for (key, value) in attributes.iter().filter(|(key, _)| is_of(key, prefix)) {
        let rest = key.strip_prefix(prefix)?;
        if rest.split('.').nth(STEP_COUNT_MAX).is_some() {
            return None;
        }
        let steps: Vec<&str> = rest.split('.').filter(|step| !WRAPPERS.contains(step)).collect();
        if !root.put(&steps, value.into_owned()) {
            return None;
        }
        is_any = true;
    }
    if !is_any {
        return None;
    }
    let mut out = String::new();
    root.write(&mut out);
    out.starts_with('[').then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_put_together_in_their_order() {
        let mut attributes = Parts::of(
            r#"{"llm.input_messages.10.message.role":"tool","llm.input_messages.2.message.role":"user","llm.input_messages.2.message.contents.0.message_content.text":"hi","llm.input_messages.10.message.tool_calls.0.tool_call.function.name":"ls","llm.model_name":"m"}"#,
        );
        let mut data = Parts::default();
        take(&mut attributes, &mut data);
        assert_eq!(
            data.to_text(),
            r#"{"input_messages":[{"contents":[{"text":"hi"}],"role":"user"},{"role":"tool","tool_calls":[{"function":{"name":"ls"}}]}]}"#
        );
        assert_eq!(attributes.to_text(), r#"{"llm.model_name":"m"}"#);
    }

    #[test]
    fn what_contradicts_itself_stays_as_it_is() {
        let deep = format!("{{\"gen_ai.prompt.0.{}\":1}}", vec!["a"; 10_000].join("."));
        for text in [
            r#"{"gen_ai.prompt.0.role":"a","gen_ai.prompt.0.role.x":"b"}"#,
            r#"{"gen_ai.prompt.0.message.role":"a","gen_ai.prompt.0.role":"b"}"#,
            r#"{"gen_ai.prompt.x":"a"}"#,
            &deep,
        ] {
            let (mut attributes, mut data) = (Parts::of(text), Parts::default());
            take(&mut attributes, &mut data);
            assert_eq!((attributes.to_text().as_str(), data.to_text().as_str()), (text, "{}"));
        }
    }
}
