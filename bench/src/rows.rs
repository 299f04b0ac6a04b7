//! Owns the rows that are comparisons: who meets whom, in which shape, and what the project asks of the ratio.
//!
//! The letters are those of the design's table of speed.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::Result;

use crate::contestants::{
    DEFAULT, Shape, WITHOUT_CHECKS, annals_http, bare_floor, durable_streams, jetstream,
    nothing_http, postgres_insert, redis_xadd, store_in_process,
};
use crate::floor::Writes;
use crate::nats::Sync;
use crate::peers;
use crate::postgres::Cluster;
use crate::row::{Aim, Contestant, Match, Plan, Row, measure};

const PIPELINED: &str = "Redis XADD, pipelined";
const UNPIPELINED: &str = "Redis XADD, one at a time";
const DURABLE_STREAMS: &str = "durable-streams";
const JETSTREAM_ALWAYS: &str = "JetStream, sync always";
const JETSTREAM_DEFAULT: &str = "JetStream, default (unsynced)";

/// 16 connections on both sides, each with one pipeline or one request in flight.
const REDIS_PIPELINE: Shape = Shape { connections: 16, events_per_request: 50 };
/// Also the load under which row l looks at the memory.
pub const HTTP_BATCH: Shape = Shape { connections: 16, events_per_request: 100 };
const ONE_EACH: Shape = Shape { connections: 64, events_per_request: 1 };
const POSTGRES: Shape = Shape { connections: 32, events_per_request: 1 };

/// About what Annals answers to a batch of 100 and to one event.
const BATCH_ANSWER_BYTES: usize = 38_000;
const ONE_ANSWER_BYTES: usize = 360;

/// Row a.
pub fn store_alone(plan: &Plan) -> Result<Row> {
    let how = format!(
        "Commits of 800 events against Redis with {REDIS_PIPELINE} in flight: 800 on both sides."
    );
    measure(
        plan,
        Match {
            key: "a",
            title: "the store in process",
            how,
            calibration: 40_000,
            contestants: vec![store_in_process(800), redis_xadd(PIPELINED, REDIS_PIPELINE)],
            skipped: Vec::new(),
            aims: vec![aim(PIPELINED, 3.0, "row a")],
        },
    )
}

/// Row b, with row e below it.
pub fn batches(plan: &Plan) -> Result<Row> {
    let writes = Rc::new(RefCell::new(Writes::default()));
    let mut contestants = vec![
        annals_http("Annals", HTTP_BATCH, WITHOUT_CHECKS, Rc::clone(&writes)),
        redis_xadd(PIPELINED, REDIS_PIPELINE),
        nothing_http(HTTP_BATCH, BATCH_ANSWER_BYTES),
        bare_floor(writes),
    ];
    let skipped = invite_peers(&mut contestants, HTTP_BATCH);
    measure(
        plan,
        Match {
            key: "b",
            title: "HTTP, 100 events a request (and e, the floor below it)",
            how: format!(
                "16 connections on every side, each with one request or one pipeline in flight: {HTTP_BATCH} for HTTP and JetStream, {REDIS_PIPELINE} for Redis."
            ),
            calibration: 40_000,
            contestants,
            skipped,
            aims: vec![
                aim(PIPELINED, 1.0, "row b"),
                aim(DURABLE_STREAMS, 1.0, "row b"),
                aim("a server that does nothing", 0.6, "row b"),
                aim("the bare writes and syncs", 0.5, "row e"),
            ],
        },
    )
}

/// Row c.
pub fn batches_with_everything(plan: &Plan) -> Result<Row> {
    measure(
        plan,
        Match {
            key: "c",
            title: "the same with everything on",
            how: "As row b, with the catalog's schema check and the search for secrets.".to_owned(),
            calibration: 40_000,
            contestants: vec![
                annals_http("Annals", HTTP_BATCH, DEFAULT, Rc::default()),
                redis_xadd(PIPELINED, REDIS_PIPELINE),
            ],
            skipped: Vec::new(),
            aims: vec![aim(PIPELINED, 0.5, "row c")],
        },
    )
}

/// Row d.
pub fn one_event_a_request(plan: &Plan) -> Result<Row> {
    let directory = plan.directory.join("postgres");
    std::fs::create_dir_all(&directory)?;
    let cluster = Cluster::create(&directory)?;
    let writes = Rc::new(RefCell::new(Writes::default()));
    let mut contestants = vec![
        annals_http("Annals", ONE_EACH, DEFAULT, Rc::clone(&writes)),
        redis_xadd(UNPIPELINED, ONE_EACH),
        postgres_insert(&cluster, POSTGRES),
        nothing_http(ONE_EACH, ONE_ANSWER_BYTES),
        bare_floor(writes),
    ];
    let skipped = invite_peers(&mut contestants, ONE_EACH);
    measure(
        plan,
        Match {
            key: "d",
            title: "HTTP, one event a request",
            how: "64 connections with one request in flight each; Postgres has 32.".to_owned(),
            calibration: 8_000,
            contestants,
            skipped,
            aims: vec![
                aim(UNPIPELINED, 0.8, "row d"),
                aim("Postgres insert", 3.0, "row d"),
                aim(DURABLE_STREAMS, 1.0, "row d"),
                aim(JETSTREAM_ALWAYS, 5.0, "row d"),
            ],
        },
    )
}

/// Adds the peers that are installed here, behind the others, and says which are not.
fn invite_peers(contestants: &mut Vec<Contestant<'_>>, shape: Shape) -> Vec<String> {
    let mut skipped = Vec::new();
    match peers::find(peers::DURABLE_STREAMS) {
        Some(_) => contestants.push(durable_streams(shape)),
        None => skipped.push(peers::missing(peers::DURABLE_STREAMS)),
    }
    match peers::find(peers::NATS) {
        Some(_) => contestants.extend([
            jetstream(JETSTREAM_ALWAYS, shape, Sync::Always),
            jetstream(JETSTREAM_DEFAULT, shape, Sync::Default),
        ]),
        None => skipped.push(peers::missing(peers::NATS)),
    }
    skipped
}

fn aim(against: &'static str, ratio_min: f64, whose: &'static str) -> Aim {
    Aim { against, ratio_min, whose }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// The other sides really run and really answer, without Annals: a mistake in a hand-made protocol
    /// shows here and not in an hour-long run.
    #[test]
    fn every_peer_takes_a_turn() {
        let directory = std::path::PathBuf::from("/var/tmp")
            .join(format!("annals-bench-test-{}", std::process::id()));
        let plan = Plan { rounds: 1, turn: Duration::from_millis(10), directory, big_events: None };
        let cluster_directory = plan.directory.join("postgres");
        std::fs::create_dir_all(&cluster_directory).expect("a directory");
        let cluster = Cluster::create(&cluster_directory).expect("a cluster");
        let mut peers = vec![
            redis_xadd(PIPELINED, REDIS_PIPELINE),
            redis_xadd(UNPIPELINED, ONE_EACH),
            postgres_insert(&cluster, POSTGRES),
        ];
        let skipped = invite_peers(&mut peers, ONE_EACH);
        invite_peers(&mut peers, HTTP_BATCH);
        let row = Match {
            key: "t",
            title: "test",
            how: String::new(),
            calibration: 1_600,
            contestants: peers,
            skipped,
            aims: Vec::new(),
        };
        let row = measure(&plan, row).expect("a row");
        assert!(row.outcomes.iter().all(|outcome| outcome.turns.len() == 1));
        std::fs::remove_dir_all(&plan.directory).expect("removing it");
    }
}
