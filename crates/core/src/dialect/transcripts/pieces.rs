//! Cutting a file into its records: one a line, one an element of a JSON array, or one in all.
//!
//! It only finds where a record begins and ends; whether the record is JSON is found out later.
//! So a broken record costs itself and not the rest of the file.

/// A record's bytes and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The line of the file that the record begins on, counted from 1.
    pub line: usize,
    /// The byte of the file after the record, for a progress bar.
    pub end: usize,
    /// The record as it stands in the file.
    pub text: &'a [u8],
}

/// How records follow each other in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Lines,
    Array,
    One,
}

/// Cuts a file into its records.
#[must_use]
pub fn pieces(file: &[u8]) -> Pieces<'_> {
    // A byte order mark is no part of any record, and some editors write one.
    let offset = if file.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let layout = layout(&file[offset..]);
    let mut pieces = Pieces { file, offset, line: 1, layout };
    if layout == Layout::Array {
        pieces.pass(|byte| byte.is_ascii_whitespace());
        pieces.offset += 1;
    }
    pieces
}

/// Iterator of [`pieces`].
#[derive(Debug, Clone)]
pub struct Pieces<'a> {
    file: &'a [u8],
    offset: usize,
    line: usize,
    layout: Layout,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let is_array = self.layout == Layout::Array;
        self.pass(|byte| byte.is_ascii_whitespace() || is_array && matches!(byte, b',' | b']'));
        let rest = self.file.get(self.offset..).filter(|rest| !rest.is_empty())?;
        let byte_count = match self.layout {
            Layout::Lines => rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()),
            // A bracket that closes nothing is a broken record of its own.
            Layout::Array => value_end(rest).max(1),
            Layout::One => rest.len(),
        };
        let text = &rest[..byte_count];
        let piece =
            Piece { line: self.line, end: self.offset + byte_count, text: text.trim_ascii_end() };
        self.line += line_breaks(text);
        self.offset += byte_count;
        Some(piece)
    }
}

impl Pieces<'_> {
    fn pass(&mut self, is_between: impl Fn(u8) -> bool) {
        let rest = self.file.get(self.offset..).unwrap_or_default();
        let byte_count = rest.iter().position(|byte| !is_between(*byte)).unwrap_or(rest.len());
        self.line += line_breaks(&rest[..byte_count]);
        self.offset += byte_count;
    }
}

fn line_breaks(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}

fn layout(file: &[u8]) -> Layout {
    let file = file.trim_ascii_start();
    match file.first() {
        Some(b'[') => Layout::Array,
        Some(b'{') if is_written_over_many_lines(file) => Layout::One,
        _ => Layout::Lines,
    }
}

/// Whether a file's first object goes on after its first line, so that it is the only one.
/// A broken first line goes on as well, but then the next line begins a record of its own.
fn is_written_over_many_lines(file: &[u8]) -> bool {
    let mut lines = file.split(|byte| *byte == b'\n');
    let first_line_bytes = lines.next().unwrap_or_default().len();
    let mut starts = lines.filter_map(|line| line.trim_ascii_start().first());
    value_end(file) > first_line_bytes && starts.next().is_some_and(|start| *start != b'{')
}

/// Where the value ends that the bytes begin with: before the comma, or the bracket that closes what
/// it is in, or after its own last bracket.
fn value_end(bytes: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut is_escaped = false;
    for (at, byte) in bytes.iter().enumerate() {
        if in_string {
            in_string = is_escaped || *byte != b'"';
            is_escaped = !is_escaped && *byte == b'\\';
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return at + depth,
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => return at,
            _ => {}
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(file: &str) -> Vec<(usize, &str)> {
        pieces(file.as_bytes())
            .map(|piece| (piece.line, str::from_utf8(piece.text).unwrap()))
            .collect()
    }

    #[test]
    fn cuts_lines_and_skips_empty_ones() {
        assert_eq!(
            cut("{\"a\":1}\r\n\n{broken\n{\"b\":2}"),
            [(1, "{\"a\":1}"), (3, "{broken"), (4, "{\"b\":2}")]
        );
        assert_eq!(cut("\u{feff}{}\n"), [(1, "{}")]);
        assert_eq!(cut(" \n"), []);
    }

    #[test]
    fn cuts_an_array_at_its_elements_and_survives_a_broken_one() {
        let file = "[\n  {\"a\": \"],}\\\"\"},\n  {\"b\": tru},\n  3, [1, 2],\n  {\"c\": {}}\n]\n";
        assert_eq!(
            cut(file),
            [
                (2, "{\"a\": \"],}\\\"\"}"),
                (3, "{\"b\": tru}"),
                (4, "3"),
                (4, "[1, 2]"),
                (5, "{\"c\": {}}")
            ]
        );
        assert_eq!(cut("[{\"a\":1},{\"b\":"), [(1, "{\"a\":1}"), (1, "{\"b\":")]);
        assert_eq!(cut("[]"), []);
        assert_eq!(cut("[{},}}]"), [(1, "{}"), (1, "}"), (1, "}")]);
    }

    #[test]
    fn an_object_over_many_lines_is_one_record() {
        assert_eq!(cut("{\n \"a\": 1\n}\n"), [(1, "{\n \"a\": 1\n}")]);
        assert_eq!(cut("{broken\n{}\n"), [(1, "{broken"), (2, "{}")]);
        assert_eq!(cut("{broken\n"), [(1, "{broken")]);
    }

    #[test]
    fn tells_how_far_it_is() {
        let ends: Vec<usize> = pieces(b"{}\n{}\n").map(|piece| piece.end).collect();
        assert_eq!(ends, [2, 5]);
    }
}
