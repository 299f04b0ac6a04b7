//! Which of several sources' statements about the model calls of one run count, so that nothing
//! counts twice.
//!
//! Pure: it sees what was stated and says in which figures each statement counts. The rule for
//! people is in docs/formats/views.md:
//!
//! - Statements that share a name, which is a model call's id or a request's id, are about one call.
//!   It counts once.
//! - Of the rest the source of the highest standing counts. A call that only another source tells of
//!   counts too if it is known to be another one, and not merely under another name.
//! - Calls, tokens and the vendor's cost are decided apart: who tells of the calls need not be who
//!   knows what they cost.
//!
//! INVARIANT (no sum of two): two statements count in one figure only if they are of different calls.
//! INVARIANT (order does not matter): the outcome depends on the statements, not on when they came.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};

use super::model::CallStatus;
use super::rows::{Parts, Stated};
use super::types::NATIVE;

/// Sources from the highest standing down. What is not named stands below, in the order of names.
const STANDING: [&str; 4] = [NATIVE, "transcripts", "otlp", "hooks"];

/// How far down a source stands.
pub(super) fn standing(source: &str) -> usize {
    STANDING.iter().position(|name| *name == source).unwrap_or(STANDING.len())
}

/// What one source says of one call, or of what was used.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub(super) call_id: String,
    pub(super) request_id: Option<String>,
    pub(super) source: String,
    /// Whether it is about what was used and not about a call.
    pub(super) is_report: bool,
    pub(super) stated: Stated,
    pub(super) last_position: i64,
}

/// What becomes of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) parts: Parts,
    /// The index of the statement whose model and agent its figures go to.
    pub(super) lead: usize,
}

/// Who states something and how. The lesser one stands higher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Teller<'a> {
    standing: usize,
    source: &'a str,
    is_report: bool,
}

/// A figure of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Figure {
    Calls,
    Tokens,
    Cost,
}

impl Figure {
    const ALL: [Self; 3] = [Self::Calls, Self::Tokens, Self::Cost];

    fn parts(self) -> (Parts, Parts) {
        match self {
            Self::Calls => (Parts::CALL, Parts::OWN_CALL),
            Self::Tokens => (Parts::TOKENS, Parts::OWN_TOKENS),
            Self::Cost => (Parts::COST, Parts::OWN_COST),
        }
    }
}

impl Statement {
    fn teller(&self) -> Teller<'_> {
        Teller { standing: standing(&self.source), source: &self.source, is_report: self.is_report }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.call_id.as_str()).chain(self.request_id.as_deref())
    }

    /// Whether it says anything about a figure.
    fn bears(&self, figure: Figure) -> bool {
        let tokens = self.stated.tokens;
        match figure {
            Figure::Calls => !self.is_report,
            Figure::Tokens => {
                [tokens.input, tokens.output, tokens.cache_read, tokens.cache_write] != [0; 4]
            }
            Figure::Cost => self.stated.vendor_cost.is_some(),
        }
    }

    /// The order of statements about one call: the least one is believed.
    fn rank(&self, figure: Figure) -> (bool, Teller<'_>, Reverse<i64>) {
        let is_open = figure == Figure::Calls && self.stated.status == CallStatus::Open;
        (is_open, self.teller(), Reverse(self.last_position))
    }
}

/// Says of each statement of a run in which figures it counts.
pub(super) fn reconcile(statements: &[Statement]) -> Vec<Outcome> {
    let groups = groups(statements);
    let mut parts = vec![Parts::NONE; statements.len()];
    for figure in Figure::ALL {
        let claims = Claims::new(statements, &groups, figure);
        let (counts, counts_own) = figure.parts();
        for index in claims.counted() {
            parts[index].add(counts);
        }
        for index in claims.own() {
            parts[index].add(counts_own);
        }
    }
    let mut outcomes: Vec<_> =
        parts.iter().enumerate().map(|(lead, parts)| Outcome { parts: *parts, lead }).collect();
    for group in &groups {
        let has = |part| group.iter().copied().find(|index| parts[*index].has(part));
        if let Some(lead) = has(Parts::CALL).or_else(|| has(Parts::TOKENS)) {
            group.iter().for_each(|index| outcomes[*index].lead = lead);
        }
    }
    outcomes
}

/// Statements that are about one call, by their indexes: those that names connect.
///
/// A source that gives two calls ids of their own means two calls, so it does not connect them by
/// giving both the id of one request.
fn groups(statements: &[Statement]) -> Vec<Vec<usize>> {
    let mut named: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, statement) in statements.iter().enumerate() {
        statement.names().for_each(|name| named.entry(name).or_default().push(index));
    }
    let mut parents: Vec<usize> = (0..statements.len()).collect();
    for (name, holders) in &named {
        let is_call = holders.iter().any(|index| statements[*index].call_id == *name);
        let sources: BTreeSet<_> =
            holders.iter().map(|index| statements[*index].source.as_str()).collect();
        let Some((first, rest)) = holders.split_first() else { continue };
        for other in rest.iter().filter(|_| is_call || sources.len() > 1) {
            let (one, other) = (root(&mut parents, *first), root(&mut parents, *other));
            parents[one.max(other)] = one.min(other);
        }
    }
    let mut places: HashMap<usize, usize> = HashMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for index in 0..statements.len() {
        let place = *places.entry(root(&mut parents, index)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(index);
    }
    groups
}

fn root(parents: &mut [usize], mut index: usize) -> usize {
    while parents[index] != index {
        parents[index] = parents[parents[index]];
        index = parents[index];
    }
    index
}

/// Who claims what of one figure.
struct Claims<'a> {
    statements: &'a [Statement],
    /// Of each group with a claim: the indexes that make it, the most believed first.
    groups: Vec<Vec<usize>>,
    /// Every name that a teller uses in its claims, and the kinds of names that all of them have.
    names: HashMap<Teller<'a>, TellerNames<'a>>,
}

struct TellerNames<'a> {
    all: HashSet<&'a str>,
    /// Kinds of which every claim of the teller has a name.
    common_kinds: BTreeSet<&'a str>,
}

impl<'a> Claims<'a> {
    fn new(statements: &'a [Statement], groups: &[Vec<usize>], figure: Figure) -> Self {
        let bears = |index: &usize| statements[*index].bears(figure);
        let claimed = groups.iter().map(|group| {
            let mut claims: Vec<usize> = group.iter().copied().filter(bears).collect();
            claims.sort_by_key(|index| statements[*index].rank(figure));
            claims
        });
        let groups: Vec<_> = claimed.filter(|claims| !claims.is_empty()).collect();
        let mut names: HashMap<Teller<'a>, TellerNames<'a>> = HashMap::new();
        for statement in groups.iter().flatten().map(|index| &statements[*index]) {
            let kinds: BTreeSet<&str> = statement.names().filter_map(kind_of_name).collect();
            let of_teller = names.entry(statement.teller()).or_insert_with(|| TellerNames {
                all: HashSet::new(),
                common_kinds: kinds.clone(),
            });
            of_teller.all.extend(statement.names());
            of_teller.common_kinds.retain(|kind| kinds.contains(kind));
        }
        Self { statements, groups, names }
    }

    fn tellers(&self, group: &[usize]) -> impl Iterator<Item = Teller<'a>> {
        let statements = self.statements;
        group.iter().map(move |index| statements[*index].teller())
    }

    /// The statements that count for the run: one of each group that counts.
    fn counted(&self) -> Vec<usize> {
        let mut tellers: Vec<_> = self.names.keys().copied().collect();
        tellers.sort_unstable();
        let mut accepted: Vec<Teller<'_>> = Vec::new();
        let mut counted = Vec::new();
        let mut left: Vec<&Vec<usize>> = self.groups.iter().collect();
        for teller in tellers {
            let before = left.len();
            left.retain(|group| {
                let is_told = self.tellers(group).any(|other| other == teller);
                let counts =
                    is_told && accepted.iter().all(|other| self.is_other(group, teller, *other));
                if counts {
                    counted.extend(group.first());
                }
                !counts
            });
            if left.len() < before {
                accepted.push(teller);
            }
        }
        counted
    }

    /// The statements that count for their own source: one of each group.
    fn own(&self) -> Vec<usize> {
        let mut own = Vec::new();
        for group in &self.groups {
            let mut seen = HashSet::new();
            own.extend(group.iter().filter(|index| seen.insert(self.statements[**index].teller())));
        }
        own
    }

    /// Whether a call that a teller tells of is known to be none of those that another one told of.
    ///
    /// It is if it has a name of a kind of which the other one gave names to all of its calls, and
    /// both have named at least one call alike in that kind, so that they mean the same by it.
    fn is_other(&self, group: &[usize], teller: Teller<'_>, other: Teller<'_>) -> bool {
        if teller.is_report || other.is_report {
            return false;
        }
        let (Some(ours), Some(theirs)) = (self.names.get(&teller), self.names.get(&other)) else {
            return false;
        };
        let told = group.iter().map(|index| &self.statements[*index]);
        let mut kinds = told
            .filter(|statement| statement.teller() == teller)
            .flat_map(Statement::names)
            .filter_map(kind_of_name);
        kinds.any(|kind| {
            let mut shared = ours.all.intersection(&theirs.all);
            theirs.common_kinds.contains(kind)
                && shared.any(|name| kind_of_name(name) == Some(kind))
        })
    }
}

/// The letters that a name begins with, such as `req` or `msg`: names that begin alike were given
/// by one hand. None when there is no such beginning before a separator.
fn kind_of_name(name: &str) -> Option<&str> {
    let end = name.find(['_', '-'])?;
    let kind = name.get(..end)?;
    (!kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphabetic())).then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::super::model::Tokens;
    use super::*;

    fn said(source: &str, call_id: &str, request_id: Option<&str>, tokens: i64) -> Statement {
        Statement {
            call_id: call_id.to_owned(),
            request_id: request_id.map(str::to_owned),
            source: source.to_owned(),
            is_report: false,
            stated: Stated {
                status: CallStatus::Ok,
                tokens: Tokens { output: tokens, ..Tokens::default() },
                vendor_cost: (source == "otlp").then_some(tokens * 10),
                computed_cost: None,
            },
            last_position: tokens,
        }
    }

    fn reported(source: &str, tokens: i64) -> Statement {
        Statement { is_report: true, ..said(source, &format!("#{tokens}"), None, tokens) }
    }

    /// Calls, tokens and vendor's cost of a run, whatever order the statements are in.
    fn totals(statements: &[Statement]) -> (i64, i64, i64) {
        let sum = |statements: &[Statement]| {
            let outcomes = reconcile(statements);
            let of = |part| {
                let counted = statements.iter().zip(&outcomes);
                counted.filter(move |(_, outcome)| outcome.parts.has(part)).map(|(one, _)| one)
            };
            (
                of(Parts::CALL).count() as i64,
                of(Parts::TOKENS).map(|one| one.stated.tokens.output).sum::<i64>(),
                of(Parts::COST).filter_map(|one| one.stated.vendor_cost).sum::<i64>(),
            )
        };
        let found = sum(statements);
        let mut turned = statements.to_vec();
        for _ in 0..statements.len() {
            turned.rotate_left(1);
            assert_eq!(sum(&turned), found, "another order, another sum: {turned:#?}");
        }
        turned.reverse();
        assert_eq!(sum(&turned), found);
        found
    }

    #[test]
    fn one_source_counts_as_it_is() {
        assert_eq!(totals(&[said("hive", "a", None, 1), said("hive", "b", None, 2)]), (2, 3, 0));
        assert_eq!(totals(&[]), (0, 0, 0));
    }

    #[test]
    fn calls_that_share_a_request_count_once_with_the_transcripts_tokens() {
        let statements = [
            said("transcripts", "msg_1", Some("req_1"), 100),
            said("otlp", "req_1", None, 90),
            said("otlp", "0af7651916cd43dd", Some("req_1"), 90),
        ];
        assert_eq!(totals(&statements), (1, 100, 900));
    }

    #[test]
    fn one_source_means_two_calls_by_two_ids_though_the_request_is_one() {
        let statements = [
            said("transcripts", "msg_1", Some("req_1"), 100),
            said("transcripts", "msg_2", Some("req_1"), 20),
        ];
        assert_eq!(totals(&statements), (2, 120, 0));
    }

    #[test]
    fn a_source_that_names_calls_in_another_way_adds_nothing() {
        let statements = [
            said("transcripts", "msg_1", None, 100),
            said("transcripts", "msg_2", None, 200),
            said("otlp", "req_1", None, 3),
        ];
        assert_eq!(totals(&statements), (2, 300, 30));
    }

    #[test]
    fn a_call_that_is_known_to_be_another_one_counts() {
        let known = [
            said("transcripts", "msg_1", Some("req_1"), 100),
            said("otlp", "req_1", None, 90),
            said("otlp", "req_2", None, 7),
        ];
        assert_eq!(totals(&known), (2, 107, 970));
        let mut unknown = known.to_vec();
        unknown.push(said("transcripts", "msg_9", None, 50));
        assert_eq!(totals(&unknown), (2, 150, 970), "req_2 may be msg_9");
        let strangers =
            [said("transcripts", "msg_1", Some("req_1"), 100), said("otlp", "req_2", None, 7)];
        assert_eq!(totals(&strangers), (1, 100, 70), "nothing says that both mean the same by req");
    }

    #[test]
    fn reports_count_when_nothing_better_tells() {
        assert_eq!(totals(&[reported("kernel", 5), reported("kernel", 6)]), (0, 11, 0));
        assert_eq!(totals(&[reported("kernel", 5), said("kernel", "a", None, 4)]), (1, 4, 0));
        assert_eq!(totals(&[reported("kernel", 5), reported("agentos", 4)]), (0, 4, 0));
        let silent =
            [said("native", "a", None, 0), said("native", "b", None, 0), reported("kernel", 5)];
        assert_eq!(totals(&silent), (2, 5, 0), "the calls say nothing of tokens");
    }

    #[test]
    fn a_call_is_believed_to_have_ended_when_anybody_says_so() {
        let mut open = said("native", "a", None, 0);
        open.stated.status = CallStatus::Open;
        let statements = [open, said("otlp", "a", None, 9)];
        let outcomes = reconcile(&statements);
        assert!(!outcomes[0].parts.has(Parts::CALL) && outcomes[1].parts.has(Parts::CALL));
        assert_eq!(totals(&statements), (1, 9, 90));
    }

    #[test]
    fn figures_of_one_call_go_to_one_model_and_agent() {
        let statements =
            [said("otlp", "req_1", None, 90), said("transcripts", "msg_1", Some("req_1"), 100)];
        let outcomes = reconcile(&statements);
        assert!(outcomes.iter().all(|outcome| outcome.lead == 1));
        assert!(outcomes[0].parts.has(Parts::COST));
    }
}
