//! Where the data lies, and the law that every document is held to.

use std::path::{Path, PathBuf};

use annals_core::catalog::Catalog;
use annals_core::dialect::cloudevents::{BinaryMessage, CloudEvents, document_of_headers};
use annals_core::dialect::{ForeignContext, ForeignFault, ForeignReader, ForeignWriter};
use annals_core::envelope::Draft;
use annals_core::id::WorkspaceId;
use annals_core::json::{Json, JsonKind, as_str, elements, kind, member, members, unescape};
use annals_core::time::Timestamp;

/// A folder or file of the shared data; none, and a line that says so, where it is absent.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/cloudevents");
    let found = root.join(path);
    if found.exists() {
        return Some(found);
    }
    println!("skipped: shared/data/cloudevents/{path} is not there");
    None
}

/// The text of a file of the shared data.
pub(crate) fn shared_text(path: &str) -> Option<String> {
    shared(path).map(|path| std::fs::read_to_string(path).unwrap())
}

/// The files below a folder with an ending.
pub(crate) fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The draft of a document.
pub(crate) fn read(document: &str) -> Result<Draft, ForeignFault> {
    let workspace_id = WorkspaceId::parse("w1").unwrap();
    let catalog = Catalog::builtin().unwrap();
    let context = ForeignContext {
        workspace_id: &workspace_id,
        catalog: &catalog,
        received_at: Timestamp::from_micros(0),
    };
    let json = Json::parse(document.as_bytes()).unwrap();
    CloudEvents::one().unwrap().read(json.as_str(), &context)
}

/// Holds a document to the law: it goes out as it came, without help of `origin.raw`, and its binary
/// form is that of what comes of the binary form.
pub(crate) fn check(document: &str) -> Draft {
    let mut draft = read(document).unwrap_or_else(|fault| panic!("{fault}: {document}"));
    draft.origin.raw = None;
    let catalog = Catalog::builtin().unwrap();
    let back = CloudEvents::one().unwrap().write(&draft.to_json(), &catalog).unwrap();
    let document = Json::parse(document.as_bytes()).unwrap();
    assert!(is_same(document.as_str(), &back), "{document}\n{back}");
    if let Some(message) = BinaryMessage::of_document(document.as_str()).unwrap() {
        let again = BinaryMessage::of_document(&by_headers(&message)).unwrap().unwrap();
        assert_eq!(sorted(&message), sorted(&again), "{document}");
    }
    draft
}

/// The document that a message in the binary mode states.
pub(crate) fn by_headers(message: &BinaryMessage) -> String {
    let headers = message.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let content_type = message.content_type.iter().map(|text| ("content-type", text.as_bytes()));
    document_of_headers(headers.chain(content_type), &message.body).unwrap()
}

/// A message with its headers in order.
pub(crate) fn sorted(message: &BinaryMessage) -> BinaryMessage {
    let mut message = message.clone();
    message.headers.sort();
    message
}

/// Whether two compact texts are one document: number texts count, the order of members does not.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    match (kind(one), kind(other)) {
        (JsonKind::Object, JsonKind::Object) => {
            members(one).count() == members(other).count()
                && members(one).all(|(key, value)| {
                    member(other, &unescape(key)).is_some_and(|there| is_same(value, there))
                })
        }
        (JsonKind::Array, JsonKind::Array) => {
            elements(one).count() == elements(other).count()
                && elements(one).zip(elements(other)).all(|(one, other)| is_same(one, other))
        }
        (JsonKind::String, JsonKind::String) => as_str(one) == as_str(other),
        _ => one == other,
    }
}
