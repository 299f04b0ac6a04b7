//! Reading a JSON object member by member, so that what nobody took is known and kept.
//!
//! Values stay the text that they came as. It does not validate: the text has passed `json::compact`.
//! INVARIANT (nothing dropped): `Fields::rest` holds every member that was not taken.

use std::borrow::Cow;

use crate::json::{JsonKind, as_str, as_u64, escape_into, kind, members, string_into, unescape};

/// The members of one object, each taken at most once.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    members: Vec<Member<'a>>,
}

#[derive(Debug)]
struct Member<'a> {
    raw_key: &'a str,
    value: Cow<'a, str>,
    is_taken: bool,
}

impl<'a> Fields<'a> {
    /// The members of an object; none for other kinds of values.
    pub(super) fn of(object: &'a str) -> Self {
        let members = members(object)
            .map(|(raw_key, value)| Member {
                raw_key,
                value: Cow::Borrowed(value),
                is_taken: false,
            })
            .collect();
        Self { members }
    }

    fn index(&self, key: &str) -> Option<usize> {
        self.members.iter().position(|member| {
            !member.is_taken && (member.raw_key == key || unescape(member.raw_key) == key)
        })
    }

    /// The value of a member that is not taken yet.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.index(key).map(|index| self.members[index].value.as_ref())
    }

    /// The plain text of a string member that is not taken yet.
    pub(super) fn get_text(&self, key: &str) -> Option<Cow<'_, str>> {
        self.get(key).and_then(as_str)
    }

    /// Takes a member whatever its value is.
    pub(super) fn take(&mut self, key: &str) -> Option<Cow<'a, str>> {
        self.take_if(key, |_| true)
    }

    /// Takes a member whose value passes a test; otherwise it stays in the rest.
    pub(super) fn take_if(
        &mut self,
        key: &str,
        is_wanted: impl FnOnce(&str) -> bool,
    ) -> Option<Cow<'a, str>> {
        let member = self.index(key).map(|index| &mut self.members[index])?;
        if !is_wanted(&member.value) {
            return None;
        }
        member.is_taken = true;
        Some(member.value.clone())
    }

    /// Takes a member that is a string, as plain text.
    pub(super) fn take_text(&mut self, key: &str) -> Option<String> {
        let value = self.take_if(key, |value| kind(value) == JsonKind::String)?;
        as_str(&value).map(Cow::into_owned)
    }

    /// Takes a member that is a string of at least one character, as plain text.
    pub(super) fn take_name(&mut self, key: &str) -> Option<String> {
        let value =
            self.take_if(key, |value| kind(value) == JsonKind::String && value.len() > 2)?;
        as_str(&value).map(Cow::into_owned)
    }

    /// Takes a member that is a non-negative integer.
    pub(super) fn take_u64(&mut self, key: &str) -> Option<u64> {
        self.take_if(key, |value| as_u64(value).is_some()).as_deref().and_then(as_u64)
    }

    /// Takes a member that is an object.
    pub(super) fn take_object(&mut self, key: &str) -> Option<Cow<'a, str>> {
        self.take_if(key, |value| kind(value) == JsonKind::Object)
    }

    /// Puts what is left of a taken member's value back into the rest.
    pub(super) fn put_back(&mut self, key: &str, value: Option<String>) {
        let Some(value) = value else { return };
        if let Some(member) = self.members.iter_mut().find(|member| member.raw_key == key) {
            member.value = Cow::Owned(value);
            member.is_taken = false;
        }
    }

    /// An object of the members that nobody took; `None` if all were taken.
    pub(super) fn rest(&self) -> Option<String> {
        let mut rest = ObjectText::default();
        self.rest_into(&mut rest);
        (!rest.text.is_empty()).then(|| rest.finish())
    }

    /// Writes the members that nobody took into an object that is being written.
    pub(super) fn rest_into(&self, object: &mut ObjectText) {
        for member in self.members.iter().filter(|member| !member.is_taken) {
            object.push(&object.free_key(member.raw_key), &member.value);
        }
    }
}

/// A compact JSON object that is being written. Where two formats' names meet in it, the later one
/// gets a `_`, so that none replaces the other.
#[derive(Debug, Default)]
pub(super) struct ObjectText {
    text: String,
    /// The names that we gave; those of a rest are distinct among themselves.
    given_keys: Vec<String>,
}

impl ObjectText {
    fn free_key(&self, raw_key: &str) -> String {
        let mut key = raw_key.to_owned();
        while self.given_keys.contains(&key) {
            key.push('_');
        }
        key
    }

    fn push(&mut self, raw_key: &str, value: &str) {
        self.text.push(if self.text.is_empty() { '{' } else { ',' });
        self.text.push('"');
        self.text.push_str(raw_key);
        self.text.push_str("\":");
        self.text.push_str(value);
    }

    /// Writes a member with a value that is JSON text.
    pub(super) fn raw(&mut self, name: &str, value: &str) -> &mut Self {
        let mut raw_key = String::with_capacity(name.len());
        escape_into(&mut raw_key, name);
        let raw_key = self.free_key(&raw_key);
        self.push(&raw_key, value);
        self.given_keys.push(raw_key);
        self
    }

    /// Writes a string member.
    pub(super) fn text(&mut self, name: &str, plain: &str) -> &mut Self {
        let mut value = String::with_capacity(plain.len() + 2);
        string_into(&mut value, plain);
        self.raw(name, &value)
    }

    /// Writes a number member.
    pub(super) fn number(&mut self, name: &str, value: impl std::fmt::Display) -> &mut Self {
        self.raw(name, &value.to_string())
    }

    /// Writes a member where there is a value.
    pub(super) fn raw_opt(&mut self, name: &str, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.raw(name, value),
            None => self,
        }
    }

    /// Writes a string member where there is a text.
    pub(super) fn text_opt(&mut self, name: &str, plain: Option<&str>) -> &mut Self {
        match plain {
            Some(plain) => self.text(name, plain),
            None => self,
        }
    }

    /// Writes a number member where there is a number.
    pub(super) fn number_opt(
        &mut self,
        name: &str,
        value: Option<impl std::fmt::Display>,
    ) -> &mut Self {
        match value {
            Some(value) => self.number(name, value),
            None => self,
        }
    }

    /// The object's text.
    pub(super) fn finish(self) -> String {
        if self.text.is_empty() {
            return "{}".to_owned();
        }
        let mut text = self.text;
        text.push('}');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_nobody_took_token_for_token() {
        let mut fields = Fields::of(r#"{"a":1.0e2,"\u0062":"x","c":{"d":[1,2]},"e":null}"#);
        assert_eq!(fields.take_text("b").as_deref(), Some("x"));
        assert_eq!(fields.take_u64("a"), None);
        assert_eq!(fields.take_object("c").as_deref(), Some(r#"{"d":[1,2]}"#));
        assert_eq!(fields.rest().as_deref(), Some(r#"{"a":1.0e2,"e":null}"#));
        fields.put_back("c", Some("{}".to_owned()));
        assert_eq!(fields.rest().as_deref(), Some(r#"{"a":1.0e2,"c":{},"e":null}"#));
    }

    #[test]
    fn writes_no_key_twice() {
        let mut object = ObjectText::default();
        object.text("a\"", "\n").number("n", 1).raw("n", "[]").text_opt("z", None);
        assert_eq!(object.finish(), r#"{"a\"":"\n","n":1,"n_":[]}"#);
    }
}
