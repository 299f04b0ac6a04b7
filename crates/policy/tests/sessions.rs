//! How often the default policy would have asked in real sessions, and that reading never asks.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]
#![allow(clippy::print_stdout, reason = "what is skipped and what is counted is told")]

mod support;

use std::collections::BTreeMap;

use annals_policy::{ActionClass, Effect};
use support::{PATIENT, default_policy, recorded_calls};

#[derive(Default)]
struct Session {
    calls: usize,
    asked: Vec<String>,
    denied: Vec<String>,
    times: Vec<jiff::Timestamp>,
    run_ms: Option<f64>,
}

impl Session {
    /// Time with work in it: pauses of more than ten minutes do not count.
    fn hours(&self) -> Option<f64> {
        let mut times = self.times.clone();
        times.sort();
        let seconds: f64 = times
            .windows(2)
            .map(|pair| pair[1].duration_since(pair[0]).as_secs_f64())
            .filter(|pause| *pause < 600.0)
            .sum();
        let timed = (times.len() > 1).then_some(seconds / 3600.0);
        timed.or(self.run_ms.map(|milliseconds| milliseconds / 3_600_000.0))
    }
}

#[test]
fn real_sessions_are_asked_little_and_never_about_reading() {
    let calls = recorded_calls();
    if calls.is_empty() {
        println!("skipped: the recorded sessions are not here");
        return;
    }
    let policy = default_policy();
    let mut sessions: BTreeMap<String, Session> = BTreeMap::new();
    for call in &calls {
        let root = calls
            .iter()
            .find(|one| one.session == call.session)
            .map_or(&call.cwd, |first| &first.cwd);
        let input = call.input(root);
        let decision = policy.decide(&input, &PATIENT);
        let session = sessions.entry(call.session.clone()).or_default();
        session.calls += 1;
        session.run_ms = call.run_ms;
        session.times.extend(call.at.as_deref().and_then(|at| at.parse::<jiff::Timestamp>().ok()));
        let what = input
            .action
            .command
            .clone()
            .unwrap_or_else(|| format!("{} {:?}", call.tool, input.action.paths));
        let line = format!("{}: {what:.100}", decision.reasons[0].rule).replace('\n', " ");
        match decision.effect {
            Effect::Allow => {}
            Effect::RequireApproval => session.asked.push(line),
            Effect::Deny => session.denied.push(line),
        }
        let is_reading = matches!(
            input.action.class,
            ActionClass::FileRead | ActionClass::AgentState | ActionClass::WebSearch
        );
        let is_secret = decision.reasons.iter().all(|reason| reason.rule == "secret.file");
        assert!(
            !is_reading || decision.effect == Effect::Allow || is_secret,
            "{}: {decision:?}",
            call.tool
        );
    }
    let (mut all, mut asked, mut hours) = (0, 0, 0.0);
    for (name, session) in &sessions {
        let worked = session.hours();
        println!(
            "{name}: {} calls, {} asked, {} denied, {}",
            session.calls,
            session.asked.len(),
            session.denied.len(),
            worked.map_or("no times".to_owned(), |hours| format!("{:.1} min", hours * 60.0))
        );
        for line in session.asked.iter().chain(&session.denied) {
            println!("    {line}");
        }
        all += session.calls;
        asked += session.asked.len();
        hours += worked.unwrap_or_default();
    }
    let hundred = asked as f64 * 100.0 / all as f64;
    let (count, hourly) = (sessions.len(), f64::from(u32::try_from(asked).unwrap()) / hours);
    println!(
        "{all} calls in {count} sessions, {asked} asked ({hundred:.1} in a hundred); {hourly:.1} an hour in {hours:.2} h of timed work"
    );
    assert!(asked * 20 <= all, "{asked} of {all} calls are asked about");
}
