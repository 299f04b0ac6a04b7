//! A whole envelope without its secrets: every free field, every id, every text of its origin.
//!
//! Identity, times and the closed words of the envelope are not free and stay.

use std::borrow::Cow;

use super::json::redact;
use super::mail::without_addresses;
use super::mark::{MARK_START, MaskKey};
use super::report::{Pen, SecretReport};
use super::scanner::Scanner;
use crate::envelope::{Draft, Origin, Scope};
use crate::id::EventType;
use crate::limits::ID_BYTES_MAX;

/// A draft on its way to the log.
#[derive(Debug)]
pub struct RedactedDraft<'d> {
    /// As it may be kept.
    pub draft: Cow<'d, Draft>,
    /// What was replaced in it. Pseudonyms are no secrets and not in it.
    pub report: SecretReport,
}

impl Scanner {
    /// Replaces every secret of a draft, and every mail address in its ids.
    #[must_use]
    pub fn redact_draft<'d>(&self, key: &MaskKey, draft: &'d Draft) -> RedactedDraft<'d> {
        let mut redaction = DraftPen { pen: Pen::new(self, key), draft: Cow::Borrowed(draft) };
        redaction.body(draft);
        redaction.origin(&draft.origin);
        redaction.scope(&draft.scope);
        redaction.parties(draft);
        RedactedDraft { draft: redaction.draft, report: redaction.pen.report }
    }

    /// A compact JSON value without its secrets; none where it has none. `base` is where it stands
    /// in the envelope, as a JSON Pointer.
    #[must_use]
    pub fn redact_json(
        &self,
        key: &MaskKey,
        text: &str,
        base: &str,
    ) -> Option<(String, SecretReport)> {
        let mut pen = Pen::new(self, key);
        redact(&mut pen, text, base).map(|redacted| (redacted, pen.report))
    }

    /// A plain text without its secrets; none where it has none.
    #[must_use]
    pub fn redact_text(&self, key: &MaskKey, text: &str) -> Option<(String, SecretReport)> {
        let mut pen = Pen::new(self, key);
        pen.text(text, "").map(|redacted| (redacted, pen.report))
    }
}

impl Scanner {
    /// An id as the log has it: without secrets, and with pseudonyms in the place of addresses.
    #[must_use]
    pub fn redact_id<'i>(&self, key: &MaskKey, id: &'i str) -> Cow<'i, str> {
        Pen::new(self, key).id(id, "").map_or(Cow::Borrowed(id), Cow::Owned)
    }
}

impl Pen<'_> {
    /// An id without secrets and addresses; none where it has none.
    fn id(&mut self, id: &str, pointer: &str) -> Option<String> {
        let redacted = self.text(id, pointer);
        let kept = redacted.as_deref().unwrap_or(id);
        let renamed = match kept.contains('@') {
            true => without_addresses(self.key, kept),
            false => None,
        };
        let kept = renamed.or(redacted)?;
        if kept.len() <= ID_BYTES_MAX {
            return Some(kept);
        }
        // Marks may be longer than what they stand for; then one stands for the whole id.
        Some(format!("{MARK_START}id:{}]", self.key.fingerprint(id)))
    }
}

struct DraftPen<'a, 'd> {
    pen: Pen<'a>,
    draft: Cow<'d, Draft>,
}

impl DraftPen<'_, '_> {
    fn body(&mut self, draft: &Draft) {
        if let Some(data) = redact(&mut self.pen, &draft.data, "/data") {
            self.draft.to_mut().data = data;
        }
        self.object(&draft.policy_context, "/policy_context", |draft| &mut draft.policy_context);
        self.object(&draft.model_context, "/model_context", |draft| &mut draft.model_context);
        self.object(&draft.display, "/display", |draft| &mut draft.display);
        self.object(&draft.extensions, "/extensions", |draft| &mut draft.extensions);
    }

    fn object(
        &mut self,
        text: &Option<String>,
        base: &str,
        field: impl Fn(&mut Draft) -> &mut Option<String>,
    ) {
        let redacted = text.as_ref().and_then(|text| redact(&mut self.pen, text, base));
        if redacted.is_some() {
            *field(self.draft.to_mut()) = redacted;
        }
    }

    fn origin(&mut self, origin: &Origin) {
        self.object(&origin.raw, "/origin/raw", |draft| &mut draft.origin.raw);
        let mut text = |text: &Option<String>,
                        pointer: &str,
                        field: fn(&mut Origin) -> &mut Option<String>| {
            let redacted = text.as_ref().and_then(|text| self.pen.text(text, pointer));
            if redacted.is_some() {
                *field(&mut self.draft.to_mut().origin) = redacted;
            }
        };
        text(&origin.origin_type, "/origin/type", |origin| &mut origin.origin_type);
        text(&origin.id, "/origin/id", |origin| &mut origin.id);
        text(&origin.time, "/origin/time", |origin| &mut origin.time);
    }

    fn scope(&mut self, scope: &Scope) {
        macro_rules! ids {
            ($($field:ident $pointer:literal;)*) => {$(
                if let Some(id) = &scope.$field
                    && let Some(kept) = self.pen.id(id.as_str(), $pointer)
                    && let Ok(kept) = kept.parse()
                {
                    self.draft.to_mut().scope.$field = Some(kept);
                }
            )*};
        }
        ids! {
            mission_id "/mission_id";
            room_id "/room_id";
            thread_id "/thread_id";
            run_id "/run_id";
            step_id "/step_id";
        }
    }

    fn parties(&mut self, draft: &Draft) {
        if let Some(kept) = self.pen.id(draft.actor.actor_id.as_str(), "/actor/actor_id")
            && let Ok(kept) = kept.parse()
        {
            self.draft.to_mut().actor.actor_id = kept;
        }
        if let Some(kept) = self.pen.id(draft.stream.stream_id.as_str(), "/stream/stream_id")
            && let Ok(kept) = kept.parse()
        {
            self.draft.to_mut().stream.stream_id = kept;
        }
        macro_rules! ids {
            ($($field:ident $pointer:literal;)*) => {$(
                if let Some(id) = &draft.$field
                    && let Some(kept) = self.pen.id(id.as_str(), $pointer)
                    && let Ok(kept) = kept.parse()
                {
                    self.draft.to_mut().$field = Some(kept);
                }
            )*};
        }
        ids! {
            correlation_id "/correlation_id";
            causation_id "/causation_id";
            idempotency_key "/idempotency_key";
        }
        self.event_type(&draft.event_type);
    }

    /// A type has a narrower grammar than ids, and a mark would not fit it.
    fn event_type(&mut self, event_type: &EventType) {
        let text = event_type.as_str();
        let spots = self.pen.spots(text, || "/event_type".to_owned());
        let Some(spot) = spots.first() else { return };
        let mut mark = String::new();
        self.pen.mark(&mut mark, text, spot, || "/event_type".to_owned());
        let rule_id = self.pen.scanner.rule_id(spot.rule);
        let kept = format!("redacted.{rule_id}.{}", self.pen.key.fingerprint(text));
        if let Ok(kept) = EventType::parse(&kept) {
            self.draft.to_mut().event_type = kept;
        }
    }
}
