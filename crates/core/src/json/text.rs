//! `Json`, one value as checked, compact text, and the limits that a text is held to.
//!
//! INVARIANT (validated text): a `Json` can only be made by `compact`.

use std::fmt;

use super::compact::compact;
use super::error::JsonError;
use crate::limits;

/// How large one value's structure may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonLimits {
    /// Nested arrays and objects; `[]` has depth 1.
    pub depth_max: usize,
    /// Values of any kind, the outermost one included, keys not counted.
    pub node_count_max: usize,
}

impl JsonLimits {
    /// What one event may hold.
    pub const EVENT: JsonLimits = JsonLimits {
        depth_max: limits::JSON_DEPTH_MAX,
        node_count_max: limits::JSON_NODE_COUNT_MAX,
    };
}

impl Default for JsonLimits {
    fn default() -> Self {
        JsonLimits::EVENT
    }
}

/// One JSON value as compact text. Equality is equality of the text.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Json(String);

impl Json {
    /// Checks and compacts a text under the limits of an event.
    pub fn parse(input: &[u8]) -> Result<Json, JsonError> {
        let mut text = String::with_capacity(input.len());
        compact(input, &mut text, &JsonLimits::EVENT)?;
        Ok(Json(text))
    }

    /// The compact text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The compact text, owned.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({})", self.0)
    }
}
