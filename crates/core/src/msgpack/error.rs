//! Why a MessagePack value is refused, by name and place.
//!
//! Offsets are bytes from the start of the input. It does not choose status codes.

/// Why a MessagePack value is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MsgpackError {
    /// There are no bytes.
    #[error("there is no value")]
    Empty,
    /// The input ends inside a value, or a declared length reaches beyond it.
    #[error("the value goes on past the end, from byte {offset}")]
    UnexpectedEnd {
        /// Where the part begins that is cut.
        offset: usize,
    },
    /// One value is followed by more bytes.
    #[error("more bytes after the value at byte {offset}")]
    TrailingData {
        /// Where the first byte after the value is.
        offset: usize,
    },
    /// The byte 0xc1, which begins no value.
    #[error("no value begins with the byte at {offset}")]
    ReservedMarker {
        /// Where the byte is.
        offset: usize,
    },
    /// An extension type, timestamps included.
    #[error("extension type at byte {offset}")]
    Extension {
        /// Where the value begins.
        offset: usize,
    },
    /// A NaN or an infinity.
    #[error("a number that is not finite at byte {offset}")]
    NotFinite {
        /// Where the value begins.
        offset: usize,
    },
    /// A map has a key that is no string.
    #[error("a key that is no string at byte {offset}")]
    NonStringKey {
        /// Where the key begins.
        offset: usize,
    },
    /// A string is not UTF-8.
    #[error("not UTF-8 at byte {offset}")]
    Utf8 {
        /// Where the first wrong byte is.
        offset: usize,
    },
    /// A map names a member twice.
    #[error("duplicate key {key:?}")]
    DuplicateKey {
        /// The key; a long one is cut and ends in `…`.
        key: String,
    },
    /// Arrays and maps are nested too deeply.
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
}
