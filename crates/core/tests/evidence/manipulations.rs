//! Every way to change an evidence file that we know of, and what a verifier must say of it.
//!
//! Both verifiers are held to this table.

use annals_core::checkpoint::SignedRotation;
use annals_core::hash::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::log::{Log, ORIGIN, log_key, witness};

/// A change to the example's file.
pub(crate) struct Manipulation {
    pub(crate) name: &'static str,
    pub(crate) edit: fn(&mut Value),
    /// The event that is named, from 1; 0 if the fault is none of an event.
    pub(crate) event: usize,
    /// A part of what our verifier says.
    pub(crate) says: &'static str,
}

const fn change(
    name: &'static str,
    event: usize,
    says: &'static str,
    edit: fn(&mut Value),
) -> Manipulation {
    Manipulation { name, edit, event, says }
}

/// Events of the example's file: run-1 seq 1, run-1 seq 2, room seq 1, run-1 seq 3, room seq 3,
/// run-1 seq 4.
pub(crate) const MANIPULATIONS: &[Manipulation] = &[
    change("edited body", 2, "its body was edited", |file| {
        file["events"][1]["body"] = json!(STANDARD.encode(r#"{"data":{"tool":"cat"}}"#));
    }),
    change("edited salt", 2, "its body was edited", |file| {
        file["events"][1]["salt"] = json!(STANDARD.encode([0; 32]));
    }),
    change("edited commitment", 2, "its body was edited", |file| {
        file["events"][1]["commitment"] = json!(Digest::ZERO.to_string());
    }),
    change(
        "edited body with its commitment",
        2,
        "its header, commitment or prev was edited",
        |file| {
            let body = br#"{"data":{"tool":"cat"}}"#;
            file["events"][1]["body"] = json!(STANDARD.encode(body));
            let commitment = annals_core::record::commitment(&[3; 32], body);
            file["events"][1]["commitment"] = json!(commitment.to_string());
        },
    ),
    change("edited header", 2, "its header, commitment or prev was edited", |file| {
        edit_header(file, 1, b"tool.invoked", b"tool.checked");
    }),
    change("edited header of the last event", 6, "is not in the signed log", |file| {
        edit_header(file, 5, b"tool.invoked", b"tool.checked");
    }),
    change("edited time in the header", 4, "its header, commitment or prev was edited", |file| {
        let mut header = bytes(&file["events"][3]["header"]);
        *header.last_mut().expect("a header") ^= 1;
        file["events"][3]["header"] = json!(STANDARD.encode(header));
    }),
    change("header of another event", 2, "its header is that of the event at position 6", |file| {
        file["events"][1]["header"] = file["events"][3]["header"].clone();
    }),
    change("cut header", 2, "its header is damaged", |file| {
        let header = bytes(&file["events"][1]["header"]);
        file["events"][1]["header"] = json!(STANDARD.encode(&header[..header.len() - 1]));
    }),
    change("empty header", 2, "its header is damaged", |file| {
        file["events"][1]["header"] = json!("");
    }),
    change("edited prev", 2, "its header, commitment or prev was edited", |file| {
        file["events"][1]["prev"] = json!(Digest::ZERO.to_string());
    }),
    change("edited proof", 2, "its proof was edited", |file| {
        file["events"][1]["proof"][0] = json!(Digest::ZERO.to_string());
    }),
    change("edited proof of the last event", 6, "is not in the signed log", |file| {
        file["events"][5]["proof"][0] = json!(Digest::ZERO.to_string());
    }),
    change("shortened proof", 2, "its proof was edited", |file| {
        list(&mut file["events"][1]["proof"]).pop();
    }),
    change("lengthened proof", 2, "its proof was edited", |file| {
        list(&mut file["events"][1]["proof"]).push(json!(Digest::ZERO.to_string()));
    }),
    change("removed event", 3, "the events with seq 2 to 2 before it", |file| {
        remove(file, 1);
    }),
    change("removed first event", 1, "the events with seq 1 to 1 before it", |file| {
        remove(file, 0);
    }),
    change("removed three events", 2, "the events with seq 1 to 3 before it", |file| {
        remove(file, 3);
        remove(file, 1);
        remove(file, 0);
        remove(file, 0);
    }),
    change("removed last event", 0, "says that it has 6 events and has 5", |file| {
        list(&mut file["events"]).pop();
    }),
    change("reordered events", 2, "events were reordered or repeated", |file| {
        list(&mut file["events"]).swap(0, 1);
    }),
    change("repeated event", 3, "events were reordered or repeated", |file| {
        let event = file["events"][1].clone();
        list(&mut file["events"]).insert(2, event);
    }),
    change("invented event", 4, "is not in the signed log", |file| {
        let invented = invented_event(file);
        list(&mut file["events"]).insert(3, invented);
    }),
    change("event of another run", 2, "is no event of the run", |file| {
        let foreign = foreign_event();
        list(&mut file["events"]).insert(1, foreign);
    }),
    change("other position", 2, "its header is that of the event at position 3", |file| {
        file["events"][1]["position"] = json!(2);
    }),
    change("position 0", 1, "events were reordered", |file| {
        file["events"][0]["position"] = json!(0);
    }),
    change("position beyond the checkpoint", 6, "covers 9 events and not this one", |file| {
        file["events"][5]["position"] = json!(10);
    }),
    change("hash of an event that never was", 2, "is not in the signed log", |file| {
        let proof = file["events"][1]["proof"].clone();
        file["events"][1] = json!({
            "position": 3, "event_hash": Digest::ZERO.to_string(), "withheld": "chosen",
            "proof": proof,
        });
    }),
    change("other run", 1, "is no event of the run", |file| {
        file["run"]["run_id"] = json!("run-2");
    }),
    change("other workspace", 1, "is of the workspace `lab`", |file| {
        file["run"]["workspace_id"] = json!("default");
    }),
    change("other log", 1, "its header is of the log 11111111", |file| {
        file["log"]["log_id"] = json!("33333333-3333-3333-3333-333333333333");
    }),
    change("other lineage", 1, "expected was 22222222", |file| {
        let parent = "22222222-2222-2222-2222-222222222222";
        file["log"]["lineage"] = json!([{"log_id": parent, "last_position": 2}]);
    }),
    change("edited size", 0, "does not fit the text", |file| {
        replace(&mut file["checkpoint"], "\n9\n", "\n10\n");
    }),
    change("edited root", 0, "does not fit the text", |file| {
        let root = file["checkpoint"].as_str().expect("text").lines().nth(2).expect("a root");
        let root = root.to_owned();
        replace(&mut file["checkpoint"], &root, &STANDARD.encode([0; 32]));
    }),
    change("edited signature", 0, "does not fit the text", |file| {
        let note = annals_core::note::Note::parse(text(&file["checkpoint"])).expect("a note");
        let mut note = note;
        note.signatures[0].signature[63] ^= 1;
        file["checkpoint"] = json!(note.to_string());
    }),
    change("no signature by the log", 0, "no signature by the key", |file| {
        let mut note = annals_core::note::Note::parse(text(&file["checkpoint"])).expect("a note");
        note.signatures.remove(0);
        file["checkpoint"] = json!(note.to_string());
    }),
    change("edited origin", 0, "is about the log", |file| {
        file["log"]["origin"] = json!("annals.local/other");
    }),
    change("other key", 0, "no signature by the key", |file| {
        file["log"]["key"] = json!(log_key(7).verifier().to_string());
    }),
    change("witness key as the log's key", 0, "is not a key of the log", |file| {
        file["log"]["key"] = json!(witness(1).verifier().to_string());
    }),
    change("witness that did not sign", 0, "no signature by the key", |file| {
        list(&mut file["witness_keys"]).push(json!(witness(3).verifier().to_string()));
    }),
    change("edited cosignature", 0, "the cosignature of witness.example/w does not hold", |file| {
        let mut note = annals_core::note::Note::parse(text(&file["checkpoint"])).expect("a note");
        note.signatures[1].signature[7] ^= 1;
        file["checkpoint"] = json!(note.to_string());
    }),
    change("edited rotation", 0, "key change 1 does not hold", |file| {
        replace(&mut file["log"]["rotations"][0], "\n1\n", "\n2\n");
    }),
    change("rotation to another key", 0, "does not lead to the key after it", |file| {
        let rotation = SignedRotation::sign(ORIGIN, 4, &log_key(1), &log_key(3));
        file["log"]["rotations"][0] = json!(rotation.to_string());
    }),
    change("rotation after the checkpoint", 0, "it is younger", |file| {
        let rotation = SignedRotation::sign(ORIGIN, 10, &log_key(1), &log_key(2));
        file["log"]["rotations"][0] = json!(rotation.to_string());
    }),
    change("newer format", 0, "a newer Annals may know it", |file| {
        file["format"] = json!("annals-evidence/2");
        file["more"] = json!(true);
    }),
    change("unknown member", 0, "no evidence file", |file| file["more"] = json!(1)),
    change("unknown member of an event", 2, "it cannot be read", |file| {
        file["events"][1]["more"] = json!(1);
    }),
    change("null instead of nothing", 2, "it cannot be read", |file| {
        file["events"][1]["withheld"] = Value::Null;
    }),
    change("body and withheld", 2, "it cannot be read", |file| {
        file["events"][1]["withheld"] = json!("chosen");
    }),
    change("body without salt", 2, "it cannot be read", |file| {
        object(&mut file["events"][1]).remove("salt");
    }),
    change("neither body nor reason", 2, "it cannot be read", |file| {
        object(&mut file["events"][1]).remove("salt");
        object(&mut file["events"][1]).remove("body");
    }),
    change("unknown reason", 2, "it cannot be read", |file| {
        object(&mut file["events"][1]).remove("salt");
        object(&mut file["events"][1]).remove("body");
        file["events"][1]["withheld"] = json!("lost");
    }),
    change("a reason that says nothing is withheld", 2, "it cannot be read", |file| {
        object(&mut file["events"][1]).remove("salt");
        object(&mut file["events"][1]).remove("body");
        file["events"][1]["withheld"] = json!("nothing");
    }),
    change("no run", 0, "no evidence file", |file| file["run"]["run_id"] = Value::Null),
    change("proof that is a text", 1, "it cannot be read", |file| {
        *file = file_of_one_event();
        file["events"][0]["proof"] = json!("");
    }),
    change("proof that is an object", 1, "it cannot be read", |file| {
        *file = file_of_one_event();
        file["events"][0]["proof"] = json!({});
    }),
    change("short root and no events", 0, "checkpoint", |file| {
        file["checkpoint"] = json!(signed(&format!("{ORIGIN}\n9\nYWJj\n")));
        file["events"] = json!([]);
        file["event_count"] = json!(0);
    }),
    change("key of small order", 0, "no Ed25519 public key, or a weak one", |file| {
        // The neutral point as key and as R, with S = 0: the equation holds for every text.
        forge_key(file, &NEUTRAL_POINT, &[NEUTRAL_POINT, [0; 32]].concat());
    }),
    change("key that is no point", 0, "no Ed25519 public key, or a weak one", |file| {
        let mut public_key = [0; 32];
        public_key[0] = 2;
        forge_key(file, &public_key, &[0; 64]);
    }),
    change("removed event, and one that is none", 3, "the events with seq 2 to 2", |file| {
        remove(file, 1);
        list(&mut file["events"]).push(json!([]));
    }),
    change("hash and record", 2, "it cannot be read", |file| {
        file["events"][1]["event_hash"] = json!(Digest::ZERO.to_string());
    }),
    change("unknown encoding", 2, "the encoding 1 is not known here", |file| {
        file["events"][1]["encoding"] = json!(1);
    }),
    change("position as text", 2, "it cannot be read", |file| {
        file["events"][1]["position"] = json!("3");
    }),
    change("position as a fraction", 2, "it cannot be read", |file| {
        file["events"][1]["position"] = json!(3.0);
    }),
    change("upper-case hex", 2, "`prev`", |file| {
        let prev = text(&file["events"][1]["prev"]).to_uppercase();
        file["events"][1]["prev"] = json!(prev);
    }),
    change("base64 without padding", 2, "`salt` is not base64", |file| {
        let salt = text(&file["events"][1]["salt"]).trim_end_matches('=').to_owned();
        file["events"][1]["salt"] = json!(salt);
    }),
    change("short salt", 2, "`salt` is not 32 bytes", |file| {
        file["events"][1]["salt"] = json!(STANDARD.encode([3; 31]));
    }),
    change("summary that is no object", 0, "no evidence file", |file| {
        file["summary"] = json!([]);
    }),
    change("no event count", 0, "no evidence file", |file| {
        object(file).remove("event_count");
    }),
    change("events that are no list", 0, "no evidence file", |file| {
        file["events"] = json!({});
    }),
];

pub(crate) fn remove(file: &mut Value, index: usize) {
    list(&mut file["events"]).remove(index);
    let count = file["event_count"].as_u64().expect("a number");
    file["event_count"] = json!(count - 1);
}

pub(crate) fn object(value: &mut Value) -> &mut serde_json::Map<String, Value> {
    value.as_object_mut().expect("an object")
}

fn list(value: &mut Value) -> &mut Vec<Value> {
    value.as_array_mut().expect("a list")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

fn bytes(value: &Value) -> Vec<u8> {
    STANDARD.decode(text(value)).expect("base64")
}

fn replace(value: &mut Value, from: &str, to: &str) {
    let changed = text(value).replacen(from, to, 1);
    assert_ne!(text(value), changed, "the text holds {from:?}");
    *value = json!(changed);
}

/// The encoding of the point that every key and signature of small order can be made of.
const NEUTRAL_POINT: [u8; 32] = {
    let mut point = [0; 32];
    point[0] = 1;
    point
};

fn file_of_one_event() -> Value {
    let mut log = Log::default();
    log.append("run/run-1", crate::log::RUN, r#"{"data":1}"#);
    serde_json::from_str(&log.evidence()).expect("JSON")
}

/// A note by the example's log and witness.
fn signed(body: &str) -> String {
    let signatures = vec![log_key(2).sign(body), witness(1).cosign(body, 1_760_000_000)];
    annals_core::note::Note { body: body.to_owned(), signatures }.to_string()
}

/// Puts another key, and what is said to be its signature, in place of the log's.
fn forge_key(file: &mut Value, public_key: &[u8; 32], signature: &[u8]) {
    let kind_and_key = [&[1], public_key.as_slice()].concat();
    let digest = annals_core::hash::sha256(&[ORIGIN.as_bytes(), b"\n", &kind_and_key]);
    let [a, b, c, d, ..] = *digest.as_bytes();
    let id = u32::from_be_bytes([a, b, c, d]);
    file["log"]["key"] = json!(format!("{ORIGIN}+{id:08x}+{}", STANDARD.encode(&kind_and_key)));
    file["log"]["rotations"] = json!([]);
    let mut note = annals_core::note::Note::parse(text(&file["checkpoint"])).expect("a note");
    note.signatures[0].id = id;
    note.signatures[0].signature = signature.to_vec();
    file["checkpoint"] = json!(note.to_string());
}

fn edit_header(file: &mut Value, index: usize, from: &[u8], to: &[u8]) {
    let mut header = bytes(&file["events"][index]["header"]);
    let at = header.windows(from.len()).position(|window| window == from).expect("it is there");
    header[at..at + from.len()].copy_from_slice(to);
    file["events"][index]["header"] = json!(STANDARD.encode(header));
}

/// An event that fits the room's chain, at a position that is not in the file.
fn invented_event(file: &Value) -> Value {
    let mut log = Log::example();
    log.events.truncate(4);
    log.append("room/r", crate::log::RUN, r#"{"data":"I pay"}"#);
    let mut event = event_json(&log, 5);
    event["proof"] = file["events"][3]["proof"].clone();
    event
}

fn foreign_event() -> Value {
    event_json(&Log::example(), 2)
}

fn event_json(log: &Log, position: usize) -> Value {
    let event = &log.events[position - 1];
    let record = event.record();
    let path = annals_core::merkle::inclusion_path(&log.leaves(), position - 1).expect("a leaf");
    json!({
        "position": position,
        "header": STANDARD.encode(&record.header),
        "prev": record.prev_event_hash.to_string(),
        "commitment": record.commitment.to_string(),
        "encoding": 0,
        "salt": STANDARD.encode(record.salt),
        "body": STANDARD.encode(&record.body),
        "proof": path.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}
