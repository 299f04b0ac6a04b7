//! `annals policy test`: runs a policy's tests and tells which fail.

use std::path::Path;
use std::process::ExitCode;

use annals_policy::{Policy, RuleTest, TestOutcome};
use serde_json::{Value, json};

use super::{check, source};
use crate::failure::{COULD_NOT_TELL, NO};
use crate::output;

pub(super) fn run(dir: Option<&Path>, filter: &str, json: bool) -> anyhow::Result<ExitCode> {
    let policy = match Policy::compile_with_tests("tested", &source::modules(dir)?) {
        Ok(policy) => policy,
        Err(fault) => {
            if json {
                output::line(check::as_json(&fault))?;
            } else {
                output::note(output::plain(&fault.to_string()));
            }
            return Ok(ExitCode::from(COULD_NOT_TELL));
        }
    };
    let tests = policy.run_tests(filter);
    let failed = tests.iter().filter(|test| test.outcome != TestOutcome::Passed).count();
    if json {
        let all: Vec<Value> = tests.iter().map(as_json).collect();
        output::line(json!({"passed": tests.len() - failed, "failed": failed, "tests": all}))?;
    } else {
        for test in &tests {
            tell(test)?;
        }
        output::line(format_args!("{} passed, {failed} failed", tests.len() - failed))?;
    }
    if tests.is_empty() {
        output::note("there is no test: a test is a rule whose name begins with test_");
        return Ok(ExitCode::from(COULD_NOT_TELL));
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

fn words(outcome: &TestOutcome) -> (&'static str, &str) {
    match outcome {
        TestOutcome::Passed => ("pass", ""),
        TestOutcome::Failed(found) => ("FAIL", found),
        TestOutcome::Error(why) => ("ERROR", why),
    }
}

fn tell(test: &RuleTest) -> anyhow::Result<()> {
    let (word, why) = words(&test.outcome);
    let rule = test.rule.trim_start_matches("data.");
    let why = if why.is_empty() { String::new() } else { format!("  {}", output::plain(why)) };
    output::line(format_args!("{word:5} {rule}{why}"))?;
    if test.outcome != TestOutcome::Passed {
        for printed in &test.printed {
            output::line(format_args!("      {}", output::plain(printed)))?;
        }
    }
    Ok(())
}

fn as_json(test: &RuleTest) -> Value {
    let (word, why) = words(&test.outcome);
    json!({
        "rule": test.rule,
        "module": test.module,
        "outcome": word.to_lowercase(),
        "found": why,
        "printed": test.printed,
    })
}
