//! Step 5 of an event's life: payloads of known types against their JSON Schemas.
//!
//! Each schema is compiled once. Unknown types pass.

use std::collections::HashMap;

use annals_core::catalog::Catalog;

use crate::refusal::EventRefusal;

/// The compiled schemas of the catalog.
#[derive(Debug, Default)]
pub(crate) struct SchemaSet {
    validators: HashMap<String, jsonschema::Validator>,
}

/// A schema of the catalog is not a JSON Schema: a mistake in a file that a test reads.
#[derive(Debug, thiserror::Error)]
#[error("the schema of `{event_type}` in the catalog is wrong: {problem}")]
pub struct SchemaError {
    event_type: String,
    problem: String,
}

impl SchemaSet {
    /// Compiles the schemas of all known types.
    pub(crate) fn compile(catalog: &Catalog) -> Result<Self, SchemaError> {
        let mut validators = HashMap::new();
        for entry in catalog.entries() {
            let Some(schema) = &entry.schema else { continue };
            let wrong =
                |problem: String| SchemaError { event_type: entry.event_type.clone(), problem };
            let schema: serde_json::Value =
                serde_json::from_str(schema).map_err(|error| wrong(error.to_string()))?;
            let validator =
                jsonschema::draft202012::new(&schema).map_err(|error| wrong(error.to_string()))?;
            validators.insert(entry.event_type.clone(), validator);
        }
        Ok(Self { validators })
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
        // The text is valid JSON; what is left to fail is a number that no double can hold.
        let value: serde_json::Value = serde_json::from_str(data)
            .map_err(|error| refusal(String::new(), error.to_string()))?;
        validator
            .validate(&value)
            .map_err(|error| refusal(error.instance_path().to_string(), error.masked().to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_of_the_catalog_fits_its_schema() {
        let catalog = Catalog::builtin().unwrap();
        let schemas = SchemaSet::compile(&catalog).unwrap();
        assert!(!schemas.validators.is_empty());
        for entry in catalog.entries() {
            let example = entry.example.as_deref().unwrap();
            schemas.check(&entry.event_type, example).unwrap();
        }
    }

    #[test]
    fn a_wrong_payload_is_refused_with_its_place_and_without_its_value() {
        let schemas = SchemaSet::compile(&Catalog::builtin().unwrap()).unwrap();
        let data = r#"{"tool_call_id":["s3cret"],"tool_name":"Bash"}"#;
        let refusal = schemas.check("tool.invoked", data).unwrap_err();
        let EventRefusal::Schema { pointer, problem, .. } = refusal else {
            panic!("{refusal:?}");
        };
        assert_eq!(pointer, "/tool_call_id");
        assert!(!problem.contains("s3cret"), "{problem}");
        assert!(schemas.check("unknown.type", "[]").is_ok());
    }
}
