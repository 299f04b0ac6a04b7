//! Why a JSON text is refused, by name and place.
//!
//! Offsets are bytes from the start of the input that was given. It does not choose status codes.

/// Why a JSON text is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// There is nothing but whitespace.
    #[error("the text is empty")]
    Empty,
    /// The text does not follow the grammar of RFC 8259.
    #[error("not JSON at byte {offset}: expected {expected}")]
    Syntax {
        /// Where the first byte is that cannot be.
        offset: usize,
        /// What could have been there.
        expected: &'static str,
    },
    /// The text is not UTF-8.
    #[error("not UTF-8 at byte {offset}")]
    Utf8 {
        /// Where the first wrong byte is.
        offset: usize,
    },
    /// One value is followed by something other than whitespace.
    #[error("more text after the value at byte {offset}")]
    TrailingData {
        /// Where the first byte after the value is.
        offset: usize,
    },
    /// A body holds more elements than one request may.
    #[error("more than {element_count_max} elements")]
    TooManyElements {
        /// The limit.
        element_count_max: usize,
    },
    /// Arrays and objects are nested too deeply.
    #[error("nested deeper than {depth_max}")]
    TooDeep {
        /// The limit.
        depth_max: usize,
    },
    /// There are too many values.
    #[error("more than {node_count_max} values")]
    TooManyNodes {
        /// The limit.
        node_count_max: usize,
    },
    /// One object names a member twice; names are compared after unescaping.
    #[error("duplicate key {key:?} at byte {offset}")]
    DuplicateKey {
        /// The key, unescaped; a long one is cut and ends in `…`.
        key: String,
        /// Where the second one's opening quote is.
        offset: usize,
    },
    /// A `\ud800`–`\udfff` escape is not part of a surrogate pair.
    #[error("unpaired surrogate escape at byte {offset}")]
    UnpairedSurrogate {
        /// Where the escape's backslash is.
        offset: usize,
    },
}

impl JsonError {
    /// Whether the text's structure can still be followed past this fault, so that it concerns one
    /// element of a batch and not the batch.
    pub fn concerns_one_element(&self) -> bool {
        match self {
            JsonError::TooDeep { .. }
            | JsonError::TooManyNodes { .. }
            | JsonError::DuplicateKey { .. }
            | JsonError::UnpairedSurrogate { .. } => true,
            JsonError::Empty
            | JsonError::Syntax { .. }
            | JsonError::Utf8 { .. }
            | JsonError::TrailingData { .. }
            | JsonError::TooManyElements { .. } => false,
        }
    }
}
