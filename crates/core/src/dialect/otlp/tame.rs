//! Members of a payload that a program named as the catalog does, and meant something else by.
//!
//! Anybody may give a span an attribute `usage`; that must not make the span unacceptable. A value
//! that the type's schema would refuse is written as it would be accepted, a number for a string of
//! one, or left out of the payload; the item itself, which is kept, has it as it came.

use std::borrow::Cow;

use crate::catalog::TypeEntry;
use crate::dialect::translation::parts::{Parts, quoted};
use crate::json::{
    JsonKind, as_bool, as_str, elements, is_number, kind, member, members, unescape,
};

/// Makes a payload's members fit the schema of its type.
pub(super) fn tame(data: &mut Parts<'_>, entry: &TypeEntry) {
    let properties = entry.schema.as_deref().and_then(|schema| member(schema, "properties"));
    for (raw_name, schema) in properties.into_iter().flat_map(members) {
        let name = unescape(raw_name);
        let Some(value) = data.get(&name).map(Cow::into_owned) else { continue };
        if fits(schema, &value) {
            continue;
        }
        match respelled(&value).filter(|value| fits(schema, value)) {
            Some(value) => data.set_path(&[name.as_ref()], value),
            None => drop(data.take(&name)),
        }
    }
}

/// The same value as a number or truth instead of a text, or as a text instead of those.
fn respelled(value: &str) -> Option<String> {
    match kind(value) {
        JsonKind::String => {
            let text = as_str(value)?;
            (is_number(&text) || as_bool(&text).is_some()).then(|| text.into_owned())
        }
        JsonKind::Number | JsonKind::Bool => Some(quoted(value)),
        JsonKind::Null | JsonKind::Array | JsonKind::Object => None,
    }
}

/// Whether a value fits the parts of a schema that the catalog uses for telemetry.
fn fits(schema: &str, value: &str) -> bool {
    if kind(schema) != JsonKind::Object {
        return true;
    }
    members(schema).all(|(key, rule)| match key {
        "type" if kind(rule) == JsonKind::Array => elements(rule).any(|one| is_of(one, value)),
        "type" => is_of(rule, value),
        "enum" => elements(rule).any(|one| one == value),
        "minimum" if kind(value) == JsonKind::Number => match (number(rule), number(value)) {
            (Some(minimum), Some(number)) => number >= minimum,
            _ => false,
        },
        "items" if kind(value) == JsonKind::Array => elements(value).all(|one| fits(rule, one)),
        "required" if kind(value) == JsonKind::Object => elements(rule)
            .all(|name| as_str(name).is_some_and(|name| member(value, &name).is_some())),
        "properties" if kind(value) == JsonKind::Object => members(rule).all(|(name, schema)| {
            member(value, &unescape(name)).is_none_or(|value| fits(schema, value))
        }),
        _ => true,
    })
}

fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok()
}

fn is_of(word: &str, value: &str) -> bool {
    match (as_str(word).as_deref(), kind(value)) {
        (Some("string"), JsonKind::String)
        | (Some("number"), JsonKind::Number)
        | (Some("boolean"), JsonKind::Bool)
        | (Some("null"), JsonKind::Null)
        | (Some("array"), JsonKind::Array)
        | (Some("object"), JsonKind::Object) => true,
        (Some("integer"), JsonKind::Number) => !value.contains(['.', 'e', 'E']),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    #[test]
    fn a_member_that_means_something_else_is_no_reason_to_refuse() {
        let catalog = Catalog::builtin().unwrap();
        let entry = catalog.entry("model.completed").unwrap();
        let mut data = Parts::of(
            r#"{"model_call_id":7,"model":["a"],"duration_ms":"12.5","cost_micros":"3","usage":"x","stop_reason":null,"other":{}}"#,
        );
        tame(&mut data, entry);
        assert_eq!(
            data.to_text(),
            r#"{"model_call_id":"7","duration_ms":12.5,"cost_micros":3,"stop_reason":null,"other":{}}"#
        );
        let mut data =
            Parts::of(r#"{"duration_ms":-1,"cost_micros":1.5,"usage":{"input_tokens":-3}}"#);
        tame(&mut data, entry);
        assert_eq!(data.to_text(), "{}");
    }
}
