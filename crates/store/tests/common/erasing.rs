//! The contract suite's part on erasure: bodies go, everything else stays.

use annals_core::id::Position;
use annals_store::contract::*;
use annals_store::query::*;

use super::*;

const SECRET: &str = "\"hunter2\"";

fn erase(engine: &mut dyn Engine, positions: &[u64]) -> Result<Erased, EraseFailure> {
    let positions: Vec<Position> = positions.iter().copied().map(Position).collect();
    engine.writer().erase(&positions)
}

/// Whether an event is what is left of `before` after its erasure.
pub fn is_erasure_of(after: &Event, before: &Event) -> bool {
    let (kept, was) = (after.record(), before.record());
    after.is_erased()
        && kept.salt == [0; 32]
        && kept.body.len() == was.body.len()
        && kept.body.iter().all(|byte| *byte == 0)
        && (&kept.header, kept.commitment, kept.prev_event_hash)
            == (&was.header, was.commitment, was.prev_event_hash)
        && after.event_hash() == before.event_hash()
}

pub fn an_erased_body_is_gone_and_the_rest_stays(engine: &mut dyn Engine) {
    for commit in 0..12_u64 {
        let stream_id = format!("s{}", commit % 3);
        append(
            engine.writer(),
            vec![unit(&[sample(&stream_id, SECRET).run("r"), sample("t", "1")])],
        );
    }
    engine.settle();
    let before = audit(&*engine.reader());
    let erased = [1, 7, 8, 15, 23];
    erase(engine, &erased).unwrap();
    check_erased(&*engine.reader(), &before, &erased);
    let (last, replayed) = only(&append(engine.writer(), vec![sample("s0", "2").unit()])[0]);
    assert!(!replayed && last.stream_seq() == Seq(5));
    engine.reopen();
    check_erased(&*engine.reader(), &before, &erased);
    engine.settle();
    check_erased(&*engine.reader(), &before, &erased);
}

fn check_erased(reader: &dyn LogReader, before: &[Event], erased: &[u64]) {
    let after = audit(reader);
    for (after, before) in after.iter().zip(before) {
        match erased.contains(&after.position().get()) {
            true => assert!(is_erasure_of(after, before), "{after:?}"),
            false => assert_eq!(after, before),
        }
    }
    assert_eq!((after[0].body(), after[0].data()), ("{}", "null"));
    assert!(after[0].to_json().contains("\"data\":null"), "{}", after[0].to_json());
    let page = reader.scan(&Query::default(), PageLimit::events(100)).unwrap();
    assert_eq!(page.events, after);
    let run = Filter::Run(RunId::parse("r").unwrap());
    let query =
        Query { workspace_id: Some(workspace("w1")), filters: vec![run], ..Query::default() };
    let page = reader.scan(&query, PageLimit::events(100)).unwrap();
    assert_eq!(page.events.len(), 12);
    let id = before[6].header().event_id;
    let found = reader.by_event_id(&workspace("w1"), &id).unwrap().unwrap();
    assert!(is_erasure_of(&found, &before[6]));
    let page =
        reader.stream_page(&workspace("w1"), &stream("run", "s0"), Seq(1), PageLimit::events(4));
    let page = page.unwrap();
    assert_eq!(page.iter().filter(|event| event.is_erased()).count(), 2);
}

pub fn a_repeated_append_of_an_erased_event_is_believed(engine: &mut dyn Engine) {
    let first = [sample("a", SECRET).id(1), sample("a", SECRET).id(2).key("k")];
    append(engine.writer(), vec![first[0].unit(), first[1].unit()]);
    append(engine.writer(), vec![sample("b", "1").unit()]);
    erase(engine, &[1, 2]).unwrap();
    for round in 0..2 {
        let again =
            [sample("a", SECRET).id(1), sample("a", "\"other\"").id(1), sample("a", "3").key("k")];
        for (sample, position) in again.iter().zip([1, 1, 2]) {
            let (event, replayed) = only(&append(engine.writer(), vec![sample.unit()])[0]);
            assert!(replayed, "round {round}");
            assert_eq!(event.position(), Position(position));
            assert!(event.is_erased());
        }
        // Two identities of two events stay a conflict.
        let outcomes = append(engine.writer(), vec![sample("a", SECRET).id(1).key("k").unit()]);
        assert!(matches!(refusal(&outcomes[0]).1, Refusal::IdempotencyConflict { .. }));
        engine.reopen();
    }
    assert_eq!(audit(&*engine.reader()).len(), 3);
}

pub fn erasing_again_changes_nothing(engine: &mut dyn Engine) {
    append(engine.writer(), vec![sample("a", SECRET).unit(), sample("a", SECRET).unit()]);
    append(engine.writer(), vec![sample("a", "1").unit()]);
    for positions in [&[1, 2][..], &[2], &[1, 1], &[]] {
        erase(engine, positions).unwrap();
        let events = audit(&*engine.reader());
        assert_eq!(events.iter().filter(|event| event.is_erased()).count(), 2);
    }
}

pub fn an_event_that_is_not_there_is_not_erased(engine: &mut dyn Engine) {
    append(engine.writer(), vec![sample("a", "1").unit()]);
    for (positions, missing) in [(&[1, 2][..], 2), (&[0], 0), (&[9, 1], 9)] {
        let refused = erase(engine, positions);
        let Err(EraseFailure::NoSuchEvent { position }) = refused else { panic!("{refused:?}") };
        assert_eq!(position, Position(missing));
        assert!(!audit(&*engine.reader())[0].is_erased(), "nothing may be erased");
    }
    append(engine.writer(), vec![sample("a", "2").unit()]);
}

pub fn the_newest_events_can_be_erased(engine: &mut dyn Engine) {
    for round in 0..6_u64 {
        append(engine.writer(), vec![sample("a", "1").unit(), sample("a", SECRET).unit()]);
        erase(engine, &[2 * round + 2]).unwrap();
        engine.reopen();
        let events = audit(&*engine.reader());
        assert_eq!(events.len() as u64, 2 * round + 2);
        assert!(events.iter().all(|event| event.is_erased() == (event.stream_seq().0 % 2 == 0)));
    }
}
