//! The one place that writes to the terminal: results to standard output, the rest to standard error.
//!
//! Colour goes to terminals only (and never with `NO_COLOR`). A reader that went away, as `head`
//! does, is no error: the command ends.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};

/// Writes one line to standard output and sends it off.
pub(crate) fn line(text: impl Display) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Writes text to standard output as it is, and sends it off.
pub(crate) fn text(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Writes one line to standard error. There is nobody to tell when that fails.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// Whether a person reads standard output.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Columns of the terminal that standard output is, if it is one.
pub(crate) fn terminal_width() -> Option<usize> {
    #[cfg(unix)]
    {
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
        (size.ws_col > 0).then(|| usize::from(size.ws_col))
    }
    #[cfg(not(unix))]
    None
}

/// Whether a person reads standard error.
pub(crate) fn notes_are_seen() -> bool {
    io::stderr().is_terminal()
}

/// Foreign text made safe for a terminal: on one line, without characters that steer it.
pub(crate) fn plain(text: &str) -> String {
    let is_unsafe = |character: char| {
        // Bidirectional controls can make a line read as another one.
        character.is_control()
            || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => plain.push(' '),
            character if is_unsafe(character) => plain.push('\u{fffd}'),
            character => plain.push(character),
        }
    }
    plain
}

/// At most so many characters; what is missing is marked.
pub(crate) fn shortened(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_steer_the_terminal() {
        assert_eq!(
            plain("a\u{1b}[31mb\u{7}\nc\u{9b}d\u{202e}e"),
            "a\u{fffd}[31mb\u{fffd} c\u{fffd}d\u{fffd}e"
        );
    }

    #[test]
    fn long_text_is_cut_at_characters_and_marked() {
        assert_eq!(shortened("ääää", 4), "ääää");
        assert_eq!(shortened("äääää", 4), "äää…");
    }
}
