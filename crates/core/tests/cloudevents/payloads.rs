//! Real payloads as the data of CloudEvents, in every form that data can have.

use annals_core::dialect::cloudevents::BinaryMessage;
use annals_core::json::Json;

use crate::support::{by_headers, check, files, shared};

#[test]
fn real_payloads_survive_in_every_mode() {
    for folder in ["octokit+webhooks", "googleapis+google-cloudevents", "cloudevents+sdk-go"] {
        let Some(path) = shared(folder) else { continue };
        let files = files(&path, "json");
        assert!(!files.is_empty(), "{folder}");
        for (index, file) in files.iter().enumerate() {
            let payload = std::fs::read(file).unwrap();
            let name = file.strip_prefix(&path).unwrap().to_string_lossy().into_owned();
            for content_type in [
                Some("application/json"),
                Some("text/plain"),
                Some("application/octet-stream"),
                None,
            ] {
                let message = BinaryMessage {
                    headers: [
                        ("specversion", "1.0"),
                        ("id", &index.to_string()),
                        ("source", "//example.com"),
                        ("type", "com.example.payload"),
                        ("subject", &name),
                    ]
                    .map(|(name, value)| (format!("ce-{name}"), value.to_owned()))
                    .to_vec(),
                    content_type: content_type.map(str::to_owned),
                    body: payload.clone(),
                };
                let document = by_headers(&message);
                check(&document);
                let again = BinaryMessage::of_document(&document).unwrap().unwrap();
                match content_type {
                    Some("application/json") => {
                        assert_eq!(again.body, Json::parse(&payload).unwrap().as_str().as_bytes());
                    }
                    _ => assert_eq!(again.body, payload, "{name}"),
                }
            }
        }
    }
}
