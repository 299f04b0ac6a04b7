//! A CloudEvent in the JSON format: checked, and taken apart into what the dialect treats apart.
//!
//! It borrows from compact, validated JSON text and changes nothing. A member that is neither data
//! nor one of the known attributes is an extension, whatever it means.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::grammar::{
    NAME_PROBLEM, is_attribute_name, is_uri, is_uri_reference, string_problem, time, value_problem,
};
use super::media::MediaType;
use crate::dialect::ForeignFault;
use crate::json::{JsonKind, as_str, kind, member, members, unescape};
use crate::time::ParsedTime;

/// The version that documents follow unless they say so.
pub(super) const SPECVERSION: &str = "1.0";
/// The versions that are read, for a person.
const SUPPORTED: &str = "1.x";

/// A checked CloudEvent.
#[derive(Debug, Clone)]
pub(super) struct Document<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) source: Cow<'a, str>,
    pub(super) event_type: Cow<'a, str>,
    /// As it is written, and the point in time.
    pub(super) time: Option<(Cow<'a, str>, ParsedTime)>,
    pub(super) data: Data<'a>,
    /// All attributes but those above the data, in the order of the document: name and JSON value.
    pub(super) attributes: Vec<(Cow<'a, str>, &'a str)>,
}

/// What a CloudEvent carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Data<'a> {
    /// There is none, which is not the same as `null`.
    Absent,
    /// The member `data`: any JSON value, or the text that `datacontenttype` says.
    Value(&'a str),
    /// The member `data_base64`, a JSON string.
    Base64(&'a str),
}

impl<'a> Document<'a> {
    /// Reads a document.
    pub(super) fn read(document: &'a str) -> Result<Self, ForeignFault> {
        if kind(document) != JsonKind::Object {
            return Err(ForeignFault::NotAnObject);
        }
        // Another version may have another grammar, so it is the first thing to be said.
        let mut found = Found::default();
        let specversion = member(document, "specversion").filter(|value| *value != "null");
        let specversion = specversion.ok_or_else(|| missing("specversion"))?;
        check_version(&text("specversion", specversion)?)?;
        for (raw_name, value) in members(document) {
            found.take(unescape(raw_name), value)?;
        }
        found.finish()
    }

    /// The value of an attribute that is not null.
    pub(super) fn attribute(&self, name: &str) -> Option<&'a str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| *value).filter(|value| kind(value) != JsonKind::Null)
    }

    /// The text of an attribute that is a string.
    pub(super) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        self.attribute(name).and_then(as_str)
    }
}

/// What was met so far.
#[derive(Default)]
struct Found<'a> {
    id: Option<Cow<'a, str>>,
    source: Option<Cow<'a, str>>,
    event_type: Option<Cow<'a, str>>,
    time: Option<(Cow<'a, str>, ParsedTime)>,
    data: Option<&'a str>,
    data_base64: Option<&'a str>,
    attributes: Vec<(Cow<'a, str>, &'a str)>,
}

impl<'a> Found<'a> {
    fn take(&mut self, name: Cow<'a, str>, value: &'a str) -> Result<(), ForeignFault> {
        match name.as_ref() {
            "data" => self.data = Some(value),
            "data_base64" => self.take_base64(value)?,
            name if !is_attribute_name(name) => return Err(wrong(name, NAME_PROBLEM)),
            // An attribute that is null is not there; that it was written is kept all the same.
            _ if value == "null" => self.attributes.push((name, value)),
            "id" => self.id = Some(text(&name, value)?),
            "type" => self.event_type = Some(text(&name, value)?),
            "time" => self.take_time(value)?,
            _ => self.take_attribute(name, value)?,
        }
        Ok(())
    }

    fn take_attribute(&mut self, name: Cow<'a, str>, value: &'a str) -> Result<(), ForeignFault> {
        match name.as_ref() {
            "specversion" => {}
            "source" => {
                let source = text(&name, value)?;
                check(&name, is_uri_reference(&source), "it is no URI reference (RFC 3986)")?;
                self.source = Some(source);
            }
            "subject" => drop(text(&name, value)?),
            "dataschema" => {
                check(&name, is_uri(&text(&name, value)?), "it is no URI (RFC 3986)")?;
            }
            "datacontenttype" => {
                let is_media_type = MediaType::parse(&text(&name, value)?).is_some();
                check(&name, is_media_type, "it is no media type (RFC 2046)")?;
            }
            _ => {
                if let Some(problem) = value_problem(value) {
                    return Err(wrong(&name, problem));
                }
            }
        }
        self.attributes.push((name, value));
        Ok(())
    }

    fn take_time(&mut self, value: &'a str) -> Result<(), ForeignFault> {
        let text = text("time", value)?;
        let parsed = time(&text).ok_or_else(|| {
            wrong(
                "time",
                "it is no RFC 3339 date and time with a zone, such as 2026-01-31T09:30:00Z",
            )
        })?;
        self.time = Some((text, parsed));
        Ok(())
    }

    fn take_base64(&mut self, value: &'a str) -> Result<(), ForeignFault> {
        if value == "null" {
            // The schema of the format allows it, and it carries nothing.
            self.attributes.push((Cow::Borrowed("data_base64"), value));
            return Ok(());
        }
        let is_base64 = as_str(value).is_some_and(|text| STANDARD.decode(text.as_ref()).is_ok());
        check("data_base64", is_base64, "it is no base64 (RFC 4648, with padding)")?;
        self.data_base64 = Some(value);
        Ok(())
    }

    fn finish(self) -> Result<Document<'a>, ForeignFault> {
        let data = match (self.data, self.data_base64) {
            (None, None) => Data::Absent,
            (Some(value), None) => Data::Value(value),
            (None, Some(value)) => Data::Base64(value),
            (Some(_), Some(_)) => {
                return Err(wrong("data_base64", "`data` is there too; an event has one of them"));
            }
        };
        Ok(Document {
            id: self.id.ok_or_else(|| missing("id"))?,
            source: self.source.ok_or_else(|| missing("source"))?,
            event_type: self.event_type.ok_or_else(|| missing("type"))?,
            time: self.time,
            data,
            attributes: self.attributes,
        })
    }
}

/// Documents of version 1 are read, whatever a minor version adds.
fn check_version(specversion: &str) -> Result<(), ForeignFault> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if specversion.strip_prefix("1.").is_some_and(is_number) {
        return Ok(());
    }
    let found = specversion.to_owned();
    Err(ForeignFault::UnsupportedVersion { found, supported: SUPPORTED })
}

/// The text of an attribute that is a non-empty string.
fn text<'a>(name: &str, value: &'a str) -> Result<Cow<'a, str>, ForeignFault> {
    let text = as_str(value).ok_or_else(|| wrong(name, "it must be a string"))?;
    check(name, !text.is_empty(), "it is empty")?;
    match string_problem(&text) {
        Some(problem) => Err(wrong(name, problem)),
        None => Ok(text),
    }
}

fn check(name: &str, is_right: bool, problem: &str) -> Result<(), ForeignFault> {
    if is_right { Ok(()) } else { Err(wrong(name, problem)) }
}

fn missing(name: &str) -> ForeignFault {
    ForeignFault::MissingMember { pointer: pointer(name) }
}

/// The fault of a member.
pub(super) fn wrong(name: &str, problem: &str) -> ForeignFault {
    ForeignFault::InvalidMember { pointer: pointer(name), problem: problem.to_owned() }
}

fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(document: &str) -> String {
        Document::read(document).map_or_else(|fault| fault.to_string(), |_| "read".to_owned())
    }

    fn with(member: &str) -> String {
        format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t",{member}}}"#)
    }

    #[test]
    fn the_required_attributes_are_enough() {
        let document = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t"}"#;
        let read = Document::read(document).unwrap();
        assert_eq!((read.id.as_ref(), read.source.as_ref(), read.data), ("1", "/s", Data::Absent));
        for name in ["specversion", "id", "source", "type"] {
            let renamed = document.replace(&format!("\"{name}\""), "\"other\"");
            assert_eq!(fault(&renamed), format!("`/{name}` is required"));
            let member = |value| {
                document.replacen(&format!("\"{name}\":"), &format!("\"{name}\":{value},\"x\":"), 1)
            };
            assert_eq!(fault(&member("null")), format!("`/{name}` is required"));
            assert_eq!(fault(&member(r#""""#)), format!("`/{name}` is wrong: it is empty"));
            assert_eq!(fault(&member("1")), format!("`/{name}` is wrong: it must be a string"));
        }
        assert_eq!(fault("[]"), ForeignFault::NotAnObject.to_string());
    }

    #[test]
    fn every_attribute_is_held_to_its_type() {
        let right = [
            r#""subject":"a b""#,
            r#""subject":null"#,
            r#""time":null"#,
            r#""dataschema":null"#,
            r#""datacontenttype":null"#,
            r#""dataschema":"https://example.com/s""#,
            r#""datacontenttype":"text/xml; charset=utf-8""#,
            r#""ext":true"#,
            r#""ext":-5"#,
            r#""ext":"""#,
            r#""ext":null"#,
            r#""data":null"#,
            r#""data_base64":"""#,
            r#""data_base64":null,"data":{}"#,
            r#""sequence":"001""#,
        ];
        for member in right {
            assert_eq!(fault(&with(member)), "read", "{member}");
        }
        let wrong = [
            r#""subject":"""#,
            r#""subject":1"#,
            r#""subject":"a\u0007""#,
            r#""time":"today""#,
            r#""time":"2018-04-05T17:31:00""#,
            r#""dataschema":"/relative""#,
            r#""datacontenttype":"json""#,
            r#""ext":1.5"#,
            r#""ext":{}"#,
            r#""ext":[]"#,
            r#""myExt":"a""#,
            r#""my_ext":"a""#,
            r#""data_base64":"?""#,
            r#""data_base64":"YQ""#,
            r#""data_base64":{}"#,
            r#""data":1,"data_base64":"YQ==""#,
        ];
        for member in wrong {
            assert!(
                fault(&with(member)).contains("is wrong"),
                "{member}: {}",
                fault(&with(member))
            );
        }
    }

    #[test]
    fn minor_versions_are_read_and_others_refused_by_name() {
        let of = |version: &str| {
            fault(&format!(r#"{{"specversion":"{version}","id":"1","source":"/s","type":"t"}}"#))
        };
        assert_eq!((of("1.0"), of("1.7")), ("read".to_owned(), "read".to_owned()));
        for version in ["0.3", "2.0", "1", "1.0-rc1", "1."] {
            assert!(of(version).contains("is not read here"), "{version}: {}", of(version));
        }
    }
}
