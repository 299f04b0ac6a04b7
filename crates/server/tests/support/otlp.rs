//! OTLP requests as exporters send them: protobuf written field by field, and calls of gRPC.

use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

/// A message of protobuf, field by field.
#[derive(Debug, Default, Clone)]
pub(crate) struct Wire(pub(crate) Vec<u8>);

impl Wire {
    pub(crate) fn bytes(mut self, number: u8, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        self.0.push(number << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn message(self, number: u8, message: Self) -> Self {
        self.bytes(number, message.0)
    }

    pub(crate) fn number(mut self, number: u8, value: u64) -> Self {
        self.0.push(number << 3);
        self.varint(value);
        self
    }

    pub(crate) fn fixed64(mut self, number: u8, value: u64) -> Self {
        self.0.push(number << 3 | 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(crate) fn attribute(self, number: u8, key: &str, value: &str) -> Self {
        let value = wire().bytes(1, value);
        self.message(number, wire().bytes(1, key).message(2, value))
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
            value >>= 7;
        }
        self.0.push(u8::try_from(value).unwrap());
    }
}

pub(crate) fn wire() -> Wire {
    Wire::default()
}

/// A request of one resource and one scope with items in the field that all three signals have them in.
pub(crate) fn request(items: impl IntoIterator<Item = Wire>) -> Wire {
    let scope = items.into_iter().fold(wire(), |scope, item| scope.message(2, item));
    wire().message(1, wire().message(2, scope))
}

/// How many items an `Export…ServiceResponse` says were refused, and what it says beside.
pub(crate) fn partial_success(response: &[u8]) -> (u64, String) {
    let Some((10, partial)) = field(&mut &*response) else { return (0, String::new()) };
    let (mut partial, mut rejected, mut said) = (partial.as_slice(), 0, String::new());
    while let Some((tag, value)) = field(&mut partial) {
        match tag {
            8 => rejected = value[0].into(),
            18 => said = String::from_utf8(value).unwrap(),
            other => panic!("no such field: {other}"),
        }
    }
    (rejected, said)
}

/// A tag and the bytes of its value; small numbers only.
fn field(message: &mut &[u8]) -> Option<(u8, Vec<u8>)> {
    let (tag, rest) = message.split_first()?;
    let (length, head) = match rest {
        _ if tag & 7 == 0 => (1, 0),
        [low, high, ..] if *low >= 0x80 => (usize::from(low & 0x7f) + (usize::from(*high) << 7), 2),
        _ => (rest[0].into(), 1),
    };
    let value = rest[head..head + length].to_vec();
    *message = &rest[head + length..];
    Some((*tag, value))
}

/// What a call of gRPC was answered.
#[derive(Debug)]
pub(crate) struct GrpcAnswer {
    pub(crate) http_status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) trailers: HeaderMap,
    pub(crate) body: Bytes,
}

impl GrpcAnswer {
    /// The status, from wherever it was sent.
    pub(crate) fn status(&self) -> u16 {
        self.text("grpc-status").parse().unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        let found = self.trailers.get(name).or_else(|| self.headers.get(name));
        found.map_or("", |value| value.to_str().unwrap())
    }

    /// The message, without its frame.
    pub(crate) fn message(&self) -> &[u8] {
        &self.body[5..]
    }
}

/// A message in its frame.
pub(crate) fn framed(is_packed: bool, message: &[u8]) -> Vec<u8> {
    let mut framed = vec![u8::from(is_packed)];
    framed.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    framed.extend_from_slice(message);
    framed
}

/// A unary call as a gRPC client makes it, over HTTP/2 without TLS.
pub(crate) async fn call(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> GrpcAnswer {
    let socket = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket))
            .await
            .unwrap();
    tokio::spawn(connection);
    let mut request = Request::builder()
        .method("POST")
        .version(Version::HTTP_2)
        .uri(format!("http://{address}{path}"))
        .header("te", "trailers")
        .header("content-type", "application/grpc");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = sender.send_request(request.body(Full::new(Bytes::from(body))).unwrap()).await;
    let (parts, body) = response.unwrap().into_parts();
    let collected = body.collect().await.unwrap();
    let trailers = collected.trailers().cloned().unwrap_or_default();
    GrpcAnswer {
        http_status: parts.status.as_u16(),
        headers: parts.headers,
        trailers,
        body: collected.to_bytes(),
    }
}
