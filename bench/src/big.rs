//! Owns rows h, i and l, which share one large log: opening it after `kill -9`, verifying it, and the
//! memory of the server that holds it.
//!
//! The log is made once a run, over HTTP and with everything on, as row c makes it: an imported or
//! patched-together log would have no views, no tree and no index of its own.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::annals::{self, Annals};
use crate::contestants::lanes;
use crate::figures::{Figures, Line};
use crate::http::{HttpAppend, number_after};
use crate::load;
use crate::process::{output, own_processor_s, resident_bytes};
use crate::row::{Plan, say};
use crate::rows::HTTP_BATCH;

/// What the design asks for.
const EVENTS_WANTED: u64 = 10_000_000;
/// What an event takes on the disk with index, tree and views (measured: 640), with room for the rounds.
const DISK_BYTES_AN_EVENT: u64 = 1_000;
/// How long the server is left alone before its memory counts as "at rest".
const REST: Duration = Duration::from_secs(5);
/// How long it is loaded before it is killed.
const LOAD: Duration = Duration::from_millis(1_500);

/// Measures the three rows.
pub fn measure(plan: &Plan) -> Result<Vec<Figures>> {
    say("rows h, i and l: a large log");
    let mut log = BigLog::make(plan)?;
    let mut opened = Vec::new();
    for round in 0..plan.rounds {
        opened.push(log.killed_and_opened(round as u64 * 2 + 1, Cache::Warm)?);
        opened.push(log.killed_and_opened(round as u64 * 2 + 2, Cache::Dropped)?);
    }
    log.stop()?;
    let checked = (0..plan.rounds).map(|_| log.verify(plan)).collect::<Result<Vec<_>>>()?;
    let rows =
        vec![opening_row(&log, &opened), verify_row(&log, &checked), memory_row(&log, &opened)];
    std::fs::remove_dir_all(&log.directory)?;
    Ok(rows)
}

/// Whether the kernel may still have the log's pages when it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cache {
    Warm,
    Dropped,
}

struct BigLog {
    directory: PathBuf,
    server: Option<Annals>,
    events: u64,
    note: String,
    resident_after_load_mb: f64,
    bytes_an_event: f64,
}

#[derive(Debug)]
struct Opened {
    cache: Cache,
    listening_s: f64,
    resident_under_load_mb: f64,
    resident_at_rest_mb: f64,
}

#[derive(Debug)]
struct Checked {
    events: u64,
    elapsed_s: f64,
    processor_s: f64,
}

impl BigLog {
    fn make(plan: &Plan) -> Result<Self> {
        let (events, note) = affordable(plan)?;
        say(&format!("  making a log of {events} events{note}"));
        let directory = plan.directory.join("big");
        let annals = annals::start(&annals::binary()?, &directory, None)?;
        let start = Instant::now();
        let exchanges = lanes(HTTP_BATCH, |lane| exchange(&annals.token, lane));
        let each = HTTP_BATCH.events_per_request;
        load::drive(annals.address, exchanges, events / each, each)?;
        annals.wait_for_views()?;
        say(&format!("  made in {:.0} s", start.elapsed().as_secs_f64()));
        std::thread::sleep(REST);
        let resident_after_load_mb = resident_mb(&annals);
        let bytes_an_event = disk_bytes(&directory)? as f64 / events as f64;
        let server = Some(annals);
        Ok(Self { directory, server, events, note, resident_after_load_mb, bytes_an_event })
    }

    /// Loads the server as row b does, kills it in the middle of that, and opens the log again.
    fn killed_and_opened(&mut self, number: u64, cache: Cache) -> Result<Opened> {
        let annals = self.server.take().context("a server")?;
        let resident_under_load_mb = load_and_kill(annals, number)?;
        if cache == Cache::Dropped {
            rustix::fs::sync();
            drop_pages(&self.directory)?;
        }
        let annals = annals::start(&annals::binary()?, &self.directory, None)?;
        annals.check_ready()?;
        let listening_s = annals.ready_after.as_secs_f64();
        annals.wait_for_views()?;
        std::thread::sleep(REST);
        let resident_at_rest_mb = resident_mb(&annals);
        say(&format!("  opened ({cache:?}) in {listening_s:.3} s"));
        self.server = Some(annals);
        Ok(Opened { cache, listening_s, resident_under_load_mb, resident_at_rest_mb })
    }

    fn stop(&mut self) -> Result<()> {
        self.server.take().context("a server")?.server.stop()
    }

    /// Runs `annals verify` over the directory of the stopped server.
    fn verify(&self, plan: &Plan) -> Result<Checked> {
        let mut command = Command::new(annals::binary()?);
        command.args(["verify", "--json", "--data"]).arg(&self.directory);
        // The newest checkpoint is remembered, but not among the user's own.
        command.env("XDG_STATE_HOME", plan.directory.join("state"));
        let (before_s, start) = (own_processor_s(), Instant::now());
        let report = output(&mut command)?;
        let elapsed_s = start.elapsed().as_secs_f64();
        // A child that has ended counts towards its parent.
        let processor_s = own_processor_s() - before_s;
        ensure!(report.contains("\"verdict\":\"valid\""), "verify says {report}");
        let events = number_after(&report, "\"events_checked\":").context("events_checked")?;
        ensure!(events >= self.events, "verify saw {events} events");
        say(&format!("  verified {events} events in {elapsed_s:.1} s"));
        Ok(Checked { events, elapsed_s, processor_s })
    }

    fn told(&self) -> String {
        format!(
            "A log of {} events of 600 bytes, made over HTTP with everything on{}.",
            self.events, self.note
        )
    }
}

/// As many events as the disk has room for, and what to say if those are fewer.
fn affordable(plan: &Plan) -> Result<(u64, String)> {
    let wanted = plan.big_events.unwrap_or(EVENTS_WANTED);
    let disk = rustix::fs::statvfs(&plan.directory)?;
    let room = disk.f_bavail * disk.f_frsize / DISK_BYTES_AN_EVENT;
    // Whole requests, and a round figure to tell.
    let events = wanted.min(room) / 10_000 * 10_000;
    if events == 0 {
        bail!("no room for a large log in {}", plan.directory.display());
    }
    let note = match events < EVENTS_WANTED {
        true if room < wanted => " (fewer than the design's 10 million: the disk has no more room)",
        true => " (fewer than the design's 10 million: as asked)",
        false => "",
    };
    Ok((events, note.to_owned()))
}

fn exchange(token: &str, lane: u64) -> HttpAppend {
    HttpAppend::new("/v1/events", token, HTTP_BATCH.events_per_request, lane)
}

/// The greatest resident memory under load, in megabytes.
fn load_and_kill(annals: Annals, number: u64) -> Result<f64> {
    let (address, token) = (annals.address, annals.token.clone());
    let loading = std::thread::spawn(move || {
        let first_lane = number * HTTP_BATCH.connections;
        let exchanges = lanes(HTTP_BATCH, |lane| exchange(&token, first_lane + lane));
        // It never ends by itself: the server dies under it.
        load::drive(address, exchanges, u64::MAX, HTTP_BATCH.events_per_request)
    });
    let (start, mut most) = (Instant::now(), 0.0_f64);
    while start.elapsed() < LOAD {
        std::thread::sleep(Duration::from_millis(50));
        most = most.max(resident_mb(&annals));
    }
    annals.server.kill()?;
    let loaded = loading.join().ok().context("the load panicked")?;
    ensure!(loaded.is_err(), "the load ended before the server was killed");
    Ok(most)
}

fn resident_mb(annals: &Annals) -> f64 {
    resident_bytes(annals.server.pid()).unwrap_or(0) as f64 / 1e6
}

fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let (mut files, mut directories) = (Vec::new(), vec![directory.to_owned()]);
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                directories.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    Ok(files)
}

fn disk_bytes(directory: &Path) -> Result<u64> {
    let sizes = files(directory)?.into_iter().map(|path| Ok(path.metadata()?.blocks() * 512));
    sizes.sum()
}

/// Asks the kernel to forget the pages of every file, as after a start of the machine.
fn drop_pages(directory: &Path) -> Result<()> {
    for path in files(directory)? {
        #[cfg(target_os = "linux")]
        rustix::fs::fadvise(File::open(&path)?, 0, None, rustix::fs::Advice::DontNeed)?;
        #[cfg(not(target_os = "linux"))]
        drop(File::open(&path)?);
    }
    Ok(())
}

fn opening_row(log: &BigLog, opened: &[Opened]) -> Figures {
    let with =
        |cache| opened.iter().filter(move |one| one.cache == cache).map(|one| one.listening_s);
    Figures {
        key: "h",
        title: "open a large log after kill -9",
        how: format!(
            "{} The server is loaded as in row b for {:.1} s, killed with SIGKILL in the middle of it, and started again; the clock runs from the start of the process to the line that says that it listens, and /readyz answers then. As after a crash of the process, the kernel still has pages of the log; in a second series its files are synced and dropped from the page cache before the start.",
            log.told(),
            LOAD.as_secs_f64()
        ),
        lines: vec![
            Line::new("open after kill -9", "s", with(Cache::Warm)).below(2.0),
            Line::new("open after kill -9, page cache dropped", "s", with(Cache::Dropped)),
            Line::new("disk an event, with index, tree and views", "bytes", [log.bytes_an_event]),
        ],
    }
}

fn verify_row(log: &BigLog, checked: &[Checked]) -> Figures {
    let per = |of: fn(&Checked) -> f64| checked.iter().map(of).collect::<Vec<_>>();
    let events = checked.last().map_or(0, |one| one.events);
    Figures {
        key: "i",
        title: "verify",
        how: format!(
            "{} After the kills of row h it has {events}; `annals verify --data` checks all of them where they lie (bodies, salts, chains, gaplessness, the tree and the signed root) with all cores. A second a core is a second of processor time, user and system.",
            log.told()
        ),
        lines: vec![
            Line::new("verify", "events a second a core", per(|c| c.events as f64 / c.processor_s))
                .at_least(1e6),
            Line::new(
                "verify",
                "events a second, all cores",
                per(|c| c.events as f64 / c.elapsed_s),
            ),
        ],
    }
}

fn memory_row(log: &BigLog, opened: &[Opened]) -> Figures {
    let loaded = opened.iter().map(|one| one.resident_under_load_mb);
    let rest = opened.iter().map(|one| one.resident_at_rest_mb);
    Figures {
        key: "l",
        title: "resident memory with a large log",
        how: format!(
            "{} At rest: {} s after the views were level. Under row b: the greatest of a look every 50 ms. The page cache is not in it.",
            log.told(),
            REST.as_secs()
        ),
        lines: vec![
            Line::new("at rest, after a start", "MB", rest).below(100.0),
            Line::new("at rest, after all of it was appended", "MB", [log.resident_after_load_mb])
                .below(100.0),
            Line::new("under row b", "MB", loaded),
        ],
    }
}
