//! Checks a text and copies it without whitespace, in one pass.
//!
//! It follows nesting on a heap stack, never by recursion. Two kinds of faults: those of grammar end
//! the scan at once; the four after which the structure can still be followed (depth, number of
//! values, duplicate key, unpaired surrogate) are remembered, the first one only, and the scan goes
//! on, so that grammar faults win and a batch can blame a single element.
//!
//! INVARIANT (token for token): the output is the input minus whitespace outside strings.

use std::ops::Range;

use super::error::JsonError;
use super::keys::{OpenKeys, OpenKeysMark};
use super::open::{Container, OpenContainers};
use super::scan::Cursor;
use super::sink::TextSink;
use super::text::JsonLimits;

/// Where a member of an object is in the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The key as written, without its quotes.
    pub key: Range<usize>,
    /// The value.
    pub value: Range<usize>,
}

/// Checks one value and appends it to `out` without insignificant whitespace.
///
/// On an error `out` is as it was.
pub fn compact<S: TextSink>(
    input: &[u8],
    out: &mut S,
    limits: &JsonLimits,
) -> Result<(), JsonError> {
    let byte_count = out.byte_count();
    let result = Compactor::start(input, out, limits).and_then(|mut compactor| {
        compactor.value()?;
        compactor.finish()
    });
    result.inspect_err(|_| out.cut(byte_count))
}

/// Like `compact`, for an object: also says where in `out` its members are.
///
/// On an error `out` is as it was. A value of another kind is a syntax error.
pub fn compact_object<S: TextSink>(
    input: &[u8],
    out: &mut S,
    limits: &JsonLimits,
) -> Result<Vec<Member>, JsonError> {
    let byte_count = out.byte_count();
    let mut members = Vec::new();
    let result = Compactor::start(input, out, limits).and_then(|mut compactor| {
        compactor.object(&mut members, |compactor, _| compactor.noted_value())?;
        compactor.finish()
    });
    result.inspect_err(|_| out.cut(byte_count)).map(|()| members)
}

/// The state of one scan.
#[derive(Debug)]
pub(super) struct Compactor<'a, 'o, S> {
    pub(super) cursor: Cursor<'a>,
    out: &'o mut S,
    /// Everything before this place of the input is in `out`, or is whitespace or dropped.
    copied: usize,
    limits: JsonLimits,
    open: OpenContainers,
    keys: OpenKeys,
    scope: Scope,
}

/// What is counted and remembered per document, or per element of a batch.
#[derive(Debug)]
struct Scope {
    fault: Option<JsonError>,
    node_count: usize,
    /// Containers around the scope, which do not count for its depth.
    depth_outside: usize,
    keys_outside: OpenKeysMark,
}

/// A scope that an inner one has interrupted.
#[derive(Debug)]
pub(super) struct OuterScope(Scope);

/// A key as the scan met it.
#[derive(Clone, Debug)]
pub(super) struct KeyToken<'a> {
    pub(super) raw: &'a str,
    pub(super) has_escape: bool,
    output: Range<usize>,
}

impl<'a, 'o, S: TextSink> Compactor<'a, 'o, S> {
    /// Checks the encoding and stands at the first byte of the value.
    pub(super) fn start(
        input: &'a [u8],
        out: &'o mut S,
        limits: &JsonLimits,
    ) -> Result<Self, JsonError> {
        let text = str::from_utf8(input)
            .map_err(|error| JsonError::Utf8 { offset: error.valid_up_to() })?;
        let mut cursor = Cursor::new(text);
        cursor.skip_whitespace();
        match cursor.peek() {
            None => return Err(JsonError::Empty),
            Some(0xef) if text.starts_with('\u{feff}') => {
                return Err(cursor.syntax("a value, not a byte order mark"));
            }
            Some(_) => {}
        }
        let keys = OpenKeys::default();
        let scope =
            Scope { fault: None, node_count: 0, depth_outside: 0, keys_outside: keys.mark() };
        let copied = cursor.pos();
        Ok(Compactor {
            cursor,
            out,
            copied,
            limits: *limits,
            open: OpenContainers::default(),
            keys,
            scope,
        })
    }

    /// Sees that nothing follows, and reports the fault that was remembered.
    pub(super) fn finish(&mut self) -> Result<(), JsonError> {
        self.gap();
        if self.cursor.peek().is_some() {
            return Err(JsonError::TrailingData { offset: self.cursor.pos() });
        }
        self.flush();
        self.scope.fault.take().map_or(Ok(()), Err)
    }

    /// Scans one value of any kind.
    pub(super) fn value(&mut self) -> Result<(), JsonError> {
        let depth_outside = self.open.depth();
        loop {
            let opened = self.value_start()?;
            if !opened && self.value_end(depth_outside)? {
                return Ok(());
            }
        }
    }

    /// Scans a scalar, an empty container, or a container up to its first value. True if a value
    /// of an opened container follows at the cursor.
    #[inline]
    fn value_start(&mut self) -> Result<bool, JsonError> {
        self.count_node();
        match self.cursor.peek() {
            Some(b'"') => self.string()?,
            Some(b'-' | b'0'..=b'9') => self.cursor.number()?,
            Some(b'{') => {
                self.enter(Container::Object);
                if self.cursor.peek() == Some(b'}') {
                    self.leave();
                } else {
                    self.key()?;
                    return Ok(true);
                }
            }
            Some(b'[') => {
                self.enter(Container::Array);
                if self.cursor.peek() == Some(b']') {
                    self.leave();
                } else {
                    return Ok(true);
                }
            }
            Some(b't') => self.cursor.literal("true")?,
            Some(b'f') => self.cursor.literal("false")?,
            Some(b'n') => self.cursor.literal("null")?,
            _ => return Err(self.cursor.syntax("a value")),
        }
        Ok(false)
    }

    /// Scans what follows a value: closes containers, or goes to the next value. True if no
    /// container is left open that was opened inside of `depth_outside`.
    #[inline]
    fn value_end(&mut self, depth_outside: usize) -> Result<bool, JsonError> {
        while self.open.depth() > depth_outside {
            self.gap();
            let container = self.open.innermost();
            match (self.cursor.peek(), container) {
                (Some(b','), Container::Object) => {
                    self.step();
                    self.key()?;
                    return Ok(false);
                }
                (Some(b','), Container::Array) => {
                    self.step();
                    return Ok(false);
                }
                (Some(b'}'), Container::Object) | (Some(b']'), Container::Array) => self.leave(),
                (_, Container::Object) => return Err(self.cursor.syntax("`,` or `}`")),
                (_, Container::Array) => return Err(self.cursor.syntax("`,` or `]`")),
            }
        }
        Ok(true)
    }

    /// Scans one value and says where in the output it is.
    pub(super) fn noted_value(&mut self) -> Result<Option<Range<usize>>, JsonError> {
        let start = self.output_offset();
        self.value()?;
        Ok(Some(start..self.output_offset()))
    }

    /// Scans an object, noting its members; `value` scans the value of the key it is given, and
    /// says where it is if it is to be noted.
    pub(super) fn object<F>(
        &mut self,
        members: &mut Vec<Member>,
        mut value: F,
    ) -> Result<(), JsonError>
    where
        F: FnMut(&mut Self, &KeyToken<'a>) -> Result<Option<Range<usize>>, JsonError>,
    {
        if self.cursor.peek() != Some(b'{') {
            return Err(self.cursor.syntax("an object"));
        }
        self.count_node();
        self.enter(Container::Object);
        if self.cursor.peek() == Some(b'}') {
            self.leave();
            return Ok(());
        }
        loop {
            let key = self.key()?;
            let noted = value(self, &key)?;
            // A text with a fault is dropped, so its members need no memory.
            if let Some(value) = noted.filter(|_| self.scope.fault.is_none()) {
                members.push(Member { key: key.output, value });
            }
            self.gap();
            match self.cursor.peek() {
                Some(b',') => self.step(),
                Some(b'}') => {
                    self.leave();
                    return Ok(());
                }
                _ => return Err(self.cursor.syntax("`,` or `}`")),
            }
        }
    }

    /// Scans a key and its colon.
    #[inline]
    fn key(&mut self) -> Result<KeyToken<'a>, JsonError> {
        if self.cursor.peek() != Some(b'"') {
            return Err(self.cursor.syntax("a key"));
        }
        let start = self.output_offset() + 1;
        let token = self.cursor.string()?;
        if let Some(offset) = token.unpaired_surrogate {
            self.remember(JsonError::UnpairedSurrogate { offset });
        }
        let text = self.cursor.text();
        if self.scope.fault.is_none()
            && let Err(fault) = self.keys.add(text, &token)
        {
            self.remember(fault);
        }
        self.gap();
        if self.cursor.peek() != Some(b':') {
            return Err(self.cursor.syntax("`:`"));
        }
        self.step();
        let raw = &text[token.start..token.end];
        Ok(KeyToken { raw, has_escape: token.has_escape, output: start..start + raw.len() })
    }

    #[inline]
    fn string(&mut self) -> Result<(), JsonError> {
        let token = self.cursor.string()?;
        if let Some(offset) = token.unpaired_surrogate {
            self.remember(JsonError::UnpairedSurrogate { offset });
        }
        Ok(())
    }

    #[inline]
    fn count_node(&mut self) {
        self.scope.node_count += 1;
        if self.scope.node_count > self.limits.node_count_max {
            self.remember(JsonError::TooManyNodes { node_count_max: self.limits.node_count_max });
        }
    }

    /// Steps into the container that opens at the cursor.
    #[inline]
    pub(super) fn enter(&mut self, container: Container) {
        self.open.push(container);
        if self.open.depth() - self.scope.depth_outside > self.limits.depth_max {
            self.remember(JsonError::TooDeep { depth_max: self.limits.depth_max });
        }
        if container == Container::Object && self.scope.fault.is_none() {
            self.keys.open_object();
        }
        self.step();
    }

    /// Steps out of the container that closes at the cursor.
    #[inline]
    pub(super) fn leave(&mut self) {
        if self.open.innermost() == Container::Object
            && self.scope.fault.is_none()
            && let Err(fault) = self.keys.close_object(self.cursor.text())
        {
            self.remember(fault);
        }
        self.open.pop();
        self.cursor.bump();
    }

    /// Keeps the first fault of a scope. From then on `keys` is not used until the scope ends,
    /// because objects are no longer entered into it.
    #[cold]
    fn remember(&mut self, fault: JsonError) {
        self.scope.fault.get_or_insert(fault);
    }

    /// Steps over one byte and the whitespace after it.
    #[inline]
    pub(super) fn step(&mut self) {
        self.cursor.bump();
        self.gap();
    }

    /// Steps over whitespace, which is not copied.
    #[inline]
    pub(super) fn gap(&mut self) {
        if self.cursor.peek().is_some_and(|byte| byte <= b' ') {
            self.flush();
            self.cursor.skip_whitespace();
            self.copied = self.cursor.pos();
        }
    }

    /// Copies what was scanned since the last copy.
    #[inline]
    pub(super) fn flush(&mut self) {
        self.out.push_text(&self.cursor.text()[self.copied..self.cursor.pos()]);
        self.copied = self.cursor.pos();
    }

    /// Forgets what was scanned since the output had `byte_count` bytes.
    pub(super) fn drop_output(&mut self, byte_count: usize) {
        self.flush();
        self.out.cut(byte_count);
    }

    /// Where in the output the byte at the cursor will be.
    #[inline]
    pub(super) fn output_offset(&self) -> usize {
        self.out.byte_count() + (self.cursor.pos() - self.copied)
    }

    /// Starts a scope that is judged on its own.
    pub(super) fn enter_scope(&mut self) -> OuterScope {
        let inner = Scope {
            fault: None,
            node_count: 0,
            depth_outside: self.open.depth(),
            keys_outside: self.keys.mark(),
        };
        OuterScope(std::mem::replace(&mut self.scope, inner))
    }

    /// Ends a scope and says what was wrong in it.
    pub(super) fn leave_scope(&mut self, outer: OuterScope) -> Option<JsonError> {
        let inner = std::mem::replace(&mut self.scope, outer.0);
        self.keys.rewind(inner.keys_outside);
        inner.fault
    }
}
