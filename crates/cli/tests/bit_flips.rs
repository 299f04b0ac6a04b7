//! A bit that flips anywhere in a data directory is found or harmless; it is never served as data.
//!
//! One bit at every kind of place: the parts of segments, derived files, and the small files beside
//! them. For each, the server refuses to start and names the file, or it starts and every answer is
//! either what was acknowledged or a problem that says that stored bytes are damaged.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::audit::{Acknowledged, Ledger, audit};
use support::{Luck, Server, event};

const FLAGS: [&str; 4] = ["--segment-bytes", "65536", "--log-level", "warn"];
const SEGMENT_HEAD_BYTES: usize = 64;
const FRAME_HEAD_BYTES: usize = 16;
const RECORD_HEAD_BYTES: usize = 20;

/// A bit to flip.
struct Flip {
    what: String,
    file: PathBuf,
    offset: usize,
    /// Whether the mark of a clean end is taken away as well, as after a kill.
    is_killed: bool,
}

/// What became of a flipped bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    RefusedToStart,
    ProblemWhenRead,
    Harmless,
}

/// A log that was closed, with some sealed segments.
fn write_log(data_dir: &Path) -> Ledger {
    let server = Server::start_with(data_dir, "127.0.0.1:0", &FLAGS);
    let (mut luck, mut ledger) = (Luck(8), Ledger::default());
    let mut http = server.http();
    for number in 0..600 {
        let event_id = luck.uuid();
        // The first ones are only there for the tree to have rows; the last ones fill segments.
        let filler = "x".repeat(if number < 560 { 1 } else { 6_000 });
        let data = format!(r#"{{"n":{number},"filler":"{filler}"}}"#);
        ledger.sent.insert(event_id.clone(), data.clone());
        let text = event(&event_id, &format!("r{}", number % 3), &data);
        let reply = http.post("/v1/events", &text).unwrap();
        assert_eq!(reply.status, 201, "{}", reply.text());
        ledger.acknowledged.insert(event_id, Acknowledged::of(&reply.json()));
    }
    let checkpoint = http.get("/v1/log/checkpoint").unwrap();
    assert_eq!(checkpoint.status, 200, "{}", checkpoint.text());
    audit(&server, &ledger);
    server.stop();
    ledger
}

fn names(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut names: Vec<PathBuf> = entries
        .filter(|path| path.is_file() && path.to_string_lossy().ends_with(extension))
        .collect();
    names.sort();
    names
}

fn number(bytes: &[u8], offset: usize) -> usize {
    usize::try_from(u32::from_le_bytes(bytes[offset..offset + 4].try_into().unwrap())).unwrap()
}

/// Where the frames of a segment start, and where the last one ends.
fn frames(bytes: &[u8]) -> (Vec<usize>, usize) {
    let (mut starts, mut next) = (Vec::new(), SEGMENT_HEAD_BYTES);
    while next + FRAME_HEAD_BYTES <= bytes.len() && number(bytes, next) > 0 {
        starts.push(next);
        next += FRAME_HEAD_BYTES + number(bytes, next);
    }
    (starts, next)
}

/// One offset for each part of a frame and its first record.
fn parts(bytes: &[u8], frame: usize) -> [(&'static str, usize); 9] {
    let record = frame + FRAME_HEAD_BYTES;
    let header = record + RECORD_HEAD_BYTES;
    let prev = header + number(bytes, record + 16);
    [
        ("frame length", frame + 1),
        ("frame checksum", frame + 9),
        ("record length", record + 1),
        ("record checksum", record + 5),
        ("header", header + 40),
        ("hash of the event before", prev + 3),
        ("commitment", prev + 32 + 3),
        ("salt", prev + 64 + 3),
        ("body", prev + 96 + 50),
    ]
}

fn flips(data_dir: &Path) -> Vec<Flip> {
    let mut flips = Vec::new();
    let mut add = |what: String, file: &Path, offset: usize, is_killed: bool| {
        let file = file.strip_prefix(data_dir).unwrap().to_owned();
        flips.push(Flip { what, file, offset, is_killed });
    };
    let segments = names(&data_dir.join("log"), ".seg");
    assert!(segments.len() > 2);
    for (name, file) in [("sealed", &segments[1]), ("last", segments.last().unwrap())] {
        let bytes = fs::read(file).unwrap();
        let (starts, end) = frames(&bytes);
        for offset in [3, 9, 20, 30, 62] {
            add(format!("{name} segment's head"), file, offset, false);
        }
        for (part, offset) in parts(&bytes, starts[starts.len() / 2]) {
            add(format!("{part} in the {name} segment"), file, offset, false);
        }
        for (part, offset) in parts(&bytes, *starts.last().unwrap()) {
            let what = format!("{part} of the last frame in the {name} segment");
            add(what, file, offset, name == "last");
        }
        if end + 9 < bytes.len() {
            add(format!("padding of the {name} segment"), file, end + 8, false);
            add(format!("padding of the {name} segment"), file, end + 8, true);
        }
    }
    for dir in ["derived/index", "derived/tree", "trust", "log"] {
        for file in names(&data_dir.join(dir), "") {
            let is_of_segments = file.extension().is_some_and(|extension| extension == "seg");
            let len = usize::try_from(fs::metadata(&file).unwrap().len()).unwrap();
            if is_of_segments || len == 0 || file.ends_with("reserve") {
                continue;
            }
            for offset in [0, len / 3, len - 1] {
                let what = file.strip_prefix(data_dir).unwrap().display().to_string();
                add(what, &file, offset, false);
            }
        }
    }
    flips
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_dir(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// Starts a server on a directory and asks it for everything.
fn serve(data_dir: &Path, ledger: &Ledger, flip: &Flip) -> End {
    let server = match Server::try_start(data_dir, &FLAGS) {
        Ok(server) => server,
        Err(log) => {
            assert!(!log.contains("panicked"), "{}: {log}", flip.what);
            return End::RefusedToStart;
        }
    };
    let mut end = End::Harmless;
    let mut http = server.http();
    for (event_id, receipt) in &ledger.acknowledged {
        let reply = http.get(&format!("/v1/events/{event_id}")).unwrap();
        if reply.status != 200 {
            assert_eq!(reply.status, 500, "{}: {}", flip.what, reply.text());
            end = End::ProblemWhenRead;
            continue;
        }
        let found = reply.json();
        let found_receipt = Acknowledged {
            stream_seq: found["stream"]["stream_seq"].as_u64().unwrap(),
            position: found["position"].as_u64().unwrap(),
            event_hash: found["event_hash"].as_str().unwrap().to_owned(),
            prev_event_hash: found["prev_event_hash"].as_str().map(str::to_owned),
        };
        assert_eq!(found_receipt, *receipt, "{}", flip.what);
        let sent: serde_json::Value = serde_json::from_str(&ledger.sent[event_id]).unwrap();
        assert_eq!(found["data"], sent, "{}", flip.what);
    }
    if end == End::Harmless {
        audit(&server, ledger);
    }
    server.stop();
    end
}

#[test]
fn a_flipped_bit_is_found_or_harmless_and_never_served() {
    let dir = tempfile::tempdir().unwrap();
    let original = dir.path().join("original");
    let ledger = write_log(&original);
    let mut counts = [0; 3];
    for (number, flip) in flips(&original).iter().enumerate() {
        let copy = dir.path().join(format!("copy-{number}"));
        copy_dir(&original, &copy);
        let file = copy.join(&flip.file);
        let mut bytes = fs::read(&file).unwrap();
        bytes[flip.offset] ^= 0x10;
        fs::write(&file, bytes).unwrap();
        if flip.is_killed {
            fs::remove_file(copy.join("log/clean")).unwrap();
        }
        let end = serve(&copy, &ledger, flip);
        println!("{}, byte {}: {end:?}", flip.what, flip.offset);
        counts[end as usize] += 1;
        let is_in_derived = flip.file.starts_with("derived");
        assert!(!is_in_derived || end == End::Harmless, "{}: {end:?}", flip.what);
        fs::remove_dir_all(&copy).unwrap();
    }
    let [refused, problems, harmless] = counts;
    println!(
        "{refused} refused starts, {problems} problems when read, {harmless} harmless, 0 wrong answers"
    );
    assert!(refused > 0 && problems > 0 && harmless > 0);
}
