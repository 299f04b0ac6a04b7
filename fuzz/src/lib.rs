//! What the fuzz targets share: a disk in memory, small logs, and edits of their files.
//!
//! The properties are in the targets. Nothing here is random: all of it comes from the input.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    missing_debug_implementations,
    dead_code,
    reason = "a fuzz target stops where it goes wrong"
)]

#[path = "../../crates/store/tests/common/power/mod.rs"]
pub mod power;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use annals_core::envelope::{Actor, ActorType, Authority, Draft, StreamKey, Zone};
use annals_core::event::Event;
use annals_core::id::*;
use annals_core::record::{Header, ServerFields, commitment};
use annals_core::time::Timestamp;
use annals_store::contract::{LogReader, LogWriter, Prepared, Unit};
use annals_store::local::disk::{Disk, DiskFile};
use annals_store::local::{LocalLog, LocalOptions, OpenError, Upkeep, open_local_on};
use annals_store::query::{PageLimit, Query};
use power::{Lie, PowerDisk};

pub const LOG_ID: LogId = LogId::from_bytes(*b"a log to fuzz on");

/// A file of a log and what it holds.
pub type LogFile = (String, Vec<u8>);

/// A log as files, and the events in it.
pub struct Base {
    pub files: Vec<LogFile>,
    pub events: Vec<Event>,
}

/// Numbers from the input, zeros behind its end.
pub struct Input<'a>(pub &'a [u8]);

impl Input<'_> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let Some((byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *byte
    }

    pub fn number(&mut self) -> usize {
        usize::from(self.byte()) << 8 | usize::from(self.byte())
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.number() % bound.max(1)
    }
}

pub fn options() -> LocalOptions {
    LocalOptions {
        segment_bytes: 2_500,
        index_cache_bytes: 64 << 10,
        filter_bytes: 64 << 10,
        merge_fan_in: 2,
        upkeep: Upkeep::Caller,
        ..LocalOptions::new(LOG_ID)
    }
}

/// An event on stream run/`stream`, with an identity of its own where `id` is not 0.
pub fn prepared(stream: u8, id: u8, key: u8, data: u8) -> Prepared {
    let actor = Actor {
        actor_type: ActorType::Agent,
        actor_id: ActorId::parse(&format!("a{}", data % 3)).unwrap(),
    };
    let stream = StreamKey {
        stream_type: StreamType::parse("run").unwrap(),
        stream_id: StreamId::parse(&format!("s{stream}")).unwrap(),
    };
    let event_type = EventType::parse(["tool.invoked", "run.started"][usize::from(data % 2)]);
    let text = format!("{{\"n\":{data},\"text\":\"{}\"}}", "x".repeat(usize::from(data)));
    let mut draft = Draft::new(event_type.unwrap(), actor, stream, text);
    draft.event_id = (id > 0).then(|| event_id(id));
    draft.idempotency_key = (key > 0).then(|| IdempotencyKey::parse(&format!("k{key}")).unwrap());
    let server = ServerFields {
        event_id: event_id(id),
        workspace_id: workspace(),
        principal_id: PrincipalId::parse("owner").unwrap(),
        zone: Zone::Supervised,
        received_at: Timestamp::from_micros(0),
        trace_correlation: None,
        authority: Authority::Observed,
        control: None,
    };
    let header = Header::complete(&draft, server);
    let body = bytes::Bytes::from(draft.body_json());
    let salt = [id | 1; 32];
    Prepared { header: header.encode(&LOG_ID), commitment: commitment(&salt, &body), salt, body }
}

pub fn event_id(number: u8) -> EventId {
    EventId::from_bytes([number; 16])
}

pub fn workspace() -> WorkspaceId {
    WorkspaceId::parse("w1").unwrap()
}

/// A log of several sealed segments with their index files, and a last one of several commits.
pub fn base() -> &'static Base {
    static BASE: OnceLock<Base> = OnceLock::new();
    BASE.get_or_init(|| {
        let disk = PowerDisk::new(1, Lie::None);
        let mut log = open(&disk).unwrap();
        for number in 1..40_u8 {
            let unit = |stream: u8| Unit {
                events: (0..=number % 2)
                    .map(|extra| prepared(stream, number * 4 + extra + stream * 2, number, number))
                    .collect(),
                expected: Vec::new(),
                companions: Vec::new(),
            };
            let units = (0..=number % 2).map(unit).collect();
            log.writer.append(Timestamp::from_micros(i64::from(number)), units).unwrap();
            if number == 30 {
                log.writer.settle_index();
            }
        }
        let events = events(&log.reader).unwrap();
        let files = files(&disk);
        Base { files, events }
    })
}

pub fn open(disk: &PowerDisk) -> Result<LocalLog, OpenError> {
    open_local_on(Arc::new(disk.clone()), Path::new("/data"), options())
}

/// All events by one scan; none when the log says that they cannot be read.
pub fn events(reader: &dyn LogReader) -> Option<Vec<Event>> {
    Some(reader.scan(&Query::default(), PageLimit::events(10_000)).ok()?.events)
}

const DIRECTORIES: [&str; 5] =
    ["/data/log", "/data/trust", "/data/derived/index", "/data/derived/tree", "/data"];

fn files(disk: &PowerDisk) -> Vec<LogFile> {
    let mut files = Vec::new();
    for dir in DIRECTORIES {
        for name in disk.list(Path::new(dir)).unwrap() {
            let path = format!("{dir}/{name}");
            // Room that is set aside holds nothing.
            if name != "reserve"
                && let Ok(file) = disk.open(Path::new(&path))
            {
                let mut bytes = vec![0; file.len().unwrap() as usize];
                file.read_at(&mut bytes, 0).unwrap();
                files.push((path, bytes));
            }
        }
    }
    files
}

/// A disk with these files.
pub fn disk_with(files: &[LogFile]) -> PowerDisk {
    let disk = PowerDisk::new(1, Lie::None);
    for (path, bytes) in files {
        let file: Arc<dyn DiskFile> = disk.create(Path::new(path)).unwrap();
        file.write_at(bytes, 0).unwrap();
    }
    disk
}

/// Edits bytes as the input says: flips, runs of one byte, copies of other places, cuts.
pub fn edit(bytes: &mut Vec<u8>, input: &mut Input<'_>) {
    let place = input.below(bytes.len());
    match input.byte() % 6 {
        0 | 1 => {
            let flip = input.byte();
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= flip;
            }
        }
        2 => {
            let value = input.byte();
            let end = bytes.len().min(place + 1 + usize::from(input.byte()));
            bytes[place..end].fill(value);
        }
        3 => {
            let from = input.below(bytes.len());
            let count = input.below(600).min(bytes.len() - from).min(bytes.len() - place);
            bytes.copy_within(from..from + count, place);
        }
        4 => {
            // A number of four bytes in the place of another.
            for offset in 0..4 {
                let value = input.byte();
                if let Some(byte) = bytes.get_mut(place + offset) {
                    *byte = value;
                }
            }
        }
        _ => bytes.truncate(place),
    }
}

/// Makes the checksums of all frames and records of a segment fit, as far as its lengths lead.
pub fn seal_segment(bytes: &mut [u8]) {
    let word = |bytes: &[u8], at: usize| -> Option<usize> {
        Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize)
    };
    if bytes.len() >= 64 {
        let crc = crc32c::crc32c(&bytes[..60]);
        bytes[60..64].copy_from_slice(&crc.to_le_bytes());
    }
    let mut frame = 64;
    while let (Some(frame_len), Some(count)) = (word(bytes, frame), word(bytes, frame + 4)) {
        let end = frame + 16 + frame_len;
        if frame_len == 0 || end > bytes.len() {
            return;
        }
        let mut crc = crc32c::crc32c(&bytes[frame..frame + 8]);
        crc = crc32c::crc32c_append(crc, &bytes[frame + 12..frame + 16]);
        let mut record = frame + 16;
        for _ in 0..count {
            let Some(record_len) = word(bytes, record) else { break };
            let header_len = word(bytes, record + 16).unwrap_or(0);
            let (salt, record_end) = (record + 20 + header_len + 64, record + record_len);
            if record_end > end || salt > record_end || record_len < 20 {
                break;
            }
            let body_crc = crc32c::crc32c(&bytes[salt..record_end]);
            bytes[record + 8..record + 12].copy_from_slice(&body_crc.to_le_bytes());
            let head_crc = crc32c::crc32c(&bytes[record..record + 4]);
            let head_crc = crc32c::crc32c_append(head_crc, &bytes[record + 8..salt]);
            bytes[record + 4..record + 8].copy_from_slice(&head_crc.to_le_bytes());
            crc = crc32c::crc32c_append(crc, &bytes[record + 4..record + 12]);
            record = record_end;
        }
        bytes[frame + 8..frame + 12].copy_from_slice(&crc.to_le_bytes());
        frame = end;
    }
}

/// Makes the checksum of every page of an index file fit.
pub fn seal_index(bytes: &mut [u8]) {
    for page in bytes.chunks_exact_mut(4096) {
        let crc = crc32c::crc32c(&page[..4092]);
        page[4092..].copy_from_slice(&crc.to_le_bytes());
    }
}

/// Every way to the events of a log; the answers may be failures, but no more.
pub fn look_everywhere(reader: &dyn LogReader) {
    let head = reader.head().position.get();
    for position in 0..=(head + 1).min(100) {
        let _ = reader.event_at(Position(position));
    }
    for number in [1, 4, 5, 80, 255] {
        let _ = reader.by_event_id(&workspace(), &event_id(number));
    }
    for stream in ["s0", "s1", "s9"] {
        let key = StreamKey {
            stream_type: StreamType::parse("run").unwrap(),
            stream_id: StreamId::parse(stream).unwrap(),
        };
        let _ = reader.stream_head(&workspace(), &key);
        let _ = reader.stream_page(&workspace(), &key, Seq(3), PageLimit::events(100));
        let number = IdempotencyKey::parse("k7").unwrap();
        let _ = reader.by_idempotency_key(&workspace(), &key, &number);
    }
    let query = Query { workspace_id: Some(workspace()), ..Query::default() };
    let _ = reader.scan(&query, PageLimit::events(100));
    let _ = events(reader);
}
