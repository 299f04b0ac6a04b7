//! Documents of a foreign format for `annals append --door`: lines of them, an array, or a batch in
//! the format's own wrapping. They are sent as they are; the server's door translates them.
//!
//! The first line tells which: a document of its own means lines, anything else one JSON text.

use std::io::Read as _;
use std::path::Path;

use annals_core::json::{Json, JsonError, JsonKind, elements, kind, member};
use anyhow::Context as _;

/// Documents of one request.
const BATCH_DOCUMENTS_MAX: usize = 1_000;
/// Bytes of one request's body, unless one document is larger.
const REQUEST_BYTES_MAX: usize = 4 << 20;

/// A request's body: an array of documents, or an object that wraps some.
#[derive(Debug, Default)]
pub(super) struct ForeignBody {
    pub(super) text: String,
    /// Where each document stood.
    pub(super) places: Vec<String>,
}

/// What a file holds: bodies to send, and lines that are no JSON with the reason.
#[derive(Debug, Default)]
pub(super) struct ForeignInput {
    pub(super) bodies: Vec<ForeignBody>,
    pub(super) broken: Vec<(String, JsonError)>,
}

/// Reads a file, or standard input for `-`, to its end.
pub(super) fn read(path: &Path) -> anyhow::Result<ForeignInput> {
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut bytes).context("standard input")?;
    } else {
        bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    }
    let first = bytes.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty());
    match first.map(Json::parse) {
        None => Ok(ForeignInput::default()),
        Some(Ok(first)) if !wraps_documents(first.as_str()) => Ok(lines(&bytes)),
        Some(_) => whole(&bytes).with_context(|| path.display().to_string()),
    }
}

fn wraps_documents(text: &str) -> bool {
    let events = || member(text, "events").is_some_and(|events| kind(events) == JsonKind::Array);
    kind(text) == JsonKind::Array || kind(text) == JsonKind::Object && events()
}

fn lines(bytes: &[u8]) -> ForeignInput {
    let mut input = ForeignInput::default();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let place = format!("line {}", index + 1);
        match Json::parse(line) {
            Ok(document) => input.add(document.as_str(), place),
            Err(error) => input.broken.push((place, error)),
        }
    }
    input.close();
    input
}

fn whole(bytes: &[u8]) -> anyhow::Result<ForeignInput> {
    let text = Json::parse(bytes)?;
    let text = text.as_str();
    let mut input = ForeignInput::default();
    match kind(text) {
        JsonKind::Object if wraps_documents(text) => {
            let count = elements(member(text, "events").unwrap_or_default()).count();
            let places = (0..count).map(|index| format!("event {index}")).collect();
            input.bodies.push(ForeignBody { text: text.to_owned(), places });
        }
        JsonKind::Array => {
            for (index, document) in elements(text).enumerate() {
                input.add(document, format!("element {index}"));
            }
            input.close();
        }
        _ => {
            input.add(text, "the document".to_owned());
            input.close();
        }
    }
    Ok(input)
}

impl ForeignInput {
    fn add(&mut self, document: &str, place: String) {
        match self.bodies.last_mut() {
            Some(body)
                if body.places.len() < BATCH_DOCUMENTS_MAX
                    && body.text.len() + document.len() < REQUEST_BYTES_MAX =>
            {
                body.text.push(',');
                body.text.push_str(document);
                body.places.push(place);
            }
            _ => {
                let text = format!("[{document}");
                self.bodies.push(ForeignBody { text, places: vec![place] });
            }
        }
    }

    fn close(&mut self) {
        for body in &mut self.bodies {
            body.text.push(']');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> ForeignInput {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read(file.path()).unwrap()
    }

    #[test]
    fn lines_arrays_and_wrapped_batches_are_told_apart() {
        let input = read_text("{\"A\": {}}\n\n\"B\"\n{oops\n");
        assert_eq!(input.bodies[0].text, r#"[{"A":{}},"B"]"#);
        assert_eq!(input.bodies[0].places, ["line 1", "line 3"]);
        assert_eq!(input.broken[0].0, "line 4");
        let input = read_text("[\n {\"A\": 1}, {\"B\": 2}\n]");
        assert_eq!(input.bodies[0].text, r#"[{"A":1},{"B":2}]"#);
        let input = read_text("{\"batch_id\": 1, \"events\": [{}, {}]}\n");
        assert_eq!(input.bodies[0].text, r#"{"batch_id":1,"events":[{},{}]}"#);
        assert_eq!(input.bodies[0].places.len(), 2);
        let input = read_text("{\n \"A\": {}\n}\n");
        assert_eq!(input.bodies[0].text, r#"[{"A":{}}]"#);
        assert!(read_text(" \n").bodies.is_empty());
    }
}
