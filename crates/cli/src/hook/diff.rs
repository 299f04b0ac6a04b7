//! What changes between two texts, line by line, for a person to agree to.

/// Unchanged lines that are shown around a change.
const CONTEXT_LINES: usize = 2;

/// One line of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line<'a> {
    Same(&'a str),
    Gone(&'a str),
    New(&'a str),
}

/// The changed lines, marked `-` and `+`, with a little of what is around them.
pub(super) fn diff(old: &str, new: &str) -> String {
    let lines = compare(&old.lines().collect::<Vec<_>>(), &new.lines().collect::<Vec<_>>());
    let is_change = |line: &Line<'_>| !matches!(line, Line::Same(_));
    let is_shown = |index: usize| {
        let from = index.saturating_sub(CONTEXT_LINES);
        lines.iter().skip(from).take(index - from + CONTEXT_LINES + 1).any(is_change)
    };
    let mut shown = String::new();
    let mut last = None;
    for (index, line) in lines.iter().enumerate().filter(|(index, _)| is_shown(*index)) {
        if last.is_some_and(|last| last + 1 < index) {
            shown.push_str("  ⋮\n");
        }
        last = Some(index);
        let (mark, text) = match line {
            Line::Same(text) => (' ', text),
            Line::Gone(text) => ('-', text),
            Line::New(text) => ('+', text),
        };
        shown.push_str(&format!("{mark} {text}\n"));
    }
    shown
}

/// The longest common run of lines stays; files of settings are short.
fn compare<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    let width = new.len() + 1;
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for (row, old_line) in old.iter().enumerate().rev() {
        for (column, new_line) in new.iter().enumerate().rev() {
            let here = row * width + column;
            common[here] = match old_line == new_line {
                true => common[here + width + 1] + 1,
                false => common[here + width].max(common[here + 1]),
            };
        }
    }
    let (mut row, mut column) = (0, 0);
    let mut lines = Vec::new();
    loop {
        let here = row * width + column;
        match (old.get(row), new.get(column)) {
            (Some(one), Some(other)) if one == other => {
                lines.push(Line::Same(one));
                row += 1;
                column += 1;
            }
            (Some(gone), added) if added.is_none() || common[here + width] >= common[here + 1] => {
                lines.push(Line::Gone(gone));
                row += 1;
            }
            (_, Some(added)) => {
                lines.push(Line::New(added));
                column += 1;
            }
            (_, None) => return lines,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_changes_and_a_little_around_it() {
        let old = "a\nb\nc\nd\ne\nf\ng\n";
        let new = "a\nb\nc\nX\ne\nf\ng\nh\n";
        assert_eq!(diff(old, new), "  b\n  c\n- d\n+ X\n  e\n  f\n  g\n+ h\n");
        assert_eq!(
            diff("1\n2\n3\n4\n5\n6\n7\n8\n", "0\n1\n2\n3\n4\n5\n6\n7\n"),
            "+ 0\n  1\n  2\n  ⋮\n  6\n  7\n- 8\n"
        );
        assert_eq!(diff("", "a\n"), "+ a\n");
        assert_eq!(diff("a\n", "a\n"), "");
    }
}
