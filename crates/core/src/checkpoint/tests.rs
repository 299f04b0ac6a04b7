//! What is taken as a checkpoint or a rotation, and what is not.

use super::*;
use crate::note::CosigningKey;
use proptest::prelude::*;

const ORIGIN: &str = "annals.local/0190a6a1-0000-7000-8000-000000000001";

/// The example of C2SP's tlog-checkpoint and tlog-cosignature, with its signatures.
const SPECIFIED: &str = "example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
";

fn checkpoint() -> Checkpoint {
    Checkpoint { origin: ORIGIN.to_owned(), size: 5, root: Digest::new([7; 32]) }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(ORIGIN, [seed; 32]).expect("the origin is a key name")
}

#[test]
fn reads_the_specified_example_and_writes_it_back() {
    let signed = SignedCheckpoint::parse(SPECIFIED).expect("the specification's own example");
    assert_eq!(signed.checkpoint().size, 20_852_163);
    assert_eq!(signed.checkpoint().origin, "example.com/behind-the-sofa");
    assert_eq!(signed.note().signatures.len(), 2);
    assert_eq!(signed.to_string(), SPECIFIED);
    assert!(SPECIFIED.starts_with(&signed.checkpoint().to_body()));
}

#[test]
fn a_signed_checkpoint_is_read_and_verified() {
    let signed = SignedCheckpoint::sign(checkpoint(), &key(1));
    let read = SignedCheckpoint::parse(&signed.to_string()).expect("a checkpoint");
    assert_eq!(read, signed);
    read.verify(&key(1).verifier()).expect("signed by this key");
    let wrong = read.verify(&key(2).verifier());
    assert!(matches!(wrong, Err(CheckpointError::Note(NoteError::NotSigned { .. }))), "{wrong:?}");
}

#[test]
fn a_key_under_another_name_or_of_a_witness_is_no_key_of_the_log() {
    let other = SigningKey::from_seed("elsewhere.example", [1; 32]).expect("a key name");
    let witness = CosigningKey::from_seed(ORIGIN, [1; 32]).expect("a key name");
    let mut signed = SignedCheckpoint::sign(checkpoint(), &other);
    let body = signed.note().body.clone();
    signed.put_cosignature(witness.cosign(&body, 9));
    for key in [other.verifier(), witness.verifier()] {
        let answer = signed.verify(&key);
        assert!(matches!(answer, Err(CheckpointError::ForeignKey { .. })), "{answer:?}");
    }
    let answer = signed.verify_cosignature(&other.verifier());
    assert!(matches!(answer, Err(CheckpointError::ForeignKey { .. })), "{answer:?}");
}

#[test]
fn a_cosignature_gives_its_time_and_replaces_the_older_one() {
    let witness = CosigningKey::from_seed("witness.example/w1", [3; 32]).expect("a key name");
    let mut signed = SignedCheckpoint::sign(checkpoint(), &key(1));
    let body = signed.note().body.clone();
    signed.put_cosignature(witness.cosign(&body, 1_000));
    signed.put_cosignature(witness.cosign(&body, 2_000));
    let read = SignedCheckpoint::parse(&signed.to_string()).expect("a checkpoint");
    assert_eq!(read.note().signatures.len(), 2);
    assert_eq!(read.verify_cosignature(&witness.verifier()), Ok(2_000));
    read.verify(&key(1).verifier()).expect("the log's own signature stays");
}

#[test]
fn refuses_checkpoints_that_are_spelled_otherwise() {
    let root = STANDARD.encode([7; 32]);
    let long = "o".repeat(KEY_NAME_BYTES_MAX + 1);
    let cases = [
        (String::new(), 1),
        ("o\n5\n".to_owned(), 3),
        (format!("\n5\n{root}\n"), 1),
        (format!("{long}\n5\n{root}\n"), 1),
        (format!("o\n05\n{root}\n"), 2),
        (format!("o\n+5\n{root}\n"), 2),
        (format!("o\n-1\n{root}\n"), 2),
        (format!("o\n 5\n{root}\n"), 2),
        (format!("o\n18446744073709551616\n{root}\n"), 2),
        ("o\n5\nBwcH\n".to_owned(), 3),
        (format!("o\n5\n{}\n", root.replace('=', "")), 3),
        // The last digit's spare bits are not zero: another spelling of the same root.
        (format!("o\n5\n{}\n", root.replace("c=", "d=")), 3),
        (format!("o\n5\n{root}\n\n"), 4),
        (format!("o\n5\n{root}"), 3),
    ];
    for (body, line) in cases {
        match Checkpoint::parse(&body) {
            Err(CheckpointError::Line { line: found, .. }) => assert_eq!(found, line, "{body:?}"),
            other => panic!("{body:?} gave {other:?}"),
        }
    }
}

#[test]
fn extension_lines_are_kept_in_the_note_and_signed_over() {
    let body = format!("{}an extension\n", checkpoint().to_body());
    let note = Note { signatures: vec![key(1).sign(&body)], body };
    let signed = SignedCheckpoint::parse(&note.to_string()).expect("a checkpoint");
    assert_eq!(signed.checkpoint(), &checkpoint());
    signed.verify(&key(1).verifier()).expect("the signature covers the extension");
    let shorter = note.to_string().replace("an extension\n", "");
    let signed = SignedCheckpoint::parse(&shorter).expect("a checkpoint");
    assert!(signed.verify(&key(1).verifier()).is_err());
}

#[test]
fn a_rotation_needs_both_signatures() {
    let rotation = SignedRotation::sign(ORIGIN, 12, &key(1), &key(2));
    let text = rotation.to_string();
    let read = SignedRotation::parse_verified(&text).expect("both keys signed");
    assert_eq!(read, rotation);
    assert_eq!(read.statement().size, 12);
    let lines: Vec<&str> = text.lines().collect();
    for missing in [6, 7] {
        let mut fewer = lines.clone();
        fewer.remove(missing);
        let fewer = fewer.join("\n") + "\n";
        let answer = SignedRotation::parse_verified(&fewer);
        let expected = Err(NoteError::NotSigned { name: ORIGIN.to_owned() }.into());
        assert_eq!(answer, expected);
    }
    let answer = SignedRotation::parse_verified(&text.replacen("\n12\n", "\n13\n", 1));
    let expected = Err(NoteError::WrongSignature { name: ORIGIN.to_owned() }.into());
    assert_eq!(answer, expected);
}

#[test]
fn a_rotation_to_a_key_of_another_log_is_refused() {
    let other = SigningKey::from_seed("elsewhere.example", [2; 32]).expect("a key name");
    let text = SignedRotation::sign(ORIGIN, 12, &key(1), &other).to_string();
    let answer = SignedRotation::parse_verified(&text);
    assert!(matches!(answer, Err(CheckpointError::ForeignKey { .. })), "{answer:?}");
}

#[test]
fn no_rotation_is_a_checkpoint_and_no_checkpoint_a_rotation() {
    let rotation = SignedRotation::sign(ORIGIN, 12, &key(1), &key(2));
    assert!(Checkpoint::parse(&rotation.note().body).is_err());
    let title = Checkpoint { origin: ROTATION_TITLE.to_owned(), ..checkpoint() };
    assert!(RotationStatement::parse(&title.to_body()).is_err());
    // An origin that is a number makes the second line of a rotation look like a size.
    let number = SignedRotation::sign("5", 12, &key(1), &key(2));
    assert!(Checkpoint::parse(&number.note().body).is_err());
}

proptest! {
    #[test]
    fn every_checkpoint_is_read_as_it_was_written(
        origin in "[a-z0-9./-]{1,64}", size: u64, root: [u8; 32], seed: [u8; 32],
    ) {
        let key = SigningKey::from_seed(&origin, seed).expect("a key name");
        let checkpoint = Checkpoint { origin, size, root: Digest::new(root) };
        let text = SignedCheckpoint::sign(checkpoint.clone(), &key).to_string();
        let read = SignedCheckpoint::parse(&text).expect("a checkpoint");
        prop_assert_eq!(read.checkpoint(), &checkpoint);
        prop_assert!(read.verify(&key.verifier()).is_ok());
        prop_assert_eq!(read.to_string(), text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(?s).{0,300}") {
        let _ = SignedCheckpoint::parse(&text);
        let _ = SignedRotation::parse_verified(&text);
        let _ = Checkpoint::parse(&text);
    }
}
