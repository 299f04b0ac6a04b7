//! Operations in any order: the local engine answers as the engine in memory does.

#![no_main]

use annals_core::id::Position;
use annals_core::time::Timestamp;
use annals_fuzz::power::{Lie, PowerDisk};
use annals_fuzz::{Input, LOG_ID, events, open, prepared, workspace};
use annals_store::contract::{ExpectedSeq, LogReader, LogWriter, Unit};
use annals_store::memory::open_memory;
use annals_store::query::{Order, PageLimit, Query, TypePattern};
use libfuzzer_sys::fuzz_target;

fn units(input: &mut Input<'_>) -> Vec<Unit> {
    let one = |input: &mut Input<'_>| Unit {
        events: (0..=input.byte() % 3)
            .map(|_| {
                let id = 1 + input.byte() % 16;
                prepared(input.byte() % 3, id, input.byte() % 5, input.byte() % 40)
            })
            .collect(),
        expected: match input.byte() % 4 {
            0 => vec![ExpectedSeq {
                workspace_id: workspace(),
                stream: annals_core::envelope::StreamKey {
                    stream_type: annals_core::id::StreamType::parse("run").unwrap(),
                    stream_id: annals_core::id::StreamId::parse("s0").unwrap(),
                },
                expected_seq: annals_core::id::Seq(u64::from(input.byte() % 6)),
            }],
            _ => Vec::new(),
        },
        companions: Vec::new(),
    };
    (0..=input.byte() % 3).map(|_| one(input)).collect()
}

fn query(input: &mut Input<'_>) -> Query {
    let patterns = ["tool.*", "run.started", "none"];
    Query {
        workspace_id: (input.byte() % 4 > 0).then(workspace),
        event_types: (0..input.byte() % 3)
            .map(|number| TypePattern::parse(patterns[usize::from(number)]).unwrap())
            .collect(),
        after_position: Position(u64::from(input.byte() % 30)),
        before_position: (input.byte() % 2 == 0).then(|| Position(u64::from(input.byte() % 60))),
        since: (input.byte() % 3 == 0).then(|| Timestamp::from_micros(i64::from(input.byte()))),
        order: [Order::Asc, Order::Desc][usize::from(input.byte() % 2)],
        ..Query::default()
    }
}

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let disk = PowerDisk::new(1, Lie::None);
    let mut log = open(&disk).unwrap();
    let (mut writer, reader) = open_memory(LOG_ID);
    while !input.is_empty() {
        match input.byte() % 10 {
            0..=3 => {
                let (units, now) = (units(&mut input), i64::from(input.byte()));
                let now = Timestamp::from_micros(now);
                let here = log.writer.append(now, units.clone());
                let there = writer.append(now, units);
                assert_eq!(format!("{here:?}"), format!("{there:?}"));
            }
            4 => log.writer.settle_index(),
            5 => {
                if input.byte() % 2 == 0 {
                    log.writer.close().unwrap();
                } else {
                    disk.stop();
                    drop(log);
                    disk.kill();
                }
                log = open(&disk).unwrap();
            }
            6 | 7 => {
                let positions: Vec<_> = (0..=input.byte() % 3)
                    .map(|_| Position(u64::from(input.byte() % 40)))
                    .collect();
                let here = log.writer.erase(&positions).map(drop);
                let there = writer.erase(&positions).map(drop);
                assert_eq!(format!("{here:?}"), format!("{there:?}"), "{positions:?}");
            }
            _ => {
                let (query, limit) = (query(&mut input), 1 + usize::from(input.byte() % 20));
                let here = log.reader.scan(&query, PageLimit::events(limit)).unwrap();
                let there = reader.scan(&query, PageLimit::events(limit)).unwrap();
                assert_eq!((here.events, here.next), (there.events, there.next), "{query:?}");
            }
        }
    }
    assert_eq!(events(&log.reader), events(&reader));
});
