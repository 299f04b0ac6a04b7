//! Step 5 of an event's life: payloads of known types against their JSON Schemas.
//!
//! A schema is compiled when the first event of its type comes, and once: a log sees few of the
//! catalog's types, and a start should not pay for all of them. Unknown types pass.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use annals_core::catalog::Catalog;
use annals_core::violation::SchemaViolation;
use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use crate::refusal::EventRefusal;

/// What stands in a mark for a step that the schema does not name.
const SENDERS_STEP: &str = "*";

/// The schemas of the catalog, compiled where they were needed.
#[derive(Debug)]
pub(crate) struct SchemaSet {
    catalog: Catalog,
    /// For each type that has a schema: what checks it, or what is wrong with the schema.
    checkers: HashMap<String, OnceLock<Result<Checker, String>>>,
}

#[derive(Debug)]
struct Checker {
    validator: jsonschema::Validator,
    /// Every member that the schema has a word about.
    names: HashSet<String>,
}

/// Why a payload does not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SchemaFault {
    /// It does not have the shape of its type.
    Violation {
        /// The place in `data`, as a JSON Pointer.
        pointer: String,
        /// What is wrong there, for the sender.
        problem: String,
        /// What may be kept of it.
        mark: SchemaViolation,
    },
    /// There is nothing to hold it against: the schema itself is wrong.
    Unusable {
        /// What is wrong with it.
        problem: String,
    },
}

impl SchemaFault {
    /// The refusal that tells its sender.
    pub(crate) fn into_refusal(self, event_type: &str) -> EventRefusal {
        let (pointer, problem) = match self {
            Self::Violation { pointer, problem, .. } => (pointer, problem),
            Self::Unusable { problem } => (String::new(), problem),
        };
        EventRefusal::Schema { event_type: event_type.to_owned(), pointer, problem }
    }
}

impl SchemaSet {
    /// The schemas of all known types.
    pub(crate) fn new(catalog: &Catalog) -> Self {
        let with_schema = catalog.entries().iter().filter(|entry| entry.schema.is_some());
        let checkers =
            with_schema.map(|entry| (entry.event_type.clone(), OnceLock::new())).collect();
        Self { catalog: catalog.clone(), checkers }
    }

    /// Whether a payload has the shape of its type.
    pub(crate) fn check(&self, event_type: &str, data: &str) -> Result<(), SchemaFault> {
        let Some(checker) = self.checkers.get(event_type) else {
            return Ok(());
        };
        // A test compiles all schemas, so the error is that of a build nobody has. Letting the
        // event pass unchecked would be the wrong answer to it.
        let checker = checker
            .get_or_init(|| self.compile(event_type))
            .as_ref()
            .map_err(|problem| SchemaFault::Unusable { problem: problem.clone() })?;
        // The text is valid JSON; what is left to fail is a number that no double can hold.
        let value: Value = serde_json::from_str(data).map_err(|error| {
            let problem = error.to_string();
            let (pointer, rule) = (String::new(), String::new());
            let mark = SchemaViolation { pointer: pointer.clone(), rule, problem: problem.clone() };
            SchemaFault::Violation { pointer, problem, mark }
        })?;
        checker.validator.validate(&value).map_err(|error| checker.fault(&error, &value))
    }

    fn compile(&self, event_type: &str) -> Result<Checker, String> {
        let entry = self.catalog.entry(event_type);
        let text = entry.and_then(|entry| entry.schema.as_deref()).unwrap_or("true");
        let wrong = |problem: &dyn std::fmt::Display| {
            format!("the catalog's schema of the type is wrong: {problem}")
        };
        let schema: Value = serde_json::from_str(text).map_err(|error| wrong(&error))?;
        let validator = jsonschema::draft202012::new(&schema).map_err(|error| wrong(&error))?;
        let mut names = HashSet::new();
        collect_names(&schema, &mut names);
        Ok(Checker { validator, names })
    }
}

impl Checker {
    fn fault(&self, error: &ValidationError<'_>, data: &Value) -> SchemaFault {
        let pointer = error.instance_path().to_string();
        let problem = error.masked().to_string();
        let mark = SchemaViolation {
            pointer: self.own_words(&pointer, data),
            rule: error.schema_path().to_string(),
            problem: kept_problem(error.kind(), &problem).to_owned(),
        };
        SchemaFault::Violation { pointer, problem, mark }
    }

    /// A pointer without the sender's words: places in arrays and names of the schema stay.
    fn own_words(&self, pointer: &str, data: &Value) -> String {
        let mut kept = String::with_capacity(pointer.len());
        let mut at = Some(data);
        for step in pointer.split('/').skip(1) {
            let name = step.replace("~1", "/").replace("~0", "~");
            let is_ours = match at {
                Some(Value::Array(_)) => true,
                _ => self.names.contains(&name),
            };
            kept.push('/');
            kept.push_str(if is_ours { step } else { SENDERS_STEP });
            at = match at {
                Some(Value::Array(items)) => name.parse().ok().and_then(|at: usize| items.get(at)),
                Some(Value::Object(members)) => members.get(&name),
                _ => None,
            };
        }
        kept
    }
}

/// What is wrong, without the names of members that a sender made up.
fn kept_problem<'p>(kind: &ValidationErrorKind, problem: &'p str) -> &'p str {
    let names_members = matches!(
        kind,
        ValidationErrorKind::AdditionalProperties { .. }
            | ValidationErrorKind::UnevaluatedProperties { .. }
            | ValidationErrorKind::UnevaluatedItems { .. }
            | ValidationErrorKind::PropertyNames { .. }
    );
    if names_members { "there are members that the schema does not allow" } else { problem }
}

fn collect_names(schema: &Value, names: &mut HashSet<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get("properties") {
                names.extend(properties.keys().cloned());
            }
            members.values().for_each(|value| collect_names(value, names));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_names(item, names)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_of_the_catalog_fits_its_schema() {
        let catalog = Catalog::builtin().unwrap();
        let schemas = SchemaSet::new(&catalog);
        assert!(!schemas.checkers.is_empty());
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
            let schema: Value = serde_json::from_str(text).unwrap();
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
        let SchemaFault::Violation { pointer, problem, mark } = refusal else {
            panic!("{refusal:?}");
        };
        let rule = "/properties/tool_call_id/type".to_owned();
        assert_eq!(
            mark,
            SchemaViolation { pointer: pointer.clone(), rule, problem: problem.clone() }
        );
        assert_eq!(pointer, "/tool_call_id");
        assert!(!problem.contains("s3cret"), "{problem}");
        assert!(schemas.check("unknown.type", "[]").is_ok());
    }

    #[test]
    fn a_schema_that_is_none_lets_nothing_pass() {
        let yaml = "[{type: odd.one, version: 1, category: system, authority: observed, meaning: Odd., stream: run, severity: info, audit: other, sensitive: [], schema: {type: 7}}]";
        let schemas = SchemaSet::new(&Catalog::from_yaml([("odd.yaml", yaml)]).unwrap());
        let fault = schemas.check("odd.one", "{}").unwrap_err();
        assert!(matches!(fault, SchemaFault::Unusable { .. }), "{fault:?}");
        assert!(
            fault
                .into_refusal("odd.one")
                .to_string()
                .contains("the catalog's schema of the type is wrong")
        );
    }

    /// A mark stays when the payload is redacted, so it may have nothing of the payload in it.
    #[test]
    fn a_mark_has_no_word_of_its_sender() {
        let schema = r#"{
            "type": "object",
            "properties": {
                "by_name": {"additionalProperties": {"type": "array", "items": {"type": "integer"}}},
                "closed": {"properties": {"a": {}}, "additionalProperties": false},
                "named": {"propertyNames": {"maxLength": 3}},
                "level": {"enum": ["low", "high"]}
            },
            "required": ["id"]
        }"#;
        let schema: String = schema.split_whitespace().collect();
        let yaml = format!("[{{type: odd.one, version: 1, category: system, authority: observed, meaning: Odd., stream: run, severity: info, audit: other, sensitive: [], schema: {schema}}}]").replace("\":", "\": ");
        let schemas = SchemaSet::new(&Catalog::from_yaml([("odd.yaml", yaml.as_str())]).unwrap());
        let check = |data: &str| match schemas.check("odd.one", data).unwrap_err() {
            SchemaFault::Violation { pointer, mark, .. } => (pointer, mark.pointer, mark.problem),
            SchemaFault::Unusable { problem } => panic!("{problem}"),
        };
        let (pointer, kept, _) = check(r#"{"id":1,"by_name":{"s3cret/x":[1,"s3cret"]}}"#);
        assert_eq!((pointer.as_str(), kept.as_str()), ("/by_name/s3cret~1x/1", "/by_name/*/1"));
        for data in [
            r#"{"id":1,"closed":{"s3cret":1}}"#,
            r#"{"id":1,"named":{"s3cret":1}}"#,
            r#"{"id":1,"level":"s3cret"}"#,
            r#"{"s3cret":1}"#,
            r#"{"id":1e999,"s3cret":1}"#,
        ] {
            let (_, kept, problem) = check(data);
            assert!(!format!("{kept}{problem}").contains("s3cret"), "{data}: {kept} {problem}");
            assert!(!problem.is_empty(), "{data}");
        }
        assert!(check("{}").2.contains("\"id\""), "a required member is the schema's own word");
    }
}
