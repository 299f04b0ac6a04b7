//! What a story always holds to, whatever its seed.

use std::collections::{BTreeMap, BTreeSet};

use annals_core::catalog::Catalog;
use annals_core::hash::sha256;
use annals_core::json::{as_str, member};

use super::clock::{Pace, Rate};
use super::scenario::{SCENARIOS, scenarios_named};
use super::speak::Speaker;
use super::story::{Story, StoryPlan};
use super::{DEFAULT_START, Timestamp};

fn story(name: &str, seed: u64) -> Story {
    Story::new(StoryPlan {
        scenarios: scenarios_named(name),
        seed,
        start: DEFAULT_START,
        pace: Pace::Story,
        is_endless: false,
    })
}

fn text<'a>(document: &'a str, name: &str) -> std::borrow::Cow<'a, str> {
    member(document, name).and_then(as_str).unwrap_or_default()
}

fn digest(story: Story) -> String {
    let documents: Vec<_> = story.collect();
    sha256(&[documents.join("\n").as_bytes()]).to_string()
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    assert_eq!(digest(story("all", 7)), digest(story("all", 7)));
    assert_ne!(digest(story("all", 7)), digest(story("all", 8)));
}

/// People keep files that they made from a seed, and compare with them.
#[test]
fn a_seed_gives_the_bytes_that_it_always_gave() {
    assert_eq!(
        digest(story("code_review", 1)),
        "7a96ed40e6f134ab6f5a4473e9380b5156d48c5253ffc927933cb6eac6dcfd00"
    );
}

#[test]
fn another_start_gives_the_same_story_as_other_events() {
    let plan = |start| StoryPlan {
        scenarios: scenarios_named("code_review"),
        seed: 3,
        start,
        pace: Pace::Story,
        is_endless: false,
    };
    let first: Vec<_> = Story::new(plan(DEFAULT_START)).collect();
    let later: Vec<_> = Story::new(plan(DEFAULT_START.plus_seconds(1))).collect();
    let names = |documents: &[String]| {
        documents.iter().map(|one| text(one, "event_type").into_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&first), names(&later));
    let ids: BTreeSet<_> =
        first.iter().chain(&later).map(|one| text(one, "event_id").into_owned()).collect();
    assert_eq!(ids.len(), first.len() + later.len());
}

#[test]
fn every_type_of_the_hive_happens() {
    let catalog = Catalog::builtin().unwrap();
    let mut wanted: BTreeSet<String> = catalog
        .entries()
        .iter()
        .flat_map(|entry| entry.spellings("hive"))
        .map(|spelling| spelling.name.clone())
        .collect();
    assert_eq!(wanted.len(), 29);
    let mut counts = BTreeMap::<String, u64>::new();
    for seed in 1..=30 {
        for document in story("all", seed) {
            let name = text(&document, "event_type").into_owned();
            wanted.remove(&name);
            *counts.entry(name).or_default() += 1;
        }
    }
    assert!(wanted.is_empty(), "never happened: {wanted:?} in {counts:?}");
    assert_eq!(counts.len(), 29, "{counts:?}");
}

#[test]
fn every_scenario_begins_and_ends_once() {
    for scenario in &SCENARIOS {
        let documents: Vec<_> = story(scenario.name, 5).collect();
        let of =
            |name: &str| documents.iter().filter(|one| text(one, "event_type") == name).count();
        assert_eq!((of("WorkflowStarted"), of("WorkflowEnded")), (1, 1), "{}", scenario.name);
        assert_eq!(of("PreToolUse"), of("PostToolUse"), "{}", scenario.name);
        let nodes = of("NodeCompleted") + of("NodeFailed");
        assert_eq!(of("NodeExecuting"), nodes, "{}", scenario.name);
    }
    assert_eq!(scenarios_named("all").len(), 8);
}

#[test]
fn time_goes_on_and_follows_the_rate() {
    let times = |pace| {
        let mut plan_of = StoryPlan {
            scenarios: scenarios_named("all"),
            seed: 2,
            start: DEFAULT_START,
            pace,
            is_endless: false,
        };
        plan_of.scenarios.truncate(2);
        let time = |one: String| Timestamp::parse(&text(&one, "timestamp")).unwrap().at.as_micros();
        Story::new(plan_of).map(time).collect::<Vec<_>>()
    };
    assert!(times(Pace::Story).is_sorted());
    let even = times(Pace::Even(Rate::per_second(4)));
    let steps: BTreeSet<_> = even.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(steps, BTreeSet::from([250_000]));
    assert_eq!(even[0], DEFAULT_START.as_micros());
}

#[test]
fn every_format_that_has_the_facts_says_them() {
    let told: Vec<_> = story("all", 4).collect();
    let said = |dialect: &str| {
        let speaker = Speaker::new(dialect, DEFAULT_START).unwrap();
        told.iter().filter_map(|one| speaker.say(one.clone()).unwrap()).count()
    };
    for total in ["hive", "native", "agentos", "cloudevents"] {
        assert_eq!(said(total), told.len(), "{total}");
    }
    let kernel = said("kernel");
    assert!(kernel > told.len() / 3 && kernel < told.len(), "{kernel} of {}", told.len());
    assert!(Speaker::new("morse", DEFAULT_START).is_err());
}
