//! Where compacted text is written: a `String` or a `Vec<u8>`, so that neither caller converts.
//!
//! It is sealed: what is written is UTF-8 by construction, and a foreign sink could not promise to
//! keep it.

/// Text that grows at its end.
pub trait TextSink: sealed::Sealed {
    /// Adds text at the end.
    fn push_text(&mut self, text: &str);
    /// Bytes held.
    fn byte_count(&self) -> usize;
    /// Forgets everything from `byte_count` on; it is a length that this sink has had.
    fn cut(&mut self, byte_count: usize);
}

impl TextSink for String {
    fn push_text(&mut self, text: &str) {
        self.push_str(text);
    }

    fn byte_count(&self) -> usize {
        self.len()
    }

    fn cut(&mut self, byte_count: usize) {
        self.truncate(byte_count);
    }
}

impl TextSink for Vec<u8> {
    fn push_text(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }

    fn byte_count(&self) -> usize {
        self.len()
    }

    fn cut(&mut self, byte_count: usize) {
        self.truncate(byte_count);
    }
}

mod sealed {
    /// Keeps `TextSink` to the two types above.
    pub trait Sealed {}
    impl Sealed for String {}
    impl Sealed for Vec<u8> {}
}
