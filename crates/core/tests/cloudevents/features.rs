//! The conformance features, and the vectors beside them.

use annals_core::dialect::ForeignFault;
use annals_core::dialect::cloudevents::{BinaryMessage, MediaType, document_of_headers};
use annals_core::json::{Json, as_str, member};
use serde_json::Value;

use crate::gherkin::{Scenario, scenarios};
use crate::support::{by_headers, check, is_same, read, shared, shared_text};

/// A message of a protocol that has headers, and what a feature says of it.
struct Message {
    headers: Vec<(String, String)>,
    body: String,
}

impl Message {
    /// The head and the body of an HTTP request.
    fn of_http(request: &str) -> Self {
        let (head, body) = request.split_once("\n\n").expect("a request has a head");
        let header = |line: &str| {
            let (name, value) = line.split_once(':').expect("a header has a colon");
            (name.to_owned(), value.trim().to_owned())
        };
        Self { headers: head.lines().skip(1).map(header).collect(), body: body.to_owned() }
    }

    /// The Kafka binding's headers differ from HTTP's in the prefix alone, as far as the feature goes.
    fn of_kafka(payload: &str, headers: Vec<(String, String)>) -> Self {
        let header = |(name, value): (String, String)| (name.replacen("ce_", "ce-", 1), value);
        Self { headers: headers.into_iter().map(header).collect(), body: payload.to_owned() }
    }

    /// The document that the message states, in whichever mode it is.
    fn document(&self) -> String {
        let is_content_type =
            |(name, _): &&(String, String)| name.eq_ignore_ascii_case("content-type");
        let content_type = self.headers.iter().find(is_content_type).map(|(_, value)| value);
        let media_type = content_type.and_then(|text| MediaType::parse(text));
        if media_type.is_some_and(|media| media.is("application", "cloudevents+json")) {
            return Json::parse(self.body.as_bytes()).unwrap().into_string();
        }
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        document_of_headers(headers, self.body.as_bytes()).unwrap()
    }
}

fn run(scenario: &Scenario) {
    let mut payload = String::new();
    let mut document = String::new();
    for step in &scenario.steps {
        let doc = step.doc.as_deref().unwrap_or_default();
        match step.text.as_str() {
            "an HTTP request" => document = Message::of_http(doc).document(),
            "a Kafka message with payload:" => payload = doc.to_owned(),
            "Kafka headers:" => document = Message::of_kafka(&payload, step.pairs()).document(),
            "parsed as HTTP request" | "parsed as Kafka message" => drop(check(&document)),
            "the attributes are:" => {
                for (name, value) in step.pairs() {
                    let found = member(&document, &name).and_then(as_str);
                    assert_eq!(found.as_deref(), Some(value.as_str()), "{name}: {document}");
                }
            }
            "the data is equal to the following JSON:" => {
                let expected = Json::parse(doc.as_bytes()).unwrap();
                assert!(is_same(member(&document, "data").unwrap(), expected.as_str()));
                assert!(is_same(&read(&document).unwrap().data, expected.as_str()));
            }
            step => panic!("nobody knows the step `{step}`"),
        }
    }
}

#[test]
fn the_conformance_features_pass() {
    for (file, scenario_count) in
        [("http-protocol-binding.feature", 4), ("kafka-protocol-binding.feature", 3)]
    {
        let Some(feature) = shared_text(&format!("cloudevents+conformance/features/{file}")) else {
            continue;
        };
        let scenarios = scenarios(&feature);
        assert_eq!(scenarios.len(), scenario_count, "{file}");
        for scenario in scenarios {
            println!("{file}: {}", scenario.name);
            run(&scenario);
        }
    }
}

/// The vectors of the conformance suite as documents of the JSON format, with the mode they name.
fn vectors(path: &str) -> Vec<Value> {
    let Some(text) = shared_text(&format!("cloudevents+conformance/yaml/{path}")) else {
        return Vec::new();
    };
    let parts = text.split("\n---\n");
    parts.map(|part| serde_saphyr::from_str(part).unwrap()).collect()
}

/// An attribute's text. YAML reads `1.0` as a number, and a block of text ends with a line feed that
/// no attribute may hold.
fn attribute(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| text.trim_end().to_owned())
}

/// What a vector says in the binary mode.
fn message(vector: &Value) -> BinaryMessage {
    let attributes = vector["ContextAttributes"].as_object().unwrap();
    let extensions = attributes.get("Extensions").and_then(Value::as_object);
    let all = attributes.iter().chain(extensions.into_iter().flatten());
    let headers = all.filter(|(name, _)| *name != "Extensions" && *name != "datacontenttype");
    let encoded = |text: &str| text.replace(' ', "%20").replace('"', "%22");
    BinaryMessage {
        headers: headers
            .map(|(name, value)| (format!("ce-{name}"), encoded(&attribute(value))))
            .collect(),
        content_type: attributes.get("datacontenttype").map(attribute),
        body: vector["Data"].as_str().unwrap().trim_end().as_bytes().to_vec(),
    }
}

#[test]
fn the_conformance_vectors_of_version_1_are_read_and_written() {
    for path in ["v1.yaml", "v1.0/v1_minimum.yaml"] {
        for vector in vectors(path) {
            let message = message(&vector);
            let document = by_headers(&message);
            let draft = check(&document);
            let sent = String::from_utf8(message.body.clone()).unwrap();
            match message.content_type.as_deref() {
                Some(text) if MediaType::parse(text).unwrap().is_json() => {
                    assert_eq!(draft.data, sent, "JSON is inline");
                }
                Some(_) => assert_eq!(as_str(&draft.data).as_deref(), Some(sent.as_str())),
                None => assert!(draft.data.starts_with("{\"$bin\":"), "nothing is known of it"),
            }
            let again = BinaryMessage::of_document(&document).unwrap().unwrap();
            assert_eq!((again.content_type, again.body), (message.content_type, message.body));
        }
    }
}

#[test]
fn the_conformance_vectors_of_version_0_3_are_refused_by_name() {
    for path in ["v03.yaml", "v0.3/v03_minimum.yaml"] {
        for vector in vectors(path) {
            let fault = read(&by_headers(&message(&vector))).unwrap_err();
            assert!(
                matches!(&fault, ForeignFault::UnsupportedVersion { found, .. } if found == "0.3"),
                "{fault}"
            );
        }
    }
}

#[test]
fn the_sdks_examples_come_back_as_they_came() {
    let Some(folder) = shared("cloudevents+sdk-javascript") else { return };
    let files = crate::support::files(&folder, "json");
    assert_eq!(files.len(), 3);
    for file in files {
        check(&std::fs::read_to_string(file).unwrap());
    }
}
