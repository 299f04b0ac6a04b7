//! The binary content mode of the HTTP binding (CloudEvents 1.0.2, HTTP, section 3.1): attributes in
//! `ce-` headers, the data as the body.
//!
//! It knows headers as names and bytes and nothing else of HTTP. A message becomes a document of the
//! JSON format, so that both modes mean the same; an attribute's text stays a text, because a header
//! does not say that it was a number.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::document::{Data, Document, wrong};
use super::media::{MediaType, unquote};
use super::read::canonical;
use super::write::percent;
use crate::dialect::ForeignFault;
use crate::dialect::translation::parts::{Parts, quoted};
use crate::json::{Json, JsonError, JsonKind, as_str, kind};

/// What attributes' header names begin with.
const PREFIX: &str = "ce-";

/// Why a message is no CloudEvent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BinaryFault {
    /// A header is wrong; the pointer names its attribute.
    #[error("{0}")]
    Header(ForeignFault),
    /// The content type says JSON, and the body is none.
    #[error("the body is not the JSON that its content type says: {0}")]
    Data(JsonError),
}

/// A CloudEvent in the binary mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinaryMessage {
    /// Header names and values, `ce-` included.
    pub headers: Vec<(String, String)>,
    /// The content type of the body; none where nothing is known of it.
    pub content_type: Option<String>,
    /// The data.
    pub body: Vec<u8>,
}

/// The document that a message in the binary mode states. Headers that are no attributes are passed
/// over. The document is checked when it is read.
///
/// # Errors
/// When a header's text cannot be decoded, an attribute is there twice or has no attribute's name,
/// or the body is not what its content type says.
pub fn document_of_headers<'h>(
    headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
    body: &[u8],
) -> Result<String, BinaryFault> {
    let mut attributes: Vec<(String, String)> = Vec::new();
    for (header, value) in headers {
        let Some(name) = attribute_name(header) else { continue };
        let text = decode(&name, value)?;
        if name == "datacontenttype" && !header.eq_ignore_ascii_case("content-type") {
            return Err(fault(
                &name,
                "the binary mode has it in Content-Type, not in a `ce-` header",
            ));
        }
        if name == "data" || name == "data_base64" {
            return Err(fault(&name, "the binary mode has the data in the body"));
        }
        if attributes.iter().any(|(known, _)| *known == name) {
            return Err(fault(&name, "the header is there twice"));
        }
        attributes.push((name, text));
    }
    let content_type = attributes.iter().find(|(name, _)| name == "datacontenttype");
    let data = data_member(content_type.map(|(_, text)| text.as_str()), body)?;
    let mut document = Parts::default();
    for (name, text) in &attributes {
        document.insert(name, quoted(text));
    }
    if let Some((name, value)) = data {
        document.insert(name, value);
    }
    Ok(document.to_text())
}

/// The attribute that a header holds.
fn attribute_name(header: &str) -> Option<String> {
    if header.eq_ignore_ascii_case("content-type") {
        return Some("datacontenttype".to_owned());
    }
    let prefix = header.get(..PREFIX.len())?;
    prefix.eq_ignore_ascii_case(PREFIX).then(|| header[PREFIX.len()..].to_ascii_lowercase())
}

fn fault(name: &str, problem: &str) -> BinaryFault {
    BinaryFault::Header(wrong(name, problem))
}

/// The text of a header: unquoted where it is quoted, then one round of percent-decoding.
fn decode(name: &str, value: &[u8]) -> Result<String, BinaryFault> {
    let value = str::from_utf8(value).map_err(|_| fault(name, "the header is not UTF-8"))?.trim();
    if name == "datacontenttype" {
        return Ok(value.to_owned());
    }
    let plain = match unquote(value) {
        Some((content, "")) => Cow::Owned(content),
        Some(_) | None if value.starts_with('"') => {
            return Err(fault(name, "the header's quoted text does not end with it"));
        }
        Some(_) | None => Cow::Borrowed(value),
    };
    let bytes = percent_decoded(&plain).ok_or_else(|| {
        fault(name, "a percent sign in a header is followed by two hexadecimal digits")
    })?;
    String::from_utf8(bytes).map_err(|_| fault(name, "percent-decoded, the header is not UTF-8"))
}

fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            out.push(u8::try_from(high << 4 | low).ok()?);
        } else {
            out.push(byte);
        }
    }
    Some(out)
}

/// Which member the body becomes, and its value: JSON as it is, text as a text, the rest as base64.
fn data_member(
    content_type: Option<&str>,
    body: &[u8],
) -> Result<Option<(&'static str, String)>, BinaryFault> {
    if body.is_empty() {
        return Ok(None);
    }
    // A content type that cannot be read is refused when the document is.
    let media_type = content_type.and_then(MediaType::parse);
    let as_text = media_type.as_ref().is_some_and(|media| media.is_utf8(body));
    if as_text && media_type.as_ref().is_some_and(MediaType::is_json) {
        let json = Json::parse(body).map_err(BinaryFault::Data)?;
        return Ok(Some(("data", json.into_string())));
    }
    let is_text = as_text && media_type.as_ref().is_some_and(MediaType::is_text);
    Ok(Some(match str::from_utf8(body) {
        Ok(text) if is_text => ("data", quoted(text)),
        _ => ("data_base64", format!("\"{}\"", STANDARD.encode(body))),
    }))
}

impl BinaryMessage {
    /// The message that states a document of the JSON format; none where the data is a text in a
    /// charset that is not written here, or a value that its content type has no text for.
    ///
    /// # Errors
    /// When the document is no CloudEvent.
    pub fn of_document(document: &str) -> Result<Option<Self>, ForeignFault> {
        let document = Document::read(document)?;
        let stated = document.text("datacontenttype");
        let Some(body) = body(document.data, stated.as_deref()) else { return Ok(None) };
        let implied = matches!(document.data, Data::Value(_)).then_some("application/json");
        let content_type = stated.as_deref().or(implied).map(str::to_owned);
        let mut headers = vec![header("id", &document.id), header("type", &document.event_type)];
        headers.extend(document.time.as_ref().map(|(text, _)| header("time", text)));
        for (name, value) in &document.attributes {
            if name != "datacontenttype" && kind(value) != JsonKind::Null {
                headers.push(header(name, &canonical(value)));
            }
        }
        Ok(Some(Self { headers, content_type, body }))
    }
}

/// The bytes of the data.
fn body(data: Data<'_>, content_type: Option<&str>) -> Option<Vec<u8>> {
    let media_type = content_type.and_then(MediaType::parse);
    let bytes = match data {
        Data::Absent => return Some(Vec::new()),
        Data::Base64(value) => return STANDARD.decode(as_str(value)?.as_ref()).ok(),
        Data::Value(value) if media_type.as_ref().is_none_or(MediaType::is_json) => {
            value.as_bytes().to_vec()
        }
        Data::Value(value) => as_str(value)?.into_owned().into_bytes(),
    };
    media_type.is_none_or(|media| media.is_utf8(&bytes)).then_some(bytes)
}

/// A header of an attribute; what is no visible ASCII is percent-encoded.
fn header(name: &str, text: &str) -> (String, String) {
    let mut value = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'"' | b'%' => percent(&mut value, byte),
            0x21..=0x7e => value.push(char::from(byte)),
            _ => percent(&mut value, byte),
        }
    }
    (format!("{PREFIX}{name}"), value)
}
