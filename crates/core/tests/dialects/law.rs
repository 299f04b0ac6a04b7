//! Every fixture of every dialect: foreign → event → foreign is the same document.

use annals_core::json::{member, members};

use crate::fixtures::{ALL, DIALECTS, documents, read, stored, value, write};

/// Bytes that a translation keeps because nothing else could say them.
pub(crate) fn residue(envelope: &str) -> usize {
    let raw = member(envelope, "origin").and_then(|origin| member(origin, "raw"));
    let notes = member(envelope, "extensions").and_then(|all| member(all, "translation"));
    let differences = notes.and_then(|notes| member(notes, "differences"));
    [raw, differences].into_iter().flatten().map(str::len).sum()
}

#[test]
fn every_fixture_comes_back_as_it_came() {
    let mut failed = Vec::new();
    for dialect in ALL {
        for document in documents(dialect) {
            let draft = match read(dialect, &document) {
                Ok(draft) => draft,
                Err(fault) => {
                    failed.push(format!("{dialect}: {fault}: {document}"));
                    continue;
                }
            };
            let envelope = stored(&draft);
            match write(dialect, &envelope) {
                Some(written) if value(&written) == value(&document) => {}
                written => {
                    failed.push(format!("{dialect}:\n  {document}\n  {envelope}\n  {written:?}"))
                }
            }
        }
    }
    assert!(failed.is_empty(), "{} documents:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn what_only_a_note_can_say_is_less_than_a_tenth() {
    for dialect in ALL {
        let (mut document_bytes, mut residue_bytes) = (0, 0);
        for document in documents(dialect) {
            let envelope = stored(&read(dialect, &document).unwrap());
            document_bytes += document.len();
            let bytes = residue(&envelope);
            if bytes > 0 {
                println!("{dialect}: {bytes} bytes: {envelope}");
            }
            residue_bytes += bytes;
        }
        println!("{dialect}: {residue_bytes} of {document_bytes} bytes are residue");
        assert!(residue_bytes * 10 <= document_bytes, "{dialect}");
    }
}

#[test]
fn every_known_fact_has_an_object_as_its_payload() {
    // The recorder's test of the doors holds payloads against the schemas.
    for dialect in DIALECTS {
        for document in documents(dialect) {
            let draft = read(dialect, &document).unwrap();
            if draft.event_type.as_str() != "foreign.event" {
                assert!(draft.data.starts_with('{'), "{dialect}: {document}");
            }
        }
    }
}

#[test]
fn an_event_without_its_body_has_no_foreign_form() {
    let document = &documents("hive")[0];
    let envelope = stored(&read("hive", document).unwrap());
    let redacted = envelope.replacen('{', "{\"redaction\":{},", 1);
    assert_eq!(members(&redacted).count(), members(&envelope).count() + 1);
    for dialect in DIALECTS {
        assert_eq!(write(dialect, &redacted), None, "{dialect}");
    }
}
