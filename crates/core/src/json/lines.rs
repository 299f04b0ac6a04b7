//! Newline-delimited JSON: the lines of a body that hold something.
//!
//! It does not look into a line; a line's JSON is checked like any other text.

/// The lines that hold more than whitespace, with their numbers from 1. A line ends at `\n`; the
/// `\r` of a `\r\n` stays, because it is whitespace to JSON.
pub fn lines(body: &[u8]) -> Lines<'_> {
    Lines { rest: Some(body), line_number: 0 }
}

/// Iterator of `lines`.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    rest: Option<&'a [u8]>,
    line_number: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = (usize, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.rest?;
            let mut parts = rest.splitn(2, |byte| *byte == b'\n');
            let line = parts.next().unwrap_or_default();
            self.rest = parts.next();
            self.line_number += 1;
            if !line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
                return Some((self.line_number, line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lines_and_skips_blank_ones() {
        let found: Vec<_> = lines(b"\n{}\r\n \t\r\n[1]\n\n2").collect();
        assert_eq!(found, [(2, &b"{}\r"[..]), (4, b"[1]"), (6, b"2")]);
        assert_eq!(lines(b"").count(), 0);
        assert_eq!(lines(b"\n\n").count(), 0);
        assert_eq!(lines(b"1\n").collect::<Vec<_>>(), [(1, &b"1"[..])]);
    }
}
