//! How a foreign format says a fact: its name there, and where its members are.
//!
//! Data only, from the catalog. A dialect applies it; what cannot be said so is the dialect's code.

use std::borrow::Cow;
use std::fmt;

use crate::json::{JsonKind, as_str, elements, kind, member, members, unescape};

use super::bundle::text;

/// The spellings of one type in one dialect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialectSpellings {
    /// The dialect.
    pub dialect: String,
    /// The spellings, the preferred first.
    pub spellings: Vec<Spelling>,
}

/// One way in which a foreign format says a fact.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spelling {
    /// The name of the fact there.
    pub name: String,
    /// Members of the foreign document that tell the fact from others of the same name.
    pub when: Vec<(ForeignPlace, Constant)>,
    /// Members of our payload that the name alone states.
    pub set: Vec<(DataPath, Constant)>,
    /// Where members of the foreign document go.
    pub map: Vec<(ForeignPlace, Vec<HomePlace>)>,
    /// Members that the foreign format requires and the event may lack.
    pub fill: Vec<(ForeignPlace, Constant)>,
    /// Whether it is used on the way in too.
    pub way: Way,
}

/// In which directions a spelling is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Way {
    /// In and out.
    #[default]
    Both,
    /// On the way out only: on the way in the name has a type of its own.
    Out,
}

/// A place in a foreign document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForeignPlace {
    /// A member of the payload.
    Member(String),
    /// Members to follow from the top of the whole document (RFC 6901).
    Pointer(Vec<String>),
}

/// A place in an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HomePlace {
    /// In `data`.
    Data(DataPath),
    /// A field of the envelope, such as `run_id` or `actor.actor_id`.
    Field(String),
}

/// Members to follow from the top of `data`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataPath(Vec<String>);

/// A value that a spelling names, as compact JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constant(String);

impl Spelling {
    /// Whether a foreign document says the fact in this way, given its payload and the whole of it.
    #[must_use]
    pub fn is_said_by(&self, payload: &str, document: &str) -> bool {
        self.when.iter().all(|(place, constant)| {
            place.find(payload, document).is_some_and(|value| constant.is(value))
        })
    }

    /// Whether an event's payload is one that this spelling can say: it has what `set` states.
    #[must_use]
    pub fn says(&self, data: &str) -> bool {
        self.set
            .iter()
            .all(|(path, constant)| path.find(data).is_some_and(|value| constant.is(value)))
    }
}

impl Spelling {
    /// The spelling as the catalog's files write it, as compact JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let map: Vec<String> = self
            .map
            .iter()
            .map(|(from, to)| format!("{}:{}", text(&from.to_string()), places(to)))
            .collect();
        let parts = [
            Some(format!("\"name\":{}", text(&self.name))),
            constants("when", &self.when),
            constants("set", &self.set),
            (!map.is_empty()).then(|| format!("\"map\":{{{}}}", map.join(","))),
            constants("fill", &self.fill),
            (self.way == Way::Out).then(|| "\"way\":\"out\"".to_owned()),
        ];
        format!("{{{}}}", parts.into_iter().flatten().collect::<Vec<_>>().join(","))
    }
}

/// A member of a spelling that names constants; none when there are none.
fn constants<K: fmt::Display>(key: &str, pairs: &[(K, Constant)]) -> Option<String> {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(place, value)| format!("{}:{}", text(&place.to_string()), value.as_json()))
        .collect();
    (!pairs.is_empty()).then(|| format!("\"{key}\":{{{}}}", pairs.join(",")))
}

fn places(places: &[HomePlace]) -> String {
    let texts: Vec<String> = places.iter().map(|place| text(&place.to_string())).collect();
    match texts.as_slice() {
        [one] => one.clone(),
        several => format!("[{}]", several.join(",")),
    }
}

impl ForeignPlace {
    /// Reads `member` or `/json/pointer`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text.strip_prefix('/') {
            Some(pointer) => {
                let steps =
                    pointer.split('/').map(|step| step.replace("~1", "/").replace("~0", "~"));
                Ok(Self::Pointer(steps.collect()))
            }
            None if text.is_empty() => Err("an empty member".to_owned()),
            None => Ok(Self::Member(text.to_owned())),
        }
    }

    /// The value there, if there is one.
    #[must_use]
    pub fn find<'a>(&self, payload: &'a str, document: &'a str) -> Option<&'a str> {
        match self {
            Self::Member(name) => member(payload, name),
            Self::Pointer(steps) => {
                steps.iter().try_fold(document, |value, step| follow(value, step))
            }
        }
    }
}

/// One step of a pointer, into an object or an array.
fn follow<'a>(value: &'a str, step: &str) -> Option<&'a str> {
    match kind(value) {
        JsonKind::Array => elements(value).nth(step.parse().ok()?),
        JsonKind::Object => member(value, step),
        JsonKind::Null | JsonKind::Bool | JsonKind::Number | JsonKind::String => None,
    }
}

impl fmt::Display for ForeignPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(name) => formatter.write_str(name),
            Self::Pointer(steps) => steps.iter().try_for_each(|step| {
                write!(formatter, "/{}", step.replace('~', "~0").replace('/', "~1"))
            }),
        }
    }
}

/// Fields of the envelope that a spelling may fill. What the server sets is not among them.
const FIELDS: [&str; 21] = [
    "event_id",
    "event_version",
    "occurred_at",
    "mission_id",
    "room_id",
    "thread_id",
    "run_id",
    "step_id",
    "actor",
    "actor.actor_type",
    "actor.actor_id",
    "zone",
    "stream",
    "stream.stream_type",
    "stream.stream_id",
    "correlation_id",
    "causation_id",
    "idempotency_key",
    "policy_context",
    "model_context",
    "display",
];
/// The one field under which any member may be named.
const OPEN_FIELDS: [&str; 4] = ["extensions", "policy_context", "model_context", "display"];

impl HomePlace {
    /// Reads `dotted.path` or `@field`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let Some(field) = text.strip_prefix('@') else {
            return DataPath::parse(text).map(Self::Data);
        };
        let top = field.split('.').next().unwrap_or_default();
        if FIELDS.contains(&field) || OPEN_FIELDS.contains(&top) {
            Ok(Self::Field(field.to_owned()))
        } else {
            Err(format!("`@{field}` is no field that a sender sets"))
        }
    }
}

impl fmt::Display for HomePlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(path) => path.fmt(formatter),
            Self::Field(field) => write!(formatter, "@{field}"),
        }
    }
}

impl DataPath {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let steps: Vec<String> = text.split('.').map(str::to_owned).collect();
        if steps.iter().any(String::is_empty) {
            return Err(format!("`{text}` is no path of members"));
        }
        Ok(Self(steps))
    }

    /// The members to follow.
    #[must_use]
    pub fn steps(&self) -> &[String] {
        &self.0
    }

    /// The value there, if there is one.
    #[must_use]
    pub fn find<'a>(&self, data: &'a str) -> Option<&'a str> {
        self.0.iter().try_fold(data, |value, step| member(value, step))
    }
}

impl fmt::Display for DataPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join("."))
    }
}

impl Constant {
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The value as compact JSON text.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// Whether a value is this one; a string is, however it is escaped.
    #[must_use]
    pub fn is(&self, value: &str) -> bool {
        let is_same_string = || {
            let (ours, theirs): (Option<Cow<'_, str>>, _) = (as_str(&self.0), as_str(value));
            ours.is_some() && ours == theirs
        };
        self.0 == value || is_same_string()
    }
}

/// The members of an object, with plain keys.
pub(super) fn plain_members(object: &str) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
    members(object).map(|(key, value)| (unescape(key), value))
}
