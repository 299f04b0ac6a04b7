//! What differs between two catalogs, and whom it breaks.
//!
//! A change is *additive* when everything that was written by the old catalog is still right and
//! everybody who reads by it still reads right; otherwise it is *breaking*. Schemas are compared
//! keyword by keyword. INVARIANT (no guess): where keywords differ that this comparison does not
//! understand, it says so.

use std::collections::BTreeSet;

use crate::json::{JsonKind, as_bool, as_str, elements, kind, member, members};

use super::spelling::Spelling;
use super::{Catalog, TypeEntry};

/// Whom a change breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Compatibility {
    /// Nobody.
    Additive,
    /// Perhaps somebody: the comparison does not understand it.
    Unclear,
    /// Somebody who writes or reads by the old catalog.
    Breaking,
}

impl Compatibility {
    /// The word for people and programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Additive => "additive",
            Self::Unclear => "unclear",
            Self::Breaking => "breaking",
        }
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogChange {
    /// The type.
    pub event_type: String,
    /// Whom it breaks.
    pub compatibility: Compatibility,
    /// What differs, for people.
    pub what: String,
}

use Compatibility::{Additive, Breaking, Unclear};

/// All differences, in the order of the new catalog, removed types last.
#[must_use]
pub fn diff(old: &Catalog, new: &Catalog) -> Vec<CatalogChange> {
    let mut changes = Vec::new();
    for entry in new.entries() {
        let mut found = Found { event_type: &entry.event_type, changes: &mut changes };
        match old.entry(&entry.event_type) {
            Some(before) => compare(before, entry, &mut found),
            None => found.add(Additive, "the type is new"),
        }
    }
    for entry in old.entries().iter().filter(|entry| new.entry(&entry.event_type).is_none()) {
        let mut found = Found { event_type: &entry.event_type, changes: &mut changes };
        found.add(Breaking, "the type is gone");
    }
    changes
}

/// Where the differences of one type go.
struct Found<'a> {
    event_type: &'a str,
    changes: &'a mut Vec<CatalogChange>,
}

impl Found<'_> {
    fn add(&mut self, compatibility: Compatibility, what: impl Into<String>) {
        self.changes.push(CatalogChange {
            event_type: self.event_type.to_owned(),
            compatibility,
            what: what.into(),
        });
    }

    /// A word that differs.
    fn word(&mut self, compatibility: Compatibility, name: &str, old: &str, new: &str) {
        if old != new {
            self.add(compatibility, format!("{name}: {old}, now {new}"));
        }
    }
}

fn compare(old: &TypeEntry, new: &TypeEntry, found: &mut Found<'_>) {
    found.word(Breaking, "authority", old.authority.as_str(), new.authority.as_str());
    found.word(Breaking, "version", &old.version.to_string(), &new.version.to_string());
    found.word(Breaking, "category", old.category.as_str(), new.category.as_str());
    let (was, is) = (old.stream.stream_type.as_str(), new.stream.stream_type.as_str());
    found.word(Breaking, "stream", was, is);
    found.word(Additive, "severity", old.severity.as_str(), new.severity.as_str());
    found.word(Additive, "audit", old.audit.as_str(), new.audit.as_str());
    found.word(Additive, "meaning", &old.meaning, &new.meaning);
    match (old.route.as_deref(), new.route.as_deref()) {
        (None, Some(route)) => found.add(Additive, format!("route: {route} writes it")),
        (was, is) => found.word(Breaking, "route", was.unwrap_or("none"), is.unwrap_or("none")),
    }
    for path in old.sensitive.iter().filter(|path| !new.sensitive.contains(path)) {
        found.add(Breaking, format!("sensitive: `{path}` is no longer"));
    }
    for path in new.sensitive.iter().filter(|path| !old.sensitive.contains(path)) {
        found.add(Additive, format!("sensitive: `{path}` is now"));
    }
    compare_spellings(old, new, found);
    let any = "true";
    compare_schemas(
        old.schema.as_deref().unwrap_or(any),
        new.schema.as_deref().unwrap_or(any),
        "data",
        found,
    );
}

/// One spelling of a dialect, with what keeps it apart from others of its name.
fn spelled(entry: &TypeEntry) -> Vec<(&str, &Spelling)> {
    entry
        .spellings
        .iter()
        .flat_map(|spelled| spelled.spellings.iter().map(|one| (spelled.dialect.as_str(), one)))
        .collect()
}

fn compare_spellings(old: &TypeEntry, new: &TypeEntry, found: &mut Found<'_>) {
    let (were, are) = (spelled(old), spelled(new));
    for (dialect, was) in &were {
        let same_name = are.iter().any(|(other, is)| other == dialect && is.name == was.name);
        if !same_name {
            found.add(Breaking, format!("spelling: `{}` of {dialect} is gone", was.name));
        } else if !are.contains(&(*dialect, *was)) {
            found.add(
                Breaking,
                format!("spelling: `{}` of {dialect} is translated otherwise", was.name),
            );
        }
    }
    for (dialect, is) in &are {
        if !were.iter().any(|(other, was)| other == dialect && was.name == is.name) {
            found.add(Additive, format!("spelling: `{}` of {dialect} is new", is.name));
        }
    }
}

/// Keywords that say nothing about what is valid.
const ANNOTATIONS: [&str; 8] = [
    "title",
    "description",
    "examples",
    "default",
    "deprecated",
    "$comment",
    "readOnly",
    "writeOnly",
];
/// Keywords of which a smaller value allows less.
const UPPER: [&str; 5] = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"];
/// Keywords of which a larger value allows less.
const LOWER: [&str; 5] = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"];
/// Keywords that allow less when they come, and more when they go.
const RESTRICTIONS: [&str; 4] = ["pattern", "format", "multipleOf", "uniqueItems"];
/// Keywords that hold one schema for every value inside.
const INNER: [&str; 3] = ["items", "additionalProperties", "propertyNames"];

/// Compares two schemas at a place, each an object or a boolean.
fn compare_schemas(old: &str, new: &str, at: &str, found: &mut Found<'_>) {
    match (schema_bool(old), schema_bool(new)) {
        (Some(was), Some(is)) => {
            if was != is {
                found.add(
                    if is { Additive } else { Breaking },
                    format!("{at}: another value is allowed"),
                );
            }
        }
        // Nothing was demanded: what the new schema says of it narrows.
        (Some(true), None) => {
            if members(new).any(|(key, _)| !ANNOTATIONS.contains(&key)) {
                found.add(Breaking, format!("{at}: any value was allowed"));
            }
        }
        (None, Some(true)) => {
            if members(old).any(|(key, _)| !ANNOTATIONS.contains(&key)) {
                found.add(Additive, format!("{at}: any value is allowed now"));
            }
        }
        (Some(false), None) => found.add(Additive, format!("{at}: a value is allowed now")),
        (None, Some(false)) => found.add(Breaking, format!("{at}: no value is allowed now")),
        (None, None) => compare_keywords(old, new, at, found),
    }
}

/// `true`, `false`, or neither; `{}` is `true`.
fn schema_bool(schema: &str) -> Option<bool> {
    if schema == "{}" { Some(true) } else { as_bool(schema) }
}

fn compare_keywords(old: &str, new: &str, at: &str, found: &mut Found<'_>) {
    let mut keywords: Vec<&str> = members(old).map(|(key, _)| key).collect();
    keywords.extend(members(new).map(|(key, _)| key).filter(|key| member(old, key).is_none()));
    for keyword in keywords {
        let (was, is) = (member(old, keyword), member(new, keyword));
        if was == is || ANNOTATIONS.contains(&keyword) {
            continue;
        }
        match keyword {
            "type" => compare_sets("type", types(was), types(is), at, found),
            "enum" | "const" => {
                compare_sets(keyword, values(keyword, was), values(keyword, is), at, found);
            }
            "required" => compare_required(was, is, at, found),
            "properties" => compare_properties(was, is, at, found),
            "$defs" => compare_definitions(was, is, at, found),
            _ if UPPER.contains(&keyword) || LOWER.contains(&keyword) => {
                compare_bounds(keyword, was, is, at, found);
            }
            _ if RESTRICTIONS.contains(&keyword) => {
                let change = if is.is_none() || is == Some("false") { Additive } else { Breaking };
                found.add(change, format!("{at}: {keyword} {}, now {}", or_none(was), or_none(is)));
            }
            _ if INNER.contains(&keyword) => {
                let inside =
                    if keyword == "items" { format!("{at}[]") } else { format!("{at} {keyword}") };
                compare_schemas(was.unwrap_or("true"), is.unwrap_or("true"), &inside, found);
            }
            _ => found.add(Unclear, format!("{at}: `{keyword}` differs")),
        }
    }
}

fn or_none(value: Option<&str>) -> &str {
    value.unwrap_or("none")
}

/// The kinds that a `type` keyword allows; `None` for all.
fn types(keyword: Option<&str>) -> Option<BTreeSet<String>> {
    let keyword = keyword?;
    let is_list = kind(keyword) == JsonKind::Array;
    let mut kinds: BTreeSet<String> = if is_list {
        elements(keyword).filter_map(as_str).map(Into::into).collect()
    } else {
        as_str(keyword).map(Into::into).into_iter().collect()
    };
    // Every integer is a number.
    if kinds.contains("number") {
        kinds.insert("integer".to_owned());
    }
    Some(kinds)
}

fn values(keyword: &str, value: Option<&str>) -> Option<BTreeSet<String>> {
    let value = value?;
    Some(match keyword {
        "const" => BTreeSet::from([value.to_owned()]),
        _ => elements(value).map(str::to_owned).collect(),
    })
}

/// Compares what a keyword allows; `None` allows everything.
fn compare_sets(
    keyword: &str,
    was: Option<BTreeSet<String>>,
    is: Option<BTreeSet<String>>,
    at: &str,
    found: &mut Found<'_>,
) {
    let words = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
    match (was, is) {
        (Some(was), None) => found.add(Additive, format!("{at}: {keyword} was {}", words(&was))),
        (None, Some(is)) => found.add(Breaking, format!("{at}: {keyword} is now {}", words(&is))),
        (Some(was), Some(is)) => {
            let gone: BTreeSet<String> = was.difference(&is).cloned().collect();
            let more: BTreeSet<String> = is.difference(&was).cloned().collect();
            if !gone.is_empty() {
                found.add(Breaking, format!("{at}: {keyword} no longer {}", words(&gone)));
            }
            if !more.is_empty() {
                found.add(Additive, format!("{at}: {keyword} also {}", words(&more)));
            }
        }
        (None, None) => {}
    }
}

/// A new demand breaks writers; a demand that goes breaks readers who relied on it.
fn compare_required(was: Option<&str>, is: Option<&str>, at: &str, found: &mut Found<'_>) {
    let names = |list: Option<&str>| -> Vec<String> {
        list.into_iter().flat_map(elements).filter_map(as_str).map(Into::into).collect()
    };
    let (was, is) = (names(was), names(is));
    for name in is.iter().filter(|name| !was.contains(name)) {
        found.add(Breaking, format!("{at}.{name} is now required"));
    }
    for name in was.iter().filter(|name| !is.contains(name)) {
        found.add(Breaking, format!("{at}.{name} is no longer required, and readers rely on it"));
    }
}

fn compare_properties(was: Option<&str>, is: Option<&str>, at: &str, found: &mut Found<'_>) {
    let (was, is) = (was.unwrap_or("{}"), is.unwrap_or("{}"));
    for (name, schema) in members(was) {
        match member(is, name) {
            Some(now) => compare_schemas(schema, now, &format!("{at}.{name}"), found),
            None => found.add(Breaking, format!("{at}.{name} is gone")),
        }
    }
    for (name, _) in members(is).filter(|(name, _)| member(was, name).is_none()) {
        found.add(Additive, format!("{at}.{name} is new"));
    }
}

/// A definition that comes or goes says nothing; what refers to it does.
fn compare_definitions(was: Option<&str>, is: Option<&str>, at: &str, found: &mut Found<'_>) {
    let (was, is) = (was.unwrap_or("{}"), is.unwrap_or("{}"));
    for (name, schema) in members(was) {
        if let Some(now) = member(is, name) {
            compare_schemas(schema, now, &format!("{at} {name}"), found);
        }
    }
}

fn compare_bounds(
    keyword: &str,
    was: Option<&str>,
    is: Option<&str>,
    at: &str,
    found: &mut Found<'_>,
) {
    let number = |value: Option<&str>| value.and_then(|text| text.parse::<f64>().ok());
    let change = match (number(was), number(is)) {
        (_, None) if is.is_none() => Additive,
        (None, Some(_)) if was.is_none() => Breaking,
        (Some(was), Some(is)) if was == is => return,
        (Some(was), Some(is)) if (is > was) == UPPER.contains(&keyword) => Additive,
        (Some(_), Some(_)) => Breaking,
        (None, _) | (_, None) => Unclear,
    };
    found.add(change, format!("{at}: {keyword} {}, now {}", or_none(was), or_none(is)));
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "
- type: deploy.finished
  version: 1
  category: workflow
  authority: observed
  meaning: A deployment ended.
  stream: run
  severity: info
  audit: other
  sensitive: [output]
  spellings: {kernel: [{name: Deployed, map: {id: deploy_id}}]}
  schema: {type: object, required: [deploy_id], properties: {deploy_id: {type: string, maxLength: 9}, state: {enum: [ok, bad]}, n: {type: [integer, 'null'], minimum: 0}, list: {type: array, items: {type: number}}, any: {}, odd: {anyOf: [{type: string}]}}}
";

    fn catalog(yaml: &str) -> Catalog {
        Catalog::from_yaml([("deploy.yaml", yaml)]).unwrap()
    }

    #[test]
    fn a_catalog_does_not_differ_from_itself() {
        assert_eq!(diff(&catalog(OLD), &catalog(OLD)), []);
        let builtin = Catalog::builtin().unwrap();
        assert_eq!(diff(&builtin, &builtin), []);
    }

    /// A change to the entry above, whom it breaks, and what is said of it.
    #[test]
    fn each_change_is_additive_breaking_or_unclear() {
        let cases = [
            ("ended.", "ended well.", Additive, "meaning"),
            (
                "authority: observed",
                "authority: control",
                Breaking,
                "authority: observed, now control",
            ),
            ("version: 1", "version: 2", Breaking, "version: 1, now 2"),
            ("category: workflow", "category: system", Breaking, "category"),
            ("stream: run", "stream: room", Breaking, "stream: run, now room"),
            ("severity: info", "severity: high", Additive, "severity: info, now high"),
            ("audit: other", "audit: money", Additive, "audit"),
            ("[output]", "[]", Breaking, "`output` is no longer"),
            ("[output]", "[output, list]", Additive, "`list` is now"),
            ("name: Deployed", "name: Done", Breaking, "`Deployed` of kernel is gone"),
            ("{id: deploy_id}", "{key: deploy_id}", Breaking, "translated otherwise"),
            ("{kernel:", "{hive: [{name: X}], kernel:", Additive, "`X` of hive is new"),
            (
                "required: [deploy_id]",
                "required: [deploy_id, n]",
                Breaking,
                "data.n is now required",
            ),
            (
                "required: [deploy_id]",
                "required: []",
                Breaking,
                "data.deploy_id is no longer required",
            ),
            ("any: {}", "any: {}, more: {type: string}", Additive, "data.more is new"),
            (", any: {}", "", Breaking, "data.any is gone"),
            ("any: {}", "any: {type: string}", Breaking, "data.any: any value was allowed"),
            ("any: {}", "any: {description: Anything}", Additive, ""),
            ("{enum: [ok, bad]}", "{enum: [ok]}", Breaking, "data.state: enum no longer \"bad\""),
            ("{enum: [ok, bad]}", "{enum: [ok, bad, odd]}", Additive, "enum also \"odd\""),
            ("{enum: [ok, bad]}", "{}", Additive, "data.state: any value is allowed now"),
            ("[integer, 'null']", "integer", Breaking, "data.n: type no longer null"),
            ("[integer, 'null']", "[number, 'null']", Additive, "data.n: type also number"),
            ("minimum: 0", "minimum: 1", Breaking, "data.n: minimum 0, now 1"),
            ("minimum: 0", "minimum: -1", Additive, "data.n: minimum 0, now -1"),
            ("maxLength: 9", "maxLength: 8", Breaking, "data.deploy_id: maxLength 9, now 8"),
            ("maxLength: 9", "pattern: x", Breaking, "pattern none, now"),
            ("{type: number}", "{type: integer}", Breaking, "data.list[]: type no longer number"),
            ("{anyOf: [{type: string}]}", "{anyOf: [{type: number}]}", Unclear, "`anyOf` differs"),
            (
                "{type: object, required",
                "{type: object, additionalProperties: false, required",
                Breaking,
                "additionalProperties",
            ),
        ];
        for (from, to, compatibility, said) in cases {
            assert!(OLD.contains(from), "{from}");
            let changes = diff(&catalog(OLD), &catalog(&OLD.replacen(from, to, 1)));
            let worst = changes.iter().max_by_key(|change| change.compatibility);
            if said.is_empty() {
                assert_eq!(changes, [], "{to}");
                continue;
            }
            let worst = worst.unwrap_or_else(|| panic!("{to}: no change"));
            assert_eq!(worst.compatibility, compatibility, "{to}: {changes:?}");
            assert!(changes.iter().any(|change| change.what.contains(said)), "{to}: {changes:?}");
        }
    }

    #[test]
    fn a_type_that_comes_is_additive_and_one_that_goes_is_breaking() {
        let none = catalog("[]");
        let [come] = diff(&none, &catalog(OLD)).try_into().unwrap();
        let CatalogChange { event_type, compatibility, .. } = come;
        assert_eq!((event_type.as_str(), compatibility), ("deploy.finished", Additive));
        let gone = diff(&catalog(OLD), &none);
        assert_eq!(gone.first().unwrap().compatibility, Breaking);
    }
}
