//! Compact JSON text laid out for people, with the members in their order.
//!
//! What is short stays on one line. It changes whitespace only.

use crate::json::{JsonKind, elements, kind, members};

const LINE_BYTES_MAX: usize = 100;

/// The text laid out, from this column on.
#[must_use]
pub fn pretty(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    write_value(&mut out, json, 0, 0);
    out
}

fn write_value(out: &mut String, value: &str, depth: usize, column: usize) {
    let spaced = one_line(value);
    if column + spaced.len() <= LINE_BYTES_MAX {
        out.push_str(&spaced);
        return;
    }
    match kind(value) {
        JsonKind::Object => {
            write_list(out, '{', '}', depth, members(value), |out, (key, value)| {
                out.push('"');
                out.push_str(key);
                out.push_str("\": ");
                write_value(out, value, depth + 1, 2 * depth + 6 + key.len());
            })
        }
        JsonKind::Array => write_list(out, '[', ']', depth, elements(value), |out, value| {
            write_value(out, value, depth + 1, 2 * depth + 2);
        }),
        JsonKind::Null | JsonKind::Bool | JsonKind::Number | JsonKind::String => {
            out.push_str(value);
        }
    }
}

fn write_list<T>(
    out: &mut String,
    open: char,
    close: char,
    depth: usize,
    parts: impl Iterator<Item = T>,
    mut write_part: impl FnMut(&mut String, T),
) {
    out.push(open);
    for (index, part) in parts.enumerate() {
        out.push_str(if index == 0 { "\n" } else { ",\n" });
        out.push_str(&"  ".repeat(depth + 1));
        write_part(out, part);
    }
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
    out.push(close);
}

/// A value on one line, with a space after each comma and colon.
#[must_use]
pub fn one_line(value: &str) -> String {
    match kind(value) {
        JsonKind::Object => {
            let parts: Vec<String> = members(value)
                .map(|(key, value)| format!("\"{key}\": {}", one_line(value)))
                .collect();
            format!("{{{}}}", parts.join(", "))
        }
        JsonKind::Array => {
            let parts: Vec<String> = elements(value).map(one_line).collect();
            format!("[{}]", parts.join(", "))
        }
        JsonKind::Null | JsonKind::Bool | JsonKind::Number | JsonKind::String => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_stays_on_a_line_and_the_rest_is_broken_up() {
        assert_eq!(
            pretty(r#"{"a":[1,{"b":null}],"c":"d,e"}"#),
            r#"{"a": [1, {"b": null}], "c": "d,e"}"#
        );
        let long = format!(r#"{{"a":"{}","b":[1,2],"c":{{}}}}"#, "x".repeat(LINE_BYTES_MAX));
        let expected =
            format!("{{\n  \"a\": \"{}\",\n  \"b\": [1, 2],\n  \"c\": {{}}\n}}", "x".repeat(100));
        assert_eq!(pretty(&long), expected);
        let nested = format!("[{long},[]]");
        assert_eq!(
            pretty(&nested).lines().nth(2).unwrap(),
            format!("    \"a\": \"{}\",", "x".repeat(100))
        );
    }
}
