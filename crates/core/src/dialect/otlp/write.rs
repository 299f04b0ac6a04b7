//! From an event to the request of one item.
//!
//! Only the fact that ended an item is written: it holds the item. The beginning of a span has no
//! form of its own, because an OTLP span is sent when it has ended, and then says both.

use super::{OTLP, pack};
use crate::dialect::translation::view::View;
use crate::json::{JsonKind, kind, member};

/// The member of `extensions.otlp` that holds the item.
pub(super) const DOCUMENT: &str = "document";
/// The member of `extensions.otlp` that says where an item's own figures contradict each other.
pub(super) const CONTRADICTIONS: &str = "contradictions";

pub(super) fn write(envelope: &str) -> Option<String> {
    let view = View::of(envelope);
    if !view.came_by(OTLP) || view.is_redacted() {
        return None;
    }
    let kept = view.extension(OTLP).filter(|kept| kind(kept) == JsonKind::Object)?;
    pack::unpack(member(kept, DOCUMENT)?, view.data())
}
