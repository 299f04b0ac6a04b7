//! Owns how a row is measured: the same total of events for every contestant, in turns
//! (A B C, A B C, A B C), each turn on a fresh directory and a fresh server.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::load::Load;
use crate::process::Usage;

/// One turn of one contestant.
#[derive(Debug, Clone)]
pub struct Turn {
    pub load: Load,
    pub server: Usage,
    pub client_processor_s: f64,
    /// Events that the views were behind when the load ended, and how long they took to catch up.
    pub view_lag: Option<(u64, Duration)>,
    /// What else is worth telling, such as events a commit.
    pub remark: Option<String>,
}

/// What is known of a contestant's speed before it is calibrated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    Unknown,
    /// So slow that a twentieth of the calibration says enough.
    Slow,
    /// It repeats what the first contestant did, so its total is the first one's.
    OfTheFirst,
}

type Take<'a> = Box<dyn FnMut(&Path, u64) -> Result<Turn> + 'a>;

/// One side of a comparison.
pub struct Contestant<'a> {
    pub name: &'static str,
    /// What was switched on, and what it does for its time.
    pub settings: String,
    /// Whether its speed counts when the total of the row is chosen. Floors do not count.
    pub sets_total: bool,
    pub pace: Pace,
    pub take: Take<'a>,
}

impl std::fmt::Debug for Contestant<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Contestant").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A contestant's turns.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub name: &'static str,
    pub settings: String,
    /// Less than the row's total for a side that would take too long.
    pub event_total: u64,
    pub turns: Vec<Turn>,
}

/// A row before it is measured.
#[derive(Debug)]
pub struct Match<'a> {
    pub key: &'static str,
    pub title: &'static str,
    pub how: String,
    /// Events that are sent once to every contestant to choose the total.
    pub calibration: u64,
    pub contestants: Vec<Contestant<'a>>,
    /// Sides that are not installed here, in the words of the report.
    pub skipped: Vec<String>,
    pub aims: Vec<Aim>,
}

/// A measured row of the report.
#[derive(Debug, Clone)]
pub struct Row {
    pub key: &'static str,
    pub title: &'static str,
    pub how: String,
    pub event_total: u64,
    pub outcomes: Vec<Outcome>,
    pub skipped: Vec<String>,
    pub aims: Vec<Aim>,
}

/// What the design asks of a row: the first contestant's median over another's.
#[derive(Debug, Clone)]
pub struct Aim {
    pub against: &'static str,
    pub ratio_min: f64,
    pub whose: &'static str,
}

/// How thorough the run is.
#[derive(Debug, Clone)]
pub struct Plan {
    pub rounds: usize,
    /// A turn of the fastest contestant lasts about this long.
    pub turn: Duration,
    pub directory: PathBuf,
    /// The size of the large log, when somebody asks for another one than the design does.
    pub big_events: Option<u64>,
}

/// Measures a row.
pub fn measure(plan: &Plan, row: Match<'_>) -> Result<Row> {
    let Match { key, title, how, calibration, mut contestants, skipped, aims } = row;
    say(&format!("row {key}: {title}"));
    skipped.iter().for_each(|line| say(&format!("  {line}")));
    let totals = Totals::choose(plan, calibration, &mut contestants)?;
    say(&format!("  {} events a turn, {} rounds", totals.row, plan.rounds));
    let outcome = |(side, event_total): (&Contestant<'_>, &u64)| Outcome {
        name: side.name,
        settings: side.settings.clone(),
        event_total: *event_total,
        turns: Vec::new(),
    };
    let mut outcomes: Vec<Outcome> = contestants.iter().zip(&totals.each).map(outcome).collect();
    for _ in 0..plan.rounds {
        for (side, outcome) in contestants.iter_mut().zip(&mut outcomes) {
            let turn = take_turn(plan, side, outcome.event_total)?;
            say(&format!("  {:<26} {:>9.0} events/s", side.name, turn.load.events_per_s()));
            outcome.turns.push(turn);
        }
    }
    Ok(Row { key, title, how, event_total: totals.row, outcomes, skipped, aims })
}

/// How many events the sides of a row store in a turn.
#[derive(Debug)]
struct Totals {
    row: u64,
    each: Vec<u64>,
}

/// A side that would need more turns' time than this gets a smaller total.
const TURNS_MAX: f64 = 4.0;

impl Totals {
    fn choose(plan: &Plan, calibration: u64, contestants: &mut [Contestant<'_>]) -> Result<Self> {
        let mut rates = Vec::new();
        let mut fastest: f64 = 0.0;
        for side in contestants.iter_mut() {
            let events = match side.pace {
                Pace::Slow => whole_requests(calibration as f64 / 20.0),
                Pace::Unknown | Pace::OfTheFirst => calibration,
            };
            let rate = take_turn(plan, side, events)?.load.events_per_s();
            if side.sets_total {
                fastest = fastest.max(rate);
            }
            rates.push(rate);
        }
        let turn_s = plan.turn.as_secs_f64();
        let row = whole_requests(fastest * turn_s);
        let own = |(number, (side, rate)): (usize, (&Contestant<'_>, &f64))| {
            // The ratios are against the first one, so it always has the row's total.
            let has_row = number == 0 || side.pace == Pace::OfTheFirst;
            if has_row { row } else { own_total(row, *rate, turn_s) }
        };
        let each = contestants.iter().zip(&rates).enumerate().map(own).collect();
        Ok(Self { row, each })
    }
}

fn own_total(row: u64, rate: f64, turn_s: f64) -> u64 {
    if row as f64 / rate > TURNS_MAX * turn_s {
        whole_requests(rate * turn_s).min(row)
    } else {
        row
    }
}

/// Whole requests for every side: 1, 50, 100 and 800 events each divide the total.
fn whole_requests(events: f64) -> u64 {
    (events as u64 / 800 + 1) * 800
}

fn take_turn(plan: &Plan, side: &mut Contestant<'_>, event_total: u64) -> Result<Turn> {
    let directory = plan.directory.join("turn");
    std::fs::create_dir_all(&directory)?;
    let turn =
        (side.take)(&directory, event_total).with_context(|| format!("{}'s turn", side.name));
    std::fs::remove_dir_all(&directory)?;
    // What one side left to be written must not slow the next one down.
    rustix::fs::sync();
    turn
}

/// Progress goes to the error stream; the report is the product.
pub fn say(line: &str) {
    eprintln!("{line}");
}
