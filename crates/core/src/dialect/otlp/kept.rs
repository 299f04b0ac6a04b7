//! The last step of reading an item: its draft, with the item itself beside the payload.

use super::{OTLP, pack, write};
use crate::catalog::TypeEntry;
use crate::dialect::fault::invalid;
use crate::dialect::translation::homes::Homes;
use crate::dialect::translation::identity;
use crate::dialect::translation::parts::Parts;
use crate::dialect::translation::settle::{depth, too_deep};
use crate::dialect::{ForeignContext, ForeignFault};
use crate::envelope::Draft;
use crate::id::{DialectName, EventType};
use crate::limits::JSON_DEPTH_MAX;

use super::value::text_array;

/// What is kept of an item beside its payload.
#[derive(Debug, Default)]
pub(super) struct Kept<'a> {
    /// What the item is called, as `origin.type` has it.
    pub(super) origin_type: String,
    /// What makes it the same fact when it comes again.
    pub(super) identity: String,
    /// The whole item, for the fact that ends it.
    pub(super) document: Option<&'a str>,
    /// Where its figures contradict each other.
    pub(super) contradictions: Vec<String>,
}

/// The draft of a fact.
pub(super) fn draft(
    entry: &TypeEntry,
    mut homes: Homes,
    data: &Parts<'_>,
    kept: Kept<'_>,
    context: &ForeignContext<'_>,
) -> Result<Draft, ForeignFault> {
    homes.event_id = Some(identity::derived(context.workspace_id, &kept.identity));
    let dialect = DialectName::parse(OTLP).map_err(|error| invalid("", error))?;
    let event_type = EventType::parse(&entry.event_type).map_err(|error| invalid("", error))?;
    let data = data.to_text();
    let mut extension = Parts::default();
    if let Some(document) = kept.document {
        extension.insert(write::DOCUMENT, pack::pack(document, &data));
    }
    if !kept.contradictions.is_empty() {
        extension.insert(write::CONTRADICTIONS, text_array(&kept.contradictions));
    }
    let draft = homes.into_draft(event_type, data, Some(entry), &dialect, context.workspace_id);
    let mut draft = draft.ok_or_else(|| invalid("", "it belongs to no stream"))?;
    draft.origin.origin_type = Some(kept.origin_type);
    draft.extensions =
        (!extension.is_empty()).then(|| format!("{{\"{OTLP}\":{}}}", extension.to_text()));
    match &draft.extensions {
        Some(extensions) if depth(extensions) >= JSON_DEPTH_MAX => Err(too_deep()),
        Some(_) | None => Ok(draft),
    }
}
