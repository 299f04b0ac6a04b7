//! Asks our engine, as policies get it, any query: for the conformance cases, and for nothing else.

use std::collections::BTreeMap;

use regorus::Engine;
use serde_json::Value;

use crate::modules::Module;
use crate::{clock, policy};

/// A query and what it is asked over.
#[derive(Debug, Default)]
pub struct Probe<'a> {
    /// The modules.
    pub modules: Vec<Module>,
    /// The data document as JSON.
    pub data: Option<&'a str>,
    /// The input document as JSON.
    pub input: Option<&'a str>,
    /// Rego before version 1, which policies of ours cannot be.
    pub is_v0: bool,
    /// Whether an error of a function ends the evaluation, as it does for policies of ours.
    pub is_strict: bool,
}

impl Probe<'_> {
    /// The variables that each answer binds.
    pub fn bindings(&self, query: &str) -> Result<Vec<Value>, String> {
        let mut engine = self.engine()?;
        let results = clock::with_now(0, || engine.eval_query(query.to_owned(), false))
            .map_err(|error| error.to_string())?;
        let text = serde_json::to_string(&results).map_err(|error| error.to_string())?;
        let results: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let rows = results.get("result").and_then(Value::as_array).cloned().unwrap_or_default();
        let bindings = |row: &Value| {
            let members =
                row.get("bindings").and_then(Value::as_object).cloned().unwrap_or_default();
            let visible: BTreeMap<_, _> =
                members.into_iter().filter(|(name, _)| !name.starts_with("__")).collect();
            serde_json::to_value(visible).unwrap_or_default()
        };
        Ok(rows.iter().map(bindings).collect())
    }

    /// The value of one rule for each of several inputs.
    pub fn rules(&self, asked: &[(String, String)]) -> Result<Vec<Value>, String> {
        let mut engine = self.engine()?;
        let mut values = Vec::new();
        for (rule, input) in asked {
            engine.set_input_json(input).map_err(|error| error.to_string())?;
            let value = clock::with_now(0, || engine.eval_rule(rule.clone()));
            let value =
                value.and_then(|value| value.to_json_str()).map_err(|error| error.to_string())?;
            values.push(serde_json::from_str(&value).map_err(|error| error.to_string())?);
        }
        Ok(values)
    }

    fn engine(&self) -> Result<Engine, String> {
        let mut empty = Engine::new();
        empty.set_rego_v0(self.is_v0);
        let (mut engine, _) =
            policy::checked_engine(empty, &self.modules).map_err(|fault| fault.to_string())?;
        engine.set_strict_builtin_errors(self.is_strict);
        if let Some(data) = self.data {
            engine.add_data_json(data).map_err(|error| error.to_string())?;
        }
        if let Some(input) = self.input {
            engine.set_input_json(input).map_err(|error| error.to_string())?;
        }
        Ok(engine)
    }
}

/// The names of all functions that a policy may call.
pub fn functions() -> impl Iterator<Item = &'static str> {
    crate::builtins::PURE.iter().copied().chain(clock::FUNCTIONS.iter().map(|(name, _)| *name))
}
