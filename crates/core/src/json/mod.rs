//! JSON as Annals keeps it: checked strictly against RFC 8259, then kept token for token.
//!
//! Values are text here, not trees: number texts, escapes and key order are the sender's, and only
//! whitespace between tokens goes. It does not interpret what a document means, and it never
//! re-renders a value that it was given.
//!
//! INVARIANT (validated text): the functions of `walk` and `string` read text that `compact` wrote.
//! They are total on other text too (no panic, no endless loop), but what they return then means
//! nothing.

mod error;
mod sink;
mod text;

mod scan;

mod keys;
mod open;

mod compact;

mod body;

mod string;
mod walk;

mod lines;

#[cfg(test)]
mod oracle_tests;

pub use body::{BodyForm, BodyLimits, CompactBody, Element, compact_body};
pub use compact::{Member, compact, compact_object};
pub use error::JsonError;
pub use lines::{Lines, lines};
pub(crate) use scan::is_number;
pub use sink::TextSink;
pub use string::{escape_into, string_into, unescape};
pub use text::{Json, JsonLimits};
pub(crate) use walk::string_content_end;
pub use walk::{
    Elements, JsonKind, Members, as_bool, as_i64, as_str, as_u64, elements, kind, member, members,
};
