//! The last step of a translation inwards: what is left gets its home, and the result is proven.
//!
//! INVARIANT (nothing lost): the draft is written back at once and compared with the document. Where
//! the two differ, the difference is kept, and the way back applies it. So a document that comes in
//! can always go out again exactly, however strange it is.

use super::parts::Parts;
use super::same;
use super::view::{TRANSLATION, View};
use crate::dialect::ForeignFault;
use crate::envelope::{Draft, EnvelopeFault};
use crate::id::WorkspaceId;
use crate::limits::JSON_DEPTH_MAX;

/// The note that holds what the way back must still change.
pub(in crate::dialect) const DIFFERENCES: &str = "differences";

/// What of a document is in no field of the envelope and no member of the payload.
#[derive(Debug, Default)]
pub(in crate::dialect) struct Remains<'a> {
    /// Members of the document, under their own names.
    pub(in crate::dialect) leftover: Parts<'a>,
    /// How the document was taken apart, where its members do not show it.
    pub(in crate::dialect) notes: Parts<'a>,
}

impl Remains<'_> {
    fn extensions(&self, dialect: &str) -> Option<String> {
        let mut extensions = Parts::default();
        if !self.leftover.is_empty() {
            extensions.insert(dialect, self.leftover.to_text());
        }
        if !self.notes.is_empty() {
            extensions.insert(TRANSLATION, self.notes.to_text());
        }
        (!extensions.is_empty()).then(|| extensions.to_text())
    }
}

/// Gives what is left of a document its home in the draft.
///
/// # Errors
/// When the event would be nested deeper than an event may be.
pub(in crate::dialect) fn settle(
    mut draft: Draft,
    mut remains: Remains<'_>,
    document: &str,
    workspace_id: &WorkspaceId,
    write: impl Fn(&View<'_>) -> Option<String>,
) -> Result<Draft, ForeignFault> {
    let dialect = draft.origin.dialect.clone();
    let dialect = dialect.as_ref().map_or("", |dialect| dialect.as_str());
    draft.extensions = remains.extensions(dialect);
    let envelope = draft.to_json();
    let written = write(&View::within(&envelope, workspace_id)).unwrap_or_else(|| "{}".to_owned());
    if let Some(differences) = same::differences(document, &written) {
        remains.notes.insert(DIFFERENCES, differences);
        draft.extensions = remains.extensions(dialect);
    }
    match &draft.extensions {
        Some(extensions) if depth(extensions) >= JSON_DEPTH_MAX => Err(too_deep()),
        Some(_) | None => Ok(draft),
    }
}

pub(in crate::dialect) fn too_deep() -> ForeignFault {
    EnvelopeFault::InvalidField {
        field: "extensions",
        problem: format!("the event would be nested deeper than {JSON_DEPTH_MAX} levels"),
    }
    .into()
}

/// How deep arrays and objects are nested, or less where there are too few brackets to matter.
pub(in crate::dialect) fn depth(text: &str) -> usize {
    if text.len() < 2 * JSON_DEPTH_MAX {
        return 0;
    }
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut is_escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth -= 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_brackets_outside_of_strings() {
        let nested = format!("{}{}", "[".repeat(130), "]".repeat(130));
        assert_eq!(depth(&nested), 130);
        assert_eq!(depth(&format!("[\"\\\"{nested}\"]")), 1);
    }
}
