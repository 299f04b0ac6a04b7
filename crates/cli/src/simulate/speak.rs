//! Saying a document of the story in another format: by way of the event that it is.
//!
//! What has no form in that format is not said; who asks is told so.

use annals_core::catalog::Catalog;
use annals_core::dialect::hive::{HIVE, Hive};
use annals_core::dialect::{ForeignContext, ForeignReader as _, NamedWriter, writers};
use annals_core::envelope::{Draft, Origin};
use annals_core::id::WorkspaceId;
use annals_core::json::member;
use annals_core::time::Timestamp;
use anyhow::Context as _;

/// The format of `POST /v1/events`.
pub(super) const NATIVE: &str = "native";

/// The formats whose documents have an identity, so that sending one again keeps it once.
const WITH_IDS: [&str; 4] = [NATIVE, HIVE, "agentos", "cloudevents"];

#[derive(Debug)]
enum Form {
    AsItIs,
    Native,
    Other(&'static NamedWriter),
}

/// Says documents of the story in one format.
#[derive(Debug)]
pub(super) struct Speaker {
    form: Form,
    hive: Hive,
    catalog: Catalog,
    workspace_id: WorkspaceId,
    start: Timestamp,
}

impl Speaker {
    pub(super) fn new(dialect: &str, start: Timestamp) -> anyhow::Result<Self> {
        let form = match dialect {
            HIVE => Form::AsItIs,
            NATIVE => Form::Native,
            other => Form::Other(
                writers()
                    .iter()
                    .find(|writer| writer.name == other)
                    .with_context(|| format!("there is no format {other}"))?,
            ),
        };
        Ok(Self {
            form,
            hive: Hive::new()?,
            catalog: Catalog::builtin()?,
            workspace_id: WorkspaceId::parse("simulated")?,
            start,
        })
    }

    /// The document in this format; none where it has no form for it.
    pub(super) fn say(&self, document: String) -> anyhow::Result<Option<String>> {
        match self.form {
            Form::AsItIs => Ok(Some(document)),
            Form::Native => Ok(Some(self.event(&document)?.to_json())),
            Form::Other(writer) => {
                let mut event = self.event(&document)?;
                event.workspace_id = Some(self.workspace_id.clone());
                Ok(writer.writer.write(&event.to_json(), &self.catalog))
            }
        }
    }

    /// The event that a document states, as if nobody had translated it.
    fn event(&self, document: &str) -> anyhow::Result<Draft> {
        let context = ForeignContext {
            workspace_id: &self.workspace_id,
            catalog: &self.catalog,
            received_at: self.start,
        };
        let mut draft = self.hive.read(document, &context)?;
        draft.origin = Origin::default();
        // What is left of the document is about the hive, and of the rest only the metrics tell more.
        let hive = draft.extensions.as_deref().and_then(|all| member(all, HIVE));
        let metrics = hive.and_then(|hive| member(hive, "performance_metrics"));
        draft.extensions = metrics.map(|metrics| format!("{{\"performance_metrics\":{metrics}}}"));
        Ok(draft)
    }
}

/// Whether sending a document of a format twice keeps one event.
pub(super) fn has_ids(dialect: &str) -> bool {
    WITH_IDS.contains(&dialect)
}
