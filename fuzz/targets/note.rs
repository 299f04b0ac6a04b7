//! Signed notes, checkpoints, keys, tile paths: what is read is written back as it was.

#![no_main]

use annals_core::checkpoint::{Checkpoint, RotationStatement, SignedCheckpoint, SignedRotation};
use annals_core::note::{Note, NoteSignature, SigningKey, VerifierKey};
use annals_core::tiles::TilePath;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(note) = Note::parse(text) {
        assert_eq!(note.to_string(), text);
        let key = SigningKey::from_seed("annals.local/fuzz", [7; 32]).unwrap().verifier();
        // Nothing but the one note that the corpus holds was ever signed with this key.
        let _ = note.verify(&key);
    }
    if let Ok(signed) = SignedCheckpoint::parse(text) {
        assert_eq!(signed.to_string(), text);
        assert_eq!(
            Checkpoint::parse(&signed.checkpoint().to_body()).as_ref(),
            Ok(signed.checkpoint())
        );
    }
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        let body = checkpoint.to_body();
        assert!(text.starts_with(&body), "{text:?} {body:?}");
    }
    if let Ok(statement) = RotationStatement::parse(text) {
        assert_eq!(statement.to_body(), text);
    }
    let _ = SignedRotation::parse_verified(text);
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string().parse::<VerifierKey>().as_ref(), Ok(&key));
    }
    if let Ok(path) = text.parse::<TilePath>() {
        assert_eq!(path.to_string(), text);
        let _ = path.first_entry();
    }
    if let Some(signature) = NoteSignature::parse(text) {
        assert_eq!(NoteSignature::parse(&signature.to_string()).as_ref(), Some(&signature));
    }
});
