//! Notes and keys: the specification's examples, what is refused, and round trips.

use super::*;
use proptest::prelude::*;

/// The examples of C2SP's signed-note.
const SPECIFIED_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const SPECIFIED_NOTE: &str = "This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
";
const POEM: &str = "Ognuno sta solo sul cuor della terra
trafitto da un raggio di sole:

ed è subito sera.

— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=
";
/// The message that the tests of Go's `sumdb/note` sign, with the key PeterNeumann.
const GO_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_NOTE: &str = "If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
";

fn signed(body: &str) -> (Note, VerifierKey) {
    let key = SigningKey::from_seed("log.example", [1; 32]).expect("a key name");
    (Note { body: body.to_owned(), signatures: vec![key.sign(body)] }, key.verifier())
}

#[test]
fn the_specified_examples_verify() {
    for (key, note) in [(SPECIFIED_KEY, SPECIFIED_NOTE), (GO_KEY, GO_NOTE)] {
        let key: VerifierKey = key.parse().expect("a key");
        let note = Note::parse(note).expect("a note");
        assert_eq!(note.verify(&key), Ok(Verified { cosigned_at: None }));
        assert_eq!(key.to_string().parse(), Ok(key));
    }
}

#[test]
fn the_last_empty_line_parts_text_and_signatures() {
    let note = Note::parse(POEM).expect("a note");
    assert!(note.body.ends_with("ed è subito sera.\n"));
    assert_eq!(note.signatures.len(), 1);
    assert_eq!(note.to_string(), POEM);
}

#[test]
fn one_changed_character_breaks_the_signature() {
    let key: VerifierKey = SPECIFIED_KEY.parse().expect("a key");
    let changed = SPECIFIED_NOTE.replace("example message", "example massage");
    let note = Note::parse(&changed).expect("a note");
    let wrong = NoteError::WrongSignature { name: "example.com/foo".to_owned() };
    assert_eq!(note.verify(&key), Err(wrong));
}

#[test]
fn a_key_that_has_not_signed_is_named() {
    let (note, _) = signed("text\n");
    let other = SigningKey::from_seed("log.example", [2; 32]).expect("a key name").verifier();
    assert_eq!(note.verify(&other), Err(NoteError::NotSigned { name: "log.example".to_owned() }));
}

#[test]
fn a_signature_of_another_length_is_wrong_and_not_unknown() {
    let (mut note, key) = signed("text\n");
    note.signatures[0].signature.push(0);
    let wrong = NoteError::WrongSignature { name: "log.example".to_owned() };
    assert_eq!(note.verify(&key), Err(wrong));
}

#[test]
fn a_cosignature_covers_its_time() {
    let witness = CosigningKey::from_seed("witness.example", [3; 32]).expect("a key name");
    let body = "log.example\n1\nroot\n";
    let mut note = Note { body: body.to_owned(), signatures: vec![witness.cosign(body, 77)] };
    let key = witness.verifier();
    assert_eq!(note.verify(&key), Ok(Verified { cosigned_at: Some(77) }));
    let other_time = 78_u64.to_be_bytes();
    note.signatures[0].signature[..8].copy_from_slice(&other_time);
    assert!(note.verify(&key).is_err());
}

#[test]
fn a_time_beyond_63_bits_is_refused() {
    let witness = CosigningKey::from_seed("witness.example", [3; 32]).expect("a key name");
    let body = "text\n";
    for (at, is_right) in [(i64::MAX as u64, true), (1 << 63, false)] {
        let note = Note { body: body.to_owned(), signatures: vec![witness.cosign(body, at)] };
        assert_eq!(note.verify(&witness.verifier()).is_ok(), is_right, "{at}");
    }
}

#[test]
fn one_public_key_has_different_ids_as_log_key_and_as_witness_key() {
    let log = SigningKey::from_seed("x.example", [4; 32]).expect("a key name").verifier();
    let witness = CosigningKey::from_seed("x.example", [4; 32]).expect("a key name").verifier();
    assert_eq!(log.public_key(), witness.public_key());
    assert_ne!(log.id(), witness.id());
}

#[test]
fn refuses_texts_that_are_no_notes() {
    let (note, _) = signed("text\n");
    let line = note.signatures[0].to_string();
    let many = format!("text\n\n{}", distinct_lines(NOTE_SIGNATURE_COUNT_MAX + 1));
    let line_1 = NoteError::SignatureLine { line: 1 };
    let cases = [
        (String::new(), NoteError::Shape),
        ("text\n".to_owned(), NoteError::Shape),
        (format!("text\n{line}\n"), NoteError::Shape),
        (format!("text\n\n{line}"), NoteError::Shape),
        ("text\n\n\n".to_owned(), NoteError::Shape),
        (format!("text\n\n {line}\n"), line_1.clone()),
        (format!("text\n\n{}\n", line.replace('—', "-")), line_1.clone()),
        (format!("text\n\n{}\n", line.replace("log.example", "log+example")), line_1.clone()),
        (format!("text\n\n{}\n", line.replace("log.example", "log\u{a0}example")), line_1.clone()),
        (format!("text\n\n{}\n", line.replace("log.example", "")), line_1.clone()),
        (format!("text\n\n{line} \n"), line_1.clone()),
        (format!("text\n\n{}\n", line.trim_end_matches('=')), line_1.clone()),
        ("text\n\n— log.example AAAAAA==\n".to_owned(), line_1),
        (format!("text\n\n{line}\nmore\n"), NoteError::SignatureLine { line: 2 }),
        (format!("te\txt\n\n{line}\n"), NoteError::ControlCharacter { offset: 2 }),
        (format!("text\r\n\n{line}\n"), NoteError::ControlCharacter { offset: 4 }),
        (format!("text\0\n\n{line}\n"), NoteError::ControlCharacter { offset: 4 }),
        (
            format!("text\n\n{line}\n{line}\n"),
            NoteError::DuplicateSignature { name: "log.example".to_owned() },
        ),
        (many, NoteError::TooManySignatures),
        ("x".repeat(NOTE_BYTES_MAX + 1), NoteError::TooLarge { byte_count: NOTE_BYTES_MAX + 1 }),
    ];
    for (text, expected) in cases {
        let shown: String = text.chars().take(80).collect();
        assert_eq!(Note::parse(&text), Err(expected), "{shown:?}");
    }
    let most = format!("text\n\n{}", distinct_lines(NOTE_SIGNATURE_COUNT_MAX));
    assert!(Note::parse(&most).is_ok());
}

fn distinct_lines(count: usize) -> String {
    let line = |index: usize| {
        let name = format!("key-{index}.example");
        let signature = NoteSignature { name, id: 1, signature: vec![1] };
        format!("{signature}\n")
    };
    (0..count).map(line).collect()
}

#[test]
fn refuses_texts_that_are_no_keys() {
    let key = SPECIFIED_KEY;
    // The neutral element: every signature with a chosen R would pass a careless check.
    let weak = [&[1_u8][..], &[1], &[0; 31]].concat();
    let unknown = [&[6_u8][..], &[9; 32]].concat();
    let cases = [
        (String::new(), VerifierKeyError::Shape),
        ("example.com/foo".to_owned(), VerifierKeyError::Shape),
        ("example.com/foo+530d903a".to_owned(), VerifierKeyError::Shape),
        (key.replace("530d903a", "530D903A"), VerifierKeyError::WrongId),
        (key.replace("530d903a", "530d903b"), VerifierKeyError::WrongId),
        (key.replace("example.com", "example.org"), VerifierKeyError::WrongId),
        (key.replace("example.com/foo", ""), VerifierKeyError::Name),
        (key.replace("example.com/foo", "a b"), VerifierKeyError::Name),
        (key.replace("example.com/foo", &"n".repeat(257)), VerifierKeyError::Name),
        (format!("{key}="), VerifierKeyError::Shape),
        (format!("{key}AAAA"), VerifierKeyError::PublicKey),
        (format!("n+00000000+{}", "A".repeat(400)), VerifierKeyError::Shape),
        (format!("n+00000000+{}", STANDARD.encode(weak)), VerifierKeyError::PublicKey),
        (
            format!("n+00000000+{}", STANDARD.encode(unknown)),
            VerifierKeyError::UnknownKind { code: 6 },
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(text.parse::<VerifierKey>(), Err(expected), "{text:?}");
    }
}

#[test]
fn a_secret_key_does_not_show_itself() {
    let log = SigningKey::from_seed("log.example", [0xab; 32]).expect("a key name");
    let witness = CosigningKey::from_seed("log.example", [0xab; 32]).expect("a key name");
    for shown in [format!("{log:?}"), format!("{witness:?}")] {
        assert!(shown.contains("log.example"));
        assert!(!shown.contains("171") && !shown.to_lowercase().contains("abab"), "{shown}");
    }
}

#[test]
fn a_seed_and_a_text_give_one_signature() {
    // RFC 8032, section 7.1, test 1: the empty message.
    let seed: Vec<u8> = (0..32)
        .map(|index| {
            let hex = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
            u8::from_str_radix(&hex[index * 2..index * 2 + 2], 16).expect("hex")
        })
        .collect();
    let key = SigningKey::from_seed("log.example", seed.try_into().expect("32 bytes"))
        .expect("a key name");
    let signature = key.sign("").signature;
    let hex: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex,
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    );
}

proptest! {
    #[test]
    fn every_note_is_read_as_it_was_written(
        body in "([ -~é—]{0,20}\n){1,5}",
        names in prop::collection::btree_set("[a-z./é]{1,20}", 1..5),
        seed: [u8; 32],
        at in 0..i64::MAX as u64,
    ) {
        let mut note = Note { body: body.clone(), signatures: Vec::new() };
        for name in &names {
            note.put(SigningKey::from_seed(name, seed).expect("a key name").sign(&body));
            note.put(CosigningKey::from_seed(name, seed).expect("a key name").cosign(&body, at));
        }
        let read = Note::parse(&note.to_string()).expect("a note");
        prop_assert_eq!(&read, &note);
        for name in &names {
            let log = SigningKey::from_seed(name, seed).expect("a key name").verifier();
            let witness = CosigningKey::from_seed(name, seed).expect("a key name").verifier();
            prop_assert_eq!(log.to_string().parse(), Ok(log.clone()));
            prop_assert_eq!(witness.to_string().parse(), Ok(witness.clone()));
            prop_assert_eq!(read.verify(&log), Ok(Verified { cosigned_at: None }));
            prop_assert_eq!(read.verify(&witness), Ok(Verified { cosigned_at: Some(at) }));
        }
    }

    #[test]
    fn what_parses_is_written_back_byte_for_byte(
        text in "([a —\n]{0,6}\n\n)(— [a-c]{1,2} [A-C]{6,8}={0,2}\n){1,3}",
    ) {
        if let Ok(note) = Note::parse(&text) {
            prop_assert_eq!(note.to_string(), text);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(?s).{0,200}") {
        let _ = Note::parse(&text);
        let _ = text.parse::<VerifierKey>();
        let _ = NoteSignature::parse(&text);
    }
}
