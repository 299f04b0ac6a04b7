//! Writing JSON objects member by member, in the order in which they are given.

use std::fmt::{Display, Write as _};

use annals_core::json::escape_into;

/// The text of an object that is being written.
#[derive(Debug, Clone)]
pub(super) struct Object(String);

impl Object {
    pub(super) fn new() -> Self {
        Self(String::from("{"))
    }

    /// A member with a value that is JSON text: a number, a word, an array, an object.
    pub(super) fn raw(mut self, name: &str, value: impl Display) -> Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        // Writing to a String cannot fail.
        let _ = write!(self.0, "\"{name}\":{value}");
        self
    }

    pub(super) fn text(self, name: &str, plain: &str) -> Self {
        self.raw(name, quoted(plain))
    }

    pub(super) fn texts(self, name: &str, plain: &[&str]) -> Self {
        let quoted: Vec<_> = plain.iter().map(|text| quoted(text)).collect();
        self.raw(name, format_args!("[{}]", quoted.join(",")))
    }

    pub(super) fn object(self, name: &str, object: Self) -> Self {
        self.raw(name, object.finish())
    }

    pub(super) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

fn quoted(plain: &str) -> String {
    let mut out = String::with_capacity(plain.len() + 2);
    out.push('"');
    escape_into(&mut out, plain);
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_json_in_the_order_of_its_members() {
        let object = Object::new()
            .text("b", "a \"quoted\"\nline")
            .raw("a", 1)
            .texts("c", &["x"])
            .object("d", Object::new());
        assert_eq!(object.finish(), r#"{"b":"a \"quoted\"\nline","a":1,"c":["x"],"d":{}}"#);
    }
}
