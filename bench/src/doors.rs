//! Owns row n: the doors of foreign formats, each with the documents that its tests read, on one server.
//!
//! The documents are the fixtures of each dialect, all types of it in turn, with an id of its own for
//! every document that is sent. What a door refuses alone is left out before anything is measured.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use anyhow::{Context, Result, ensure};

use crate::annals::{self, Annals};
use crate::contestants::{Shape, lanes, load_turn};
use crate::door::{Content, DoorAppend};
use crate::http::HttpAppend;
use crate::otlp;
use crate::row::{Contestant, Match, Outcome, Pace, Plan, Row, measure};
use crate::rows::HTTP_BATCH;

/// Where the fixtures lie, seen from this workspace.
const FIXTURES: &str = "../crates/core/tests/fixtures/dialects";
/// What seed 002 allows for writing or reading one event.
const SEED_US_MAX: f64 = 5_000.0;
/// How often the doors are to be faster than that.
const SEED_RATIO_MIN: f64 = 1_000.0;

/// Ids last for 998 lanes, which all turns share.
const ONE_EACH: Shape = Shape { connections: 48, events_per_request: 1 };

/// A door, and what goes through it.
#[derive(Debug, Clone, Copy)]
struct Door {
    name: &'static str,
    fixtures: &'static str,
    path: &'static str,
    content: Content,
    shape: Shape,
    /// The members that hold a document's identity, each written anew for every document.
    ids: &'static [&'static str],
    /// Whether documents without such a member get one.
    adds_ids: bool,
    /// The text that names the run, the room or the session in the fixtures.
    run: Option<&'static str>,
}

const HIVE: Door = Door {
    name: "hive, JSON",
    fixtures: "hive",
    path: "/v1/doors/hive",
    content: Content::Json,
    shape: HTTP_BATCH,
    ids: &["event_id"],
    adds_ids: false,
    run: Some("d95bafc8-f2a4-427b-9cf4-bb99f4bea973"),
};

const CLOUDEVENTS: Door = Door {
    name: "cloudevents, batched",
    fixtures: "cloudevents",
    path: "/v1/cloudevents",
    content: Content::CloudEventsBatch,
    ids: &["id", "idempotencykey"],
    run: None,
    ..HIVE
};

const DOORS: [Door; 7] = [
    HIVE,
    Door { name: "hive, MessagePack", content: Content::MessagePack, ..HIVE },
    Door {
        name: "kernel",
        fixtures: "kernel",
        path: "/v1/doors/kernel",
        // These documents have no identity: each that is sent is another event.
        ids: &[],
        run: Some("4f8e2a10-6a3d-4b1e-9c57-d0a3f6b2c481"),
        ..HIVE
    },
    Door {
        name: "agentos",
        fixtures: "agentos",
        path: "/v1/doors/agentos",
        ids: &["event_id", "idempotency_key"],
        run: Some("room_01JD3H7VQ2M4N6P8R0S2T4V6W8"),
        ..HIVE
    },
    Door {
        name: "envelope",
        fixtures: "envelope",
        path: "/v1/doors/envelope",
        ids: &["id"],
        run: None,
        ..HIVE
    },
    Door {
        name: "hooks",
        fixtures: "hooks",
        path: "/v1/doors/hooks",
        ids: &["idempotency_key"],
        adds_ids: true,
        run: Some("5f3c1c1e-9d0b-4a57-8a2f-1c7d90b3e6aa"),
        ..HIVE
    },
    CLOUDEVENTS,
];

/// Sent one document at a time, so it meets the native door in the same shape.
const STRUCTURED: Door = Door {
    name: "cloudevents, structured",
    content: Content::CloudEvent,
    shape: ONE_EACH,
    ..CLOUDEVENTS
};

/// The server of all doors. Lanes are counted over all turns, so that no id is sent twice.
struct Host {
    annals: Annals,
    next_lane: u64,
}

type Shared = Rc<RefCell<Host>>;

/// Row n.
pub fn measure_doors(plan: &Plan) -> Result<Row> {
    let directory = plan.directory.join("doors");
    std::fs::create_dir_all(&directory)?;
    let annals = annals::start(&annals::binary()?, &directory.join("data"), None)?;
    let host = Rc::new(RefCell::new(Host { annals, next_lane: 0 }));
    let mut contestants = vec![native("native, JSON", HTTP_BATCH, &host)];
    for door in DOORS {
        contestants.push(foreign(door, &host)?);
    }
    contestants.push(spans(&host));
    contestants.push(native("native, JSON, one a request", ONE_EACH, &host));
    contestants.push(foreign(STRUCTURED, &host)?);
    let row = measure(
        plan,
        Match {
            key: "n",
            title: "the doors of foreign formats",
            how: "One server for the whole row, as it comes: translation both ways (what is read is written back and compared), the catalog's schema check, the search for secrets, views. The documents are the fixtures of each dialect, every type in turn, with ids of their own. Memory is that of the server after all turns so far.".to_owned(),
            calibration: 8_000,
            contestants,
            skipped: Vec::new(),
            aims: Vec::new(),
        },
    );
    let Ok(host) = Rc::try_unwrap(host) else { anyhow::bail!("a contestant is left over") };
    host.into_inner().annals.server.stop()?;
    std::fs::remove_dir_all(&directory)?;
    let mut row = row?;
    let told: Vec<String> = row.outcomes.iter().filter_map(against_the_seed).collect();
    row.how = format!("{}\n\n{}", row.how, told.join("\n"));
    Ok(row)
}

/// What seed 002 asks of one event, beside what one takes here.
fn against_the_seed(outcome: &Outcome) -> Option<String> {
    if !outcome.name.starts_with("hive") {
        return None;
    }
    let mut micros: Vec<f64> = outcome
        .turns
        .iter()
        .map(|turn| turn.server.processor_s * 1e6 / turn.load.event_count as f64)
        .collect();
    micros.sort_by(f64::total_cmp);
    let median = micros.get(micros.len() / 2)?;
    let ratio = SEED_US_MAX / median;
    let verdict = if ratio >= SEED_RATIO_MIN { "reached" } else { "not reached" };
    Some(format!(
        "**{}: {median:.1} µs** of the server's processor an event, from its bytes to the synced log and the views. Seed 002 allows 5 ms to write one and 5 ms to read one: {ratio:.0}× less than either — asked for are ≥ {SEED_RATIO_MIN}×: {verdict}.\n",
        outcome.name,
    ))
}

fn native(name: &'static str, shape: Shape, host: &Shared) -> Contestant<'static> {
    let host = Rc::clone(host);
    contestant(
        name,
        format!("{shape} a request; POST /v1/events, events of 600 bytes"),
        move |total| {
            turn(&host, shape, total, |token, lane| {
                Ok(HttpAppend::new("/v1/events", token, shape.events_per_request, lane))
            })
        },
    )
}

fn foreign(door: Door, host: &Shared) -> Result<Contestant<'static>> {
    let (documents, refused) = documents(&door, &host.borrow().annals)?;
    let mean = documents.iter().map(String::len).sum::<usize>() / documents.len();
    let (path, shape) = (door.path, door.shape);
    let settings = format!(
        "{shape} a request; POST {path}, {} documents of {mean} bytes on average, {refused} of the fixtures left out; {}",
        documents.len(),
        door.content.media_type(),
    );
    let host = Rc::clone(host);
    Ok(contestant(door.name, settings, move |total| {
        turn(&host, shape, total, |token, lane| {
            DoorAppend::new(path, door.content, token, &documents, shape.events_per_request, lane)
        })
    }))
}

fn spans(host: &Shared) -> Contestant<'static> {
    let shape = HTTP_BATCH;
    let host = Rc::clone(host);
    let settings = format!(
        "{shape} a request; POST {}, spans of {} bytes on average (model calls, tool calls and others in turn); protobuf; counted are spans, which become a beginning and an end each where they are calls",
        otlp::PATH,
        otlp::MEAN_BYTES
    );
    contestant("otlp, spans", settings, move |total| {
        turn(&host, shape, total, |token, lane| {
            Ok(otlp::SpanAppend::new(token, shape.events_per_request, lane))
        })
    })
}

fn contestant(
    name: &'static str,
    settings: String,
    take: impl Fn(u64) -> Result<crate::row::Turn> + 'static,
) -> Contestant<'static> {
    Contestant {
        name,
        settings,
        sets_total: true,
        pace: Pace::Unknown,
        take: Box::new(move |_: &Path, event_total| take(event_total)),
    }
}

fn turn<E: crate::load::Exchange + 'static>(
    host: &Shared,
    shape: Shape,
    event_total: u64,
    make: impl Fn(&str, u64) -> Result<E>,
) -> Result<crate::row::Turn> {
    let mut host = host.borrow_mut();
    let first_lane = host.next_lane;
    host.next_lane += shape.connections;
    let annals = &host.annals;
    let exchanges: Vec<E> = lanes(shape, |lane| make(&annals.token, first_lane + lane))
        .into_iter()
        .collect::<Result<_>>()?;
    let mut turn = load_turn(&annals.server, annals.address, exchanges, shape, event_total)?;
    let lag = annals.view_lag()?;
    turn.view_lag = Some((lag, annals.wait_for_views()?));
    Ok(turn)
}

/// The fixtures of a door that it takes, with places for ids, and how many it does not take.
fn documents(door: &Door, annals: &Annals) -> Result<(Vec<String>, usize)> {
    let file = Path::new(FIXTURES).join(door.fixtures).with_extension("ndjson");
    let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let content = if door.content == Content::MessagePack { Content::Json } else { door.content };
    let single = if content == Content::CloudEventsBatch { Content::CloudEvent } else { content };
    let mut taken = Vec::new();
    let mut refused = 0;
    for line in text.lines() {
        let document = crate::door::with_places(line, door.ids, door.adds_ids, door.run);
        match crate::door::is_taken(annals, door.path, single, &document)? {
            true => taken.push(document),
            false => refused += 1,
        }
    }
    ensure!(!taken.is_empty(), "{} takes none of its fixtures", door.name);
    Ok((taken, refused))
}
