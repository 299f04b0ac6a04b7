//! The catalog: what is known of each event type, read from `catalog/*.yaml`.
//!
//! A type is data: a new one is a new entry in a file there, and a new file needs nothing else
//! (`build.rs` lists the folder). Types that are not in the catalog are observed and of the category
//! `other`. It holds payloads against no schema; the recorder does.

mod entry;
mod spelling;

mod read;
mod yaml;

mod answer;
mod bundle;
mod describe;
mod diff;
mod pretty;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::envelope::Authority;

pub use bundle::BundleShape;
pub use describe::MemberLine;
pub use diff::{CatalogChange, Compatibility, diff};
pub use entry::{AuditAction, Category, Severity, StreamRule, TypeEntry};
pub use pretty::{one_line, pretty};
pub use spelling::{Constant, DataPath, DialectSpellings, ForeignPlace, HomePlace, Spelling, Way};

use read::{Item, ItemFault};

/// The category of types that the catalog does not know.
pub const OTHER_CATEGORY: &str = "other";

/// The file of the folder that holds prices and no types.
pub const PRICES_FILE: &str = "prices.yaml";

/// The dialects that an entry may spell a type in.
pub const DIALECTS: [&str; 9] = [
    "agentos",
    "cloudevents",
    "hive",
    "kernel",
    "envelope",
    "hooks",
    "otlp",
    "openinference",
    "transcripts",
];

/// A file of the folder: its name, and its entries as JSON text or why it is no YAML.
type BuiltinFile = (&'static str, Result<&'static str, &'static str>);

const BUILTIN_FILES: &[BuiltinFile] = &include!(concat!(env!("OUT_DIR"), "/catalog_files.rs"));

/// The catalog cannot be read: a mistake in one of its files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("catalog/{file}: {}{problem}", entry_part(.entry))]
pub struct CatalogError {
    /// The file.
    pub file: String,
    /// The type, the family or the place of the entry; empty when the whole file is wrong.
    pub entry: String,
    /// What is wrong.
    pub problem: String,
}

fn entry_part(entry: &str) -> String {
    if entry.is_empty() { String::new() } else { format!("{entry}: ") }
}

/// A group of types that share a beginning, kept for the server.
#[derive(Debug, Clone)]
struct Family {
    name: String,
    category: Category,
    authority: Authority,
}

/// All known event types. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    inner: Arc<Inner>,
}

#[derive(Debug, Clone, Default)]
struct Inner {
    entries: Vec<TypeEntry>,
    by_type: HashMap<String, usize>,
    families: Vec<Family>,
    /// Of each dialect, for each name: which spelling of which entry says it on the way in.
    by_name: HashMap<String, HashMap<String, Vec<(usize, usize)>>>,
}

impl Catalog {
    /// The catalog that this version of Annals was built with. It is read once.
    ///
    /// # Errors
    /// When a file has a mistake; a test reads them all, so a built binary has none.
    pub fn builtin() -> Result<Self, CatalogError> {
        static BUILTIN: OnceLock<Result<Catalog, CatalogError>> = OnceLock::new();
        BUILTIN.get_or_init(Self::read_builtin).clone()
    }

    fn read_builtin() -> Result<Self, CatalogError> {
        let mut inner = Inner::default();
        for (file, content) in BUILTIN_FILES {
            match content {
                Ok(json) => inner.add_file(file, json)?,
                Err(problem) => return Err(whole_file(file, (*problem).to_owned())),
            }
        }
        Ok(inner.finish())
    }

    /// A catalog of files, each with its name and its text in YAML, in the order of the documents.
    ///
    /// # Errors
    /// At the first mistake, with its file and entry.
    pub fn from_yaml<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, CatalogError> {
        let mut inner = Inner::default();
        for (file, text) in files {
            let json = yaml::yaml_to_json(text).map_err(|problem| whole_file(file, problem))?;
            inner.add_file(file, &json)?;
        }
        Ok(inner.finish())
    }

    /// The types of one family alone.
    #[must_use]
    pub fn only(&self, family: &str) -> Self {
        let mut inner = Inner::default();
        for entry in self.entries().iter().filter(|entry| entry.family == family) {
            // No type is in a catalog twice, so none is refused.
            let _ = inner.add(entry.clone());
        }
        inner.finish()
    }

    /// The known types, file by file, in the order of the files.
    #[must_use]
    pub fn entries(&self) -> &[TypeEntry] {
        &self.inner.entries
    }

    /// What is known of a type.
    #[must_use]
    pub fn entry(&self, event_type: &str) -> Option<&TypeEntry> {
        self.inner.by_type.get(event_type).and_then(|index| self.inner.entries.get(*index))
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
        self.inner.families.iter().find(|family| {
            event_type
                .strip_prefix(family.name.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    /// The types that a dialect calls by a name on the way in, each with the spelling that does.
    /// Those with a condition come first, so that the first one that holds is the one that is meant.
    pub fn spelled(
        &self,
        dialect: &str,
        name: &str,
    ) -> impl Iterator<Item = (&TypeEntry, &Spelling)> {
        let places = self.inner.by_name.get(dialect).and_then(|names| names.get(name));
        places.into_iter().flatten().filter_map(move |(entry, spelling)| {
            let entry = self.inner.entries.get(*entry)?;
            Some((entry, entry.spellings(dialect).get(*spelling)?))
        })
    }

    /// The type that a dialect means by a name, given the foreign payload and the whole document.
    #[must_use]
    pub fn meant(
        &self,
        dialect: &str,
        name: &str,
        payload: &str,
        document: &str,
    ) -> Option<(&TypeEntry, &Spelling)> {
        self.spelled(dialect, name).find(|(_, spelling)| spelling.is_said_by(payload, document))
    }

    /// How a dialect says an event on the way out, given its payload; the first spelling that fits.
    #[must_use]
    pub fn said(&self, event_type: &str, dialect: &str, data: &str) -> Option<&Spelling> {
        self.entry(event_type)?.spellings(dialect).iter().find(|spelling| spelling.says(data))
    }
}

impl Inner {
    fn add_file(&mut self, file: &str, json: &str) -> Result<(), CatalogError> {
        let named = |fault: ItemFault| CatalogError {
            file: file.to_owned(),
            entry: fault.entry,
            problem: fault.problem,
        };
        let family = file.strip_suffix(".yaml").unwrap_or(file);
        for item in read::read_items(family, json).map_err(named)? {
            match item {
                Item::Families(families) => self.families.extend(families),
                Item::Type(entry) => {
                    let name = entry.event_type.clone();
                    self.add(*entry)
                        .map_err(|problem| named(ItemFault { entry: name, problem }))?;
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, entry: TypeEntry) -> Result<(), String> {
        if self.by_type.insert(entry.event_type.clone(), self.entries.len()).is_some() {
            return Err("the type is there twice".to_owned());
        }
        self.entries.push(entry);
        Ok(())
    }

    fn finish(mut self) -> Catalog {
        for (index, entry) in self.entries.iter().enumerate() {
            for DialectSpellings { dialect, spellings } in &entry.spellings {
                let names = self.by_name.entry(dialect.clone()).or_default();
                for (place, spelling) in spellings.iter().enumerate() {
                    if spelling.way == Way::Both {
                        names.entry(spelling.name.clone()).or_default().push((index, place));
                    }
                }
            }
        }
        let entries = &self.entries;
        for (dialect, names) in &mut self.by_name {
            for places in names.values_mut() {
                // The sort keeps the order of the catalog among those that have a condition.
                places.sort_by_key(|(entry, place)| {
                    let spelling =
                        entries.get(*entry).and_then(|entry| entry.spellings(dialect).get(*place));
                    spelling.is_some_and(|spelling| spelling.when.is_empty())
                });
            }
        }
        Catalog { inner: Arc::new(self) }
    }
}

fn whole_file(file: &str, problem: String) -> CatalogError {
    CatalogError { file: file.to_owned(), entry: String::new(), problem }
}
