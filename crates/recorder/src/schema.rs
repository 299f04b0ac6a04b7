//! Step 5 of an event's life: payloads of known types against their JSON Schemas.
//!
//! A schema is compiled when the first event of its type comes, and once: a log sees few of the
//! catalog's types, and a start should not pay for all of them. Unknown types pass.

use std::collections::HashMap;
use std::sync::OnceLock;

use annals_core::catalog::Catalog;

use crate::refusal::EventRefusal;

/// The schemas of the catalog, compiled where they were needed.
#[derive(Debug)]
pub(crate) struct SchemaSet {
    catalog: Catalog,
    /// For each type that has a schema: its validator, or what is wrong with the schema.
    validators: HashMap<String, OnceLock<Result<jsonschema::Validator, String>>>,
}

impl SchemaSet {
    /// The schemas of all known types.
    pub(crate) fn new(catalog: &Catalog) -> Self {
        let with_schema = catalog.entries().iter().filter(|entry| entry.schema.is_some());
        let validators =
            with_schema.map(|entry| (entry.event_type.clone(), OnceLock::new())).collect();
        Self { catalog: catalog.clone(), validators }
    }

    /// Whether a payload has the shape of its type.
    pub(crate) fn check(&self, event_type: &str, data: &str) -> Result<(), EventRefusal> {
        let Some(validator) = self.validators.get(event_type) else {
            return Ok(());
        };
        let refusal = |pointer: String, problem: String| EventRefusal::Schema {
            event_type: event_type.to_owned(),
            pointer,
            problem,
        };
        // A test compiles all schemas, so the error is that of a build nobody has. Letting the
        // event pass unchecked would be the wrong answer to it.
        let validator = validator
            .get_or_init(|| self.compile(event_type))
            .as_ref()
            .map_err(|problem| refusal(String::new(), problem.clone()))?;
        // The text is valid JSON; what is left to fail is a number that no double can hold.
        let value: serde_json::Value = serde_json::from_str(data)
            .map_err(|error| refusal(String::new(), error.to_string()))?;
        validator
            .validate(&value)
            .map_err(|error| refusal(error.instance_path().to_string(), error.masked().to_string()))
    }

    fn compile(&self, event_type: &str) -> Result<jsonschema::Validator, String> {
        let entry = self.catalog.entry(event_type);
        let text = entry.and_then(|entry| entry.schema.as_deref()).unwrap_or("true");
        let wrong = |problem: &dyn std::fmt::Display| {
            format!("the catalog's schema of the type is wrong: {problem}")
        };
        let schema: serde_json::Value =
            serde_json::from_str(text).map_err(|error| wrong(&error))?;
        jsonschema::draft202012::new(&schema).map_err(|error| wrong(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_of_the_catalog_fits_its_schema() {
        let catalog = Catalog::builtin().unwrap();
        let schemas = SchemaSet::new(&catalog);
        assert!(!schemas.validators.is_empty());
        let mut faults = Vec::new();
        for entry in catalog.entries() {
            let example = entry.example.as_deref().unwrap_or("null");
            faults.extend(schemas.check(&entry.event_type, example).err());
        }
        assert!(faults.is_empty(), "{faults:#?}");
    }

    /// The bundle and the AsyncAPI document hold the schemas beside each other and say anew where
    /// references lead, which works for references to a schema's own definitions.
    #[test]
    fn every_schema_of_the_catalog_is_valid_and_refers_to_nothing_outside() {
        let catalog = Catalog::builtin().unwrap();
        for entry in catalog.entries() {
            let Some(text) = &entry.schema else { continue };
            let schema: serde_json::Value = serde_json::from_str(text).unwrap();
            assert!(jsonschema::draft202012::meta::is_valid(&schema), "{}", entry.event_type);
            let count = |pattern: &str| text.matches(pattern).count();
            assert_eq!(count("\"$ref\":"), count("\"$ref\":\"#/$defs/"), "{}", entry.event_type);
            for keyword in ["$id", "$dynamicRef", "$anchor"] {
                assert_eq!(count(&format!("\"{keyword}\":")), 0, "{}", entry.event_type);
            }
        }
    }

    #[test]
    fn a_wrong_payload_is_refused_with_its_place_and_without_its_value() {
        let schemas = SchemaSet::new(&Catalog::builtin().unwrap());
        let data = r#"{"tool_call_id":["s3cret"],"tool_name":"Bash"}"#;
        let refusal = schemas.check("tool.invoked", data).unwrap_err();
        let EventRefusal::Schema { pointer, problem, .. } = refusal else {
            panic!("{refusal:?}");
        };
        assert_eq!(pointer, "/tool_call_id");
        assert!(!problem.contains("s3cret"), "{problem}");
        assert!(schemas.check("unknown.type", "[]").is_ok());
    }

    #[test]
    fn a_schema_that_is_none_lets_nothing_pass() {
        let yaml = "[{type: odd.one, version: 1, category: system, authority: observed, meaning: Odd., stream: run, severity: info, audit: other, sensitive: [], schema: {type: 7}}]";
        let schemas = SchemaSet::new(&Catalog::from_yaml([("odd.yaml", yaml)]).unwrap());
        let refusal = schemas.check("odd.one", "{}").unwrap_err();
        assert!(refusal.to_string().contains("the catalog's schema of the type is wrong"));
    }
}
