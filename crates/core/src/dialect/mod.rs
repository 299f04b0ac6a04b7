//! Dialects: pure translations between foreign formats and the envelope.
//!
//! A dialect reads no file and sends nothing; it turns text into drafts, and events back into text.
//! What a foreign document says and the envelope has no place for is kept in `extensions`, never
//! dropped. What it takes in is a report: a dialect cannot make a decision of the server.

pub mod agentos;
pub mod cloudevents;
pub mod envelope;
pub mod hive;
pub mod hooks;
pub mod kernel;
pub mod otlp;
pub mod transcripts;

mod fault;
mod registry;
mod translation;

use std::fmt::Debug;
use std::sync::Arc;

pub use fault::ForeignFault;
pub use registry::{NamedWriter, readers, writers};

use crate::catalog::Catalog;
use crate::envelope::Draft;
use crate::id::{DialectName, WorkspaceId};
use crate::json::BodyForm;
use crate::time::Timestamp;

/// What a translation knows beside the document.
#[derive(Debug, Clone, Copy)]
pub struct ForeignContext<'a> {
    /// The tenant, from the credential; part of identities that are derived.
    pub workspace_id: &'a WorkspaceId,
    /// The known types and how dialects spell them.
    pub catalog: &'a Catalog,
    /// When the document came in.
    pub received_at: Timestamp,
}

/// Takes foreign documents in.
pub trait ForeignReader: Debug + Send + Sync {
    /// The dialect's name, as `origin.dialect` has it.
    fn dialect(&self) -> &DialectName;

    /// A reader for the documents of one request, where the format needs one that counts over all of
    /// them; the same serves every request elsewhere.
    fn for_request(&self) -> Option<Arc<dyn ForeignReader>> {
        None
    }

    /// The members that may stand beside `events` in an object that wraps a batch of documents.
    fn batch_members(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether a body of JSON may wrap its documents in a form.
    ///
    /// # Errors
    /// When the format does not wrap them so.
    fn check_form(&self, form: BodyForm) -> Result<(), ForeignFault> {
        let _ = form;
        Ok(())
    }

    /// The event that one document states. The document is compact, validated JSON text.
    ///
    /// # Errors
    /// When the document is not one of this dialect.
    fn read(&self, document: &str, context: &ForeignContext<'_>) -> Result<Draft, ForeignFault>;

    /// The facts that one document states, in the order they happened; never none. They are kept together
    /// or not at all.
    ///
    /// # Errors
    /// As for [`Self::read`].
    fn read_all(
        &self,
        document: &str,
        context: &ForeignContext<'_>,
    ) -> Result<Vec<Draft>, ForeignFault> {
        self.read(document, context).map(|draft| vec![draft])
    }

    /// The event that one document of a wrapped batch states, given the members that stand beside
    /// `events` as one JSON object; never empty.
    ///
    /// # Errors
    /// As for [`Self::read`].
    fn read_in_batch(
        &self,
        document: &str,
        batch: &str,
        context: &ForeignContext<'_>,
    ) -> Result<Draft, ForeignFault> {
        let _ = batch;
        self.read(document, context)
    }
}

/// Gives events out as foreign documents.
pub trait ForeignWriter: Debug + Send + Sync {
    /// The document that states an event, given as its envelope on the wire; none where the format
    /// has no form for it.
    fn write(&self, envelope: &str, catalog: &Catalog) -> Option<String>;
}
