//! One event as the fold sees it: its header, when it happened, and the members of its payload.
//!
//! It reads and changes nothing.

use std::borrow::Cow;
use std::cell::RefCell;

use annals_core::event::Event;
use annals_core::json::{Members, as_i64, as_str, member, members, unescape};
use annals_core::record::{HeaderRef, ServerFilled};
use smallvec::SmallVec;

use super::rows::Moment;
use super::types::NATIVE;

/// Characters of a title or an error in a table. The event has the whole text.
const SUMMARY_CHARACTERS_MAX: usize = 300;

/// Members that a payload seldom exceeds.
const MEMBERS_USUALLY: usize = 16;

/// An event of a run.
pub(super) struct Fact<'a> {
    pub(super) header: HeaderRef<'a>,
    pub(super) payload: Payload<'a>,
    /// The id of its run's row, and where that is in hand.
    pub(super) run: i64,
    pub(super) run_index: usize,
    pub(super) moment: Moment,
    pub(super) position: i64,
}

impl<'a> Fact<'a> {
    /// Who says it: the dialect that it came in by.
    pub(super) fn source(&self) -> &'a str {
        self.header.origin_dialect.unwrap_or(NATIVE)
    }

    pub(super) fn member(&self, name: &str) -> Option<&'a str> {
        self.payload.member(name)
    }

    pub(super) fn plain(&self, name: &str) -> Option<Cow<'a, str>> {
        self.member(name).and_then(as_str)
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.plain(name).map(Cow::into_owned)
    }

    /// Milliseconds, which some formats state with a fraction; rounded to the nearest whole one.
    pub(super) fn milliseconds(&self, name: &str) -> Option<i64> {
        let text = self.member(name)?;
        let rounded = || {
            let number = text.parse::<f64>().ok()?.round();
            let text = (0.0..1e15).contains(&number).then(|| format!("{number:.0}"))?;
            as_i64(&text)
        };
        as_i64(text).or_else(rounded)
    }

    pub(super) fn summary(&self, name: &str) -> Option<String> {
        self.plain(name).map(|text| summary(&text).into_owned())
    }

    /// What went wrong, from whichever field says so.
    pub(super) fn error(&self) -> Option<String> {
        let nested = || {
            let error = self.member("error")?;
            let message = member(error, "message").and_then(as_str);
            message.or_else(|| as_str(error)).map(|text| summary(&text).into_owned())
        };
        self.summary("message").or_else(nested)
    }
}

/// The members of `data`. Several are wanted of each event, so what was walked once is kept; and
/// the long ones mostly come last and are not wanted, so none is walked before it is asked for.
pub(super) struct Payload<'a>(RefCell<WalkedMembers<'a>>);

struct WalkedMembers<'a> {
    found: SmallVec<[(&'a str, &'a str); MEMBERS_USUALLY]>,
    rest: Members<'a>,
}

impl<'a> Payload<'a> {
    pub(super) fn of(event: &'a Event) -> Self {
        // Where the payload ends shows when its members are walked, so it is not walked for its end
        // before.
        let text = event.body().strip_prefix("{\"data\":").unwrap_or_else(|| event.data());
        Self(RefCell::new(WalkedMembers { found: SmallVec::new(), rest: members(text) }))
    }

    fn member(&self, name: &str) -> Option<&'a str> {
        // Escapes make a text longer.
        let is_escaped = |raw: &str| raw.len() > name.len() && unescape(raw) == name;
        let is_named = |raw: &str| raw == name || is_escaped(raw);
        let WalkedMembers { found, rest } = &mut *self.0.borrow_mut();
        if let Some((_, value)) = found.iter().find(|(raw, _)| is_named(raw)) {
            return Some(value);
        }
        for (raw, value) in rest {
            found.push((raw, value));
            if is_named(raw) {
                return Some(value);
            }
        }
        None
    }
}

/// When an event happened. A native writer that says nothing means now; a record of old does not.
pub(super) fn moment(header: &HeaderRef<'_>) -> Moment {
    let is_filled = header.server_filled.contains(ServerFilled::OCCURRED_AT);
    Moment {
        at_us: header.occurred_at.as_micros(),
        is_assumed: is_filled && header.origin_dialect.is_some(),
    }
}

/// Shortens a text for a table and shows that it did.
pub(super) fn summary(text: &str) -> Cow<'_, str> {
    let line = text.trim();
    if line.len() <= SUMMARY_CHARACTERS_MAX {
        return Cow::Borrowed(line);
    }
    match line.char_indices().nth(SUMMARY_CHARACTERS_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}…", line.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(line),
    }
}

/// Puts a text in the place of an older one, in the memory of that one. Without a text the older
/// one stays.
pub(super) fn replace_text(old: &mut Option<String>, new: Option<&str>) {
    let Some(new) = new else { return };
    match old {
        Some(old) if old == new => {}
        Some(old) => new.clone_into(old),
        None => *old = Some(new.to_owned()),
    }
}
