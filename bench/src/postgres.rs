//! Owns the PostgreSQL side: a server of its own with honest sync settings, and a prepared INSERT over
//! the raw wire protocol (version 3), one row a transaction.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::load::Exchange;
use crate::process::{Server, free_port, output, wait_for_port};
use crate::sample::{self, Slots};

/// The settings that the report prints.
pub const SETTINGS: &str = "synchronous_commit=on, fsync=on, full_page_writes=on, wal_sync_method=fdatasync, shared_buffers=256MB, max_wal_size=4GB";
/// The table that the report prints.
pub const TABLE: &str = "create table events (position bigint generated always as identity primary key, event_id uuid not null unique, stream text not null, body json not null)";
const INSERT: &str = "insert into events (event_id, stream, body) values ($1::uuid, $2, $3::json)";

/// A cluster that was initialised once and is started for every run.
#[derive(Debug)]
pub struct Cluster {
    bin: PathBuf,
    data: PathBuf,
}

impl Cluster {
    /// Initialises a cluster and its table. PostgreSQL refuses to run as root, so root hands the
    /// directory to the `postgres` user of the Debian package.
    pub fn create(directory: &Path) -> Result<Self> {
        let cluster = Self { bin: bin_directory()?, data: directory.join("cluster") };
        if is_root() {
            output(Command::new("chown").arg("postgres").arg(directory))?;
        }
        let mut initdb = cluster.command("initdb");
        initdb.arg("-D").arg(&cluster.data).args([
            "-U",
            "bench",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
        ]);
        output(&mut initdb)?;
        let (server, address) = cluster.start()?;
        let port = address.port().to_string();
        let mut psql = cluster.command("psql");
        psql.args(["-h", "127.0.0.1", "-p", &port, "-U", "bench", "-d", "postgres", "-c", TABLE]);
        output(&mut psql)?;
        server.stop()?;
        Ok(cluster)
    }

    /// Starts the server on a free port.
    pub fn start(&self) -> Result<(Server, SocketAddr)> {
        let port = free_port()?;
        let mut command = self.command("postgres");
        command.arg("-D").arg(&self.data).args(["-p", &port.to_string(), "-k", ""]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "synchronous_commit=on",
            "fsync=on",
            "full_page_writes=on",
            "wal_sync_method=fdatasync",
            "shared_buffers=256MB",
            "max_wal_size=4GB",
        ] {
            command.args(["-c", setting]);
        }
        let server = Server::spawn("postgres", command)?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        self.wait_until_ready(address)?;
        Ok((server, address))
    }

    /// The server listens before it answers.
    fn wait_until_ready(&self, address: SocketAddr) -> Result<()> {
        wait_for_port(address)?;
        let port = address.port().to_string();
        for _ in 0..300 {
            let mut pg_isready = self.command("pg_isready");
            if output(pg_isready.args(["-q", "-h", "127.0.0.1", "-p", &port])).is_ok() {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        bail!("PostgreSQL did not become ready")
    }

    fn command(&self, program: &str) -> Command {
        let path = self.bin.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        // A directory that the other user may enter: the caller's own may be closed to it.
        command.current_dir("/");
        command
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Debian keeps the server programs outside the PATH, one directory a version.
fn bin_directory() -> Result<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .context("no PostgreSQL server: install Debian's package postgresql")?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|path| path.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().context("no initdb below /usr/lib/postgresql")
}

/// The version line of the server.
pub fn version() -> Result<String> {
    output(Command::new(bin_directory()?.join("postgres")).arg("--version"))
}

/// One connection that inserts a row a transaction.
#[derive(Debug)]
pub struct PostgresInsert {
    request: Vec<u8>,
    slots: Slots,
    next_number: u64,
}

impl PostgresInsert {
    pub fn new(lane: u64) -> Self {
        let event = sample::event();
        let mut bind = b"\0insert\0\0\0".to_vec();
        bind.extend_from_slice(&3_u16.to_be_bytes());
        for value in ["01990000-0000-7000-8000-000000000000", "run-0000", &event] {
            bind.extend_from_slice(&(value.len() as u32).to_be_bytes());
            bind.extend_from_slice(value.as_bytes());
        }
        bind.extend_from_slice(&0_u16.to_be_bytes());
        let mut request = message(b'B', &bind);
        request.extend(message(b'E', b"\0\0\0\0\0"));
        request.extend(message(b'S', b""));
        let slots = Slots::find(&request);
        Self { slots, request, next_number: lane * sample::LANE_NUMBERS }
    }
}

impl Exchange for PostgresInsert {
    fn opening(&self) -> Vec<u8> {
        let parameters = b"\x00\x03\x00\x00user\0bench\0database\0postgres\0\0";
        let mut bytes = ((parameters.len() + 4) as u32).to_be_bytes().to_vec();
        bytes.extend_from_slice(parameters);
        let mut parse = b"insert\0".to_vec();
        parse.extend_from_slice(INSERT.as_bytes());
        parse.extend_from_slice(b"\0\0\0");
        bytes.extend(message(b'P', &parse));
        bytes.extend(message(b'S', b""));
        bytes
    }

    /// Ready for the start-up, and ready again after the statement was prepared.
    fn opened(&self, input: &[u8]) -> Result<bool> {
        let Some(first) = ready_length(input)? else {
            return Ok(false);
        };
        Ok(ready_length(&input[first..])?.is_some())
    }

    fn request(&mut self) -> &[u8] {
        // An id is spelled twice: in its own column and inside the body.
        self.slots.fill(&mut self.request, self.next_number, self.slots.id_count());
        self.next_number += 1;
        &self.request
    }

    fn answer(&self, input: &[u8]) -> Result<Option<usize>> {
        ready_length(input)
    }
}

fn message(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend_from_slice(&((payload.len() + 4) as u32).to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// The bytes up to and with the next ReadyForQuery; an ErrorResponse is an error.
fn ready_length(input: &[u8]) -> Result<Option<usize>> {
    let mut at = 0;
    while let Some(head) = input.get(at..at + 5) {
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize + 1;
        let Some(whole) = input.get(at..at + length) else {
            return Ok(None);
        };
        match head[0] {
            b'E' => bail!("postgres answered {}", String::from_utf8_lossy(whole)),
            b'Z' => return Ok(Some(at + length)),
            _ => at += length,
        }
    }
    Ok(None)
}
