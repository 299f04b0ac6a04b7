//! The filter: an installation's scanner with this log's key.

use std::borrow::Cow;
use std::str::FromStr;

use annals_core::envelope::{Draft, StreamKey};
use annals_core::secrets::{
    MaskKey, RedactedDraft, RuleFault, Scanner, SecretReport, SecretSettings,
};
use annals_store::query::{Filter, Query};

#[derive(Debug)]
enum Rules {
    /// Nothing is looked for.
    Off,
    Builtin,
    Own(Box<Scanner>),
}

/// Takes secrets out of whatever comes in.
#[derive(Debug)]
pub struct SecretFilter {
    rules: Rules,
    key: MaskKey,
    settings: SecretSettings,
}

impl SecretFilter {
    pub(crate) fn new(settings: SecretSettings, key: MaskKey) -> Result<Self, RuleFault> {
        let is_builtin = settings.rules.is_empty() && settings.allow.is_empty();
        let rules = match settings.enabled {
            false => Rules::Off,
            true if is_builtin => Rules::Builtin,
            true => Rules::Own(Box::new(Scanner::new(&settings)?)),
        };
        Ok(Self { rules, key, settings })
    }

    /// Says in the start's log what does not go without saying.
    pub(crate) fn say(&self) {
        let (rules, exceptions) = (self.settings.rules.len(), self.settings.allow.len());
        if !self.settings.enabled {
            tracing::warn!("secrets are not looked for: what is sent is stored as it came");
        } else if rules + exceptions > 0 {
            tracing::info!(rules, exceptions, "secrets are looked for with own settings");
        }
    }

    fn scanner(&self) -> Option<&Scanner> {
        match &self.rules {
            Rules::Off => None,
            Rules::Builtin => Some(Scanner::builtin()),
            Rules::Own(scanner) => Some(scanner),
        }
    }

    /// What the installation decided.
    #[must_use]
    pub fn settings(&self) -> &SecretSettings {
        &self.settings
    }

    /// Whether secrets are looked for.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.settings.enabled
    }

    /// The ids of all rules, also of those that do not run because the search is off.
    pub fn rule_ids(&self) -> impl Iterator<Item = &str> {
        self.scanner().unwrap_or_else(|| Scanner::builtin()).rule_ids()
    }

    /// Step 7: a draft as it may be kept.
    pub(crate) fn redact<'d>(&self, draft: &'d Draft) -> RedactedDraft<'d> {
        match self.scanner() {
            Some(scanner) => scanner.redact_draft(&self.key, draft),
            None => RedactedDraft { draft: Cow::Borrowed(draft), report: SecretReport::default() },
        }
    }

    /// An id as the log has it: whoever asks for `ann@example.org` means her pseudonym.
    #[must_use]
    pub fn id<'i>(&self, id: &'i str) -> Cow<'i, str> {
        self.scanner().map_or(Cow::Borrowed(id), |scanner| scanner.redact_id(&self.key, id))
    }

    /// A stream's name as the log has it.
    #[must_use]
    pub fn stream(&self, stream: &StreamKey) -> StreamKey {
        let mut stream = stream.clone();
        self.rename(&mut stream.stream_id);
        stream
    }

    /// A query by the ids that the log has.
    pub fn rename_query(&self, query: &mut Query) {
        for filter in &mut query.filters {
            match filter {
                Filter::Stream(stream) => *stream = self.stream(stream),
                Filter::Run(id) => self.rename(id),
                Filter::Room(id) => self.rename(id),
                Filter::Thread(id) => self.rename(id),
                Filter::Mission(id) => self.rename(id),
                Filter::Step(id) => self.rename(id),
                Filter::Actor(id) => self.rename(id),
                Filter::Correlation(id) => self.rename(id),
            }
        }
    }

    fn rename<T: AsRef<str> + FromStr>(&self, id: &mut T) {
        let renamed = match self.id(id.as_ref()) {
            Cow::Owned(renamed) => renamed.parse().ok(),
            Cow::Borrowed(_) => None,
        };
        if let Some(renamed) = renamed {
            *id = renamed;
        }
    }

    /// A text that a person writes into a control fact, as it may be kept.
    pub(crate) fn text(&self, text: String) -> String {
        let found = self.scanner().and_then(|scanner| scanner.redact_text(&self.key, &text));
        found.map_or(text, |(redacted, _)| redacted)
    }

    /// The same of a JSON value, which need not be compact or valid: what is not is left for its
    /// refusal.
    pub(crate) fn json(&self, text: String) -> String {
        let found = self.scanner().and_then(|scanner| scanner.redact_json(&self.key, &text, ""));
        found.map_or(text, |(redacted, _)| redacted)
    }
}
