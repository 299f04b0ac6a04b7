//! Our notes and checkpoints, read by implementations that we did not write.

use annals_core::checkpoint::{Checkpoint, SignedCheckpoint};
use annals_core::hash::Digest;
use annals_core::note::{CosigningKey, Note, SigningKey};
use signed_note::{StandardSigner, StandardVerifier, Verifier, VerifierList};

const ORIGIN: &str = "annals.local/0190a6a1-0000-7000-8000-000000000001";

fn log_key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, [5; 32]).expect("a key name")
}

fn foreign_verifier(key: &str) -> VerifierList {
    VerifierList::new(vec![Box::new(StandardVerifier::new(key).expect("a key for them too"))])
}

#[test]
fn signed_note_verifies_what_we_sign() {
    let checkpoint =
        Checkpoint { origin: ORIGIN.to_owned(), size: 1_234, root: Digest::new([9; 32]) };
    let mut signed = SignedCheckpoint::sign(checkpoint, &log_key());
    let witness = CosigningKey::from_seed("witness.example", [6; 32]).expect("a key name");
    let body = signed.note().body.clone();
    signed.put_cosignature(witness.cosign(&body, 1_763_640_000));

    let note = signed_note::Note::from_bytes(signed.to_string().as_bytes()).expect("a note");
    let known = foreign_verifier(&log_key().verifier().to_string());
    let (verified, unknown) = note.verify(&known).expect("signed by our key");
    assert_eq!((verified.len(), unknown.len()), (1, 1));
    assert_eq!(unknown[0].id(), witness.verifier().id());
    assert_eq!(note.to_bytes(), signed.to_string().as_bytes());

    let changed = signed.to_string().replace("1234", "1235");
    let note = signed_note::Note::from_bytes(changed.as_bytes()).expect("a note");
    assert!(note.verify(&known).is_err());
}

#[test]
fn tlog_tiles_reads_our_checkpoints() {
    let root = Digest::new([0xfe; 32]);
    let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size: 70_000, root };
    let body = checkpoint.to_body();
    let theirs = tlog_tiles::Checkpoint::from_bytes(body.as_bytes()).expect("a checkpoint");
    assert_eq!(theirs.origin(), ORIGIN);
    assert_eq!(theirs.size(), 70_000);
    assert_eq!(&theirs.hash().0, root.as_bytes());
    assert_eq!(theirs.to_bytes(), body.as_bytes());
}

#[test]
fn we_verify_what_signed_note_signs() {
    // The key pair of the tests of Go's `sumdb/note`.
    let secret = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    let public = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let signer = StandardSigner::new(secret).expect("their key");
    let mut note = signed_note::Note::new(b"a text\n\nof two parts\n", &[]).expect("a note");
    note.add_sigs(&[&signer]).expect("signed");
    let text = String::from_utf8(note.to_bytes()).expect("notes are text");
    let ours = Note::parse(&text).expect("a note for us too");
    ours.verify(&public.parse().expect("a key")).expect("their signature");
    assert_eq!(ours.to_string(), text);
}

#[test]
fn key_ids_are_the_same_on_both_sides() {
    for (name, seed) in [("a", 1), ("example.com/log42", 2), ("ключ.example", 3)] {
        let ours = SigningKey::from_seed(name, [seed; 32]).expect("a key name").verifier();
        let theirs = StandardVerifier::new(&ours.to_string()).expect("a key for them too");
        assert_eq!((ours.name(), ours.id()), (theirs.name(), theirs.key_id()));
    }
}
