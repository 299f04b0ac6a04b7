//! The whole story: several runs side by side without end, in order of time.
//!
//! INVARIANT (pure story): seed, start, number of runs and speed determine every byte of every
//! event. Before the start lie finished runs and the first parts of running ones, so that a screen
//! looks alive at once.

use std::collections::VecDeque;

use annals_core::envelope::Draft;
use annals_core::id::IdError;
use annals_core::price::PriceTable;
use annals_core::time::Timestamp;

use super::luck::Luck;
use super::scenario::{Scenario, scenarios};
use super::script::{Beat, World, play};

/// Finished runs that lie before the start, for each run that goes on.
const FINISHED_BEFORE: usize = 2;

/// Why there is no story.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoryError {
    /// The scenarios cannot be read.
    #[error("the demo's scenarios cannot be read")]
    Scenarios(#[from] toml::de::Error),
    /// A name in the scenarios is no id.
    #[error("a name in the demo's scenarios cannot be used: {0}")]
    Name(#[from] IdError),
}

/// What determines a story.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoryPlan {
    pub(crate) seed: u64,
    /// What counts as now.
    pub(crate) start: Timestamp,
    /// Runs that go on at the same time.
    pub(crate) run_count: usize,
    /// How much faster than life it goes.
    pub(crate) speed: f64,
}

/// Events without end, ordered by `occurred_at`.
#[derive(Debug)]
pub(crate) struct Story {
    luck: Luck,
    scenarios: Vec<Scenario>,
    order: Vec<usize>,
    prices: PriceTable,
    plan: StoryPlan,
    lanes: Vec<VecDeque<Draft>>,
    run_count: usize,
}

impl Story {
    pub(crate) fn new(plan: StoryPlan) -> Result<Self, StoryError> {
        let scenarios = scenarios()?;
        let mut luck = Luck::new(plan.seed);
        let order = shuffled(scenarios.len(), &mut luck);
        let lanes = Vec::new();
        let mut story = Self {
            luck,
            scenarios,
            order,
            prices: PriceTable::builtin(),
            plan,
            lanes,
            run_count: 0,
        };
        for _ in 0..plan.run_count.max(1) {
            let lane = story.opening_lane()?;
            story.lanes.push(lane);
        }
        Ok(story)
    }

    /// The next event.
    pub(crate) fn next_event(&mut self) -> Result<Draft, StoryError> {
        let lane = (0..self.lanes.len())
            .min_by_key(|lane| self.lanes[*lane].front().and_then(|draft| draft.occurred_at));
        let lane = lane.unwrap_or(0);
        if self.lanes[lane].len() == 1 {
            let end = self.lanes[lane][0].occurred_at.unwrap_or(self.plan.start);
            let pause_ms = self.luck.within(1_500..=8_000);
            let run = self.next_run()?;
            self.lanes[lane].extend(placed(run, later(end, pause_ms)));
        }
        // A lane always holds at least one event, because a run has some and the next is added
        // before the last one is taken.
        self.lanes[lane].pop_front().ok_or(StoryError::Name(IdError::Empty))
    }

    /// Finished runs, and one that is under way at the start.
    fn opening_lane(&mut self) -> Result<VecDeque<Draft>, StoryError> {
        let current = self.next_run()?;
        let length_ms = millis(current.last().map_or(0, |beat| beat.offset_micros));
        let played_ms = self.luck.within(length_ms / 10..=length_ms * 7 / 10);
        let mut start = earlier(self.plan.start, played_ms);
        let mut lane: VecDeque<Draft> = placed(current, start).collect();
        for _ in 0..FINISHED_BEFORE {
            let run = self.next_run()?;
            let length_ms = millis(run.last().map_or(0, |beat| beat.offset_micros));
            start = earlier(start, length_ms + self.luck.within(20_000..=400_000));
            for draft in placed(run, start).collect::<Vec<_>>().into_iter().rev() {
                lane.push_front(draft);
            }
        }
        Ok(lane)
    }

    /// Another run; neighbours in time have different scenarios.
    fn next_run(&mut self) -> Result<Vec<Beat>, StoryError> {
        let scenario = &self.scenarios[self.order[self.run_count % self.order.len()]];
        self.run_count += 1;
        let world = World { prices: &self.prices, speed: self.plan.speed };
        Ok(play(scenario, &mut self.luck, &world)?)
    }
}

fn placed(run: Vec<Beat>, start: Timestamp) -> impl Iterator<Item = Draft> {
    run.into_iter().map(move |beat| beat.into_draft(start))
}

fn shuffled(count: usize, luck: &mut Luck) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        let pick = luck.within(0..=u64::try_from(last).unwrap_or(0));
        order.swap(last, usize::try_from(pick).unwrap_or(0));
    }
    order
}

fn millis(micros: i64) -> u64 {
    u64::try_from(micros / 1_000).unwrap_or(0)
}

fn later(time: Timestamp, millis: u64) -> Timestamp {
    Timestamp::from_micros(
        time.as_micros().saturating_add(i64::try_from(millis * 1_000).unwrap_or(0)),
    )
}

fn earlier(time: Timestamp, millis: u64) -> Timestamp {
    Timestamp::from_micros(
        time.as_micros().saturating_sub(i64::try_from(millis * 1_000).unwrap_or(0)),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use annals_core::envelope::Strictness;

    use super::*;

    fn plan(seed: u64) -> StoryPlan {
        StoryPlan {
            seed,
            start: Timestamp::from_micros(1_700_000_000_000_000),
            run_count: 5,
            speed: 1.0,
        }
    }

    fn events(plan: StoryPlan, count: usize) -> Vec<Draft> {
        let mut story = Story::new(plan).unwrap();
        (0..count).map(|_| story.next_event().unwrap()).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_events() {
        let text = |seed| events(plan(seed), 1_500).iter().map(Draft::to_json).collect::<Vec<_>>();
        assert_eq!(text(7), text(7));
        assert_ne!(text(7), text(8));
    }

    #[test]
    fn events_come_in_order_with_identities_of_their_own_and_pass_the_native_door() {
        let events = events(plan(3), 3_000);
        assert!(events.is_sorted_by_key(|draft| draft.occurred_at));
        let ids: BTreeSet<_> = events.iter().map(|draft| draft.event_id).collect();
        assert_eq!(ids.len(), events.len());
        for draft in &events {
            assert_eq!(Draft::parse(&draft.to_json(), Strictness::Native).as_ref(), Ok(draft));
        }
    }

    #[test]
    fn the_first_screen_has_finished_failed_and_running_runs() {
        let plan = plan(1);
        let before: Vec<_> = events(plan, 4_000)
            .into_iter()
            .filter(|draft| draft.occurred_at <= Some(plan.start))
            .collect();
        assert!((300..3_000).contains(&before.len()), "{}", before.len());
        let mut open = BTreeSet::new();
        let mut counts = BTreeMap::<&str, usize>::new();
        for draft in &before {
            let run_id = draft.scope.run_id.as_ref().map(|run_id| run_id.as_str());
            *counts.entry(draft.event_type.as_str()).or_default() += 1;
            match draft.event_type.as_str() {
                "run.started" => assert!(open.insert(run_id)),
                "run.completed" | "run.failed" => assert!(open.remove(&run_id)),
                _ => assert!(open.contains(&run_id)),
            }
        }
        assert_eq!(open.len(), plan.run_count);
        for event_type in [
            "run.completed",
            "run.failed",
            "tool.failed",
            "tool.succeeded",
            "agent.started",
            "model.completed",
        ] {
            assert!(counts.contains_key(event_type), "{event_type} is missing: {counts:?}");
        }
    }

    #[test]
    fn the_rate_is_lively_and_modest_and_grows_with_the_speed() {
        let rate = |speed: f64| {
            let plan = StoryPlan { speed, ..plan(5) };
            let live: Vec<_> = events(plan, 6_000)
                .into_iter()
                .filter(|draft| draft.occurred_at > Some(plan.start))
                .collect();
            let end = live.last().and_then(|draft| draft.occurred_at).unwrap().as_micros();
            let micros = end - plan.start.as_micros();
            i64::try_from(live.len()).unwrap() * 1_000_000 / micros
        };
        let normal = rate(1.0);
        assert!((1..=20).contains(&normal), "{normal} events a second");
        assert!(rate(10.0) > 3 * normal);
    }
}
