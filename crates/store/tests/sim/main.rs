//! A seeded simulation of crashes and power losses at every kind of moment.
//!
//! One seed is one story of at least 500 operations and 5 crashes on a disk that loses, tears and
//! reorders what was not synced. The simulation is worth something only if it finds faults, so
//! each of a list of faults is planted and must be found.
//!
//! `make sim SEEDS=100000` tells more stories, `FROM=100000` with it goes on where such a run ended,
//! and `make sim SEED=17` tells one with every operation.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test stops where it goes wrong, and a long run is told its length and says how it goes"
)]

#[path = "../common/mod.rs"]
mod common;
mod oracle;
mod plant;
mod sender;
mod story;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use oracle::Finding;
use plant::Plant;
use story::{CRASH_COUNT_MIN, Figures, OPERATION_COUNT_MIN, Story};

const SEEDS: u64 = 200;
/// Seeds within which a planted fault must be found.
const SEEDS_PER_PLANT: u64 = 200;
/// A run of more seeds than this says from time to time how far it is.
const QUIET_SEEDS: u64 = 1_000;

fn tell(seed: u64, plant: Plant) -> Result<Figures, Finding> {
    Story::new(seed, plant).tell()
}

/// Tells a story and keeps every operation.
fn trace(seed: u64, plant: Plant) -> (Vec<String>, Result<Figures, Finding>) {
    let story = Story::new(seed, plant);
    let disk = story.disk();
    disk.start_trace();
    let end = story.tell();
    (disk.take_trace(), end)
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text}")))
}

/// Tells many stories on all processors. Gives what happened, or the first seed that went wrong.
fn tell_many(from: u64, seeds: u64) -> Result<Figures, (u64, Finding)> {
    let (next, done) = (AtomicU64::new(from), AtomicU64::new(0));
    let total = Mutex::new(Figures::default());
    let fault = Mutex::new(None::<(u64, Finding)>);
    let started = Instant::now();
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= from + seeds || fault.lock().unwrap().is_some() {
                return;
            }
            match tell(seed, Plant::Nothing) {
                Ok(figures) => total.lock().unwrap().add(&figures),
                Err(finding) => {
                    let mut fault = fault.lock().unwrap();
                    if fault.as_ref().is_none_or(|(first, _)| seed < *first) {
                        *fault = Some((seed, finding));
                    }
                }
            }
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            if seeds > QUIET_SEEDS && done.is_multiple_of(QUIET_SEEDS) {
                println!("{done} of {seeds} seeds, {} s", started.elapsed().as_secs());
            }
        }
    };
    let thread_count = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..thread_count {
            scope.spawn(work);
        }
    });
    match fault.into_inner().unwrap() {
        Some(fault) => Err(fault),
        None => Ok(total.into_inner().unwrap()),
    }
}

fn say(seeds: u64, figures: &Figures, took: Duration) {
    println!(
        "{seeds} seeds in {:.1} s: {} operations of {} processes, {} crashes, {} of them power losses, \
         {} failed syncs, {} refusals for lack of room; {} events acknowledged, {} answered again, \
         {} erased, {} checkpoints handed out; 0 losses",
        took.as_secs_f64(),
        figures.operations,
        figures.processes,
        figures.crashes,
        figures.power_losses,
        figures.failed_syncs,
        figures.refusals_for_room,
        figures.acknowledged_events,
        figures.replayed_events,
        figures.erased_events,
        figures.checkpoints,
    );
}

#[test]
fn no_crash_or_power_loss_takes_back_a_promise() {
    if let Some(seed) = number("SIM_SEED") {
        let (operations, end) = trace(seed, Plant::Nothing);
        operations.iter().for_each(|operation| println!("{operation}"));
        return println!("{:?}", end.unwrap());
    }
    let (from, seeds) = (number("SIM_FROM").unwrap_or(0), number("SIM_SEEDS").unwrap_or(SEEDS));
    let started = Instant::now();
    match tell_many(from, seeds) {
        Ok(figures) => {
            say(seeds, &figures, started.elapsed());
            assert!(figures.operations >= seeds * OPERATION_COUNT_MIN);
            assert!(figures.crashes >= seeds * CRASH_COUNT_MIN);
        }
        Err((seed, Finding { broken, what })) => {
            panic!("seed {seed}: {broken:?}: {what}\nsee it with: make sim SEED={seed}")
        }
    }
}

/// What a long run found once is looked for every time: a cut that could not be synced came back
/// after a start on a full disk and a power loss.
#[test]
fn stories_that_once_went_wrong_go_well() {
    for seed in [32_766] {
        if let Err(Finding { broken, what }) = tell(seed, Plant::Nothing) {
            panic!("seed {seed}: {broken:?}: {what}");
        }
    }
}

/// Each fault of the list is found, and by what it breaks.
#[test]
fn every_planted_fault_is_found_within_200_seeds() {
    let mut missed = Vec::new();
    for (plant, breaks) in Plant::ALL {
        let found = (0..SEEDS_PER_PLANT).find_map(|seed| {
            let finding = tell(seed, plant).err()?;
            breaks.contains(&finding.broken).then_some((seed, finding))
        });
        match found {
            Some((seed, Finding { broken, what })) => {
                println!("{plant:?}: seed {seed}: {broken:?}: {what}");
            }
            None => missed.push(plant),
        }
    }
    assert!(missed.is_empty(), "went unnoticed: {missed:?}");
}

/// One seed reproduces one history: every file operation with its bytes, in order.
#[test]
fn a_seed_tells_the_same_story_twice() {
    for seed in 0..5 {
        let (first, first_end) = trace(seed, Plant::Nothing);
        let (second, second_end) = trace(seed, Plant::Nothing);
        let difference = first.iter().zip(&second).position(|(a, b)| a != b);
        let difference = difference.map(|place| [&first[place], &second[place]]);
        assert_eq!(difference, None, "seed {seed}");
        assert_eq!(first.len(), second.len());
        assert!(first.len() > 1_000, "{}", first.len());
        assert_eq!(first_end.unwrap(), second_end.unwrap());
    }
}
