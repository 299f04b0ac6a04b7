//! The catalog as one JSON Schema document (2020-12), for our envelope or for the hive's.
//!
//! It writes text and checks nothing. INVARIANT (one source): every rule for a payload in it comes
//! from an entry of the catalog.

use std::collections::HashSet;
use std::fmt::Write as _;

use crate::json::{Json, as_str, elements, member, string_into};

use super::spelling::{DataPath, ForeignPlace, HomePlace, Spelling, Way, plain_members};
use super::{Catalog, TypeEntry};

/// For which form of an event a bundle of schemas is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BundleShape {
    /// The envelope, as it is sent and as it is read.
    #[default]
    Envelope,
    /// The documents of the `hive` dialect: one branch a type, the payload nested and required.
    Hive,
}

impl BundleShape {
    /// The shape of a word: `envelope` or `hive`.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "envelope" => Some(Self::Envelope),
            "hive" => Some(Self::Hive),
            _ => None,
        }
    }
}

const DIALECT_2020: &str = "https://json-schema.org/draft/2020-12/schema";

/// What sender and server write around a payload. The envelope's own page says more.
const ENVELOPE: &str = include_str!("envelope.schema.json");

/// What the hive's format demands of every event.
const HIVE_BASE: &str = include_str!("hive.schema.json");

impl Catalog {
    /// All schemas of the catalog as one JSON Schema document, as compact JSON text.
    #[must_use]
    pub fn schema_bundle(&self, shape: BundleShape) -> String {
        match shape {
            BundleShape::Envelope => envelope_bundle(self.entries()),
            BundleShape::Hive => hive_bundle(self.entries()),
        }
    }
}

impl TypeEntry {
    /// The schema as it must be inside of another document, at this reference: `#/…`.
    #[must_use]
    pub fn schema_at(&self, reference: &str) -> String {
        let schema = self.schema.as_deref().unwrap_or("{}");
        // In compact text these letters are a member's name and the beginning of its value, for
        // inside of a text the quotes would be escaped.
        schema.replace("\"$ref\":\"#/", &format!("\"$ref\":\"{reference}/"))
    }
}

fn envelope_bundle(entries: &[TypeEntry]) -> String {
    let with_schema = || entries.iter().filter(|entry| entry.schema.is_some());
    let mut out = head(
        "annals",
        "Events of Annals: the envelope, and the payload of each type of the catalog.",
    );
    let _ = write!(out, ",{},\"allOf\":[", inside(&compacted(ENVELOPE)));
    join(&mut out, with_schema(), |out, entry| {
        let event_type = text(&entry.event_type);
        // An event without a version is of version 1, and the data of a redacted one is not its own.
        let needed =
            if entry.version == 1 { "\"event_type\"" } else { "\"event_type\",\"event_version\"" };
        let _ = write!(
            out,
            r##"{{"if":{{"required":[{needed}],"not":{{"required":["redaction"]}},"properties":{{"event_type":{{"const":{event_type}}},"event_version":{{"const":{}}}}}}},"then":{{"properties":{{"data":{{"$ref":"#/$defs/{}"}}}}}}}}"##,
            entry.version,
            pointer_step(&entry.event_type)
        );
    });
    out.push_str("],\"$defs\":{");
    join(&mut out, with_schema(), |out, entry| {
        let _ = write!(out, "{}:{}", text(&entry.event_type), described_schema(entry));
    });
    out.push_str("}}");
    out
}

/// One of the texts above without whitespace; both are JSON, as the tests of the bundles show.
fn compacted(json: &str) -> String {
    Json::parse(json.as_bytes()).map_or_else(|_| "{}".to_owned(), Json::into_string)
}

/// The members of an object, without its braces.
fn inside(object: &str) -> &str {
    object.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default()
}

fn head(name: &str, description: &str) -> String {
    format!(
        r#"{{"$schema":"{DIALECT_2020}","$id":"urn:annals:catalog:{name}","title":"Annals events","description":{}"#,
        text(description)
    )
}

/// An entry's schema with its meaning and its example, where it has none of its own.
fn described_schema(entry: &TypeEntry) -> String {
    let schema = entry.schema_at(&format!("#/$defs/{}", pointer_step(&entry.event_type)));
    let rest = schema.strip_prefix('{').unwrap_or("}");
    let mut out = String::from("{");
    if member(&schema, "description").is_none() {
        let _ = write!(out, "\"description\":{},", text(&entry.meaning));
    }
    if let Some(example) =
        entry.example.as_deref().filter(|_| member(&schema, "examples").is_none())
    {
        let _ = write!(out, "\"examples\":[{example}],");
    }
    if rest == "}" && out.len() > 1 {
        out.pop();
    }
    out.push_str(rest);
    out
}

fn hive_bundle(entries: &[TypeEntry]) -> String {
    let mut out = head("hive", "Events of the catalog as documents of the hive dialect.");
    let _ = write!(
        out,
        ",\"version\":\"1.0.0\",\"$defs\":{{\"BaseEvent\":{}}},\"anyOf\":[",
        compacted(HIVE_BASE)
    );
    // What is spelled on the way out only is a document that one of the others describes.
    let branches = entries.iter().flat_map(|entry| {
        let spellings = entry.spellings("hive").iter();
        let both_ways = spellings.filter(|spelling| spelling.way == Way::Both);
        both_ways.map(move |spelling| (entry, spelling))
    });
    join(&mut out, branches, |out, (entry, spelling)| {
        let name = text(&spelling.name);
        let _ = write!(
            out,
            r##"{{"title":{name},"description":{},"allOf":[{{"$ref":"#/$defs/BaseEvent"}}],"required":["payload"],"properties":{{"event_type":{{"const":{name}}},"event_category":{{"const":"{}"}},"payload":{}}}}}"##,
            text(&entry.meaning),
            entry.category.as_str(),
            foreign_payload(entry, spelling)
        );
    });
    out.push_str("]}");
    out
}

/// The schema of a foreign payload: ours, with the members where the spelling has them.
fn foreign_payload(entry: &TypeEntry, spelling: &Spelling) -> String {
    let schema = entry.schema.as_deref().unwrap_or("{}");
    let ours = member(schema, "properties").unwrap_or("{}");
    let mut properties: Vec<(String, String)> = Vec::new();
    let mut put = |name: &str, schema: &str| {
        if !properties.iter().any(|(known, _)| known == name) {
            properties.push((name.to_owned(), schema.to_owned()));
        }
    };
    for (place, constant) in &spelling.when {
        if let ForeignPlace::Member(name) = place {
            put(name, &format!("{{\"const\":{}}}", constant.as_json()));
        }
    }
    for (place, targets) in &spelling.map {
        if let ForeignPlace::Member(name) = place {
            put(name, targets.iter().find_map(|target| schema_at(schema, target)).unwrap_or("{}"));
        }
    }
    let moved = moved_members(spelling);
    for (name, schema) in plain_members(ours).filter(|(name, _)| !moved.contains(name.as_ref())) {
        put(&name, schema);
    }
    let mut out = String::from("{\"type\":\"object\",\"required\":[");
    join(&mut out, required_of(schema, spelling, &moved), |out, name| out.push_str(&text(&name)));
    out.push_str("],\"properties\":{");
    join(&mut out, properties, |out, (name, schema)| {
        let _ = write!(out, "{}:{schema}", text(&name));
    });
    out.push_str("}}");
    out
}

/// Members of our payload that are not under their own name in the foreign one.
fn moved_members(spelling: &Spelling) -> HashSet<&str> {
    let mapped = spelling.map.iter().flat_map(|(_, targets)| targets).filter_map(|to| match to {
        HomePlace::Data(path) => path.steps().first(),
        HomePlace::Field(_) => None,
    });
    let stated = spelling.set.iter().filter_map(|(path, _)| path.steps().first());
    mapped.chain(stated).map(String::as_str).collect()
}

/// What a foreign payload must have: what tells the type, what is filled in because the format
/// demands it, and what we demand, apart from ids that the dialect makes.
fn required_of(schema: &str, spelling: &Spelling, moved: &HashSet<&str>) -> Vec<String> {
    let ours: Vec<String> = member(schema, "required")
        .into_iter()
        .flat_map(elements)
        .filter_map(|name| as_str(name).map(Into::into))
        .collect();
    let stated = spelling.when.iter().chain(&spelling.fill).filter_map(|(place, _)| match place {
        ForeignPlace::Member(name) => Some(name.clone()),
        ForeignPlace::Pointer(_) => None,
    });
    let mapped = spelling.map.iter().filter_map(|(place, targets)| {
        let ForeignPlace::Member(name) = place else { return None };
        let is_ours = targets.iter().any(|target| match target {
            HomePlace::Data(path) => matches!(path.steps(), [one] if ours.contains(one)),
            HomePlace::Field(_) => false,
        });
        is_ours.then(|| name.clone())
    });
    let same = ours
        .iter()
        .filter(|name| !moved.contains(name.as_str()) && !name.ends_with("_id"))
        .cloned();
    let mut names: Vec<String> = Vec::new();
    for name in stated.chain(mapped).chain(same) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The schema of a member of our payload; none for what the schema does not name.
fn schema_at<'a>(schema: &'a str, target: &HomePlace) -> Option<&'a str> {
    let HomePlace::Data(path) = target else { return None };
    member_schema(schema, path)
}

fn member_schema<'a>(schema: &'a str, path: &DataPath) -> Option<&'a str> {
    path.steps().iter().try_fold(schema, |schema, step| member(member(schema, "properties")?, step))
}

/// Writes parts with commas between them.
pub(super) fn join<T>(
    out: &mut String,
    parts: impl IntoIterator<Item = T>,
    mut write_part: impl FnMut(&mut String, T),
) {
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_part(out, part);
    }
}

/// A text as JSON.
pub(super) fn text(plain: &str) -> String {
    let mut out = String::new();
    string_into(&mut out, plain);
    out
}

/// A name as a step of a JSON Pointer in a fragment; types hold nothing else that needs escaping.
fn pointer_step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
