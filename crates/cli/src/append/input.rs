//! Reading events: one JSON document, or one event a line.
//!
//! The first line tells which: an event of its own means lines, anything else a document. Lines are
//! handed out in batches of what has arrived, so that a live pipe is never waited for.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use annals_core::envelope::{Draft, Strictness};
use annals_core::json::{Json, JsonKind, JsonLimits, elements, kind, member};
use annals_core::limits::{BODY_BYTES_MAX, EVENT_BYTES_MAX};
use anyhow::Context as _;
use tokio::sync::mpsc;

/// Events that are handed out at once.
const BATCH_EVENTS_MAX: usize = 1_000;
/// Batches that wait to be sent.
const WAITING_MAX: usize = 2 * BATCH_EVENTS_MAX;

/// An event and where it stood.
#[derive(Debug)]
pub(crate) struct Sourced {
    pub(crate) place: String,
    pub(crate) draft: Draft,
}

/// What the input gives next.
#[derive(Debug)]
pub(crate) enum Source {
    /// The next events.
    Events(Vec<Sourced>),
    /// A line or an element that is no event.
    Broken { place: String, reason: String },
    /// The input itself cannot be read, or is no JSON at all.
    Unreadable(anyhow::Error),
}

/// An input that is read on a thread of its own.
#[derive(Debug)]
pub(crate) struct Input {
    arrived: mpsc::Receiver<Source>,
    next: Option<Source>,
}

impl Input {
    /// A file, or `-` for standard input.
    pub(crate) fn of_path(path: &Path) -> Self {
        let (sender, arrived) = mpsc::channel(WAITING_MAX);
        let path = path.to_owned();
        // A thread of its own: standard input has no other way to be read without blocking.
        std::thread::spawn(move || {
            let name = if path.as_os_str() == "-" {
                "standard input".to_owned()
            } else {
                path.display().to_string()
            };
            let read = open(&path).and_then(|reader| read_all(reader, &name, &sender));
            if let Err(error) = read.with_context(|| name.clone()) {
                let _ = sender.blocking_send(Source::Unreadable(error));
            }
        });
        Self { arrived, next: None }
    }

    /// What comes next; events that arrived together come together.
    pub(crate) async fn next(&mut self) -> Option<Source> {
        let first = match self.next.take() {
            Some(source) => source,
            None => self.arrived.recv().await?,
        };
        let Source::Events(mut events) = first else { return Some(first) };
        while events.len() < BATCH_EVENTS_MAX {
            match self.arrived.try_recv() {
                Ok(Source::Events(more)) => events.extend(more),
                Ok(other) => {
                    self.next = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        Some(Source::Events(events))
    }
}

fn open(path: &Path) -> anyhow::Result<Box<dyn BufRead>> {
    match path.as_os_str() == "-" {
        true => Ok(Box::new(BufReader::new(io::stdin()))),
        false => Ok(Box::new(BufReader::new(File::open(path)?))),
    }
}

fn read_all(
    mut reader: Box<dyn BufRead>,
    name: &str,
    sender: &mpsc::Sender<Source>,
) -> anyhow::Result<()> {
    let mut line = Vec::new();
    let mut line_number = 0;
    while read_line(&mut reader, &mut line)? {
        line_number += 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        if !is_event(&line) && line_number == 1 {
            return read_document(reader, line, name, sender);
        }
        if sender.blocking_send(source_of_line(&line, name, line_number)).is_err() {
            break;
        }
    }
    Ok(())
}

/// Reads a line; one beyond every limit is cut, and refused later for what it then is.
fn read_line(reader: &mut Box<dyn BufRead>, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    Ok(reader.read_until(b'\n', line)? > 0)
}

/// Whether a line is a JSON object that is not a batch.
fn is_event(line: &[u8]) -> bool {
    Json::parse(line.trim_ascii()).is_ok_and(|json| {
        let events = member(json.as_str(), "events").map(kind);
        kind(json.as_str()) == JsonKind::Object && events != Some(JsonKind::Array)
    })
}

fn source_of_line(line: &[u8], name: &str, line_number: usize) -> Source {
    let place = format!("{name}:{line_number}");
    let parsed = Json::parse(line.trim_ascii()).map_err(|error| error.to_string());
    match parsed.and_then(|json| draft(json.as_str())) {
        Ok(draft) => Source::Events(vec![Sourced { place, draft }]),
        Err(reason) => Source::Broken { place, reason },
    }
}

/// Reads the rest and takes all of it as one document.
fn read_document(
    mut reader: Box<dyn BufRead>,
    mut text: Vec<u8>,
    name: &str,
    sender: &mpsc::Sender<Source>,
) -> anyhow::Result<()> {
    reader.read_to_end(&mut text)?;
    let limits = JsonLimits { node_count_max: BODY_BYTES_MAX, ..JsonLimits::EVENT };
    let mut compact = String::with_capacity(text.len());
    annals_core::json::compact(text.trim_ascii(), &mut compact, &limits)?;
    let array = match kind(&compact) {
        JsonKind::Array => Some(compact.as_str()),
        JsonKind::Object => {
            member(&compact, "events").filter(|events| kind(events) == JsonKind::Array)
        }
        _ => None,
    };
    let Some(array) = array else {
        let source = sourced(&compact, name.to_owned());
        let _ = sender.blocking_send(source);
        return Ok(());
    };
    for (index, element) in elements(array).enumerate() {
        if sender.blocking_send(sourced(element, format!("{name}[{index}]"))).is_err() {
            break;
        }
    }
    Ok(())
}

fn sourced(event: &str, place: String) -> Source {
    match draft(event) {
        Ok(draft) => Source::Events(vec![Sourced { place, draft }]),
        Err(reason) => Source::Broken { place, reason },
    }
}

fn draft(compact: &str) -> Result<Draft, String> {
    if compact.len() > EVENT_BYTES_MAX {
        return Err(format!(
            "the event has {} bytes; at most {EVENT_BYTES_MAX} are allowed",
            compact.len()
        ));
    }
    Draft::parse(compact, Strictness::Native).map_err(|fault| fault.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"event_type":"t","actor":{"actor_type":"user","actor_id":"u"},"stream":{"stream_type":"run","stream_id":"r"},"data":1}"#;

    fn read(text: &str) -> (Vec<String>, Vec<String>, Option<String>) {
        let (sender, mut arrived) = mpsc::channel(100);
        let reader = Box::new(io::Cursor::new(text.as_bytes().to_vec()));
        let failure = read_all(reader, "f", &sender).err().map(|error| error.to_string());
        drop(sender);
        let (mut places, mut broken) = (Vec::new(), Vec::new());
        while let Some(source) = arrived.blocking_recv() {
            match source {
                Source::Events(events) => {
                    places.extend(events.into_iter().map(|event| event.place))
                }
                Source::Broken { place, reason } => broken.push(format!("{place}: {reason}")),
                Source::Unreadable(error) => broken.push(error.to_string()),
            }
        }
        (places, broken, failure)
    }

    #[test]
    fn reads_lines_and_documents_alike() {
        assert_eq!(read(&format!("{EVENT}\n\n{EVENT}")).0, ["f:1", "f:3"]);
        assert_eq!(read(&format!("[\n{EVENT},\n{EVENT}]")).0, ["f[0]", "f[1]"]);
        assert_eq!(read(&format!("{{\"events\":[{EVENT}]}}")).0, ["f[0]"]);
        assert_eq!(read(&EVENT.replace(',', ",\n")).0, ["f"]);
        assert_eq!(read("").0.len(), 0);
    }

    #[test]
    fn a_broken_line_is_named_and_the_rest_goes_on() {
        let (places, broken, failure) =
            read(&format!("{EVENT}\n{{oops\n{{\"evnt_id\":1}}\n{EVENT}\n"));
        assert_eq!(places, ["f:1", "f:4"]);
        assert!(
            broken[0].starts_with("f:2: ") && broken[1].starts_with("f:3: `evnt_id` is no field")
        );
        assert_eq!(failure, None);
    }

    #[test]
    fn what_is_no_json_at_all_is_said_once() {
        let (places, broken, failure) = read("hello\nworld\n");
        assert!(places.is_empty() && broken.is_empty());
        assert!(failure.is_some());
    }
}
