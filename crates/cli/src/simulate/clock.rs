//! The time of a story: when each of its events happened, and how fast they come.
//!
//! INVARIANT (no drift): the time of an event depends on its number alone when a rate is given, so
//! whatever was late does not make the next one later.

use annals_core::time::Timestamp;

/// Events in a second, counted in thousandths of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate(u64);

const THOUSANDTHS: u64 = 1_000;
const PER_SECOND_MAX: u64 = 1_000_000;

impl Rate {
    pub(crate) const fn per_second(events: u64) -> Self {
        Self(events * THOUSANDTHS)
    }

    /// Reads a number from 0.001 to 1,000,000 with up to three decimals.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        let thousandths = match decimals.len() {
            0..=3 if is_number(whole) && is_number(decimals) && !text.is_empty() => {
                format!("{whole}{decimals:0<3}").parse().ok()
            }
            _ => None,
        };
        thousandths
            .filter(|rate| (1..=PER_SECOND_MAX * THOUSANDTHS).contains(rate))
            .map(Self)
            .ok_or_else(|| "a number of events a second from 0.001 to 1000000, or max".to_owned())
    }

    /// When the event of a number is due, counted from the first one, which has the number 0.
    pub(crate) fn due_micros(self, number: u64) -> u64 {
        let micros = u128::from(number) * 1_000_000 * u128::from(THOUSANDTHS) / u128::from(self.0);
        u64::try_from(micros).unwrap_or(u64::MAX)
    }
}

/// What an event's time comes from.
#[derive(Clone, Copy)]
pub(super) enum Pace {
    /// The gaps of the story.
    Story,
    /// So many a second.
    Even(Rate),
    /// The moment when it is made, by this clock.
    Live(fn() -> Timestamp),
}

impl std::fmt::Debug for Pace {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Story => "Story",
            Self::Even(_) => "Even",
            Self::Live(_) => "Live",
        })
    }
}

/// The clock that a story's events are stamped by.
#[derive(Debug, Clone)]
pub(super) struct StoryClock {
    start: Timestamp,
    now: Timestamp,
    pace: Pace,
    ticks: u64,
}

impl StoryClock {
    pub(super) const fn new(start: Timestamp, pace: Pace) -> Self {
        Self { start, now: start, pace, ticks: 0 }
    }

    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }

    /// The time of the next event, which the story has so long after the one before.
    pub(super) fn tick(&mut self, gap_ms: u64) -> Timestamp {
        let later = |from: Timestamp, micros: u64| {
            let micros = i64::try_from(micros).unwrap_or(i64::MAX);
            Timestamp::from_micros(from.as_micros().saturating_add(micros))
        };
        self.now = match self.pace {
            Pace::Story if self.ticks > 0 => later(self.now, gap_ms.saturating_mul(1_000)),
            Pace::Story => self.now,
            Pace::Even(rate) => later(self.start, rate.due_micros(self.ticks)),
            Pace::Live(now) => now().max(self.now),
        };
        self.ticks += 1;
        self.now
    }

    /// Lets time pass without an event, where the story has its own gaps.
    pub(super) fn pass(&mut self, gap_ms: u64) -> Timestamp {
        if matches!(self.pace, Pace::Story) && self.ticks > 0 {
            let micros = i64::try_from(gap_ms.saturating_mul(1_000)).unwrap_or(i64::MAX);
            self.now = Timestamp::from_micros(self.now.as_micros().saturating_add(micros));
        }
        self.now
    }

    /// How long ago a moment of the story was, in milliseconds with at least one decimal.
    pub(super) fn ms_since(&self, began: Timestamp) -> String {
        let micros = self.now.as_micros().saturating_sub(began.as_micros()).max(0);
        let text = format!("{}.{:03}", micros / 1_000, micros % 1_000);
        let short = text.trim_end_matches('0');
        if short.ends_with('.') { format!("{short}0") } else { short.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_with_up_to_three_decimals() {
        assert_eq!(Rate::parse("10"), Ok(Rate::per_second(10)));
        assert_eq!(Rate::parse("0.5"), Ok(Rate(500)));
        assert_eq!(Rate::parse(".125"), Ok(Rate(125)));
        for wrong in ["", "0", "-1", "1e3", "0.0001", "1000001", "ten", "."] {
            assert!(Rate::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn due_times_never_drift() {
        let third = Rate::parse("3").unwrap();
        assert_eq!([0, 1, 2, 3].map(|n| third.due_micros(n)), [0, 333_333, 666_666, 1_000_000]);
        assert_eq!(third.due_micros(3_000_000_000), 1_000_000_000_000_000);
        let mut clock = StoryClock::new(Timestamp::from_micros(0), Pace::Even(third));
        let times = [9, 9, 9, 9].map(|gap| {
            clock.pass(gap);
            clock.tick(gap).as_micros()
        });
        assert_eq!(times, [0, 333_333, 666_666, 1_000_000]);
    }

    #[test]
    fn without_a_rate_the_story_has_its_own_gaps() {
        let mut clock = StoryClock::new(Timestamp::from_micros(5), Pace::Story);
        let began = clock.tick(700);
        assert_eq!(began.as_micros(), 5);
        clock.tick(1_250);
        clock.pass(50);
        assert_eq!(clock.ms_since(began), "1300.0");
    }

    #[test]
    fn a_live_clock_never_goes_back() {
        let mut clock =
            StoryClock::new(Timestamp::from_micros(9), Pace::Live(|| Timestamp::from_micros(5)));
        assert_eq!(clock.tick(1).as_micros(), 9);
    }
}
