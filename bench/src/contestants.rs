//! Owns the contestants: how each one is started, loaded, looked at and stopped for one turn.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;

use anyhow::Result;

use crate::floor::{self, Writes};
use crate::http::HttpAppend;
use crate::load::{self, Exchange, Load};
use crate::nats::JetStreamPublish;
use crate::postgres::{Cluster, PostgresInsert};
use crate::process::{Server, Usage, own_processor_s, own_resident_bytes};
use crate::redis::RedisXadd;
use crate::row::{Contestant, Pace, Turn};
use crate::{annals, durable, nats, nothing, postgres, redis, store};

/// How the load of one side is shaped.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub connections: u64,
    pub events_per_request: u64,
}

impl std::fmt::Display for Shape {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} connections × {} events", self.connections, self.events_per_request)
    }
}

/// A configuration of the Annals server, in the words of its file.
#[derive(Debug, Clone, Copy)]
pub struct Configuration {
    pub text: &'static str,
    pub told_as: &'static str,
}

/// Everything on: what a newcomer gets.
pub const DEFAULT: Configuration =
    Configuration { text: "", told_as: "everything on, as it comes" };
/// What row b asks for.
pub const WITHOUT_CHECKS: Configuration = Configuration {
    text: "schema-check = \"off\"\n[secrets]\nenabled = false\n",
    told_as: "log, index and views on, catalog check and redaction off",
};

/// Annals over HTTP. What it wrote is left in `writes` for the floor of the same round.
pub fn annals_http(
    name: &'static str,
    shape: Shape,
    configuration: Configuration,
    writes: Rc<RefCell<Writes>>,
) -> Contestant<'static> {
    let take = move |directory: &Path, event_total: u64| {
        let config = directory.join("annals.toml");
        std::fs::write(&config, configuration.text)?;
        let annals = annals::start(&annals::binary()?, &directory.join("data"), Some(&config))?;
        let exchanges = lanes(shape, |lane| {
            HttpAppend::new("/v1/events", &annals.token, shape.events_per_request, lane)
        });
        let threads_before = annals.server.threads();
        let mut turn = load_turn(&annals.server, annals.address, exchanges, shape, event_total)?;
        let threads = shares(&threads_before, &annals.server.threads());
        let lag = annals.view_lag()?;
        turn.view_lag = Some((lag, annals.wait_for_views()?));
        annals.server.stop()?;
        let made = Writes::of_log(&directory.join("data/log"))?;
        let per_commit = event_total as f64 / made.0.len() as f64;
        turn.remark =
            Some(format!("{per_commit:.0} events a commit; processor by thread: {threads}"));
        writes.replace(made);
        Ok(turn)
    };
    Contestant {
        name,
        settings: format!(
            "{shape} a request; {}; hash chain, identities, index; fdatasync before every answer",
            configuration.told_as
        ),
        sets_total: true,
        pace: Pace::Unknown,
        take: Box::new(take),
    }
}

/// What each thread took of the processor time between two looks.
fn shares(before: &BTreeMap<String, f64>, after: &BTreeMap<String, f64>) -> String {
    let mut took: Vec<(&str, f64)> = after
        .iter()
        .map(|(name, seconds)| (name.as_str(), seconds - before.get(name).unwrap_or(&0.0)))
        .filter(|(_, seconds)| *seconds > 0.0)
        .collect();
    took.sort_by(|one, two| two.1.total_cmp(&one.1));
    let total: f64 = took.iter().map(|(_, seconds)| seconds).sum();
    let share = |(name, seconds): &(&str, f64)| format!("{name} {:.0} %", seconds / total * 100.0);
    took.iter().map(share).collect::<Vec<_>>().join(", ")
}

/// The store's writer in this process, `group_events` events a commit.
pub fn store_in_process(group_events: u64) -> Contestant<'static> {
    let take = move |directory: &Path, event_total: u64| {
        let before_s = own_processor_s();
        let run = store::run(directory, event_total, group_events)?;
        let server = Usage {
            resident_bytes: own_resident_bytes(),
            processor_s: own_processor_s() - before_s,
        };
        Ok(Turn {
            load: Load { elapsed: run.elapsed, event_count: event_total, latencies_us: Vec::new() },
            server,
            client_processor_s: 0.0,
            view_lag: None,
            remark: Some(format!(
                "index level {:.1} s later; memory is the whole benchmark's",
                run.settled.as_secs_f64()
            )),
        })
    };
    Contestant {
        name: "the store of Annals",
        settings: format!(
            "in this process, {group_events} events a commit; headers, salts, commitments, hash chain, identities, index; fdatasync a commit; no JSON is parsed"
        ),
        sets_total: true,
        pace: Pace::Unknown,
        take: Box::new(take),
    }
}

/// The server that does nothing, with answers of the size that Annals gives.
pub fn nothing_http(shape: Shape, answer_bytes: usize) -> Contestant<'static> {
    let take = move |_: &Path, event_total: u64| {
        let (server, address) = nothing::start(shape.events_per_request, answer_bytes)?;
        let exchanges =
            lanes(shape, |lane| HttpAppend::new("/v1/events", "-", shape.events_per_request, lane));
        let turn = load_turn(&server, address, exchanges, shape, event_total)?;
        server.stop()?;
        Ok(turn)
    };
    Contestant {
        name: "a server that does nothing",
        settings: format!(
            "{shape} a request; axum reads the body and answers {answer_bytes} constant bytes; stores nothing"
        ),
        sets_total: false,
        pace: Pace::Unknown,
        take: Box::new(take),
    }
}

/// Redis streams.
pub fn redis_xadd(name: &'static str, shape: Shape) -> Contestant<'static> {
    let take = move |directory: &Path, event_total: u64| {
        let (server, address) = redis::start(directory)?;
        let exchanges = lanes(shape, |lane| RedisXadd::new(shape.events_per_request, lane));
        let turn = load_turn(&server, address, exchanges, shape, event_total)?;
        server.stop()?;
        Ok(turn)
    };
    Contestant {
        name,
        settings: format!(
            "{shape} in a pipeline; XADD to 64 keys; {}; no chain, no identities",
            redis::SETTINGS
        ),
        sets_total: true,
        pace: Pace::Unknown,
        take: Box::new(take),
    }
}

/// The server of durable-streams with its log on.
pub fn durable_streams(shape: Shape) -> Contestant<'static> {
    let take = move |directory: &Path, event_total: u64| {
        let (server, address) = durable::start(directory)?;
        let exchanges =
            lanes(shape, |lane| HttpAppend::durable_streams(shape.events_per_request, lane));
        let turn = load_turn(&server, address, exchanges, shape, event_total)?;
        server.stop()?;
        Ok(turn)
    };
    Contestant {
        name: "durable-streams",
        settings: format!(
            "{shape} a request; {}; 64 streams; no chain, no index, no identities",
            durable::SETTINGS
        ),
        sets_total: true,
        pace: Pace::Unknown,
        take: Box::new(take),
    }
}

/// JetStream, every publish acknowledged.
pub fn jetstream(name: &'static str, shape: Shape, sync: nats::Sync) -> Contestant<'static> {
    let take = move |directory: &Path, event_total: u64| {
        let (server, address) = nats::start(directory, sync)?;
        let exchanges = lanes(shape, |lane| JetStreamPublish::new(shape.events_per_request, lane));
        let turn = load_turn(&server, address, exchanges, shape, event_total)?;
        server.stop()?;
        Ok(turn)
    };
    let is_honest = sync == nats::Sync::Always;
    Contestant {
        name,
        settings: format!(
            "{shape} unacknowledged; one stream in files, 64 subjects; {}; no chain, no message ids",
            sync.told_as()
        ),
        sets_total: is_honest,
        pace: if is_honest { Pace::Slow } else { Pace::Unknown },
        take: Box::new(take),
    }
}

/// PostgreSQL, one row a transaction. The table is emptied between turns.
pub fn postgres_insert<'a>(cluster: &'a Cluster, shape: Shape) -> Contestant<'a> {
    let take = move |_: &Path, event_total: u64| {
        let (server, address) = cluster.start()?;
        cluster.empty_table(address)?;
        let exchanges = lanes(shape, PostgresInsert::new);
        let turn = load_turn(&server, address, exchanges, shape, event_total)?;
        server.stop()?;
        Ok(turn)
    };
    Contestant {
        name: "Postgres insert",
        settings: format!(
            "{} connections, prepared, one row a transaction; {}; `{}`",
            shape.connections,
            postgres::SETTINGS,
            postgres::TABLE
        ),
        sets_total: true,
        pace: Pace::Unknown,
        take: Box::new(take),
    }
}

/// The writes and syncs of Annals' turn of the same round, without a server or a client.
pub fn bare_floor(writes: Rc<RefCell<Writes>>) -> Contestant<'static> {
    let take = move |directory: &Path, event_total: u64| {
        let writes = writes.borrow();
        let before_s = own_processor_s();
        let elapsed = floor::replay(directory, &writes)?;
        Ok(Turn {
            load: Load { elapsed, event_count: event_total, latencies_us: Vec::new() },
            server: Usage::default(),
            client_processor_s: own_processor_s() - before_s,
            view_lag: None,
            remark: Some(format!(
                "{} writes, {} bytes on average",
                writes.0.len(),
                writes.byte_count() / writes.0.len() as u64
            )),
        })
    };
    Contestant {
        name: "the bare writes and syncs",
        settings: "the writes of Annals' turn of the same round, size by size, each with its fdatasync, into preallocated 64 MiB files, by one thread".to_owned(),
        sets_total: false,
        pace: Pace::OfTheFirst,
        take: Box::new(take),
    }
}

pub fn lanes<E>(shape: Shape, make: impl Fn(u64) -> E) -> Vec<E> {
    (0..shape.connections).map(make).collect()
}

/// One turn of load against a server that is there.
pub fn load_turn<E: Exchange + 'static>(
    server: &Server,
    address: SocketAddr,
    exchanges: Vec<E>,
    shape: Shape,
    event_total: u64,
) -> Result<Turn> {
    let (server_before, client_before_s) = (server.usage(), own_processor_s());
    let load = load::drive(
        address,
        exchanges,
        event_total / shape.events_per_request,
        shape.events_per_request,
    )?;
    let mut usage = server.usage();
    usage.processor_s -= server_before.processor_s;
    Ok(Turn {
        load,
        server: usage,
        client_processor_s: own_processor_s() - client_before_s,
        view_lag: None,
        remark: None,
    })
}

impl Cluster {
    fn empty_table(&self, address: SocketAddr) -> Result<()> {
        let port = address.port().to_string();
        let mut psql = Command::new("psql");
        psql.args(["-h", "127.0.0.1", "-p", &port, "-U", "bench", "-d", "postgres"]);
        psql.args(["-qc", "truncate events", "-c", "checkpoint"]);
        crate::process::output(&mut psql)?;
        Ok(())
    }
}
