//! The examples that stand in the specification's own pages.

use annals_core::dialect::cloudevents::BinaryMessage;
use annals_core::json::{Json, member};
use serde_json::value::RawValue;

use crate::support::{check, is_same, read, shared_text};

/// What the specification writes where base64 would stand, and what stands in for it here.
const PLACEHOLDER: (&str, &str) = ("... base64 encoded string ...", "AAECAw==");

/// The fenced blocks of a page: language and content.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut parts = page.split("\n```");
    parts.next();
    let mut blocks = Vec::new();
    while let (Some(block), Some(_)) = (parts.next(), parts.next()) {
        let (language, content) = block.split_once('\n').unwrap_or((block, ""));
        blocks.push((language.to_ascii_lowercase(), content.to_owned()));
    }
    blocks
}

/// The CloudEvents of a block of JSON: one, an array, or one after the other.
fn events(block: &str) -> Vec<String> {
    let values = serde_json::Deserializer::from_str(block).into_iter::<Box<RawValue>>();
    let mut events = Vec::new();
    // A block with an ellipsis in it is no JSON, and no example to run.
    for value in values.map_while(Result::ok) {
        let json = Json::parse(value.get().as_bytes()).unwrap().into_string();
        match json.starts_with('[') {
            true => events.extend(annals_core::json::elements(&json).map(str::to_owned)),
            false => events.push(json),
        }
    }
    events.retain(|event| member(event, "specversion").is_some());
    events
}

#[test]
fn the_examples_of_the_specification_come_back_as_they_came() {
    let pages = [
        ("spec.md", 1),
        ("formats/json-format.md", 8),
        ("extensions/sequence.md", 2),
        ("extensions/dataref.md", 1),
    ];
    for (page, event_count_min) in pages {
        let path = format!("cloudevents+spec/cloudevents/{page}");
        let Some(text) = shared_text(&path) else { continue };
        let mut event_count = 0;
        for event in blocks(&text).iter().flat_map(|(_, block)| events(block)) {
            if event.contains(PLACEHOLDER.0) {
                assert!(read(&event).is_err(), "dots are no base64");
            }
            check(&event.replace(PLACEHOLDER.0, PLACEHOLDER.1));
            event_count += 1;
        }
        assert!(event_count >= event_count_min, "{page}: {event_count}");
    }
}

/// Each example of the JSON format is followed by the same event in the binary mode.
#[test]
fn the_json_formats_examples_have_the_binary_form_that_the_specification_shows() {
    let path = "cloudevents+spec/cloudevents/formats/json-format.md";
    let Some(page) = shared_text(path) else { return };
    let mut pair_count = 0;
    for pair in blocks(&page).windows(2) {
        let [(_, json), (_, shown)] = pair else { continue };
        let events = events(json);
        let ([event], true) = (events.as_slice(), shown.starts_with("ce-specversion")) else {
            continue;
        };
        let event = event.replace(PLACEHOLDER.0, PLACEHOLDER.1);
        let message = BinaryMessage::of_document(&event).unwrap().unwrap();
        let (head, body) = shown.split_once("\n\n").unwrap();
        let mut expected: Vec<_> = head.lines().filter_map(|line| line.split_once(": ")).collect();
        let mut found: Vec<_> =
            message.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        found.extend(message.content_type.as_deref().map(|value| ("content-type", value)));
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected, "{event}");
        match Json::parse(body.as_bytes()) {
            Ok(json) => {
                let sent = Json::parse(&message.body).unwrap();
                assert!(is_same(sent.as_str(), json.as_str()), "{event}");
            }
            Err(_) if body.starts_with("...") => {}
            Err(_) => assert_eq!(message.body, body.as_bytes(), "{event}"),
        }
        pair_count += 1;
    }
    assert_eq!(pair_count, 6);
}
