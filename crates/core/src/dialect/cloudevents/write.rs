//! From an event to a CloudEvent of the JSON format.
//!
//! What came in as a CloudEvent goes out as it came. Any other event goes out as one of ours: its
//! fields are extension attributes, its objects are JSON texts in them, its data is data.
//! It is total: every event has a form.

use std::fmt::Write as _;

use super::document::SPECVERSION;
use super::grammar::{is_attribute_name, is_disallowed, value_problem};
use super::read::{FIELD_ATTRIBUTES, OBJECT_ATTRIBUTES, OWN_SCHEME};
use super::{
    DATA_ATTRIBUTE, DATA_FORM, DIALECT, FORM_ABSENT, FORM_VALUE, TYPE_ATTRIBUTE, binary_text,
    spelled,
};
use crate::catalog::Catalog;
use crate::dialect::translation::parts::quoted;
use crate::dialect::translation::view::View;
use crate::json::{JsonKind, as_str, as_u64, kind, members, unescape};

/// Digits of a position, so that positions as texts have the order of the numbers.
const POSITION_DIGITS: usize = 20;

/// Writes an event that is given as its envelope on the wire.
pub(super) fn write(envelope: &str, catalog: &Catalog) -> String {
    let view = View::of(envelope);
    as_it_came(&view, catalog).unwrap_or_else(|| as_ours(&view, catalog))
}

/// A document that is being written.
struct Writer(String);

impl Writer {
    fn new() -> Self {
        Self(String::from("{"))
    }

    fn raw(&mut self, name: &str, value: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
        self.0.push_str(value);
    }

    fn text(&mut self, name: &str, plain: &str) {
        self.raw(name, &quoted(plain));
    }

    fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// The document that an event came from; none when it did not, or when its body is gone.
fn as_it_came(view: &View<'_>, catalog: &Catalog) -> Option<String> {
    if !view.came_by(DIALECT) || view.is_redacted() {
        return None;
    }
    let (id, extensions) = (view.origin("id")?, view.get("extensions")?);
    let mut writer = Writer::new();
    let (mut has_version, mut is_own, mut has_source) = (false, false, false);
    let mut form = None;
    for (raw_name, value) in members(extensions) {
        let name = unescape(raw_name);
        match name.as_ref() {
            DATA_FORM => form = as_str(value),
            // The one member of the format that may be null and is no attribute.
            "data_base64" if kind(value) == JsonKind::Null => writer.raw(&name, value),
            // A client that translates by itself may have put anything here.
            _ if !is_attribute_name(&name) || value_problem(value).is_some() => return None,
            _ => {
                has_version |= name == "specversion";
                has_source |= name == "source";
                is_own |= name == "source"
                    && as_str(value).is_some_and(|source| source.starts_with(OWN_SCHEME));
                writer.raw(&name, value);
            }
        }
    }
    if !has_source {
        return None;
    }
    if !has_version {
        writer.text("specversion", SPECVERSION);
    }
    writer.text("id", &id);
    let event_type = view.event_type();
    let name = view.origin("type").unwrap_or_else(|| event_type.clone());
    writer.text("type", &name);
    if let Some(time) = view.origin("time") {
        writer.text("time", &time);
    }
    // Only objects are spelled otherwise, and none that says how its data was.
    let is_plain = form.is_none() && kind(view.data()) == JsonKind::Object;
    let may_be_spelled = is_plain && binary_text(view.data()).is_none();
    match spelled::read_by(catalog, &name, &event_type, is_own) {
        Some(spelling) if may_be_spelled => {
            writer.raw("data", &spelled::to_payload(spelling, view));
        }
        _ => data(&mut writer, view.data(), form.as_deref()),
    }
    Some(writer.finish())
}

fn data(writer: &mut Writer, data: &str, form: Option<&str>) {
    match (form, binary_text(data)) {
        (Some(FORM_ABSENT), _) => {}
        (Some(FORM_VALUE), _) | (_, None) => writer.raw("data", data),
        (_, Some(base64)) => writer.raw("data_base64", base64),
    }
}

/// An event that is not known to have been a CloudEvent.
fn as_ours(view: &View<'_>, catalog: &Catalog) -> String {
    let mut writer = Writer::new();
    let event_type = view.event_type();
    let is_object = kind(view.data()) == JsonKind::Object && !view.is_redacted();
    let said = is_object.then(|| catalog.said(&event_type, DIALECT, view.data())).flatten();
    writer.text("specversion", SPECVERSION);
    writer.text("id", &view.text("event_id").unwrap_or_default());
    writer.text("source", &own_source(&view.text("workspace_id").unwrap_or_default()));
    writer.text("type", said.map_or(event_type.as_ref(), |spelling| &spelling.name));
    writer.text("time", &view.text("occurred_at").unwrap_or_default());
    if let Some(spelling) = said.filter(|spelling| spelling.name != event_type) {
        writer.text(TYPE_ATTRIBUTE, &event_type);
        if spelled::changes_payload(spelling) {
            writer.text(DATA_ATTRIBUTE, &allowed_json(view.data()));
        }
    }
    write_fields(&mut writer, view);
    write_facts(&mut writer, view);
    match (said, binary_text(view.data())) {
        (None, Some(base64)) => writer.raw("data_base64", base64),
        (Some(spelling), _) => write_json(&mut writer, &spelled::to_payload(spelling, view)),
        (None, None) => write_json(&mut writer, view.data()),
    }
    writer.finish()
}

fn write_json(writer: &mut Writer, data: &str) {
    writer.text("datacontenttype", "application/json");
    writer.raw("data", data);
}

/// What a sender may say of an event; read back by name.
fn write_fields(writer: &mut Writer, view: &View<'_>) {
    for (name, field) in FIELD_ATTRIBUTES {
        if let Some(text) = view.field(field).and_then(as_str) {
            writer.text(name, &allowed(&text));
        }
    }
    for (name, field) in [("streamtype", "stream.stream_type"), ("streamid", "stream.stream_id")] {
        writer.text(name, &allowed(&view.field(field).and_then(as_str).unwrap_or_default()));
    }
    if let Some(version) = view.get("event_version").filter(|version| *version != "1") {
        writer.text("eventversion", version);
    }
    for (name, field) in OBJECT_ATTRIBUTES.into_iter().chain([("extensions", "extensions")]) {
        if let Some(object) = view.get(field) {
            writer.text(name, &allowed_json(object));
        }
    }
}

/// What only the server says of an event; nothing that reads it back believes it.
fn write_facts(writer: &mut Writer, view: &View<'_>) {
    // Those of `Draft::to_json` have none of these.
    if let Some(position) = view.get("position").and_then(as_u64) {
        writer.text("sequence", &format!("{position:0POSITION_DIGITS$}"));
    }
    let facts = [
        ("recordedtime", "recorded_at"),
        ("principalid", "actor_principal_id"),
        ("authority", "authority"),
        ("redactionlevel", "redaction_level"),
        ("eventhash", "event_hash"),
        ("preveventhash", "prev_event_hash"),
    ];
    for (name, field) in facts {
        if let Some(text) = view.text(field) {
            writer.text(name, &allowed(&text));
        }
    }
    if let Some(seq) = view.field("stream.stream_seq") {
        writer.text("streamseq", seq);
    }
    if let Some(flag) = view.get("contains_secrets").filter(|flag| *flag == "true") {
        writer.raw("containssecrets", flag);
    }
    for (name, field) in
        [("origin", "origin"), ("redaction", "redaction"), ("schemaviolation", "schema_violation")]
    {
        if let Some(object) = view.get(field) {
            writer.text(name, &allowed_json(object));
        }
    }
}

/// The source of our own events: the workspace as an opaque URI.
fn own_source(workspace_id: &str) -> String {
    let mut source = OWN_SCHEME.to_owned();
    for byte in workspace_id.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            source.push(char::from(byte));
        } else {
            percent(&mut source, byte);
        }
    }
    source
}

/// Writes a byte as `%XY`.
pub(super) fn percent(out: &mut String, byte: u8) {
    // Writing to a String cannot fail.
    let _ = write!(out, "%{byte:02X}");
}

/// An id as an attribute's text. Noncharacters are ids' right and no attribute's; they go out
/// percent-encoded, so that the event goes out at all.
fn allowed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if is_disallowed(character) {
            let mut bytes = [0; 4];
            character.encode_utf8(&mut bytes).bytes().for_each(|byte| percent(&mut out, byte));
        } else {
            out.push(character);
        }
    }
    out
}

/// A JSON text as an attribute's text: what an attribute may not hold is escaped in JSON's own way.
fn allowed_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if is_disallowed(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(character);
        }
    }
    out
}
