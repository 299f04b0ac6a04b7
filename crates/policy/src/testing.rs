//! Runs the `test_…` rules of a policy, as OPA does: a test passes if its rule is true.
//!
//! INVARIANT (no false pass): undefined, false, any other value, an error and a time-out are failures.

use std::time::Duration;

use serde_json::Value;

use crate::policy::Policy;
use crate::workers::Evaluated;

/// The time that tests run at, unless they say `with input.now as …` themselves: 2026-01-01T00:00:00Z.
const NOW: i64 = 1_767_225_600_000_000_000;
/// A test may take longer than a decision.
const WALL: Duration = Duration::from_secs(10);

/// One test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleTest {
    /// Its rule, such as `data.annals.gate_test.test_x`.
    pub rule: String,
    /// The module that holds it.
    pub module: String,
    /// How it went.
    pub outcome: TestOutcome,
    /// What it printed.
    pub printed: Vec<String>,
}

/// How a test went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestOutcome {
    /// The rule is true.
    Passed,
    /// It is something else, and what.
    Failed(String),
    /// It could not be evaluated.
    Error(String),
}

impl Policy {
    /// Runs every test whose rule contains `filter`.
    pub fn run_tests(&self, filter: &str) -> Vec<RuleTest> {
        let wanted = self.tests().filter(|(rule, _)| rule.contains(filter));
        wanted
            .map(|(rule, module)| {
                let (outcome, printed) = match self.ask(rule, NOW, "{}".to_owned(), WALL) {
                    Evaluated::Value(Value::Bool(true), printed) => (TestOutcome::Passed, printed),
                    Evaluated::Value(Value::Null, printed) => {
                        (TestOutcome::Failed("undefined".to_owned()), printed)
                    }
                    Evaluated::Value(other, printed) => {
                        (TestOutcome::Failed(other.to_string()), printed)
                    }
                    Evaluated::Failed(why) => (TestOutcome::Error(why), Vec::new()),
                    Evaluated::Late | Evaluated::Busy => {
                        (TestOutcome::Error("took too long".to_owned()), Vec::new())
                    }
                };
                RuleTest { rule: rule.to_owned(), module: module.to_owned(), outcome, printed }
            })
            .collect()
    }
}
