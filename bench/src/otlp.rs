//! Owns requests of OTLP spans as protobuf, written by hand: three sorts of span in turn, whose ids are
//! patched in place.

use anyhow::{Result, bail};

use crate::http::{content_length, head_length};
use crate::load::Exchange;

/// Where traces go.
pub const PATH: &str = "/v1/traces";
/// Bytes of a span.
pub const MEAN_BYTES: usize = 300;

const TRACE_ID: [u8; 16] = *b"\xa5\x5atrace-of-bench";
const SPAN_ID: [u8; 8] = *b"\xa5\x5aspan-i";
/// 2026-11-01T10:00:00Z in nanoseconds.
const BEGAN_NS: u64 = 1_793_527_200_000_000_000;

/// One keep-alive connection that sends spans.
#[derive(Debug)]
pub struct SpanAppend {
    request: Vec<u8>,
    trace_ids: Vec<usize>,
    span_ids: Vec<usize>,
    next_number: u64,
}

impl SpanAppend {
    /// `lane` keeps the ids of connections and turns apart.
    pub fn new(token: &str, spans_per_request: u64, lane: u64) -> Self {
        let body = export(spans_per_request);
        let mut request = format!(
            "POST {PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\ncontent-type: application/x-protobuf\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend(body);
        let at = |wanted: &[u8]| -> Vec<usize> {
            memchr::memmem::Finder::new(wanted).find_iter(&request).collect()
        };
        let (trace_ids, span_ids) = (at(&TRACE_ID), at(&SPAN_ID));
        Self { trace_ids, span_ids, next_number: (lane + 1) << 32, request }
    }
}

impl Exchange for SpanAppend {
    fn request(&mut self) -> &[u8] {
        let trace = u128::from(self.next_number) | 1 << 100;
        for at in &self.trace_ids {
            self.request[*at..at + 16].copy_from_slice(&trace.to_be_bytes());
        }
        for at in &self.span_ids {
            self.request[*at..at + 8].copy_from_slice(&self.next_number.to_be_bytes());
            self.next_number += 1;
        }
        &self.request
    }

    /// A success has nothing to say; what is left out of one is said in its body.
    fn answer(&self, input: &[u8]) -> Result<Option<usize>> {
        let Some(head_length) = head_length(input) else { return Ok(None) };
        let head = std::str::from_utf8(&input[..head_length])?;
        let total = head_length + content_length(head)?;
        if input.len() < total {
            return Ok(None);
        }
        if head.get(9..12) != Some("200") || total > head_length {
            let body = &input[head_length..total];
            bail!("unexpected answer: {head}{}", String::from_utf8_lossy(body));
        }
        Ok(Some(total))
    }
}

/// An `ExportTraceServiceRequest` of one resource and one scope.
fn export(span_count: u64) -> Vec<u8> {
    let resource = message(1, attribute("service.name", "bench-agent"));
    let mut scope_spans = message(1, text(1, "annals-bench"));
    for number in 0..span_count {
        scope_spans.extend(message(2, span(number)));
    }
    let mut resource_spans = message(1, resource);
    resource_spans.extend(message(2, scope_spans));
    message(1, resource_spans)
}

fn span(number: u64) -> Vec<u8> {
    let (name, attributes): (&str, &[(&str, &str)]) = match number % 3 {
        0 => (
            "chat claude-sonnet-4-5",
            &[
                ("gen_ai.operation.name", "chat"),
                ("gen_ai.provider.name", "anthropic"),
                ("gen_ai.request.model", "claude-sonnet-4-5"),
                ("gen_ai.conversation.id", "bench-conversation"),
                ("gen_ai.response.id", "msg_0123456789abcdef"),
            ],
        ),
        1 => (
            "execute_tool Bash",
            &[
                ("gen_ai.operation.name", "execute_tool"),
                ("gen_ai.tool.name", "Bash"),
                ("gen_ai.tool.call.id", "toolu_0123456789abcdef"),
                ("gen_ai.tool.call.arguments", "{\"command\":\"cargo test -p parser\"}"),
            ],
        ),
        _ => (
            "GET /v1/models",
            &[("http.request.method", "GET"), ("server.address", "api.example.org")],
        ),
    };
    let mut out = bytes(1, &TRACE_ID);
    out.extend(bytes(2, &SPAN_ID));
    out.extend(text(5, name));
    out.extend(integer(6, 3));
    out.extend(fixed64(7, BEGAN_NS));
    out.extend(fixed64(8, BEGAN_NS + 1_250_000_000));
    for (key, value) in attributes {
        out.extend(message(9, attribute(key, value)));
    }
    if number.is_multiple_of(3) {
        for (key, value) in
            [("gen_ai.usage.input_tokens", 1_200), ("gen_ai.usage.output_tokens", 310)]
        {
            let mut pair = text(1, key);
            pair.extend(message(2, integer(3, value)));
            out.extend(message(9, pair));
        }
    }
    out
}

fn attribute(key: &str, value: &str) -> Vec<u8> {
    let mut out = text(1, key);
    out.extend(message(2, text(1, value)));
    out
}

fn text(field: u64, value: &str) -> Vec<u8> {
    bytes(field, value.as_bytes())
}

fn message(field: u64, value: Vec<u8>) -> Vec<u8> {
    bytes(field, &value)
}

fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len() + 6);
    varint(&mut out, field << 3 | 2);
    varint(&mut out, value.len() as u64);
    out.extend_from_slice(value);
    out
}

fn integer(field: u64, value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    varint(&mut out, field << 3);
    varint(&mut out, value);
    out
}

fn fixed64(field: u64, value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    varint(&mut out, field << 3 | 1);
    out.extend(value.to_le_bytes());
    out
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_span_has_an_id_of_its_own() {
        let mut append = SpanAppend::new("-", 99, 3);
        let body = export(99);
        assert!(
            (MEAN_BYTES * 8 / 10..MEAN_BYTES * 12 / 10).contains(&(body.len() / 99)),
            "{}",
            body.len() / 99
        );
        assert_eq!((append.trace_ids.len(), append.span_ids.len()), (99, 99));
        let first = append.request().to_vec();
        assert_ne!(first, append.request());
    }
}
