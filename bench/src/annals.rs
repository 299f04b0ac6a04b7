//! Owns the Annals side: the real release binary on a fresh data directory, and what it says of itself.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::http;
use crate::process::Server;

/// A running Annals server.
#[derive(Debug)]
pub struct Annals {
    pub server: Server,
    pub address: SocketAddr,
    pub token: String,
    /// From the start of the process to the line that says that it listens.
    pub ready_after: Duration,
    /// Kept open: a server that prints to a closed pipe would fail for a reason of ours.
    _stdout: BufReader<ChildStdout>,
}

/// Starts the binary and waits until it says that it listens.
pub fn start(binary: &Path, data: &Path, config: Option<&Path>) -> Result<Annals> {
    let mut command = Command::new(binary);
    command.arg("serve").arg("--data").arg(data).args(["--listen", "127.0.0.1:0"]);
    if let Some(config) = config {
        command.arg("--config").arg(config);
    }
    let began = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("starting {}", binary.display()))?;
    let stdout = child.stdout.take().context("stdout was asked for")?;
    let server = Server::adopt("annals", child);
    let mut stdout = BufReader::new(stdout);
    let address = (&mut stdout)
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.trim().strip_prefix("listening on http://").map(str::to_owned))
        .context("the server ended before it listened")?;
    let ready_after = began.elapsed();
    let token =
        std::fs::read_to_string(data.join("owner.token")).context("reading the owner token")?;
    Ok(Annals {
        server,
        address: address.parse()?,
        token: token.trim().to_owned(),
        ready_after,
        _stdout: stdout,
    })
}

impl Annals {
    /// A token that may read, because one token may not hold all tails of a benchmark.
    pub fn read_token(&self) -> Result<String> {
        let wanted = r#"{"workspace_id":"default","rights":["read"]}"#;
        let answer = http::post(self.address, "/v1/tokens", &self.token, wanted)?;
        let token = http::text_after(&answer, "\"token\":").context("no token in the answer")?;
        Ok(token.to_owned())
    }

    /// Whether it says that it can serve.
    pub fn check_ready(&self) -> Result<()> {
        http::get(self.address, "/readyz", &self.token).map(drop)
    }

    /// How many events the views are behind the log.
    pub fn view_lag(&self) -> Result<u64> {
        let status = http::get(self.address, "/v1/status", &self.token)?;
        http::number_after(&status, "\"lag_events\":").context("no lag_events in /v1/status")
    }

    /// Waits until the views have caught up and says how long that took.
    pub fn wait_for_views(&self) -> Result<Duration> {
        let start = Instant::now();
        while self.view_lag()? > 0 {
            if start.elapsed() > Duration::from_secs(120) {
                bail!("the views did not catch up within two minutes");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(start.elapsed())
    }
}

/// The release binary of this checkout, or the one that the caller names.
pub fn binary() -> Result<PathBuf> {
    let path = std::env::var_os("ANNALS_BIN")
        .map_or_else(|| PathBuf::from("../target/release/annals"), PathBuf::from);
    path.canonicalize().with_context(|| {
        format!("no binary at {}: run `cargo build --release` first", path.display())
    })
}
