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

type Take<'a> = Box<dyn FnMut(&Path, u64) -> Result<Turn> + 'a>;

/// One side of a comparison.
pub struct Contestant<'a> {
    pub name: &'static str,
    /// What was switched on, and what it does for its time.
    pub settings: String,
    /// Whether its speed counts when the total of the row is chosen. Floors do not count.
    pub sets_total: bool,
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
    pub turns: Vec<Turn>,
}

/// A measured row of the report.
#[derive(Debug, Clone)]
pub struct Row {
    pub key: &'static str,
    pub title: &'static str,
    pub how: String,
    pub event_total: u64,
    pub outcomes: Vec<Outcome>,
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
}

/// Measures a row. `calibration` events are sent once to every contestant to choose the total.
pub fn measure(
    plan: &Plan,
    key: &'static str,
    title: &'static str,
    how: String,
    calibration: u64,
    mut contestants: Vec<Contestant<'_>>,
    aims: Vec<Aim>,
) -> Result<Row> {
    say(&format!("row {key}: {title}"));
    let event_total = choose_total(plan, calibration, &mut contestants)?;
    say(&format!("  {event_total} events a turn, {} rounds", plan.rounds));
    let mut outcomes: Vec<Outcome> = contestants
        .iter()
        .map(|side| Outcome { name: side.name, settings: side.settings.clone(), turns: Vec::new() })
        .collect();
    for _ in 0..plan.rounds {
        for (side, outcome) in contestants.iter_mut().zip(&mut outcomes) {
            let turn = take_turn(plan, side, event_total)?;
            say(&format!("  {:<26} {:>9.0} events/s", side.name, turn.load.events_per_s()));
            outcome.turns.push(turn);
        }
    }
    Ok(Row { key, title, how, event_total, outcomes, aims })
}

fn choose_total(plan: &Plan, calibration: u64, contestants: &mut [Contestant<'_>]) -> Result<u64> {
    let mut fastest: f64 = 0.0;
    for side in contestants.iter_mut() {
        let turn = take_turn(plan, side, calibration)?;
        if side.sets_total {
            fastest = fastest.max(turn.load.events_per_s());
        }
    }
    let wanted = (fastest * plan.turn.as_secs_f64()) as u64;
    // Whole requests for every side: 1, 50, 100 and 800 events each divide the total.
    Ok((wanted / 800 + 1) * 800)
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
