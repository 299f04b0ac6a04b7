//! Reads the entries of one file, strictly.
//!
//! Input is the file as compact JSON text. INVARIANT (nothing ignored): a member that is not known
//! here is refused by name, at every level but in schemas, examples and constants, which are data.

use std::borrow::Cow;

use crate::envelope::Authority;
use crate::id::{EventType, StreamType};
use crate::json::{JsonKind, as_str, as_u64, elements, kind};

use super::entry::{AuditAction, Category, Severity, StreamRule, TypeEntry};
use super::spelling::{
    Constant, DataPath, DialectSpellings, ForeignPlace, HomePlace, Spelling, Way, plain_members,
};
use super::{DIALECTS, Family};

/// One item of a file.
#[derive(Debug)]
pub(super) enum Item {
    /// A type.
    Type(Box<TypeEntry>),
    /// Names that are taken, without their types.
    Families(Vec<Family>),
}

/// What is wrong with a file, and in which entry.
#[derive(Debug)]
pub(super) struct ItemFault {
    /// The type, the family, or the place of the entry in the file.
    pub(super) entry: String,
    pub(super) problem: String,
}

const TYPE_KEYS: &[&str] = &[
    "type",
    "version",
    "category",
    "authority",
    "meaning",
    "stream",
    "severity",
    "audit",
    "sensitive",
    "spellings",
    "schema",
    "route",
    "example",
];
const FAMILY_KEYS: &[&str] = &["family", "category", "authority", "meaning"];
const SPELLING_KEYS: &[&str] = &["name", "when", "set", "map", "fill", "way"];

/// Reads all entries of a file.
pub(super) fn read_items(family: &str, json: &str) -> Result<Vec<Item>, ItemFault> {
    if kind(json) != JsonKind::Array {
        let problem = "a file is a list of entries".to_owned();
        return Err(ItemFault { entry: String::new(), problem });
    }
    elements(json)
        .enumerate()
        .map(|(index, item)| {
            read_item(family, item)
                .map_err(|problem| ItemFault { entry: name_of(item, index), problem })
        })
        .collect()
}

fn name_of(item: &str, index: usize) -> String {
    let named = plain_members(item)
        .find(|(key, _)| key == "type" || key == "family")
        .map(|(_, value)| as_str(value).unwrap_or(Cow::Borrowed(value)).into_owned());
    named.unwrap_or_else(|| format!("entry {}", index + 1))
}

fn read_item(family: &str, item: &str) -> Result<Item, String> {
    if plain_members(item).any(|(key, _)| key == "family") {
        return read_families(&Keys::read(item, FAMILY_KEYS)?).map(Item::Families);
    }
    read_type(family, &Keys::read(item, TYPE_KEYS)?).map(|entry| Item::Type(Box::new(entry)))
}

fn read_families(keys: &Keys<'_>) -> Result<Vec<Family>, String> {
    let category = keys.word("category", Category::of)?;
    let authority = keys.word("authority", |word| word.parse::<Authority>().ok())?;
    keys.required("meaning")?;
    let names = texts("family", keys.required("family")?)?;
    Ok(names.into_iter().map(|name| Family { name, category, authority }).collect())
}

pub(super) fn read_type(family: &str, keys: &Keys<'_>) -> Result<TypeEntry, String> {
    let event_type = keys.text("type")?;
    EventType::parse(&event_type).map_err(|error| format!("`type`: {error}"))?;
    let authority = keys.word("authority", |word| word.parse::<Authority>().ok())?;
    let route = keys.get("route").map(|_| keys.text("route")).transpose()?;
    if route.is_some() && authority != Authority::Control {
        return Err("`route` is for control types".to_owned());
    }
    let stream_type =
        StreamType::parse(&keys.text("stream")?).map_err(|error| format!("`stream`: {error}"))?;
    Ok(TypeEntry {
        event_type,
        version: version(keys)?,
        family: family.to_owned(),
        category: keys.word("category", Category::of)?,
        authority,
        meaning: meaning(keys)?,
        stream: StreamRule { stream_type },
        severity: keys.word("severity", Severity::of)?,
        audit: keys.word("audit", AuditAction::of)?,
        sensitive: sensitive(keys)?,
        spellings: keys.get("spellings").map_or(Ok(Vec::new()), read_spellings)?,
        schema: keys.get("schema").map(str::to_owned),
        route,
        example: keys.get("example").map(str::to_owned),
    })
}

fn version(keys: &Keys<'_>) -> Result<u32, String> {
    let text = keys.required("version")?;
    let version = as_u64(text).and_then(|version| u32::try_from(version).ok());
    version.filter(|version| *version > 0).ok_or(format!("`version` is {text}, not 1, 2, 3 …"))
}

fn meaning(keys: &Keys<'_>) -> Result<String, String> {
    let meaning = keys.text("meaning")?;
    if meaning.ends_with('.') { Ok(meaning) } else { Err("`meaning` is no sentence".to_owned()) }
}

fn sensitive(keys: &Keys<'_>) -> Result<Vec<String>, String> {
    let paths = texts("sensitive", keys.required("sensitive")?)?;
    paths.iter().try_for_each(|path| DataPath::parse(path).map(drop))?;
    Ok(paths)
}

fn read_spellings(spellings: &str) -> Result<Vec<DialectSpellings>, String> {
    if kind(spellings) != JsonKind::Object {
        return Err("`spellings` names dialects".to_owned());
    }
    plain_members(spellings)
        .map(|(dialect, list)| {
            if !DIALECTS.contains(&dialect.as_ref()) {
                return Err(format!("unknown dialect `{dialect}`"));
            }
            if kind(list) != JsonKind::Array {
                return Err(format!("`spellings.{dialect}` is no list"));
            }
            let spellings = elements(list).map(read_spelling).collect::<Result<Vec<_>, String>>();
            let spellings =
                spellings.map_err(|problem| format!("spelling in {dialect}: {problem}"))?;
            Ok(DialectSpellings { dialect: dialect.into_owned(), spellings })
        })
        .collect()
}

fn read_spelling(spelling: &str) -> Result<Spelling, String> {
    let keys = Keys::read(spelling, SPELLING_KEYS)?;
    let way = match keys.get("way") {
        None => Way::Both,
        Some("\"out\"") => Way::Out,
        Some(other) => return Err(format!("`way` is {other}; it can only be out")),
    };
    Ok(Spelling {
        name: keys.text("name")?,
        when: keys.pairs("when", ForeignPlace::parse, constant)?,
        set: keys.pairs("set", DataPath::parse, constant)?,
        map: keys.pairs("map", ForeignPlace::parse, home_places)?,
        fill: keys.pairs("fill", ForeignPlace::parse, constant)?,
        way,
    })
}

#[expect(clippy::unnecessary_wraps, reason = "it stands where `home_places` can fail")]
fn constant(value: &str) -> Result<Constant, String> {
    Ok(Constant::new(value))
}

fn home_places(value: &str) -> Result<Vec<HomePlace>, String> {
    if let Some(one) = as_str(value) {
        return HomePlace::parse(&one).map(|place| vec![place]);
    }
    let places = texts("map", value)?;
    if places.is_empty() {
        return Err("`map` leads nowhere".to_owned());
    }
    places.iter().map(|place| HomePlace::parse(place)).collect()
}

/// A list of texts.
fn texts(key: &str, list: &str) -> Result<Vec<String>, String> {
    if kind(list) != JsonKind::Array {
        return Err(format!("`{key}` is no list"));
    }
    elements(list)
        .map(|item| {
            as_str(item).map(Cow::into_owned).ok_or(format!("{item} in `{key}` is no text"))
        })
        .collect()
}

/// The members of an object, all of them known.
pub(super) struct Keys<'a> {
    members: Vec<(Cow<'a, str>, &'a str)>,
}

impl<'a> Keys<'a> {
    /// The members of an object; one that is not known is refused.
    pub(super) fn read(object: &'a str, known: &[&str]) -> Result<Self, String> {
        if kind(object) != JsonKind::Object {
            return Err(format!("{object} is no set of keys"));
        }
        let members: Vec<_> = plain_members(object).collect();
        match members.iter().find(|(key, _)| !known.contains(&key.as_ref())) {
            Some((key, _)) => Err(format!("unknown key `{key}`; known are {}", known.join(", "))),
            None => Ok(Self { members }),
        }
    }

    /// Members that are known to be.
    pub(super) fn of(members: Vec<(Cow<'a, str>, &'a str)>) -> Self {
        Self { members }
    }

    fn get(&self, key: &str) -> Option<&'a str> {
        self.members.iter().find(|(name, _)| name == key).map(|(_, value)| *value)
    }

    pub(super) fn required(&self, key: &str) -> Result<&'a str, String> {
        self.get(key).ok_or_else(|| format!("`{key}` is missing"))
    }

    pub(super) fn text(&self, key: &str) -> Result<String, String> {
        let value = self.required(key)?;
        let text = as_str(value).ok_or_else(|| format!("`{key}` is {value}, not a text"))?;
        if text.is_empty() { Err(format!("`{key}` is empty")) } else { Ok(text.into_owned()) }
    }

    fn word<T>(&self, key: &str, of: impl Fn(&str) -> Option<T>) -> Result<T, String> {
        let word = self.text(key)?;
        of(&word).ok_or_else(|| format!("`{key}` is `{word}`, which is none of its words"))
    }

    /// The members of a member, read by these two.
    fn pairs<K, V>(
        &self,
        key: &str,
        read_key: impl Fn(&str) -> Result<K, String>,
        read_value: impl Fn(&'a str) -> Result<V, String>,
    ) -> Result<Vec<(K, V)>, String> {
        let Some(object) = self.get(key) else { return Ok(Vec::new()) };
        if kind(object) != JsonKind::Object {
            return Err(format!("`{key}` is {object}, not a set of members"));
        }
        plain_members(object)
            .map(|(name, value)| Ok((read_key(&name)?, read_value(value)?)))
            .collect()
    }
}
