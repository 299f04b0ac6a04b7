//! Who asks, at what risk, for how much and with whose approval: the default policy, and the handbook's traps.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]

mod support;

use annals_policy::{
    Action, Capability, Effect, Estimate, Gate, GateInput, Grant, GrantScope, Remaining, Tier, Zone,
};
use serde_json::json;
use support::{PATIENT, check, default_policy, shell};

/// Each of these went through in the handbook's own policy, because one rule of several allowed it.
#[test]
fn the_traps_of_the_handbook_are_denied() {
    let policy = default_policy();
    let within_budget = || {
        let mut input = shell("ls");
        input.estimate = Some(Estimate { tokens: 10, cost_micros: Some(10) });
        input.budget.remaining = vec![Remaining {
            name: "daily".to_owned(),
            unit: "tokens".to_owned(),
            remaining: 1_000,
        }];
        input.risk.tier = Some(Tier::Minimal);
        input.risk.confidence = Some(0.99);
        input
    };
    check(&policy, &within_budget(), Effect::Allow, "", "within the budget");

    let mut revoked = within_budget();
    revoked.agent.revoked = true;
    check(&policy, &revoked, Effect::Deny, "agent.revoked", "revoked, but within the budget");

    let mut unsaid = serde_json::to_value(within_budget()).unwrap();
    unsaid["agent"].as_object_mut().unwrap().remove("revoked");
    assert_eq!(policy.decide_text(&unsaid.to_string(), &PATIENT).effect, Effect::Deny);

    let mut negative = serde_json::to_value(within_budget()).unwrap();
    negative["risk"]["tier"] = json!("systemic");
    negative["estimate"]["tokens"] = json!(-1);
    assert_eq!(policy.decide_text(&negative.to_string(), &PATIENT).effect, Effect::Deny);

    let mut unknown = serde_json::to_value(within_budget()).unwrap();
    unknown["risk"]["tier"] = json!("prohibited");
    assert_eq!(policy.decide_text(&unknown.to_string(), &PATIENT).reasons[0].rule, "unknown_tier");

    let mut future = within_budget();
    future.risk.tier = Some(Tier::High);
    future.grants = vec![grant(&future, &["risk.high"])];
    check(&policy, &future, Effect::Allow, "", "approved a minute ago");
    future.grants[0].approved_at = "2100-01-01T00:00:00Z".to_owned();
    future.grants[0].expires_at = "2101-01-01T00:00:00Z".to_owned();
    check(&policy, &future, Effect::Deny, "grant.from_the_future", "approved in 2100");

    let mut spent = within_budget();
    spent.estimate = Some(Estimate { tokens: 1_001, cost_micros: None });
    check(&policy, &spent, Effect::Deny, "budget.estimate", "more than is left");
    spent.budget.exhausted = vec!["monthly".to_owned()];
    check(&policy, &spent, Effect::Deny, "budget.exhausted", "nothing is left");
}

fn grant(input: &GateInput, rules: &[&str]) -> Grant {
    Grant {
        grant_id: "g1".to_owned(),
        scope: GrantScope::Once,
        workspace_id: "team-a".to_owned(),
        run_id: Some("run-1".to_owned()),
        action_hash: Some(input.action.digest().unwrap()),
        rules: rules.iter().map(|&rule| rule.to_owned()).collect(),
        amount_micros_max: None,
        approvers: vec!["user-ada".to_owned()],
        fresh: true,
        approved_at: "2026-11-20T11:59:00Z".to_owned(),
        expires_at: "2026-11-20T12:30:00Z".to_owned(),
    }
}

#[test]
fn an_approval_covers_what_was_approved_and_nothing_else() {
    let policy = default_policy();
    let asked = |change: &dyn Fn(&mut Grant)| {
        let mut input = shell("rm -rf src");
        let mut grant = grant(&input, &["shell.delete"]);
        change(&mut grant);
        input.grants = vec![grant];
        input
    };
    let wait = Effect::RequireApproval;
    check(&policy, &asked(&|_| {}), Effect::Allow, "", "as approved");
    check(
        &policy,
        &asked(&|grant| grant.action_hash = Some("0".repeat(64))),
        wait,
        "",
        "another action",
    );
    check(&policy, &asked(&|grant| grant.action_hash = None), wait, "", "no action");
    check(
        &policy,
        &asked(&|grant| grant.rules = vec!["git.push".to_owned()]),
        wait,
        "",
        "another rule",
    );
    check(
        &policy,
        &asked(&|grant| grant.workspace_id = "team-b".to_owned()),
        wait,
        "",
        "another workspace",
    );
    check(
        &policy,
        &asked(&|grant| grant.expires_at = "2026-11-20T11:59:59Z".to_owned()),
        wait,
        "",
        "expired",
    );
    check(
        &policy,
        &asked(&|grant| grant.approved_at = "2026-11-20T10:00:00Z".to_owned()),
        wait,
        "",
        "two hours old",
    );
    check(&policy, &asked(&|grant| grant.approvers.clear()), wait, "", "by nobody");
    check(
        &policy,
        &asked(&|grant| grant.approvers = vec!["hook-1".to_owned()]),
        Effect::Deny,
        "grant.own",
        "by itself",
    );
    let for_run = |grant: &mut Grant| {
        grant.scope = GrantScope::Run;
        grant.action_hash = None;
        grant.approved_at = "2026-11-20T08:00:00Z".to_owned();
    };
    check(&policy, &asked(&for_run), Effect::Allow, "", "for the run");
    check(
        &policy,
        &asked(&|grant| {
            for_run(grant);
            grant.run_id = Some("run-2".to_owned());
        }),
        wait,
        "",
        "for another run",
    );
    check(
        &policy,
        &asked(&|grant| {
            for_run(grant);
            grant.run_id = None;
        }),
        wait,
        "",
        "for no run",
    );
    // A denial is not up for approval.
    let mut token = shell("annals token create");
    token.grants = vec![grant(&token, &["protected.command"])];
    check(&policy, &token, Effect::Deny, "protected.command", "approved, but never");
}

#[test]
fn risk_confidence_and_money_ask_the_right_number_of_people() {
    let policy = default_policy();
    let risky = |tier, confidence| {
        let mut input = shell("ls");
        (input.risk.tier, input.risk.confidence) = (Some(tier), confidence);
        input
    };
    let wait = Effect::RequireApproval;
    for (tier, below, at) in [(Tier::Minimal, 0.49, 0.50), (Tier::Limited, 0.69, 0.70)] {
        check(&policy, &risky(tier, Some(below)), wait, "risk.confidence", "below");
        check(&policy, &risky(tier, Some(at)), Effect::Allow, "", "at");
        check(&policy, &risky(tier, None), wait, "risk.confidence_unsaid", "unsaid");
    }
    check(&policy, &risky(Tier::High, Some(0.84)), wait, "risk.confidence", "high");
    check(&policy, &risky(Tier::High, Some(1.0)), wait, "risk.high", "high");
    check(&policy, &risky(Tier::Systemic, Some(0.94)), wait, "risk.confidence", "systemic");
    let mut systemic = risky(Tier::Systemic, Some(1.0));
    let decision = policy.decide(&systemic, &PATIENT);
    assert_eq!(
        (decision.reasons[0].rule.as_str(), decision.reasons[0].approvals()),
        ("risk.systemic", 2)
    );
    assert_eq!(decision.obligations[0].rule, "audit.risk");
    systemic.grants = vec![grant(&systemic, &["risk.systemic"])];
    check(&policy, &systemic, wait, "risk.systemic", "one of two");
    systemic.grants[0].approvers.push("user-ada".to_owned());
    check(&policy, &systemic, wait, "risk.systemic", "one of two, twice");
    systemic.grants[0].approvers.push("user-bob".to_owned());
    check(&policy, &systemic, Effect::Allow, "", "two of two");
    systemic.grants[0].fresh = false;
    check(&policy, &systemic, wait, "risk.systemic", "not verified anew");

    let mut automated = risky(Tier::Minimal, Some(0.85));
    automated.risk.automated = true;
    check(&policy, &automated, wait, "risk.automated", "0.85 is not above 0.85");
    automated.risk.confidence = Some(0.86);
    check(&policy, &automated, Effect::Allow, "", "0.86 is");

    let pay = |amount| {
        let mut input = shell("ls");
        input.gate = Gate::Payment;
        input.action = Action::of_type("payment.send");
        input.action.amount_micros = amount;
        input
    };
    check(&policy, &pay(None), Effect::Deny, "payment.no_amount", "how much?");
    check(&policy, &pay(Some(5_000_000)), wait, "payment.approval", "5");
    check(&policy, &pay(Some(10_000_000_001)), wait, "payment.two_approvals", "10000.000001");
    let mut paid = pay(Some(5_000_000));
    paid.grants = vec![grant(&paid, &["payment.approval"])];
    check(&policy, &paid, wait, "payment.approval", "approved for no amount");
    paid.grants[0].amount_micros_max = Some(4_999_999);
    check(&policy, &paid, wait, "payment.approval", "approved for less");
    paid.grants[0].amount_micros_max = Some(5_000_000);
    check(&policy, &paid, Effect::Allow, "", "approved");
}

#[test]
fn zones_capabilities_quarantine_and_the_kill_switch_hold() {
    let policy = default_policy();
    let mut input = shell("make");
    input.agent.zone = Some(Zone::Sandbox);
    check(&policy, &input, Effect::RequireApproval, "zone.sandbox", "the agent's zone");
    input.agent.zone = Some(Zone::HighStakes);
    input.principal.zone_max = Some(Zone::Sandbox);
    check(&policy, &input, Effect::RequireApproval, "zone.sandbox", "the principal's zone");
    let mut looks = shell("ls | grep x");
    looks.agent.zone = Some(Zone::Sandbox);
    check(&policy, &looks, Effect::Allow, "", "looking");

    let mut held = shell("curl https://api.github.com/x");
    held.agent.capabilities = Some(Vec::new());
    check(&policy, &held, Effect::Deny, "capability.missing", "none");
    let capability = |domains: Option<Vec<String>>| Capability {
        capability_id: "c1".to_owned(),
        action_types: Some(vec!["tool.invoke".to_owned()]),
        tools: Some(vec!["Bash".to_owned()]),
        egress_domains: domains,
    };
    held.agent.capabilities = Some(vec![capability(Some(vec!["*.github.com".to_owned()]))]);
    check(&policy, &held, Effect::Allow, "", "covered");
    held.agent.capabilities = Some(vec![capability(Some(vec!["gitlab.com".to_owned()]))]);
    check(&policy, &held, Effect::Deny, "capability.missing", "another host");

    let mut input = shell("ls");
    input.agent.quarantined = true;
    check(&policy, &input, Effect::Deny, "agent.quarantined", "quarantined");
    let mut input = shell("ls");
    input.workspace.kill_switch = true;
    check(&policy, &input, Effect::Deny, "workspace.kill_switch", "stopped");
    let mut input = shell("ls");
    input.action.class = annals_policy::ActionClass::None;
    check(&policy, &input, Effect::Deny, "no_rule", "no tool call");
}
