//! Owns the list of rows: who meets whom, in which shape, and what the project asks of the ratio.
//!
//! The letters are those of the design's table of speed.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::{Result, bail};

use crate::contestants::{
    DEFAULT, Shape, WITHOUT_CATALOG, annals_http, bare_floor, nothing_http, postgres_insert,
    redis_xadd, store_in_process,
};
use crate::floor::Writes;
use crate::postgres::Cluster;
use crate::row::{Aim, Plan, Row, measure as measure_row};

/// The rows, in the order of the report.
pub const KEYS: [&str; 4] = ["a", "b", "c", "d"];

const PIPELINED: &str = "Redis XADD, pipelined";
const UNPIPELINED: &str = "Redis XADD, one at a time";

/// 16 connections on both sides, each with one pipeline or one request in flight.
const REDIS_PIPELINE: Shape = Shape { connections: 16, events_per_request: 50 };
const HTTP_BATCH: Shape = Shape { connections: 16, events_per_request: 100 };
const ONE_EACH: Shape = Shape { connections: 64, events_per_request: 1 };
const POSTGRES: Shape = Shape { connections: 32, events_per_request: 1 };

/// About what Annals answers to a batch of 100 and to one event.
const BATCH_ANSWER_BYTES: usize = 38_000;
const ONE_ANSWER_BYTES: usize = 360;

/// Measures one row.
pub fn measure(plan: &Plan, key: &str) -> Result<Row> {
    match key {
        "a" => store_alone(plan),
        "b" => batches(plan),
        "c" => batches_with_everything(plan),
        "d" => one_event_a_request(plan),
        _ => bail!("no row {key}"),
    }
}

fn store_alone(plan: &Plan) -> Result<Row> {
    measure_row(
        plan,
        "a",
        "the store in process",
        format!(
            "Commits of 800 events against Redis with {REDIS_PIPELINE} in flight: 800 on both sides."
        ),
        40_000,
        vec![store_in_process(800), redis_xadd(PIPELINED, REDIS_PIPELINE)],
        vec![aim(PIPELINED, 3.0, "row a")],
    )
}

fn batches(plan: &Plan) -> Result<Row> {
    let writes = Rc::new(RefCell::new(Writes::default()));
    measure_row(
        plan,
        "b",
        "HTTP, 100 events a request (and e, the floor below it)",
        format!(
            "16 connections on every side, each with one request or one pipeline in flight: {HTTP_BATCH} for HTTP, {REDIS_PIPELINE} for Redis."
        ),
        40_000,
        vec![
            annals_http("Annals", HTTP_BATCH, WITHOUT_CATALOG, Rc::clone(&writes)),
            redis_xadd(PIPELINED, REDIS_PIPELINE),
            nothing_http(HTTP_BATCH, BATCH_ANSWER_BYTES),
            bare_floor(writes),
        ],
        vec![
            aim(PIPELINED, 1.0, "row b"),
            aim("a server that does nothing", 0.6, "row b"),
            aim("the bare writes and syncs", 0.5, "row e"),
        ],
    )
}

fn batches_with_everything(plan: &Plan) -> Result<Row> {
    measure_row(
        plan,
        "c",
        "the same with everything on",
        "As row b, with the catalog's schema check.".to_owned(),
        40_000,
        vec![
            annals_http("Annals", HTTP_BATCH, DEFAULT, Rc::default()),
            redis_xadd(PIPELINED, REDIS_PIPELINE),
        ],
        vec![aim(PIPELINED, 0.5, "row c")],
    )
}

fn one_event_a_request(plan: &Plan) -> Result<Row> {
    let directory = plan.directory.join("postgres");
    std::fs::create_dir_all(&directory)?;
    let cluster = Cluster::create(&directory)?;
    let writes = Rc::new(RefCell::new(Writes::default()));
    measure_row(
        plan,
        "d",
        "HTTP, one event a request",
        "64 connections with one request in flight each; Postgres has 32.".to_owned(),
        8_000,
        vec![
            annals_http("Annals", ONE_EACH, DEFAULT, Rc::clone(&writes)),
            redis_xadd(UNPIPELINED, ONE_EACH),
            postgres_insert(&cluster, POSTGRES),
            nothing_http(ONE_EACH, ONE_ANSWER_BYTES),
            bare_floor(writes),
        ],
        vec![
            aim(UNPIPELINED, 0.7, "the first issue (the design's aim is 0.8)"),
            aim("Postgres insert", 3.0, "row d"),
        ],
    )
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
        let plan = Plan { rounds: 1, turn: Duration::from_millis(10), directory };
        let cluster_directory = plan.directory.join("postgres");
        std::fs::create_dir_all(&cluster_directory).expect("a directory");
        let cluster = Cluster::create(&cluster_directory).expect("a cluster");
        let peers = vec![
            redis_xadd(PIPELINED, REDIS_PIPELINE),
            redis_xadd(UNPIPELINED, ONE_EACH),
            postgres_insert(&cluster, POSTGRES),
        ];
        let row = measure_row(&plan, "t", "test", String::new(), 1_600, peers, Vec::new())
            .expect("a row");
        assert!(row.outcomes.iter().all(|outcome| outcome.turns.len() == 1));
        std::fs::remove_dir_all(&plan.directory).expect("removing it");
    }
}
