//! One document of YAML as compact JSON text, with the members in the order of the document.
//!
//! The build script reads the catalog with it, and so does whoever reads a catalog from files. It
//! knows nothing of event types. What JSON has no form for, such as a key that is no string or a
//! number that is not finite, is refused.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The document as compact JSON text.
pub(crate) fn yaml_to_json(yaml: &str) -> Result<String, String> {
    // A member may be called `n` or `no`, which older YAML takes for false.
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(yaml, options)
        .map(|JsonText(text)| text)
        .map_err(|error| error.to_string())
}

/// A value as compact JSON text.
struct JsonText(String);

impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ToJsonText)
    }
}

struct ToJsonText;

impl<'de> Visitor<'de> for ToJsonText {
    type Value = JsonText;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value that JSON can hold")
    }

    fn visit_unit<E>(self) -> Result<JsonText, E> {
        Ok(JsonText("null".to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<JsonText, E> {
        Ok(JsonText(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<JsonText, E> {
        Ok(JsonText(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<JsonText, E> {
        Ok(JsonText(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<JsonText, E> {
        if !value.is_finite() {
            return Err(E::custom("a number that is not finite"));
        }
        serde_json::to_string(&value).map(JsonText).map_err(E::custom)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<JsonText, E> {
        serde_json::to_string(value).map(JsonText).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<JsonText, A::Error> {
        let mut text = String::from("[");
        while let Some(JsonText(item)) = items.next_element()? {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(&item);
        }
        text.push(']');
        Ok(JsonText(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<JsonText, A::Error> {
        let mut text = String::from("{");
        while let Some(key) = members.next_key::<String>()? {
            let JsonText(value) = members.next_value()?;
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(&serde_json::to_string(&key).map_err(A::Error::custom)?);
            text.push(':');
            text.push_str(&value);
        }
        text.push('}');
        Ok(JsonText(text))
    }
}
