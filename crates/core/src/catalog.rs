//! The catalog: what is known of each event type, read from `catalog/*.yaml`.
//!
//! A type is data: a new one is a new entry in a file there, and a new file is one line in
//! [`FILES`]. Types that are not in the catalog are observed and of the category `other`.

use std::collections::HashMap;

use serde::Deserialize;

use crate::envelope::Authority;

/// The files of the catalog, in the order in which they are shown.
const FILES: [(&str, &str); 6] = [
    ("run.yaml", include_str!("../../../catalog/run.yaml")),
    ("agent.yaml", include_str!("../../../catalog/agent.yaml")),
    ("message.yaml", include_str!("../../../catalog/message.yaml")),
    ("model.yaml", include_str!("../../../catalog/model.yaml")),
    ("tool.yaml", include_str!("../../../catalog/tool.yaml")),
    ("control.yaml", include_str!("../../../catalog/control.yaml")),
];

/// The category of types that the catalog does not know.
pub const OTHER_CATEGORY: &str = "other";

/// The catalog cannot be read: a mistake in one of its files.
#[derive(Debug, thiserror::Error)]
#[error("catalog/{file}: {problem}")]
pub struct CatalogError {
    file: &'static str,
    problem: String,
}

/// One event type.
#[derive(Debug, Clone)]
pub struct TypeEntry {
    /// The type.
    pub event_type: String,
    /// The version of its payload.
    pub version: u32,
    /// One of the seven categories.
    pub category: Category,
    /// Whether only the server writes it.
    pub authority: Authority,
    /// What an event of it states, in one sentence.
    pub meaning: String,
    /// The JSON Schema of `data`, as JSON text.
    pub schema: Option<String>,
    /// The route that writes it, for control types.
    pub route: Option<String>,
    /// A payload, as JSON text.
    pub example: Option<String>,
}

/// The seven categories of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Category {
    Workflow,
    Agent,
    Tool,
    Memory,
    Communication,
    Recovery,
    System,
}

impl Category {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Workflow => "workflow",
            Self::Agent => "agent",
            Self::Tool => "tool",
            Self::Memory => "memory",
            Self::Communication => "communication",
            Self::Recovery => "recovery",
            Self::System => "system",
        }
    }
}

/// A group of types that share a beginning, kept for the server.
#[derive(Debug, Clone)]
struct Family {
    name: String,
    category: Category,
    authority: Authority,
}

/// All known event types.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    entries: Vec<TypeEntry>,
    by_type: HashMap<String, usize>,
    families: Vec<Family>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    #[serde(rename = "type")]
    event_type: Option<String>,
    #[serde(default)]
    family: Vec<String>,
    #[serde(default = "first_version")]
    version: u32,
    category: Category,
    authority: String,
    meaning: String,
    schema: Option<serde_json::Value>,
    route: Option<String>,
    example: Option<serde_json::Value>,
}

fn first_version() -> u32 {
    1
}

impl Catalog {
    /// The catalog that this version of Annals was built with.
    ///
    /// # Errors
    /// When a file has a mistake; a test reads them all, so a built binary has none.
    pub fn builtin() -> Result<Self, CatalogError> {
        let mut catalog = Self::default();
        for (file, text) in FILES {
            catalog.add_file(text).map_err(|problem| CatalogError { file, problem })?;
        }
        Ok(catalog)
    }

    fn add_file(&mut self, text: &str) -> Result<(), String> {
        let items: Vec<Item> = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        items.into_iter().try_for_each(|item| self.add(item))
    }

    fn add(&mut self, item: Item) -> Result<(), String> {
        let authority: Authority =
            item.authority.parse().map_err(|_| format!("authority `{}`", item.authority))?;
        for name in item.family {
            self.families.push(Family { name, category: item.category, authority });
        }
        let Some(event_type) = item.event_type else {
            return Ok(());
        };
        let entry = TypeEntry {
            event_type: event_type.clone(),
            version: item.version,
            category: item.category,
            authority,
            meaning: item.meaning,
            schema: item.schema.map(|schema| schema.to_string()),
            route: item.route,
            example: item.example.map(|example| example.to_string()),
        };
        self.entries.push(entry);
        match self.by_type.insert(event_type.clone(), self.entries.len() - 1) {
            Some(_) => Err(format!("`{event_type}` is there twice")),
            None => Ok(()),
        }
    }

    /// The known types, family by family.
    #[must_use]
    pub fn entries(&self) -> &[TypeEntry] {
        &self.entries
    }

    /// What is known of a type.
    #[must_use]
    pub fn entry(&self, event_type: &str) -> Option<&TypeEntry> {
        self.by_type.get(event_type).and_then(|index| self.entries.get(*index))
    }

    /// Whether only the server writes events of a type. Unknown types are observed.
    #[must_use]
    pub fn authority(&self, event_type: &str) -> Authority {
        match (self.entry(event_type), self.family(event_type)) {
            (Some(entry), _) => entry.authority,
            (None, Some(family)) => family.authority,
            (None, None) => Authority::Observed,
        }
    }

    /// The category of a type, `other` for an unknown one.
    #[must_use]
    pub fn category(&self, event_type: &str) -> &'static str {
        match (self.entry(event_type), self.family(event_type)) {
            (Some(entry), _) => entry.category.as_str(),
            (None, Some(family)) => family.category.as_str(),
            (None, None) => OTHER_CATEGORY,
        }
    }

    fn family(&self, event_type: &str) -> Option<&Family> {
        self.families.iter().find(|family| {
            event_type
                .strip_prefix(family.name.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_reads_and_every_type_says_what_it_means() {
        let catalog = Catalog::builtin().unwrap();
        assert!(catalog.entries().len() >= 18);
        for entry in catalog.entries() {
            assert!(entry.meaning.ends_with('.'), "{}", entry.event_type);
            assert!(entry.example.is_some(), "{}", entry.event_type);
            assert!(crate::id::EventType::parse(&entry.event_type).is_ok());
            // A restored log says so by itself; every other decision has somebody who asks for it.
            let is_asked_for =
                entry.authority == Authority::Control && entry.event_type != "log.restored";
            assert_eq!(is_asked_for, entry.route.is_some(), "{}", entry.event_type);
        }
    }

    #[test]
    fn decisions_are_the_servers_whatever_their_spelling() {
        let catalog = Catalog::builtin().unwrap();
        for control in
            ["token.issued", "lease.claimed", "approval.decided", "log.trimmed", "budget"]
        {
            assert_eq!(catalog.authority(control), Authority::Control, "{control}");
        }
        for observed in ["tool.invoked", "tokens.counted", "my.own.type", "logbook.written"] {
            assert_eq!(catalog.authority(observed), Authority::Observed, "{observed}");
        }
        assert_eq!(catalog.category("tool.failed"), "tool");
        assert_eq!(catalog.category("my.own.type"), OTHER_CATEGORY);
    }
}
