//! The contract suite: what every engine must do, one function for each promise.

use annals_core::id::{ActorId, DialectName, Position, RunId, Seq, StreamType};
use annals_store::contract::*;
use annals_store::query::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;

pub use super::erasing::*;

pub fn places_are_gapless(engine: &mut dyn Engine) {
    for round in 0..20 {
        let units = (0..5).map(|number| sample(&format!("s{}", number % 3), "1").unit()).collect();
        let outcomes = engine.writer().append(at(round), units).unwrap();
        for outcome in &outcomes {
            assert!(!only(outcome).1);
        }
    }
    let events = audit(&*engine.reader());
    assert_eq!(events.len(), 100);
    assert_eq!(engine.writer().head().position, Position(100));
}

pub fn receipts_are_what_is_kept(engine: &mut dyn Engine) {
    let outcomes =
        append(engine.writer(), vec![unit(&[sample("a", "{\"x\":1}"), sample("a", "2")])]);
    let placed = committed(&outcomes[0]);
    assert_eq!(audit(&*engine.reader()), placed);
    assert_eq!(placed[0].data(), "{\"x\":1}");
    engine.reopen();
    assert_eq!(audit(&*engine.reader()), placed);
}

pub fn a_companion_comes_with_its_event_and_not_with_a_replay(engine: &mut dyn Engine) {
    let with_companion = |sample: &Sample, number: u128| {
        let mut unit = sample.unit();
        let mut about = super::sample("companions", "{}");
        about.server_event_id = number;
        unit.companions.push(Companion { of: 0, event: about.prepare() });
        unit
    };
    let event = sample("a", "1").id(7);
    let outcomes = append(engine.writer(), vec![with_companion(&event, 901)]);
    let UnitOutcome::Committed(placed) = &outcomes[0] else { panic!("{outcomes:?}") };
    let kinds: Vec<_> =
        placed.iter().map(|placed| (placed.replayed, placed.is_companion)).collect();
    assert_eq!(kinds, [(false, false), (false, true)]);
    assert_eq!(placed[1].event.position(), Position(2));
    let repeated = append(engine.writer(), vec![with_companion(&event, 902)]);
    let UnitOutcome::Committed(placed) = &repeated[0] else { panic!("{repeated:?}") };
    assert_eq!((placed.len(), placed[0].replayed), (1, true));
    let refused = expecting(with_companion(&sample("a", "2"), 903), "a", 9);
    assert!(matches!(
        append(engine.writer(), vec![refused])[0],
        UnitOutcome::Refused { index: 0, refusal: Refusal::SeqMismatch { .. } }
    ));
    engine.reopen();
    assert_eq!(audit(&*engine.reader()).len(), 2);
}

pub fn time_never_goes_back(engine: &mut dyn Engine) {
    for now in [100, 50, 200, 150] {
        engine.writer().append(at(now), vec![sample("a", "1").unit()]).unwrap();
    }
    let times: Vec<i64> = audit(&*engine.reader())
        .iter()
        .map(|event| event.header().recorded_at.as_micros())
        .collect();
    assert_eq!(times, [100, 100, 200, 200]);
    let reader = engine.reader();
    for (time, position) in [(100, 0), (101, 2), (200, 2), (201, 4)] {
        assert_eq!(reader.position_before(at(time)).unwrap(), Position(position), "{time}");
    }
    engine.reopen();
    engine.writer().append(at(0), vec![sample("a", "1").unit()]).unwrap();
    assert_eq!(engine.reader().head().recorded_at, at(200));
}

pub fn same_id_and_content_is_answered_with_the_first_receipt(engine: &mut dyn Engine) {
    let first = sample("a", "1").id(7);
    let (event, _) = only(&append(engine.writer(), vec![first.unit()])[0]);
    for _ in 0..2 {
        let mut again = sample("a", "1").id(7);
        again.server_event_id += 1_000;
        let (replay, replayed) = only(&append(engine.writer(), vec![again.unit()])[0]);
        assert!(replayed);
        assert_eq!(replay, event);
        engine.reopen();
    }
    assert_eq!(audit(&*engine.reader()).len(), 1);
}

pub fn same_key_and_content_is_answered_with_the_first_receipt(engine: &mut dyn Engine) {
    let (event, _) =
        only(&append(engine.writer(), vec![sample("a", "1").key("k").id(1).unit()])[0]);
    let again = [sample("a", "1").key("k"), sample("a", "1").key("k").id(2)];
    for again in again {
        let (replay, replayed) = only(&append(engine.writer(), vec![again.unit()])[0]);
        assert!(replayed);
        assert_eq!(replay, event);
    }
    assert_eq!(audit(&*engine.reader()).len(), 1);
}

pub fn keys_are_per_stream_and_ids_per_workspace(engine: &mut dyn Engine) {
    let outcomes = append(
        engine.writer(),
        vec![
            sample("a", "1").key("k").unit(),
            sample("b", "2").key("k").unit(),
            sample("a", "3").id(9).unit(),
            sample("a", "4").id(9).workspace("w2").unit(),
            sample("a", "5").key("k").workspace("w2").unit(),
        ],
    );
    assert!(outcomes.iter().all(|outcome| !only(outcome).1));
    let reader = engine.reader();
    let found = |id: &str| reader.by_event_id(&workspace(id), &event_id(9)).unwrap().unwrap();
    assert_eq!(found("w1").data(), "3");
    assert_eq!(found("w2").data(), "4");
    let by_key = |id: &str, stream_id: &str| {
        let found = reader.by_idempotency_key(&workspace(id), &stream("run", stream_id), &key("k"));
        found.unwrap().map(|event| event.data().to_owned())
    };
    assert_eq!(by_key("w1", "a").as_deref(), Some("1"));
    assert_eq!(by_key("w1", "b").as_deref(), Some("2"));
    assert_eq!(by_key("w2", "a").as_deref(), Some("5"));
    assert_eq!(by_key("w2", "b"), None);
    assert_eq!(reader.by_event_id(&workspace("w3"), &event_id(9)).unwrap(), None);
}

pub fn an_identity_with_other_content_is_refused(engine: &mut dyn Engine) {
    append(
        engine.writer(),
        vec![sample("a", "1").id(1).key("k1").unit(), sample("a", "2").id(2).key("k2").unit()],
    );
    let wrong = [
        (sample("a", "9").id(1).key("k1"), 1),
        (sample("a", "1").id(1), 1),
        (sample("a", "1").id(1).key("other"), 1),
        (sample("b", "1").id(1).key("k1"), 1),
        (sample("a", "2").id(3).key("k1"), 1),
        (sample("a", "1").id(2).key("k1"), 1),
        (sample("a", "1").event_type("tool.failed").id(1).key("k1"), 1),
    ];
    for (sample, position) in wrong {
        let outcomes = append(engine.writer(), vec![sample.unit()]);
        let (index, refusal) = refusal(&outcomes[0]);
        assert_eq!(index, 0);
        let Refusal::IdempotencyConflict { existing, .. } = refusal else { panic!("{refusal:?}") };
        assert_eq!(existing, Position(position), "{sample:?}");
    }
    assert_eq!(audit(&*engine.reader()).len(), 2);
}

pub fn an_identity_counts_within_the_same_call(engine: &mut dyn Engine) {
    let outcomes = append(
        engine.writer(),
        vec![
            sample("a", "1").id(1).unit(),
            sample("a", "1").id(1).unit(),
            sample("a", "2").id(1).unit(),
            unit(&[sample("b", "1").key("k"), sample("b", "1").key("k"), sample("b", "2")]),
            unit(&[sample("c", "1").key("k"), sample("c", "2").key("k")]),
            sample("c", "3").key("k").unit(),
        ],
    );
    assert_eq!(only(&outcomes[1]), (only(&outcomes[0]).0, true));
    assert!(matches!(
        refusal(&outcomes[2]),
        (0, Refusal::IdempotencyConflict { existing: Position(1), .. })
    ));
    let batch = committed(&outcomes[3]);
    assert_eq!(batch[0], batch[1]);
    assert_eq!(batch[2].stream_seq(), Seq(2));
    assert!(matches!(
        refusal(&outcomes[4]),
        (1, Refusal::IdempotencyConflict { existing: Position(0), .. })
    ));
    assert_eq!(only(&outcomes[5]).0.stream_seq(), Seq(1));
    assert_eq!(audit(&*engine.reader()).len(), 4);
}

pub fn a_refused_unit_leaves_nothing_behind(engine: &mut dyn Engine) {
    append(engine.writer(), vec![sample("a", "1").id(1).unit()]);
    let bad = unit(&[sample("a", "2").id(2).key("k"), sample("b", "3"), sample("a", "9").id(1)]);
    let outcomes = append(
        engine.writer(),
        vec![
            sample("b", "0").unit(),
            bad,
            sample("a", "4").id(2).key("k").unit(),
            sample("b", "5").unit(),
        ],
    );
    assert_eq!(refusal(&outcomes[1]).0, 2);
    assert_eq!(only(&outcomes[2]).0.stream_seq(), Seq(2));
    assert_eq!(only(&outcomes[3]).0.stream_seq(), Seq(2));
    let data: Vec<String> =
        audit(&*engine.reader()).iter().map(|event| event.data().to_owned()).collect();
    assert_eq!(data, ["1", "0", "4", "5"]);
}

pub fn expected_seq_is_checked_before_the_unit(engine: &mut dyn Engine) {
    let pair = || unit(&[sample("a", "1"), sample("a", "2")]);
    let outcomes = append(
        engine.writer(),
        vec![
            expecting(pair(), "a", 1),
            expecting(pair(), "a", 0),
            expecting(pair(), "a", 0),
            expecting(pair(), "a", 2),
        ],
    );
    let mismatch = |expected, actual| Refusal::SeqMismatch {
        stream: stream("run", "a"),
        expected_seq: Seq(expected),
        actual_seq: Seq(actual),
    };
    assert_eq!(refusal(&outcomes[0]), (0, mismatch(1, 0)));
    assert_eq!(committed(&outcomes[1]).len(), 2);
    assert_eq!(refusal(&outcomes[2]), (0, mismatch(0, 2)));
    assert_eq!(committed(&outcomes[3])[1].stream_seq(), Seq(4));
    engine.reopen();
    let outcomes =
        append(engine.writer(), vec![expecting(pair(), "a", 3), expecting(pair(), "a", 4)]);
    assert_eq!(refusal(&outcomes[0]), (0, mismatch(3, 4)));
    assert_eq!(committed(&outcomes[1])[0].stream_seq(), Seq(5));
}

pub fn identities_are_looked_up_before_expected_seq(engine: &mut dyn Engine) {
    let first = expecting(unit(&[sample("a", "1").id(1), sample("a", "2").id(2)]), "a", 0);
    let placed = committed(&append(engine.writer(), vec![first.clone()])[0]);
    append(engine.writer(), vec![sample("a", "3").unit()]);
    assert_eq!(committed(&append(engine.writer(), vec![first])[0]), placed);
    let conflict = expecting(unit(&[sample("a", "9").id(1)]), "a", 0);
    let outcomes = append(engine.writer(), vec![conflict]);
    assert!(matches!(refusal(&outcomes[0]).1, Refusal::IdempotencyConflict { .. }));
}

pub fn replays_in_a_unit_answer_and_the_rest_is_appended(engine: &mut dyn Engine) {
    let (event, _) = only(&append(engine.writer(), vec![sample("a", "1").id(1).unit()])[0]);
    let mixed = unit(&[sample("a", "0"), sample("a", "1").id(1), sample("a", "2")]);
    let outcomes =
        append(engine.writer(), vec![expecting(mixed.clone(), "a", 0), expecting(mixed, "a", 1)]);
    assert_eq!(refusal(&outcomes[0]).0, 0);
    let UnitOutcome::Committed(placed) = &outcomes[1] else { panic!("{outcomes:?}") };
    let replayed: Vec<bool> = placed.iter().map(|placed| placed.replayed).collect();
    assert_eq!(replayed, [false, true, false]);
    assert_eq!(placed[1].event, event);
    assert_eq!(placed[2].event.stream_seq(), Seq(3));
    assert_eq!(audit(&*engine.reader()).len(), 3);
}

pub fn headers_of_another_log_are_refused(engine: &mut dyn Engine) {
    let mut foreign = sample("a", "1").unit();
    let other = LogId::from_bytes(*b"some other log!!");
    let sample = sample("a", "1");
    let header = Header::complete(&sample.draft, server_fields(1, "w1"));
    foreign.events[0].header = header.encode(&other);
    assert_eq!(refusal(&append(engine.writer(), vec![foreign])[0]), (0, Refusal::ForeignHeader));
    assert_eq!(engine.reader().head(), Head::EMPTY);
}

pub fn identities_survive_sealing_merging_and_reopening(engine: &mut dyn Engine) {
    let samples: Vec<Sample> = (0..300)
        .map(|number| {
            sample(&format!("s{}", number % 7), "1").id(number).key(&format!("k{number}"))
        })
        .collect();
    let mut placed = Vec::new();
    for chunk in samples.chunks(11) {
        let outcomes = append(engine.writer(), chunk.iter().map(Sample::unit).collect());
        placed.extend(outcomes.iter().map(|outcome| only(outcome).0));
    }
    let check = |engine: &mut dyn Engine| {
        for chunk in samples.chunks(50) {
            append(engine.writer(), chunk.iter().map(Sample::unit).collect());
        }
        for (sample, event) in samples.iter().zip(&placed) {
            assert_eq!(
                only(&append(engine.writer(), vec![sample.unit()])[0]),
                (event.clone(), true)
            );
        }
        for (number, event) in placed.iter().enumerate() {
            let found = engine.reader().by_event_id(&workspace("w1"), &event_id(number as u128));
            assert_eq!(found.unwrap().as_ref(), Some(event));
        }
        assert_eq!(audit(&*engine.reader()), placed);
    };
    check(engine);
    engine.settle();
    check(engine);
    engine.reopen();
    check(engine);
    engine.settle();
    check(engine);
}

pub fn stream_pages_and_heads_follow_the_stream(engine: &mut dyn Engine) {
    for round in 0..60_i64 {
        let units = (0..4)
            .filter(|number| round % (number + 1) == 0)
            .map(|number| sample(&format!("s{number}"), &round.to_string()).unit())
            .collect();
        engine.writer().append(at(round), units).unwrap();
    }
    for _ in 0..2 {
        let reader = engine.reader();
        let all = audit(&*reader);
        for number in 0..4 {
            let name = stream("run", &format!("s{number}"));
            let of_stream = |event: &&Event| event.header().stream_id == name.stream_id.as_str();
            let events: Vec<Event> = all.iter().filter(of_stream).cloned().collect();
            check_stream(&*reader, &name, &events);
        }
        assert_eq!(reader.stream_head(&workspace("w1"), &stream("run", "none")).unwrap(), None);
        assert_eq!(reader.stream_head(&workspace("w2"), &stream("run", "s1")).unwrap(), None);
        engine.settle();
        engine.reopen();
    }
}

fn check_stream(reader: &dyn LogReader, name: &StreamKey, events: &[Event]) {
    let w1 = workspace("w1");
    let (first, last) = (events.first().unwrap(), events.last().unwrap());
    assert_eq!(
        reader.stream_head(&w1, name).unwrap(),
        Some(StreamHead {
            first_seq: Seq(1),
            last_seq: last.stream_seq(),
            last_event_hash: last.event_hash(),
            event_count: events.len() as u64,
            first_at: first.header().recorded_at,
            last_at: last.header().recorded_at,
        })
    );
    for from_seq in 0..=events.len() as u64 + 2 {
        for limit in [1, 3, 1_000] {
            let page =
                reader.stream_page(&w1, name, Seq(from_seq), PageLimit::events(limit)).unwrap();
            let wanted = events.iter().filter(|event| event.stream_seq() >= Seq(from_seq));
            let wanted: Vec<Event> = wanted.take(limit).cloned().collect();
            assert_eq!(page, wanted, "{name} from {from_seq} limit {limit}");
        }
    }
}

pub fn pages_end_by_bytes_too(engine: &mut dyn Engine) {
    let big = format!("\"{}\"", "x".repeat(1_000));
    append(engine.writer(), (0..10).map(|_| sample("a", &big).unit()).collect());
    let limit = PageLimit { event_count_max: 100, byte_count_max: 3_000 };
    let page = engine.reader().scan(&Query::default(), limit).unwrap();
    assert_eq!((page.events.len(), page.next), (2, Some(Position(2))));
    let tiny = PageLimit { event_count_max: 100, byte_count_max: 1 };
    let page =
        engine.reader().stream_page(&workspace("w1"), &stream("run", "a"), Seq(4), tiny).unwrap();
    assert_eq!(page.len(), 1);
}

pub fn streams_are_listed_by_birth(engine: &mut dyn Engine) {
    for number in 0..30 {
        let kind = if number % 3 == 0 { "room" } else { "run" };
        let mut sample = sample("x", "1").workspace(if number % 10 == 9 { "w2" } else { "w1" });
        sample.draft.stream = stream(kind, &format!("s{}", number % 20));
        append(engine.writer(), vec![sample.unit()]);
    }
    for _ in 0..2 {
        let reader = engine.reader();
        let all = audit(&*reader);
        for (stream_type, id_prefix) in
            [(None, None), (Some("run"), None), (Some("room"), Some("s1")), (None, Some("zz"))]
        {
            for order in [Order::Asc, Order::Desc] {
                let query = StreamsQuery {
                    workspace_id: workspace("w1"),
                    stream_type: stream_type.map(|kind| StreamType::parse(kind).unwrap()),
                    id_prefix: id_prefix.map(str::to_owned),
                    cursor: None,
                    order,
                };
                check_streams(&*reader, query, &all);
            }
        }
        engine.settle();
        engine.reopen();
    }
}

fn check_streams(reader: &dyn LogReader, mut query: StreamsQuery, all: &[Event]) {
    let wanted = |event: &&Event| {
        let header = event.header();
        event.stream_seq() == Seq(1)
            && header.workspace_id == "w1"
            && query.stream_type.as_ref().is_none_or(|kind| kind.as_str() == header.stream_type)
            && query.id_prefix.as_ref().is_none_or(|prefix| header.stream_id.starts_with(prefix))
    };
    let mut births: Vec<String> = all
        .iter()
        .filter(wanted)
        .map(|event| format!("{}/{}", event.header().stream_type, event.header().stream_id))
        .collect();
    if query.order == Order::Desc {
        births.reverse();
    }
    let mut found = Vec::new();
    loop {
        let page = reader.streams(&query, 4).unwrap();
        for entry in &page.streams {
            let head = reader.stream_head(&query.workspace_id, &entry.stream).unwrap();
            assert_eq!(Some(entry.head), head);
            found.push(entry.stream.to_string());
        }
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(found, births);
}

pub fn queries_find_what_a_look_at_every_event_finds(engine: &mut dyn Engine) {
    const TYPES: [&str; 5] =
        ["tool.invoked", "tool.call.failed", "toolbox.x", "run.started", "plain"];
    const DIALECTS: [Option<&str>; 3] = [None, Some("hive"), Some("otlp")];
    for number in 0..160_usize {
        let sample = sample(&format!("s{}", number % 5), "1")
            .workspace(if number % 4 == 3 { "w2" } else { "w1" })
            .event_type(TYPES[number % 7 % 5])
            .run(&format!("r{}", number % 3))
            .actor(&format!("a{}", number % 11 % 4))
            .dialect(DIALECTS[number % 5 % 3]);
        engine.writer().append(at(number as i64 / 3), vec![sample.unit()]).unwrap();
    }
    engine.reopen();
    for number in 0..20_usize {
        append(
            engine.writer(),
            vec![sample(&format!("s{}", number % 5), "1").event_type(TYPES[number % 5]).unit()],
        );
    }
    let all = audit(&*engine.reader());
    let reader = engine.reader();
    let mut runner =
        TestRunner::new(Config { cases: 400, failure_persistence: None, ..Config::default() });
    runner
        .run(&queries(), |(query, limit)| {
            check_query(&*reader, query, limit, &all);
            Ok(())
        })
        .unwrap();
}

fn queries() -> impl Strategy<Value = (Query, usize)> {
    let filter = prop_oneof![
        (0..6_u8).prop_map(|number| Filter::Stream(stream("run", &format!("s{number}")))),
        (0..4_u8).prop_map(|number| Filter::Run(RunId::parse(&format!("r{number}")).unwrap())),
        (0..5_u8).prop_map(|number| Filter::Actor(ActorId::parse(&format!("a{number}")).unwrap())),
    ];
    let pattern = prop::sample::select(vec![
        "tool.*",
        "tool.call.*",
        "tool.invoked",
        "run.started",
        "plain",
        "none",
    ])
    .prop_map(|text| TypePattern::parse(text).unwrap());
    let workspace_id = prop::option::weighted(
        0.8,
        prop::sample::select(vec!["w1", "w2", "w3"]).prop_map(workspace),
    );
    let origin = prop::sample::select(vec![None, Some("hive"), Some("otlp"), Some("kernel")])
        .prop_map(|name| match name {
            None => Origin::Native,
            Some(name) => Origin::Dialect(DialectName::parse(name).unwrap()),
        });
    let micros = || prop::option::of((0..70_i64).prop_map(at));
    (
        workspace_id,
        prop::collection::vec(filter, 0..3),
        (prop::collection::vec(pattern, 0..3), prop::collection::vec(origin, 0..3)),
        (prop_oneof![Just(0), 0..200_u64], prop::option::of(0..200_u64)),
        (micros(), micros()),
        any::<bool>(),
        1..40_usize,
    )
        .prop_map(
            |(
                workspace_id,
                filters,
                (event_types, origins),
                (after, before),
                (since, until),
                is_desc,
                limit,
            )| {
                let query = Query {
                    workspace_id,
                    filters,
                    event_types,
                    origins,
                    after_position: Position(after),
                    before_position: before.map(Position),
                    since,
                    until,
                    order: if is_desc { Order::Desc } else { Order::Asc },
                };
                (query, limit)
            },
        )
}

fn check_query(reader: &dyn LogReader, mut query: Query, limit: usize, all: &[Event]) {
    let wanted = |event: &&Event| {
        let header = event.header();
        event.position() > query.after_position
            && query.before_position.is_none_or(|before| event.position() < before)
            && query.since.is_none_or(|since| header.recorded_at >= since)
            && query.until.is_none_or(|until| header.recorded_at < until)
            && query.admits(&header)
    };
    let mut expected: Vec<Position> =
        all.iter().filter(wanted).map(|event| event.position()).collect();
    if query.order == Order::Desc {
        expected.reverse();
    }
    let mut found = Vec::new();
    loop {
        let page = reader.scan(&query, PageLimit::events(limit)).unwrap();
        assert!(page.events.len() <= limit);
        found.extend(page.events.iter().map(|event| event.position()));
        match (page.next, query.order) {
            (None, _) => break,
            (Some(next), Order::Asc) => query.after_position = next,
            (Some(next), Order::Desc) => query.before_position = Some(next),
        }
    }
    assert_eq!(found, expected, "{query:?}");
}

/// Any history of units gives the same outcomes and the same log as the plain model.
pub fn any_history_is_as_in_the_plain_model(engine: &mut dyn Engine) {
    let mut model = MemoryEngine::start();
    let mut runner =
        TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
    let event = (0..4_u8, prop::option::of(0..12_u128), prop::option::of(0..6_u8), 0..2_u8);
    let one_unit = (prop::collection::vec(event, 1..4), prop::option::weighted(0.2, 0..6_u64));
    let erasure = prop::option::weighted(0.3, 0..1_000_u64);
    let calls = prop::collection::vec((prop::collection::vec(one_unit, 1..5), erasure), 1..4);
    let engine = std::cell::RefCell::new(engine);
    let model = std::cell::RefCell::new(&mut model);
    runner
        .run(&calls, |calls| {
            let (mut engine, mut model) = (engine.borrow_mut(), model.borrow_mut());
            for (call, erasure) in calls {
                let units: Vec<Unit> = call
                    .into_iter()
                    .map(|(events, expected)| {
                        let samples: Vec<Sample> = events
                            .into_iter()
                            .map(|(stream_id, id, key, data)| {
                                let mut sample =
                                    sample(&format!("h{stream_id}"), &data.to_string());
                                sample = match id {
                                    Some(id) => sample.id(1_000 + id),
                                    None => sample,
                                };
                                match key {
                                    Some(key) => sample.key(&format!("k{key}")),
                                    None => sample,
                                }
                            })
                            .collect();
                        match expected {
                            Some(seq) => expecting(unit(&samples), "h0", seq),
                            None => unit(&samples),
                        }
                    })
                    .collect();
                let here = append(engine.writer(), units.clone());
                let there = append(model.writer(), units);
                assert_eq!(format!("{here:?}"), format!("{there:?}"));
                let head = model.writer().head().position.get();
                if let Some(number) = erasure.filter(|_| head > 0) {
                    let position = Position(1 + number % head);
                    engine.writer().erase(&[position]).unwrap();
                    model.writer().erase(&[position]).unwrap();
                }
            }
            engine.reopen();
            Ok(())
        })
        .unwrap();
    let (engine, model) = (engine.into_inner(), model.into_inner());
    assert_eq!(audit(&*engine.reader()), audit(&*model.reader()));
}
