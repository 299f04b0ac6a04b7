//! Secrets: finding what must not be kept in free text and JSON, and what stands in its place.
//!
//! Rules are data (`table.rs`) or short functions; one pass over the text looks for the literals
//! that every rule names, and only a rule whose literal was found is compiled and run. Nothing
//! here decides what becomes of an event, and nothing here remembers a secret: what is reported of
//! one is its rule and a keyed fingerprint.
//!
//! INVARIANT (token for token): of a JSON text only the characters of a secret inside strings and
//! object keys change; numbers, escapes, the order of keys and all else stay as they are.
//! INVARIANT (nothing of the secret): a mark has no character of what it stands for.
//! INVARIANT (once is enough): what was redacted is not redacted again; the second time changes
//! nothing.
//! INVARIANT (linear): the work on a text grows with its length whatever it holds: each rule stops
//! at the first byte that its secret cannot have.

mod mark;
pub use mark::{Fingerprint, MaskKey};

mod rule;
pub use rule::{CustomRule, Exception, RuleFault, SecretSettings};

mod table;

mod shape;

mod names;

mod assign;
mod spots;

mod prefilter;

mod scanner;
pub use scanner::{Scanner, scanner_version};

mod report;
pub use report::{SECRET_MATCHES_LISTED_MAX, SecretMatch, SecretReport};

mod json;

mod mail;

mod alike;
pub(crate) use alike::same_but_for_marks;

mod draft;
pub use draft::RedactedDraft;
