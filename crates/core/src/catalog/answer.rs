//! The catalog as `GET /v1/catalog` answers it, and such an answer read again.
//!
//! The members are those of the API's `CatalogType`; a test of the server holds the two together.
//! INVARIANT (there and back): what is written here is read here as the same entries.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::json::{Json, elements, member};

use super::bundle::{join, text};
use super::entry::TypeEntry;
use super::read::{Keys, read_type};
use super::spelling::Spelling;
use super::{Catalog, CatalogError, Inner};

/// The members of an answer's type, all of them there, and what they are in the catalog's files.
const ANSWER_KEYS: [(&str, &str); 14] = [
    ("event_type", "type"),
    ("event_version", "version"),
    ("family", "family"),
    ("category", "category"),
    ("authority", "authority"),
    ("meaning", "meaning"),
    ("stream", "stream"),
    ("severity", "severity"),
    ("audit", "audit"),
    ("sensitive", "sensitive"),
    ("spellings", "spellings"),
    ("route", "route"),
    ("schema", "schema"),
    ("example", "example"),
];

impl Catalog {
    /// All types as the API lists them, as compact JSON text: `{"types":[…]}`.
    #[must_use]
    pub fn to_answer(&self) -> String {
        let mut out = String::from("{\"types\":[");
        join(&mut out, self.entries(), |out, entry| out.push_str(&entry.to_json()));
        out.push_str("]}");
        out
    }

    /// A catalog of the types that such an answer lists; families are not in it.
    ///
    /// # Errors
    /// When the text is no such answer of this version.
    pub fn from_answer(json: &str) -> Result<Self, CatalogError> {
        let fault =
            |entry: String, problem| CatalogError { file: "answer".to_owned(), entry, problem };
        let compact = Json::parse(json.as_bytes())
            .map_err(|error| fault(String::new(), error.to_string()))?;
        let types = member(compact.as_str(), "types")
            .ok_or_else(|| fault(String::new(), "`types` is missing".to_owned()))?;
        let mut inner = Inner::default();
        for (index, text) in elements(types).enumerate() {
            let name = || format!("type {}", index + 1);
            let entry = read_answer_type(text).map_err(|problem| fault(name(), problem))?;
            inner.add(entry).map_err(|problem| fault(name(), problem))?;
        }
        Ok(inner.finish())
    }
}

impl TypeEntry {
    /// The type as the API lists it, as compact JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = format!(
            "{{\"event_type\":{},\"event_version\":{},\"family\":{},\"category\":\"{}\",\
             \"authority\":\"{}\",\"meaning\":{},\"stream\":\"{}\",\"severity\":\"{}\",\
             \"audit\":\"{}\",\"sensitive\":[",
            text(&self.event_type),
            self.version,
            text(&self.family),
            self.category.as_str(),
            self.authority.as_str(),
            text(&self.meaning),
            self.stream.stream_type,
            self.severity.as_str(),
            self.audit.as_str(),
        );
        join(&mut out, &self.sensitive, |out, path| out.push_str(&text(path)));
        out.push_str("],\"spellings\":{");
        join(&mut out, &self.spellings, |out, spelled| {
            let _ = write!(out, "{}:[", text(&spelled.dialect));
            join(out, spelled.spellings.iter().map(Spelling::to_json), |out, one| {
                out.push_str(&one)
            });
            out.push(']');
        });
        let route = self.route.as_deref().map_or(Cow::Borrowed("null"), |route| text(route).into());
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "}},\"route\":{route},\"schema\":{},\"example\":{}}}",
            self.schema.as_deref().unwrap_or("null"),
            self.example.as_deref().unwrap_or("null"),
        );
        out
    }
}

fn read_answer_type(json: &str) -> Result<TypeEntry, String> {
    let known = ANSWER_KEYS.map(|(theirs, _)| theirs);
    let theirs = Keys::read(json, &known)?;
    let family = theirs.text("family")?;
    let mut ours = Vec::new();
    for (name, key) in ANSWER_KEYS.iter().filter(|(name, _)| *name != "family") {
        let value = theirs.required(name)?;
        if value != "null" {
            ours.push((Cow::Borrowed(*key), value));
        }
    }
    read_type(&family, &Keys::of(ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_of_an_answer_are_the_entries_that_it_was_made_of() {
        let catalog = Catalog::builtin().unwrap();
        let again = Catalog::from_answer(&catalog.to_answer()).unwrap();
        for (was, is) in catalog.entries().iter().zip(again.entries()) {
            assert_eq!(was, is);
        }
        assert_eq!(catalog.entries().len(), again.entries().len());
    }

    #[test]
    fn what_is_no_answer_is_named() {
        for (text, said) in [
            ("{}", "`types` is missing"),
            ("[", "catalog/answer: "),
            (r#"{"types":[{"event_type":"x"}]}"#, "type 1: `family` is missing"),
            (r#"{"types":[{"colour":1}]}"#, "type 1: unknown key `colour`"),
        ] {
            let error = Catalog::from_answer(text).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
