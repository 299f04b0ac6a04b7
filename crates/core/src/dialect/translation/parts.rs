//! An object that is taken apart by one side of a translation and put together by the other.
//!
//! Values stay the text that they came as; a nested object is opened only when a path leads into it.
//! It does not validate: the text has passed `json::compact`.
//! INVARIANT (nothing dropped): a member is in the object until somebody takes it.

use std::borrow::Cow;

use crate::json::{JsonKind, escape_into, kind, members, unescape};

/// The members of one object.
#[derive(Debug, Clone, Default)]
pub(in crate::dialect) struct Parts<'a> {
    members: Vec<Part<'a>>,
}

#[derive(Debug, Clone)]
struct Part<'a> {
    /// As it stands between the quotes.
    raw_key: Cow<'a, str>,
    value: Value<'a>,
}

#[derive(Debug, Clone)]
enum Value<'a> {
    Text(Cow<'a, str>),
    Open(Parts<'a>),
}

impl<'a> Parts<'a> {
    /// The members of an object; none for other kinds of values.
    pub(in crate::dialect) fn of(object: &'a str) -> Self {
        let member = |(raw_key, value)| Part {
            raw_key: Cow::Borrowed(raw_key),
            value: Value::Text(Cow::Borrowed(value)),
        };
        Self { members: members(object).map(member).collect() }
    }

    /// As [`Self::of`], for a text that does not live as long.
    pub(in crate::dialect) fn of_owned(object: &str) -> Self {
        let member = |(raw_key, value): (&str, &str)| Part {
            raw_key: Cow::Owned(raw_key.to_owned()),
            value: Value::Text(Cow::Owned(value.to_owned())),
        };
        Self { members: members(object).map(member).collect() }
    }

    pub(in crate::dialect) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    fn index(&self, key: &str) -> Option<usize> {
        let is_named = |part: &Part<'_>| {
            part.raw_key == key || part.raw_key.contains('\\') && unescape(&part.raw_key) == key
        };
        self.members.iter().position(is_named)
    }

    pub(in crate::dialect) fn has(&self, key: &str) -> bool {
        self.index(key).is_some()
    }

    /// The plain keys and the values, in order.
    pub(in crate::dialect) fn iter(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        self.members.iter().map(|part| (unescape(&part.raw_key), part.value.text()))
    }

    /// The value of a member.
    pub(in crate::dialect) fn get(&self, key: &str) -> Option<Cow<'_, str>> {
        self.index(key).and_then(|index| self.members.get(index)).map(|part| part.value.text())
    }

    /// The plain text of a string member.
    pub(in crate::dialect) fn get_text(&self, key: &str) -> Option<String> {
        let value = self.get(key)?;
        crate::json::as_str(&value).map(Cow::into_owned)
    }

    /// The value at the end of a path of members.
    pub(in crate::dialect) fn get_path(&self, path: &[impl AsRef<str>]) -> Option<Cow<'_, str>> {
        let (last, above) = path.split_last()?;
        let mut parts = Cow::Borrowed(self);
        for step in above {
            let value = parts.members.get(parts.index(step.as_ref())?)?.value.clone();
            parts = Cow::Owned(value.opened()?);
        }
        parts.get(last.as_ref()).map(|value| Cow::Owned(value.into_owned()))
    }

    /// Takes a member out.
    pub(in crate::dialect) fn take(&mut self, key: &str) -> Option<Cow<'a, str>> {
        let index = self.index(key)?;
        Some(self.members.remove(index).value.into_text())
    }

    /// Takes out what is at the end of a path of members. An object that this leaves empty goes too.
    pub(in crate::dialect) fn take_path(
        &mut self,
        path: &[impl AsRef<str>],
    ) -> Option<Cow<'a, str>> {
        self.take_at(path, AndThen::Prune)
    }

    /// Takes out what is at the end of a path of members and leaves all else as it is.
    pub(in crate::dialect) fn cut_path(
        &mut self,
        path: &[impl AsRef<str>],
    ) -> Option<Cow<'a, str>> {
        self.take_at(path, AndThen::Leave)
    }

    fn take_at(&mut self, path: &[impl AsRef<str>], then: AndThen) -> Option<Cow<'a, str>> {
        let (first, rest) = path.split_first()?;
        if rest.is_empty() {
            return self.take(first.as_ref());
        }
        let index = self.index(first.as_ref())?;
        let inner = self.members.get_mut(index)?.value.open()?;
        let taken = inner.take_at(rest, then)?;
        if then == AndThen::Prune && inner.is_empty() {
            self.members.remove(index);
        }
        Some(taken)
    }

    /// Adds a member unless there is one of that name; says whether it did.
    pub(in crate::dialect) fn insert(&mut self, key: &str, value: impl Into<Cow<'a, str>>) -> bool {
        if self.has(key) {
            return false;
        }
        self.push(key, Value::Text(value.into()));
        true
    }

    /// Adds a member whose name the caller knows to be new.
    pub(in crate::dialect) fn append(&mut self, key: &str, value: String) {
        self.push(key, Value::Text(Cow::Owned(value)));
    }

    /// Adds a string member unless there is one of that name; says whether it did.
    pub(in crate::dialect) fn insert_text(&mut self, key: &str, plain: &str) -> bool {
        self.insert(key, quoted(plain))
    }

    fn push(&mut self, key: &str, value: Value<'a>) {
        let mut raw_key = String::with_capacity(key.len());
        escape_into(&mut raw_key, key);
        self.members.push(Part { raw_key: Cow::Owned(raw_key), value });
    }

    /// Adds a value at the end of a path, with the objects on the way; says whether it could: a
    /// value that is there already stays, and so does what is no object on the way.
    pub(in crate::dialect) fn insert_path(
        &mut self,
        path: &[impl AsRef<str>],
        value: impl Into<Cow<'a, str>>,
    ) -> bool {
        let Some((first, rest)) = path.split_first() else { return false };
        if rest.is_empty() {
            return self.insert(first.as_ref(), value);
        }
        let index = match self.index(first.as_ref()) {
            Some(index) => index,
            None => {
                self.push(first.as_ref(), Value::Open(Self::default()));
                self.members.len() - 1
            }
        };
        let inner = self.members.get_mut(index).and_then(|part| part.value.open());
        inner.is_some_and(|inner| inner.insert_path(rest, value))
    }

    /// Puts a value at the end of a path, in the place of what was there.
    pub(in crate::dialect) fn set_path(
        &mut self,
        path: &[impl AsRef<str>],
        value: impl Into<Cow<'a, str>>,
    ) {
        let Some((first, rest)) = path.split_first() else { return };
        let value = value.into();
        match self.index(first.as_ref()).and_then(|index| self.members.get_mut(index)) {
            Some(part) if rest.is_empty() => part.value = Value::Text(value),
            Some(part) => {
                if let Some(inner) = part.value.open() {
                    inner.set_path(rest, value);
                }
            }
            None => drop(self.insert_path(path, value)),
        }
    }

    /// Moves all members to the end of another object, in order. Those whose name is there stay.
    pub(in crate::dialect) fn pass_into(&mut self, to: &mut Self) {
        // Names are unique within an object, so only what was there before can be in the way.
        let before = Self { members: std::mem::take(&mut to.members) };
        let (staying, moving) = std::mem::take(&mut self.members)
            .into_iter()
            .partition(|part| before.has(&unescape(&part.raw_key)));
        self.members = staying;
        to.members = before.members;
        to.members.append(&mut { moving });
    }

    /// Takes out the members whose plain key passes a test.
    pub(in crate::dialect) fn split_off(&mut self, is_wanted: impl Fn(&str) -> bool) -> Self {
        let (wanted, rest) = std::mem::take(&mut self.members)
            .into_iter()
            .partition(|part| is_wanted(&unescape(&part.raw_key)));
        self.members = rest;
        Self { members: wanted }
    }

    /// Puts the named members first, in this order; the others stay as they are.
    pub(in crate::dialect) fn order_by(&mut self, names: &[impl AsRef<str>]) {
        let rank = |part: &Part<'_>| names.iter().position(|name| part.raw_key == name.as_ref());
        self.members.sort_by_key(|part| rank(part).unwrap_or(names.len()));
    }

    /// The object's text.
    pub(in crate::dialect) fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        out.push('{');
        for (index, part) in self.members.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            out.push('"');
            out.push_str(&part.raw_key);
            out.push_str("\":");
            part.value.write(out);
        }
        out.push('}');
    }
}

/// What becomes of an object that a path leaves empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AndThen {
    Prune,
    Leave,
}

impl<'a> Value<'a> {
    fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Open(parts) => Cow::Owned(parts.to_text()),
        }
    }

    fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Text(text) => text,
            Self::Open(parts) => Cow::Owned(parts.to_text()),
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Text(text) => out.push_str(text),
            Self::Open(parts) => parts.write(out),
        }
    }

    /// The members of an object value; none for other kinds.
    fn opened(self) -> Option<Parts<'a>> {
        match self {
            Self::Open(parts) => Some(parts),
            Self::Text(text) if kind(&text) != JsonKind::Object => None,
            Self::Text(Cow::Borrowed(text)) => Some(Parts::of(text)),
            Self::Text(Cow::Owned(text)) => Some(Parts::of_owned(&text)),
        }
    }

    /// Opens an object value in its place; none for other kinds.
    fn open(&mut self) -> Option<&mut Parts<'a>> {
        if let Self::Text(text) = self
            && kind(text) == JsonKind::Object
        {
            let parts = match text {
                Cow::Borrowed(text) => Parts::of(text),
                Cow::Owned(text) => Parts::of_owned(text),
            };
            *self = Self::Open(parts);
        }
        match self {
            Self::Open(parts) => Some(parts),
            Self::Text(_) => None,
        }
    }
}

/// A plain text as a string token.
pub(in crate::dialect) fn quoted(plain: &str) -> String {
    let mut token = String::with_capacity(plain.len() + 2);
    crate::json::string_into(&mut token, plain);
    token
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"a":1.0e2,"\u0062":"x","c":{"d":[1,2],"e":{"f":null}},"g":{}}"#;

    #[test]
    fn keeps_what_nobody_took_token_for_token() {
        let mut parts = Parts::of(TEXT);
        assert_eq!(parts.to_text(), TEXT);
        assert_eq!(parts.take("b").as_deref(), Some("\"x\""));
        assert_eq!(parts.take_path(&["c", "e", "f"]).as_deref(), Some("null"));
        assert_eq!(parts.get_path(&["c", "d"]).as_deref(), Some("[1,2]"));
        assert_eq!(parts.take_path(&["a", "x"]), None);
        assert_eq!(parts.to_text(), r#"{"a":1.0e2,"c":{"d":[1,2]},"g":{}}"#);
        assert_eq!(parts.cut_path(&["c", "d"]).as_deref(), Some("[1,2]"));
        assert_eq!(parts.to_text(), r#"{"a":1.0e2,"c":{},"g":{}}"#);
    }

    #[test]
    fn adds_only_where_nothing_is() {
        let mut parts = Parts::of(TEXT);
        assert!(!parts.insert("b", "1"));
        assert!(!parts.insert_path(&["a", "x"], "1"));
        assert!(parts.insert_path(&["g", "h", "i"], "true"));
        assert!(parts.insert_path(&["n", "o\""], "0"));
        parts.set_path(&["c", "e"], "7");
        assert!(parts.to_text().ends_with(r#","g":{"h":{"i":true}},"n":{"o\"":0}}"#));
        assert_eq!(parts.get_path(&["c", "e"]).as_deref(), Some("7"));
        parts.order_by(&["n", "a"]);
        assert!(parts.to_text().starts_with(r#"{"n":{"o\"":0},"a":1.0e2,"#));
    }
}
