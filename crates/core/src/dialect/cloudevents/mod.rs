//! CloudEvents 1.0: the JSON format in and out, and the binary mode of the HTTP binding.
//!
//! A document of the JSON format is the one form that is translated; the binary mode is turned into
//! it and back. It sends and receives nothing. `docs/operate/cloudevents.md` is the page for users.
//!
//! INVARIANT (as it came): a CloudEvent that was read is written as the same document, up to the
//! order of members and the spelling of escapes, without help of `origin.raw`.

mod grammar;
mod media;

mod document;

mod spelled;

mod read;
mod write;

mod binary;

#[cfg(test)]
mod tests;

pub use binary::{BinaryFault, BinaryMessage, document_of_headers};
pub use media::MediaType;
pub use read::event_id;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{ForeignContext, ForeignFault, ForeignReader, ForeignWriter};
use crate::catalog::Catalog;
use crate::envelope::Draft;
use crate::id::{DialectName, IdError};
use crate::json::{BodyForm, JsonKind, as_str, kind, members};

/// The dialect's name.
pub const DIALECT: &str = "cloudevents";

/// The type of events whose own type is outside the grammar.
const FOREIGN_TYPE: &str = "foreign.event";
/// The attribute of our own events that says their type where they go out under another name.
const TYPE_ATTRIBUTE: &str = "eventtype";
/// The attribute of our own events that holds their payload where they go out with another one.
const DATA_ATTRIBUTE: &str = "eventdata";
/// The member of `extensions` that says in which form the data was, where the data alone does not.
/// No attribute has a name like this.
const DATA_FORM: &str = "data_form";
/// There was no data.
const FORM_ABSENT: &str = "absent";
/// It was the JSON value that is kept, though it looks like our own form of binary data, or though the
/// catalog spells the type otherwise.
const FORM_VALUE: &str = "value";

/// Reads and writes CloudEvents.
#[derive(Debug, Clone)]
pub struct CloudEvents {
    dialect: DialectName,
    form: BodyForm,
}

impl CloudEvents {
    /// The dialect for bodies that are one document.
    ///
    /// # Errors
    /// Never: the dialect's name fits the grammar.
    pub fn one() -> Result<Self, IdError> {
        Ok(Self { dialect: DIALECT.parse()?, form: BodyForm::One })
    }

    /// The dialect for bodies that are an array of documents.
    ///
    /// # Errors
    /// Never: the dialect's name fits the grammar.
    pub fn batch() -> Result<Self, IdError> {
        Ok(Self { dialect: DIALECT.parse()?, form: BodyForm::Array })
    }
}

impl ForeignReader for CloudEvents {
    fn dialect(&self) -> &DialectName {
        &self.dialect
    }

    fn check_form(&self, form: BodyForm) -> Result<(), ForeignFault> {
        match (self.form, form) {
            (BodyForm::Array, BodyForm::Array) | (BodyForm::One, BodyForm::One) => Ok(()),
            (BodyForm::Array, _) => {
                Err(document::wrong("", "a batch is a JSON array of documents"))
            }
            (_, BodyForm::Object) => Err(document::wrong("events", grammar::STRUCTURE_PROBLEM)),
            (_, _) => Err(ForeignFault::NotAnObject),
        }
    }

    fn read(&self, document: &str, context: &ForeignContext<'_>) -> Result<Draft, ForeignFault> {
        read::read(document, context, &self.dialect)
    }
}

impl ForeignWriter for CloudEvents {
    fn write(&self, envelope: &str, catalog: &Catalog) -> Option<String> {
        Some(write::write(envelope, catalog))
    }
}

/// The base64 token of data that is binary: `{"$bin": "…"}`, as MessagePack's binary values are.
fn binary_text(data: &str) -> Option<&str> {
    if kind(data) != JsonKind::Object {
        return None;
    }
    let mut found = members(data);
    let (("$bin", value), None) = (found.next()?, found.next()) else { return None };
    STANDARD.decode(as_str(value)?.as_ref()).ok().map(|_| value)
}
