//! What a request asks for: query strings, cursors, resume points, filters and accepted forms.
//!
//! Whatever comes, there is an answer or a refusal that the API has. What is asked properly is read
//! as it was meant, in any order of its parameters; a cursor is taken only for its own question.

#![no_main]

use std::sync::OnceLock;

use annals_core::catalog::Catalog;
use annals_core::hash::Digest;
use annals_core::id::Position;
use annals_fuzz::{Input, workspace};
use annals_server::parsers::{accepted, page, read_cursor, tail, write_cursor};
use annals_store::query::Order;
use libfuzzer_sys::fuzz_target;

const REFUSALS: [&str; 7] = [
    "invalid_parameter",
    "unknown_parameter",
    "invalid_limit",
    "invalid_cursor",
    "invalid_resume",
    "no_uri",
    "no_header",
];

const IDS: [&str; 7] =
    ["run_id", "room_id", "thread_id", "mission_id", "step_id", "actor_id", "correlation_id"];

fn catalog() -> &'static Catalog {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    CATALOG.get_or_init(|| Catalog::builtin().unwrap())
}

fn expect_refusal<T>(answer: Result<T, &'static str>) {
    if let Err(code) = answer {
        assert!(REFUSALS.contains(&code), "{code}");
    }
}

/// Any text in every place.
fn anything(bytes: &[u8]) {
    let (first, rest) = bytes.split_at(bytes.len() / 3);
    expect_refusal(tail(catalog(), &workspace(), "", Some(first)));
    assert!(matches!(accepted(bytes), Ok(_) | Err("not_acceptable" | "no_header")));
    let Ok(text) = str::from_utf8(bytes) else { return };
    expect_refusal(page(catalog(), &workspace(), text));
    expect_refusal(tail(catalog(), &workspace(), text, None));
    expect_refusal(tail(catalog(), &workspace(), text, Some(rest)));
    let seal = Digest::from([7; 32]);
    if let Ok(place) = read_cursor(text, &seal) {
        assert_eq!(write_cursor(place, &seal), text, "one place has one cursor");
    }
}

fn encoded(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02x}")).collect()
}

/// Parameters that the input chooses, most of them as they should be.
fn asked(bytes: &[u8]) {
    let mut input = Input(bytes);
    let mut pairs = Vec::new();
    let mut ids = 0;
    for name in IDS {
        if input.byte() % 3 == 0 {
            let id: Vec<u8> = (0..=input.byte() % 4).map(|_| b'!' + input.byte() % 94).collect();
            pairs.push(format!("{name}={}", encoded(&id)));
            ids += 1;
        }
    }
    let after = u64::from(input.byte());
    pairs.push(format!("after_position={after}"));
    let order = [Order::Asc, Order::Desc][usize::from(input.byte() % 2)];
    pairs.push(format!("order={}", if order == Order::Asc { "asc" } else { "desc" }));
    let Ok(first) = page(catalog(), &workspace(), &pairs.join("&")) else { return };
    assert_eq!(first.query.filters.len(), ids);
    assert_eq!(first.query.after_position, Position(after));
    assert_eq!(first.query.order, order);

    // The next page: the same parameters in another order, and where the first one ended.
    let place = u64::from(input.byte()) << (input.byte() % 56);
    let cursor = write_cursor((place, 0), &first.seal);
    pairs.push(format!("limit={}", 1 + u16::from(input.byte())));
    pairs.push(format!("cursor={cursor}"));
    let middle = input.below(pairs.len());
    pairs.rotate_left(middle);
    let next = page(catalog(), &workspace(), &pairs.join("&")).unwrap();
    assert_eq!(next.seal, first.seal);
    match order {
        Order::Asc => assert_eq!(next.query.after_position, Position(place.max(after))),
        Order::Desc => assert_eq!(next.query.before_position, Some(Position(place))),
    }
    // Another question does not take the cursor.
    pairs.push("step_id=another-question".to_owned());
    let other = page(catalog(), &workspace(), &pairs.join("&"));
    assert!(matches!(other, Err("invalid_cursor" | "invalid_parameter")));

    resumed(&mut input);
}

fn resumed(input: &mut Input<'_>) {
    let hash = Digest::from([input.byte(); 32]);
    let (id, header) = (1 + u64::from(input.byte()), u64::from(input.byte()));
    let query = format!("after={id}:{hash}&known={header}:{hash}");
    let with = tail(catalog(), &workspace(), &query, Some(header.to_string().as_bytes())).unwrap();
    assert_eq!((with.after, with.seen), (Some(header), Some((id, hash))));
    assert_eq!(with.known, Some((header, hash)));
    let without = tail(catalog(), &workspace(), &query, None).unwrap();
    assert_eq!(without.after, Some(id));
}

fuzz_target!(|bytes: &[u8]| {
    match bytes.split_first() {
        Some((first, rest)) if first % 2 == 0 => anything(rest),
        Some((_, rest)) => asked(rest),
        None => {}
    }
});
