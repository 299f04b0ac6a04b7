//! Owns rows f and g: a thousand live tails, how late an event reaches them and what a frame costs.
//!
//! The tails are read by one thread of this process over raw sockets. What that reader costs is in the
//! latencies; it is not in the server's processor time.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use annals_core::time::Timestamp;
use anyhow::{Context, Result, bail, ensure};
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::LocalSet;

use crate::annals::{self, Annals};
use crate::figures::{Figures, Line};
use crate::http::{HttpAppend, number_after, text_after};
use crate::load::Exchange;
use crate::process::Usage;
use crate::row::{Plan, say};

const TAIL_COUNT: usize = 1_000;
/// A token may hold 256.
const TAILS_A_TOKEN: usize = 250;
/// One event at a time, 25 a second: what a team of busy agents makes, and no queue.
const PACE: Duration = Duration::from_millis(40);
/// Row b's request, and one in between.
const BATCH_EVENTS: u64 = 100;
const SMALL_BATCH_EVENTS: u64 = 10;
const PATIENCE: Duration = Duration::from_secs(60);

/// What one round measured.
#[derive(Debug, Default)]
struct Round {
    /// From `recorded_at` to the moment a tail's reader had the whole frame.
    spread_us: Vec<i64>,
    /// From `recorded_at` to the moment the sender had its receipt.
    receipt_us: Vec<i64>,
    frames_a_core_single: f64,
    batch: Flow,
    small_batch: Flow,
    resident_mb: f64,
}

/// How fast frames came, and what they cost.
#[derive(Debug, Default, Clone, Copy)]
struct Flow {
    frames_a_core: f64,
    frames_per_s: f64,
}

/// Measures both rows in the same rounds.
pub fn measure(plan: &Plan) -> Result<Vec<Figures>> {
    say("rows f and g: a thousand tails");
    let rounds = (0..plan.rounds).map(|_| round(plan)).collect::<Result<Vec<_>>>()?;
    Ok(vec![latency(&rounds), frames(&rounds)])
}

fn latency(rounds: &[Round]) -> Figures {
    let spread = |per_mille| rounds.iter().map(move |round| at(&round.spread_us, per_mille));
    let receipt = |per_mille| rounds.iter().map(move |round| at(&round.receipt_us, per_mille));
    Figures {
        key: "f",
        title: "commit → event at a client, with 1,000 live tails",
        how: format!(
            "{TAIL_COUNT} connections on `/v1/tail`, everything on; one event is appended every {} ms and reaches all of them. The clock starts with the event's `recorded_at`, which is taken before the fdatasync, and stops when the reader of a tail has the whole frame; every delivery to every tail counts. All tails are read by the one thread that appends, on the same machine: its own time for a thousand reads is in the figures, and a receipt waits behind the reads that came before it.",
            PACE.as_millis()
        ),
        lines: vec![
            Line::new("recorded_at → frame read, p50", "ms", spread(500)),
            Line::new("recorded_at → frame read, p99", "ms", spread(990)).below(10.0),
            Line::new("recorded_at → frame read, the last of all", "ms", spread(1000)),
            Line::new("recorded_at → receipt at the sender, p50", "ms", receipt(500)),
            Line::new("recorded_at → receipt at the sender, p99", "ms", receipt(990)),
        ],
    }
}

fn frames(rounds: &[Round]) -> Figures {
    let values = |of: fn(&Round) -> f64| rounds.iter().map(of).collect::<Vec<_>>();
    Figures {
        key: "g",
        title: "SSE frames a second a core",
        how: format!(
            "The same {TAIL_COUNT} tails. Frames that arrived, over the processor time of the whole server (user and system) while they were made; appending is in it. One request is appended at a time, the next when every tail has read all of it: with {BATCH_EVENTS} events a request (row b's) many frames share a write to a socket, with one (the load of row f) every frame is a write of its own."
        ),
        lines: vec![
            Line::new(
                format!("{BATCH_EVENTS} events a request"),
                "frames a second a core",
                values(|round| round.batch.frames_a_core),
            )
            .at_least(200_000.0),
            Line::new(
                format!("{SMALL_BATCH_EVENTS} events a request"),
                "frames a second a core",
                values(|round| round.small_batch.frames_a_core),
            ),
            Line::new(
                "one event at a time, as in row f",
                "frames a second a core",
                values(|round| round.frames_a_core_single),
            ),
            Line::new(
                format!("{BATCH_EVENTS} events a request, as they arrived at the one reader"),
                "frames a second",
                values(|round| round.batch.frames_per_s),
            ),
            Line::new("memory of the server with its tails", "MB", values(|r| r.resident_mb)),
        ],
    }
}

/// Of microseconds, in milliseconds.
fn at(values: &[i64], per_mille: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * per_mille / 1000).map_or(f64::NAN, |micros| *micros as f64 / 1e3)
}

fn round(plan: &Plan) -> Result<Round> {
    let directory = plan.directory.join("tails");
    let annals = annals::start(&annals::binary()?, &directory, None)?;
    let tokens =
        (0..TAIL_COUNT / TAILS_A_TOKEN).map(|_| annals.read_token()).collect::<Result<Vec<_>>>()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let round = LocalSet::new().block_on(&runtime, measured(plan, &annals, &tokens));
    annals.server.stop()?;
    std::fs::remove_dir_all(&directory)?;
    rustix::fs::sync();
    round
}

async fn measured(plan: &Plan, annals: &Annals, tokens: &[String]) -> Result<Round> {
    let tally = Rc::new(Tally::default());
    for index in 0..TAIL_COUNT {
        let socket = open_tail(annals.address, &tokens[index % tokens.len()]).await?;
        tokio::task::spawn_local(read(socket, Rc::clone(&tally)));
    }
    tally.wait("open tails", |tally| tally.open.get() == TAIL_COUNT as u64).await?;
    let mut round = Round::default();
    one_at_a_time(plan, annals, &tally, &mut round).await?;
    tally.keeps_no_arrivals.set(true);
    round.batch = in_batches(plan, annals, &tally, BATCH_EVENTS, 1).await?;
    round.small_batch = in_batches(plan, annals, &tally, SMALL_BATCH_EVENTS, 2).await?;
    round.resident_mb = annals.server.usage().resident_bytes as f64 / 1e6;
    Ok(round)
}

async fn one_at_a_time(
    plan: &Plan,
    annals: &Annals,
    tally: &Tally,
    round: &mut Round,
) -> Result<()> {
    let mut sender = Sender::open(annals, 1, 0).await?;
    let count = (plan.turn.as_micros() / PACE.as_micros()).max(10) as u64;
    let mut recorded = Vec::new();
    let before = annals.server.usage();
    let mut ticks = tokio::time::interval(PACE);
    for _ in 0..count {
        ticks.tick().await;
        let answer = sender.append().await?;
        let arrived = now_micros();
        let receipt = Receipt::read(&answer)?;
        round.receipt_us.push(arrived - receipt.recorded_at);
        recorded.push(receipt);
    }
    tally.wait_for_frames(count).await?;
    round.frames_a_core_single = tally.frames.get() as f64 / spent(before, annals);
    // Positions are gapless, so an event's receipt is found by its distance from the first.
    let first = recorded.first().context("something was appended")?.position;
    for (position, arrived) in tally.arrivals.take() {
        let receipt = recorded.get((position - first) as usize).context("an event of another")?;
        ensure!(receipt.position == position, "somebody else appends to this log");
        round.spread_us.push(arrived - receipt.recorded_at);
    }
    Ok(())
}

async fn in_batches(
    plan: &Plan,
    annals: &Annals,
    tally: &Tally,
    batch_events: u64,
    lane: u64,
) -> Result<Flow> {
    let mut sender = Sender::open(annals, batch_events, lane).await?;
    let (frames_before, before, start) =
        (tally.frames.get(), annals.server.usage(), Instant::now());
    let mut events = frames_before / TAIL_COUNT as u64;
    while start.elapsed() < plan.turn / 2 {
        sender.append().await?;
        events += batch_events;
        tally.wait_for_frames(events).await?;
    }
    let elapsed_s = start.elapsed().as_secs_f64();
    let frames = (tally.frames.get() - frames_before) as f64;
    Ok(Flow { frames_a_core: frames / spent(before, annals), frames_per_s: frames / elapsed_s })
}

fn spent(before: Usage, annals: &Annals) -> f64 {
    // The system counts in hundredths of a second.
    (annals.server.usage().processor_s - before.processor_s).max(0.01)
}

/// What all readers have seen together.
#[derive(Debug, Default)]
struct Tally {
    open: Cell<u64>,
    frames: Cell<u64>,
    keeps_no_arrivals: Cell<bool>,
    arrivals: RefCell<Vec<(u64, i64)>>,
    failure: RefCell<Option<String>>,
    changed: Notify,
}

impl Tally {
    async fn wait_for_frames(&self, events: u64) -> Result<()> {
        let wanted = events * TAIL_COUNT as u64;
        self.wait("frames", |tally| tally.frames.get() >= wanted).await?;
        ensure!(self.frames.get() == wanted, "a tail got an event twice");
        Ok(())
    }

    async fn wait(&self, what: &str, is_done: impl Fn(&Self) -> bool) -> Result<()> {
        let waiting = async {
            while !is_done(self) && self.failure.borrow().is_none() {
                self.changed.notified().await;
            }
        };
        let is_late = tokio::time::timeout(PATIENCE, waiting).await.is_err();
        if let Some(failure) = self.failure.borrow().as_ref() {
            bail!("a tail ended: {failure}");
        }
        ensure!(!is_late, "{what} did not come within {PATIENCE:?}");
        Ok(())
    }
}

async fn open_tail(address: SocketAddr, token: &str) -> Result<TcpStream> {
    let mut socket = TcpStream::connect(address).await?;
    let request = format!(
        "GET /v1/tail HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\naccept: text/event-stream\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await?;
    Ok(socket)
}

async fn read(mut socket: TcpStream, tally: Rc<Tally>) {
    let mut buffer = vec![0; 256 << 10];
    let (mut kept, mut is_open) = (0, false);
    loop {
        let count = match socket.read(&mut buffer[kept..]).await {
            Ok(count @ 1..) => count,
            ended => {
                tally.failure.replace(Some(format!("{ended:?}")));
                tally.changed.notify_one();
                return;
            }
        };
        let end = kept + count;
        let whole = take_frames(&buffer[..end], &tally);
        buffer.copy_within(whole..end, 0);
        kept = end - whole;
        if whole > 0 && !is_open {
            is_open = true;
            tally.open.set(tally.open.get() + 1);
        }
        tally.changed.notify_one();
    }
}

/// Every frame begins with `id:`, and what is before it is the head of the answer or of a chunk.
const EVENT_LINE: &[u8] = b"event:tool.invoked\n";

/// Counts the events among the whole frames and says how many bytes those take.
fn take_frames(bytes: &[u8], tally: &Tally) -> usize {
    let (mut whole, now) = (0, now_micros());
    for end in memmem::find_iter(bytes, b"\n\n") {
        let frame = &bytes[whole..end];
        whole = end + 2;
        let Some(line) = memmem::find(frame, EVENT_LINE) else {
            continue;
        };
        tally.frames.set(tally.frames.get() + 1);
        if !tally.keeps_no_arrivals.get()
            && let Some(id) = memmem::rfind(&frame[..line], b"id:")
        {
            let digits = std::str::from_utf8(&frame[id + 3..line]).unwrap_or_default().trim();
            tally.arrivals.borrow_mut().push((digits.parse().unwrap_or(0), now));
        }
    }
    whole
}

fn now_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

#[derive(Debug)]
struct Receipt {
    position: u64,
    recorded_at: i64,
}

impl Receipt {
    fn read(answer: &str) -> Result<Self> {
        let position = number_after(answer, "\"position\":").context("no position")?;
        let recorded_at = text_after(answer, "\"recorded_at\":").context("no recorded_at")?;
        Ok(Self { position, recorded_at: Timestamp::parse(recorded_at)?.at.as_micros() })
    }
}

/// The one who appends, on a connection of its own.
struct Sender {
    socket: TcpStream,
    exchange: HttpAppend,
    input: Vec<u8>,
}

impl Sender {
    async fn open(annals: &Annals, events_per_request: u64, lane: u64) -> Result<Self> {
        let socket = TcpStream::connect(annals.address).await?;
        socket.set_nodelay(true)?;
        let exchange = HttpAppend::new("/v1/events", &annals.token, events_per_request, lane);
        Ok(Self { socket, exchange, input: Vec::new() })
    }

    async fn append(&mut self) -> Result<String> {
        self.input.clear();
        self.socket.write_all(self.exchange.request()).await?;
        while self.exchange.answer(&self.input)?.is_none() {
            let count = self.socket.read_buf(&mut self.input).await?;
            ensure!(count > 0, "the server closed the sender's connection");
        }
        Ok(String::from_utf8_lossy(&self.input).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_counts_once_wherever_a_read_ends() {
        let text = b"HTTP/1.1 200 OK\r\nx-id: 9\r\n\r\nc\r\nretry:1000\n\n\r\n40\r\nid:7\nevent:tool.invoked\ndata:{}\n\nid:8\nevent:tool.invoked\ndata:{}\n\n\r\n";
        for cut in 0..text.len() {
            let tally = Tally::default();
            let whole = take_frames(&text[..cut], &tally);
            take_frames(&text[whole..], &tally);
            assert_eq!(tally.frames.get(), 2, "cut at {cut}");
            let positions: Vec<u64> =
                tally.arrivals.take().into_iter().map(|(position, _)| position).collect();
            assert_eq!(positions, [7, 8], "cut at {cut}");
        }
    }
}
