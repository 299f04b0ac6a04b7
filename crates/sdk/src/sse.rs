//! Server-sent events (WHATWG HTML, section 9.2): bytes in any pieces → frames.
//!
//! Unlike a browser it also hands out frames without data when they carry an `id`, because Annals
//! says with them how far it has looked. It does no IO. INVARIANT (bounded frame): a frame never
//! holds more than `frame_bytes_max`.

/// One frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SseFrame {
    /// The `id` field of this frame; an earlier frame's id is not carried over.
    pub id: Option<String>,
    /// The `event` field; absent means `message`.
    pub event: Option<String>,
    /// The `data` lines, joined by newlines; `None` where there was none.
    pub data: Option<String>,
    /// The `retry` field in milliseconds.
    pub retry_ms: Option<u64>,
}

/// A frame is larger than the parser was told to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frame has more than {frame_bytes_max} bytes")]
pub struct FrameTooLarge {
    /// The bound.
    pub frame_bytes_max: usize,
}

/// Collects bytes and cuts them into frames.
#[derive(Debug)]
pub struct SseParser {
    line: Vec<u8>,
    frame: SseFrame,
    frame_bytes: usize,
    frame_bytes_max: usize,
    after_cr: bool,
    at_start: bool,
}

const BOM: &[u8] = b"\xef\xbb\xbf";

impl SseParser {
    /// A parser at the start of a stream.
    #[must_use]
    pub fn new(frame_bytes_max: usize) -> Self {
        Self {
            line: Vec::new(),
            frame: SseFrame::default(),
            frame_bytes: 0,
            frame_bytes_max,
            after_cr: false,
            at_start: true,
        }
    }

    /// Takes the next bytes and hands every frame that they complete to `each`.
    ///
    /// # Errors
    /// When a frame grows beyond the bound; the stream is of no more use then.
    pub fn feed(
        &mut self,
        mut bytes: &[u8],
        mut each: impl FnMut(SseFrame),
    ) -> Result<(), FrameTooLarge> {
        if self.after_cr && !bytes.is_empty() {
            self.after_cr = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.push(&bytes[..end])?;
            let ended_by_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            if ended_by_cr {
                self.after_cr = bytes.is_empty();
                bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            }
            self.end_line(&mut each);
        }
        self.push(bytes)
    }

    fn push(&mut self, piece: &[u8]) -> Result<(), FrameTooLarge> {
        self.frame_bytes += piece.len();
        if self.frame_bytes > self.frame_bytes_max {
            return Err(FrameTooLarge { frame_bytes_max: self.frame_bytes_max });
        }
        self.line.extend_from_slice(piece);
        Ok(())
    }

    fn end_line(&mut self, each: &mut impl FnMut(SseFrame)) {
        let line = std::mem::take(&mut self.line);
        let text = if std::mem::take(&mut self.at_start) {
            line.strip_prefix(BOM).unwrap_or(&line)
        } else {
            &line
        };
        if text.is_empty() {
            self.frame_bytes = 0;
            let frame = std::mem::take(&mut self.frame);
            if frame != SseFrame::default() {
                each(frame);
            }
        } else {
            self.take_field(&String::from_utf8_lossy(text));
        }
    }

    fn take_field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "data" => match &mut self.frame.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.frame.data = Some(value.to_owned()),
            },
            "event" => self.frame.event = Some(value.to_owned()),
            "id" if !value.contains('\0') => self.frame.id = Some(value.to_owned()),
            "retry" => self.frame.retry_ms = value.parse().ok().or(self.frame.retry_ms),
            // A comment (no name) or a field of a later version.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(chunks: &[&[u8]]) -> Vec<SseFrame> {
        let mut parser = SseParser::new(1_000);
        let mut frames = Vec::new();
        for chunk in chunks {
            parser.feed(chunk, |frame| frames.push(frame)).unwrap();
        }
        frames
    }

    #[test]
    fn hands_out_an_id_without_data() {
        let frames = frames(&[b": hello\n\nid: 7\n\nid:8\nevent: e\ndata: {}\n\n"]);
        assert_eq!(frames.len(), 2);
        assert_eq!((frames[0].id.as_deref(), frames[0].data.as_deref()), (Some("7"), None));
        assert_eq!((frames[1].id.as_deref(), frames[1].event.as_deref()), (Some("8"), Some("e")));
    }

    #[test]
    fn reads_retry_and_ignores_one_that_is_no_number() {
        assert_eq!(frames(&[b"retry: 250\nretry: soon\n\n"])[0].retry_ms, Some(250));
    }

    #[test]
    fn the_same_bytes_give_the_same_frames_in_any_pieces() {
        let text = "\u{feff}id: 1\r\ndata: \u{20ac}\r\n\r\n:x\rdata: a\rdata: b\r\rretry: 5\n\n";
        let whole = frames(&[text.as_bytes()]);
        let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(frames(&bytes), whole);
        assert_eq!(whole.len(), 3);
        assert_eq!(whole[1].data.as_deref(), Some("a\nb"));
    }

    #[test]
    fn refuses_a_frame_without_bound() {
        let mut parser = SseParser::new(16);
        assert!(parser.feed(b"data: 12345678\n", |_| {}).is_ok());
        assert_eq!(
            parser.feed(b"data: 12345678\n", |_| {}),
            Err(FrameTooLarge { frame_bytes_max: 16 })
        );
    }
}
