//! Owns the servers that a run starts: their process ids, their resident memory and processor time as
//! Linux tells them, and their end. Nothing is ended by name.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal};

const PATIENCE: Duration = Duration::from_secs(30);
/// Linux reports processor time in ticks of a hundredth of a second on every platform it runs on here.
const TICKS_PER_S: f64 = 100.0;

/// A started server; it is ended when it goes out of scope.
#[derive(Debug)]
pub struct Server {
    name: String,
    pub(crate) child: Child,
}

/// Resident memory and processor time of a server and its children.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    pub resident_bytes: u64,
    pub processor_s: f64,
}

impl Server {
    pub fn spawn(name: &str, mut command: Command) -> Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        Ok(Self { name: name.to_owned(), child })
    }

    pub fn adopt(name: &str, child: Child) -> Self {
        Self { name: name.to_owned(), child }
    }

    /// PostgreSQL works in children, so a server is all processes below its id.
    pub fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        for pid in family(self.child.id()) {
            usage.resident_bytes += resident_bytes(pid).unwrap_or(0);
            usage.processor_s += processor_s(pid).unwrap_or(0.0);
        }
        usage
    }

    /// Processor time by thread name: where the time goes.
    pub fn threads(&self) -> BTreeMap<String, f64> {
        let mut threads = BTreeMap::new();
        let tasks = format!("/proc/{}/task", self.child.id());
        for task in std::fs::read_dir(tasks).into_iter().flatten().flatten() {
            let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            let seconds = stat_seconds(&task.path().join("stat")).unwrap_or(0.0);
            *threads.entry(name.trim().to_owned()).or_insert(0.0) += seconds;
        }
        threads
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends the server as a crash would: SIGKILL, and no chance to tidy up.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks the server to end and waits for it.
    pub fn stop(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        let pid = Pid::from_child(&self.child);
        rustix::process::kill_process(pid, self.signal())?;
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                self.child.kill()?;
                bail!("{} did not end within {PATIENCE:?}", self.name);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// PostgreSQL takes SIGINT for a fast shutdown; SIGTERM would wait for the clients.
    fn signal(&self) -> Signal {
        if self.name == "postgres" { Signal::INT } else { Signal::TERM }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Waits until something listens.
pub fn wait_for_port(address: SocketAddr) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(address).is_err() {
        if Instant::now() > deadline {
            bail!("nothing listens on {address} after {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Runs a command to its end and returns what it printed.
pub fn output(command: &mut Command) -> Result<String> {
    let result =
        command.stdin(Stdio::null()).output().with_context(|| format!("running {command:?}"))?;
    if !result.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&result.stderr));
    }
    Ok(String::from_utf8_lossy(&result.stdout).trim().to_owned())
}

/// Processor time of this process itself: the client's share.
pub fn own_processor_s() -> f64 {
    processor_s(std::process::id()).unwrap_or(0.0)
}

/// Resident memory of this process.
pub fn own_resident_bytes() -> u64 {
    resident_bytes(std::process::id()).unwrap_or(0)
}

fn family(root: u32) -> Vec<u32> {
    let mut pids = vec![root];
    let mut index = 0;
    while let Some(pid) = pids.get(index).copied() {
        let path = format!("/proc/{pid}/task/{pid}/children");
        let children = std::fs::read_to_string(path).unwrap_or_default();
        pids.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        index += 1;
    }
    pids
}

/// Memory of its own plus its share of what is shared, so that PostgreSQL's children are not counted
/// many times over.
pub fn resident_bytes(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find(|line| line.starts_with("Pss:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// User and system time, with that of children that have ended.
fn processor_s(pid: u32) -> Option<f64> {
    stat_seconds(Path::new(&format!("/proc/{pid}/stat")))
}

fn stat_seconds(stat: &Path) -> Option<f64> {
    let text = std::fs::read_to_string(stat).ok()?;
    let after_name = text.rsplit_once(')')?.1;
    let ticks: f64 = after_name
        .split_whitespace()
        .skip(11)
        .take(4)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    Some(ticks / TICKS_PER_S)
}
