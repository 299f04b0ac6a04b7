//! Writes the corpus files that need hashes and signatures: a record's header, a signed checkpoint,
//! an evidence file. Run in `fuzz/`: `cargo run --example seeds`.

#![allow(clippy::unwrap_used, reason = "a tool for whoever changes a format")]

use std::fs;

use annals_core::checkpoint::{Checkpoint, SignedCheckpoint, SignedRotation};
use annals_core::evidence::{Disclosure, EvidenceHead, EvidenceWriter, verify_evidence};
use annals_core::id::RunId;
use annals_core::merkle::{inclusion_path, leaf_hash, root};
use annals_core::note::{CosigningKey, SigningKey};
use annals_fuzz::{LOG_ID, base, workspace};

const ORIGIN: &str = "annals.local/fuzz";

fn main() {
    let events = &base().events[..12];
    let leaves: Vec<_> =
        events.iter().map(|event| leaf_hash(event.event_hash().as_bytes())).collect();
    let key = SigningKey::from_seed(ORIGIN, [7; 32]).unwrap();
    let witness = CosigningKey::from_seed("witness.example/w", [8; 32]).unwrap();
    let checkpoint =
        Checkpoint { origin: ORIGIN.to_owned(), size: leaves.len() as u64, root: root(&leaves) };
    let body = checkpoint.to_body();
    let mut signed = SignedCheckpoint::sign(checkpoint, &key);
    signed.put_cosignature(witness.cosign(&body, 1_767_225_600));
    let other = SigningKey::from_seed(ORIGIN, [9; 32]).unwrap();
    let rotation = SignedRotation::sign(ORIGIN, 5, &other, &key);

    let summary = serde_json::Map::new();
    let run_id = RunId::parse("s0").unwrap();
    let head = EvidenceHead {
        log_id: LOG_ID,
        lineage: &[],
        key: &key.verifier(),
        rotations: &[],
        checkpoint: &signed,
        witness_keys: &[witness.verifier()],
        workspace_id: &workspace(),
        run_id: &run_id,
        summary: &summary,
    };
    let mut writer = EvidenceWriter::begin(Vec::new(), &head).unwrap();
    let disclosures = [Disclosure::Full, Disclosure::WithoutBody, Disclosure::HashOnly];
    let of_run = events.iter().filter(|event| event.header().stream_id == "s0");
    for (number, event) in of_run.take(4).enumerate() {
        let index = usize::try_from(event.position().get()).unwrap() - 1;
        let path = inclusion_path(&leaves, index).unwrap();
        writer.put(event, disclosures[number % 3], &path).unwrap();
    }
    let file = String::from_utf8(writer.finish().unwrap()).unwrap();
    verify_evidence(&file).unwrap();

    fs::write("corpus/evidence/valid", file).unwrap();
    fs::write("corpus/note/signed", signed.to_string()).unwrap();
    fs::write("corpus/note/rotation", rotation.note().to_string()).unwrap();
    fs::write("corpus/note/key", key.verifier().to_string()).unwrap();
    let header = &events[0].record().header;
    fs::write("corpus/record/header", [&[255], &header[..]].concat()).unwrap();
    let with_body = [&[200], &header[..], b"{\"data\":1}"].concat();
    fs::write("corpus/record/header-and-body", with_body).unwrap();
}
