//! A type's members for people: what each holds, in a few words.
//!
//! The words are read out of the schema and say less than it does.

use std::borrow::Cow;

use crate::json::{as_str, elements, member, members, unescape};

use super::TypeEntry;
use super::pretty::one_line;

/// A member of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberLine {
    /// Its name.
    pub name: String,
    /// What it holds; values stand in backticks.
    pub value: String,
    /// Its JSON Schema, as compact JSON text.
    pub schema: String,
    /// Whether every payload of the type has it.
    pub is_required: bool,
    /// Whether it may hold secrets or personal data.
    pub is_sensitive: bool,
}

impl TypeEntry {
    /// The members that the schema names, in its order.
    #[must_use]
    pub fn member_lines(&self) -> Vec<MemberLine> {
        let Some(schema) = &self.schema else { return Vec::new() };
        let required: Vec<&str> =
            member(schema, "required").into_iter().flat_map(elements).collect();
        all_properties(schema)
            .map(|(name, member_schema)| MemberLine {
                name: unescape(name).into_owned(),
                value: value(schema, member_schema),
                schema: resolved(schema, member_schema).to_owned(),
                is_required: required.iter().any(|one| as_str(one).is_some_and(|one| one == name)),
                is_sensitive: self.sensitive.iter().any(|one| one == name),
            })
            .collect()
    }

    /// The names that a dialect has for the type, each with the condition under which it means it.
    #[must_use]
    pub fn names_in(&self, dialect: &str) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for spelling in self.spellings(dialect) {
            let conditions: Vec<String> = spelling
                .when
                .iter()
                .map(|(place, value)| format!("{place} = {}", value.as_json()))
                .collect();
            let name = match conditions.as_slice() {
                [] => format!("`{}`", spelling.name),
                some => format!("`{}` ({})", spelling.name, some.join(", ")),
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

/// What a value of a schema is, the whole schema being `root`.
fn value(root: &str, schema: &str) -> String {
    let mut words = vec![kinds(root, schema)];
    let schema = resolved(root, schema);
    if let Some(values) = member(schema, "enum") {
        words.push(format!("one of {}", listed(values)));
    }
    if let Some(values) = member(schema, "examples") {
        words.push(format!("such as {}", listed(values)));
    }
    if let Some(description) = member(schema, "description").and_then(as_str) {
        words.push(description.into_owned());
    }
    let inner: Vec<String> = properties(schema).map(|(name, _)| format!("`{name}`")).collect();
    if !inner.is_empty() {
        words.push(format!("of {}", inner.join(", ")));
    }
    words.retain(|word| !word.is_empty());
    words.join("; ")
}

/// The kinds of value that a schema allows.
fn kinds(root: &str, schema: &str) -> String {
    if let Some(constant) = member(schema, "const") {
        return format!("`{}`", one_line(constant));
    }
    if let Some(name) = reference(schema) {
        return name.into_owned();
    }
    if let Some(choices) = member(schema, "anyOf").or_else(|| member(schema, "oneOf")) {
        let choices: Vec<String> = elements(choices).map(|choice| kinds(root, choice)).collect();
        return choices.join(" or ");
    }
    let Some(kind) = member(schema, "type") else {
        return if member(schema, "enum").is_some() { String::new() } else { "any".to_owned() };
    };
    let kinds: Vec<String> = match as_str(kind) {
        Some(one) => vec![one_kind(root, &one, schema)],
        None => elements(kind).filter_map(as_str).map(|one| one_kind(root, &one, schema)).collect(),
    };
    kinds.join(" or ")
}

fn one_kind(root: &str, kind: &str, schema: &str) -> String {
    match (kind, member(schema, "items")) {
        ("array", Some(items)) => format!("array of {}", kinds(root, items)),
        _ => kind.to_owned(),
    }
}

fn listed(values: &str) -> String {
    let values: Vec<String> = elements(values)
        .map(|value| as_str(value).map_or_else(|| one_line(value), Into::into))
        .map(|value| format!("`{value}`"))
        .collect();
    values.join(", ")
}

/// The name of the definition that a schema stands for, if it is a reference.
fn reference(schema: &str) -> Option<Cow<'_, str>> {
    let name = as_str(member(schema, "$ref")?)?;
    name.strip_prefix("#/$defs/").map(|name| Cow::Owned(name.to_owned()))
}

/// What a reference leads to, and any other schema itself.
fn resolved<'a>(root: &'a str, schema: &'a str) -> &'a str {
    reference(schema).and_then(|name| member(member(root, "$defs")?, &name)).unwrap_or(schema)
}

/// The members of a schema's `properties` with their schemas, in order.
fn properties(schema: &str) -> impl Iterator<Item = (&str, &str)> {
    member(schema, "properties").into_iter().flat_map(members)
}

/// The same, and those of the definitions that hold for all of it.
fn all_properties(schema: &str) -> impl Iterator<Item = (&str, &str)> {
    let shared = member(schema, "allOf").into_iter().flat_map(elements);
    properties(schema).chain(shared.flat_map(move |one| properties(resolved(schema, one))))
}
