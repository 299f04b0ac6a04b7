//! The state of one metric series: what its points come to.
//!
//! Pure. What a source counts from its own start is kept for each start apart, and a fall within one
//! is a start that nobody told of; so a total of a series that only rises never falls, and points
//! may come late. What a source tells of the time since its last point is added up.

use serde::{Deserialize, Serialize};

/// Starts of a source that are told apart; what older ones came to is kept as one sum.
const STARTS_MAX: usize = 8;

/// A number, exact as long as it is an integer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Figure {
    /// An integer.
    Whole(i64),
    /// Any other number.
    Real(f64),
}

impl Default for Figure {
    fn default() -> Self {
        Self::Whole(0)
    }
}

impl std::fmt::Display for Figure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(formatter),
            Self::Real(number) => number.fmt(formatter),
        }
    }
}

impl From<Figure> for String {
    fn from(figure: Figure) -> Self {
        figure.to_string()
    }
}

impl TryFrom<String> for Figure {
    type Error = std::num::ParseFloatError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self::Whole).or_else(|_| text.parse().map(Self::Real))
    }
}

impl Figure {
    /// The number of a JSON value; texts such as `NaN` are numbers that JSON cannot write.
    pub(super) fn of(value: &serde_json::Value) -> Option<Self> {
        match value {
            serde_json::Value::Number(number) => {
                number.as_i64().map(Self::Whole).or_else(|| number.as_f64().map(Self::Real))
            }
            serde_json::Value::String(text) => match text.as_str() {
                "NaN" => Some(Self::Real(f64::NAN)),
                "Infinity" => Some(Self::Real(f64::INFINITY)),
                "-Infinity" => Some(Self::Real(f64::NEG_INFINITY)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The number as a double.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "only where an exact number is not needed")]
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Whole(number) => number as f64,
            Self::Real(number) => number,
        }
    }

    pub(super) fn is_finite(self) -> bool {
        self.as_f64().is_finite()
    }

    fn plus(self, other: Self) -> Self {
        if let (Self::Whole(one), Self::Whole(two)) = (self, other)
            && let Some(sum) = one.checked_add(two)
        {
            return Self::Whole(sum);
        }
        Self::Real(self.as_f64() + other.as_f64())
    }

    fn is_below(self, other: Self) -> bool {
        match (self, other) {
            (Self::Whole(one), Self::Whole(two)) => one < two,
            _ => self.as_f64() < other.as_f64(),
        }
    }
}

/// What a point says, or what several come to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Of sums and gauges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Figure>,
    /// Of histograms and summaries: how many measurements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Their sum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sum: Option<Figure>,
    /// The upper bounds of all buckets but the last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bounds: Vec<f64>,
    /// Measurements in each bucket: one bucket more than there are bounds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<u64>,
}

impl Figures {
    fn add(&mut self, other: &Self) {
        let plus = |one: Option<Figure>, two: Option<Figure>| match (one, two) {
            (Some(one), Some(two)) => Some(one.plus(two)),
            (one, two) => one.or(two),
        };
        self.value = plus(self.value, other.value);
        self.sum = plus(self.sum, other.sum);
        let is_first = self.count.is_none();
        if let Some(count) = other.count {
            self.count = Some(self.count.unwrap_or(0).saturating_add(count));
        }
        if is_first {
            (self.bounds, self.buckets) = (other.bounds.clone(), other.buckets.clone());
        } else {
            self.add_buckets(other);
        }
    }

    /// Adds buckets. Where bounds differ, those that both have are kept: what lies between two of
    /// them is still exact.
    fn add_buckets(&mut self, other: &Self) {
        if self.bounds == other.bounds && self.buckets.len() == other.buckets.len() {
            let pairs = self.buckets.iter_mut().zip(&other.buckets);
            return pairs.for_each(|(one, two)| *one = one.saturating_add(*two));
        }
        if self.buckets.is_empty() || other.buckets.is_empty() {
            (self.bounds, self.buckets) = (Vec::new(), Vec::new());
            return;
        }
        let common: Vec<f64> =
            self.bounds.iter().copied().filter(|bound| other.bounds.contains(bound)).collect();
        let coarse = |figures: &Self| {
            let mut buckets = vec![0_u64; common.len() + 1];
            for (index, count) in figures.buckets.iter().enumerate() {
                let bound = figures.bounds.get(index).copied().unwrap_or(f64::INFINITY);
                let place = common.partition_point(|common| *common < bound);
                if let Some(bucket) = buckets.get_mut(place) {
                    *bucket = bucket.saturating_add(*count);
                }
            }
            buckets
        };
        let (mine, theirs) = (coarse(self), coarse(other));
        self.buckets =
            mine.iter().zip(&theirs).map(|(one, two)| one.saturating_add(*two)).collect();
        self.bounds = common;
    }

    /// Whether it tells of less than another: a counter that fell began again.
    fn has_fallen_below(&self, other: &Self) -> bool {
        let fell = |one: Option<Figure>, two: Option<Figure>| match (one, two) {
            (Some(one), Some(two)) => one.is_below(two),
            _ => false,
        };
        fell(self.value, other.value) || self.count < other.count
    }
}

/// How a point's figures relate to the ones before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// They replace them.
    Latest,
    /// They are of the time since.
    Delta,
    /// They are of the time since the source's start, and only rise.
    Cumulative,
}

/// What one source counted since one start of its.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Start {
    start_us: i64,
    at_us: i64,
    /// What was counted before falls.
    #[serde(default)]
    carried: Figures,
    last: Figures,
}

/// What the points of a series come to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// What was added up, and what starts that are no longer told apart came to.
    #[serde(default)]
    sum: Figures,
    /// In the order of their times.
    #[serde(default)]
    starts: Vec<Start>,
    /// The newest start of which only the sum is left.
    #[serde(default)]
    merged_to_us: Option<i64>,
}

/// A point of a series: its figures, and when it was measured from and to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    pub(super) relation: Relation,
    pub(super) start_us: i64,
    pub(super) at_us: i64,
    pub(super) figures: Figures,
}

/// Whether a point changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    /// It tells of an earlier state than is known.
    Late,
}

impl State {
    pub(super) fn take(&mut self, point: Point) -> Taken {
        match point.relation {
            Relation::Delta => {
                self.sum.add(&point.figures);
                Taken::Yes
            }
            Relation::Latest => {
                // One place for all starts: the latest stands, whoever says it.
                self.take_since(Point { start_us: 0, ..point }, false)
            }
            Relation::Cumulative => self.take_since(point, true),
        }
    }

    fn take_since(&mut self, point: Point, only_rises: bool) -> Taken {
        let Point { start_us, at_us, figures, .. } = point;
        match self.starts.binary_search_by_key(&start_us, |start| start.start_us) {
            Ok(index) => match self.starts.get_mut(index) {
                Some(start) if at_us >= start.at_us => {
                    if only_rises && figures.has_fallen_below(&start.last) {
                        start.carried.add(&start.last);
                    }
                    (start.at_us, start.last) = (at_us, figures);
                    Taken::Yes
                }
                _ => Taken::Late,
            },
            Err(_) if self.merged_to_us.is_some_and(|merged| start_us <= merged) => Taken::Late,
            Err(index) => {
                let carried = Figures::default();
                self.starts.insert(index, Start { start_us, at_us, carried, last: figures });
                self.merge_oldest();
                Taken::Yes
            }
        }
    }

    fn merge_oldest(&mut self) {
        while self.starts.len() > STARTS_MAX {
            let oldest = self.starts.remove(0);
            self.sum.add(&oldest.carried);
            self.sum.add(&oldest.last);
            self.merged_to_us = Some(oldest.start_us);
        }
    }

    /// What all points came to.
    pub(super) fn total(&self) -> Figures {
        let mut total = self.sum.clone();
        for start in &self.starts {
            total.add(&start.carried);
            total.add(&start.last);
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(number: i64) -> Figures {
        Figures { value: Some(Figure::Whole(number)), ..Figures::default() }
    }

    fn point(relation: Relation, start_us: i64, at_us: i64, number: i64) -> Point {
        Point { relation, start_us, at_us, figures: value(number) }
    }

    fn total(points: impl IntoIterator<Item = Point>) -> Option<Figure> {
        let mut state = State::default();
        for point in points {
            state.take(point);
        }
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<State>(&text).unwrap(), state);
        state.total().value
    }

    #[test]
    fn deltas_add_up_whatever_their_order() {
        let delta = |at_us, number| point(Relation::Delta, 0, at_us, number);
        assert_eq!(total([delta(1, 5), delta(3, 7), delta(2, 1)]), Some(Figure::Whole(13)));
    }

    #[test]
    fn a_cumulative_sum_is_taken_over_and_a_late_point_changes_nothing() {
        let at = |at_us, number| point(Relation::Cumulative, 10, at_us, number);
        assert_eq!(total([at(11, 5), at(13, 9), at(12, 7)]), Some(Figure::Whole(9)));
        assert_eq!(total([at(11, 5), at(11, 5)]), Some(Figure::Whole(5)), "said twice");
    }

    #[test]
    fn a_restart_is_carried_over_so_that_the_series_never_falls() {
        let at = |start_us, at_us, number| point(Relation::Cumulative, start_us, at_us, number);
        assert_eq!(total([at(10, 11, 5), at(20, 21, 2)]), Some(Figure::Whole(7)), "a new start");
        assert_eq!(total([at(0, 11, 5), at(0, 21, 2)]), Some(Figure::Whole(7)), "a fall");
        let late = [at(10, 11, 5), at(20, 21, 2), at(10, 15, 6)];
        assert_eq!(
            total(late),
            Some(Figure::Whole(8)),
            "the last word of the one before came late"
        );
        let many = (1..=50).map(|start| at(start * 10, start * 10 + 1, 1));
        assert_eq!(total(many), Some(Figure::Whole(50)));
        let older = (1..=50).chain([1]).map(|start| at(start * 10, start * 10 + 2, 1));
        assert_eq!(
            total(older),
            Some(Figure::Whole(50)),
            "a start that is merged is not begun again"
        );
    }

    #[test]
    fn of_a_gauge_the_latest_stands() {
        let at = |at_us, number| point(Relation::Latest, at_us, at_us, number);
        assert_eq!(total([at(3, 9), at(5, 2), at(4, 7)]), Some(Figure::Whole(2)));
    }

    #[test]
    fn whole_numbers_stay_exact_and_others_are_added_as_doubles() {
        let delta = |figure| Point {
            figures: Figures { value: Some(figure), ..Figures::default() },
            ..point(Relation::Delta, 0, 0, 0)
        };
        let large = Figure::Whole(9_007_199_254_740_993);
        assert_eq!(
            total([delta(large), delta(Figure::Whole(2))]),
            Some(Figure::Whole(9_007_199_254_740_995))
        );
        assert_eq!(
            total([delta(Figure::Whole(1)), delta(Figure::Real(0.5))]),
            Some(Figure::Real(1.5))
        );
        assert!(matches!(
            total([delta(Figure::Whole(i64::MAX)), delta(Figure::Whole(1))]),
            Some(Figure::Real(_))
        ));
    }

    #[test]
    fn buckets_add_up_and_other_bounds_leave_those_that_both_have() {
        let histogram = |bounds: &[f64], buckets: &[u64]| Figures {
            count: Some(buckets.iter().sum()),
            bounds: bounds.to_vec(),
            buckets: buckets.to_vec(),
            ..Figures::default()
        };
        let mut sum = Figures::default();
        sum.add(&histogram(&[1.0, 5.0], &[1, 2, 3]));
        sum.add(&histogram(&[1.0, 5.0], &[1, 0, 1]));
        assert_eq!((sum.count, sum.buckets.clone()), (Some(8), vec![2, 2, 4]));
        sum.add(&histogram(&[2.0, 5.0, 9.0], &[1, 1, 1, 1]));
        assert_eq!((sum.bounds, sum.buckets, sum.count), (vec![5.0], vec![6, 6], Some(12)));
    }
}
