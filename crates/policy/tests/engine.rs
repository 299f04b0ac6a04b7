//! Whatever goes wrong with a policy or its input is a denial with a name, and in time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]

mod support;

use std::time::Duration;

use annals_policy::{Decision, Effect, Limits, Module, Policy, PolicyFault, codes};
use support::{PATIENT, shell};

const ALLOWS: &str = "allow contains {\"rule\": \"a\", \"reason\": \"b\"}\n";

fn compile(rules: &str) -> Result<Policy, PolicyFault> {
    Policy::compile("p", &[Module::new("p.rego", format!("package annals.gate\n\n{rules}"))])
}

fn decide(rules: &str) -> Decision {
    compile(rules).unwrap_or_else(|fault| panic!("{fault}")).decide(&shell("ls"), &PATIENT)
}

fn code(decision: &Decision) -> &str {
    assert_eq!(decision.effect, Effect::Deny);
    &decision.reasons[0].rule
}

#[test]
fn rules_are_weighed_and_named() {
    let decision = decide(ALLOWS);
    assert_eq!((decision.effect, decision.reasons[0].rule.as_str()), (Effect::Allow, "a"));
    let both = format!(
        "{ALLOWS}deny contains {{\"rule\": \"no\", \"reason\": \"because\"}} if input.action.command == \"ls\""
    );
    assert_eq!(code(&decide(&both)), "no");
    assert_eq!(
        code(&decide("deny contains {\"rule\": \"no\", \"reason\": \"x\"} if false")),
        codes::NO_RULE
    );
    assert_eq!(code(&decide("helper := 1")), codes::NO_RULE);
}

#[test]
fn an_error_anywhere_is_a_denial_although_another_rule_allows() {
    for rules in [
        "deny contains {\"rule\": \"x\", \"reason\": \"y\"} if to_number(\"abc\") == 1",
        "deny contains {\"rule\": \"x\", \"reason\": \"y\"} if 1 / (count(input.grants)) == 1",
        "deny contains {\"rule\": \"x\", \"reason\": \"y\"} if f(1) == 2\nf(x) := 1 if x > 0\nf(x) := 2 if x < 2",
        "deny contains {\"rule\": \"x\", \"reason\": \"y\"} if numbers.range(1, 100000000)[0] == 1",
        "deny contains {\"rule\": \"x\", \"reason\": \"y\"} if time.parse_rfc3339_ns(input.action.command) > 1",
    ] {
        assert_eq!(code(&decide(&format!("{ALLOWS}{rules}"))), codes::POLICY_ERROR, "{rules}");
    }
    let malformed = format!("{ALLOWS}deny contains \"no\"");
    assert_eq!(code(&decide(&malformed)), codes::MALFORMED_RESULT);
    let recursive = format!("{ALLOWS}deny contains x if x := p\np := q\nq := p");
    assert!(
        compile(&recursive).map_or(true, |policy| {
            policy.decide(&shell("ls"), &PATIENT).effect == Effect::Deny
        })
    );
}

/// Loops that no timer ends would end this test by its own time limit.
#[test]
fn what_takes_too_long_is_denied_in_time_also_inside_one_step() {
    let slow = [
        "some i in numbers.range(1, 1000)\nsome j in numbers.range(1, 1000)\nsome k in numbers.range(1, 1000)\ni * j * k == 7",
        "x := sprintf(\"%s\", [concat(\",\", [s | some i in numbers.range(1, 300000); s := format_int(i, 10)])])\n\
         y := regex.replace(x, \"[0-9]+\", \"yyyyyyyyyyyyyyyyyyyyyyyy\")\nz := split(y, \",\")\ncount({a | some a in z; some b in z; a != b}) > 3",
    ];
    for body in slow {
        let policy = compile(&format!(
            "{ALLOWS}deny contains {{\"rule\": \"x\", \"reason\": \"y\"}} if {{\n{body}\n}}"
        ))
        .unwrap();
        let limits = Limits { wall: Duration::from_millis(20), ..PATIENT };
        let decision = policy.decide(&shell("ls"), &limits);
        assert_eq!(code(&decision), codes::POLICY_TIMEOUT, "{body}");
        // The next one does not have to wait for it.
        assert_eq!(code(&policy.decide(&shell("ls"), &limits)), codes::POLICY_TIMEOUT);
    }
}

#[test]
fn many_threads_decide_at_once() {
    let policy = compile(&format!("{ALLOWS}deny contains {{\"rule\": \"x\", \"reason\": \"y\"}} if input.action.command == \"rm\"")).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..32 {
            let policy = &policy;
            scope.spawn(move || {
                for _ in 0..20 {
                    let (command, effect) =
                        if thread % 2 == 0 { ("ls", Effect::Allow) } else { ("rm", Effect::Deny) };
                    assert_eq!(policy.decide(&shell(command), &PATIENT).effect, effect);
                }
            });
        }
    });
}

#[test]
fn functions_that_look_outside_do_not_compile() {
    for (call, says) in [
        ("http.send({\"url\": \"http://x\"})", "network"),
        ("opa.runtime()", "environment"),
        ("rand.intn(\"a\", 3)", "randomness"),
        ("uuid.rfc4122(\"a\")", "randomness"),
        ("net.lookup_ip_addr(\"x\")", "network"),
        ("rego.metadata.rule()", "own source"),
        ("io.jwt.decode(\"x\")", "there is no function"),
        ("crypto.sha256(\"x\")", "there is no function"),
        ("no_such(1)", "there is no function"),
    ] {
        for rules in [
            format!("allow contains {{\"rule\": \"a\", \"reason\": \"b\"}} if {call}"),
            format!(
                "allow contains {{\"rule\": \"a\", \"reason\": \"b\"}} if {{\n  false\n  x := [{call} | true]\n  x\n}}"
            ),
            format!("f(x) := {call} if x\n{ALLOWS}"),
        ] {
            let fault = compile(&rules).expect_err(call);
            assert!(fault.message.contains(says) || fault.help.contains(says), "{call}: {fault}");
            assert_eq!((fault.path.as_str(), fault.at.is_some()), ("p.rego", true), "{fault}");
        }
    }
    // Not called, but put in the place of one that is.
    let fault = compile(&format!(
        "{ALLOWS}deny contains {{\"rule\": \"a\", \"reason\": \"b\"}} if count([1]) == 1 with count as rand.intn"
    ));
    assert!(fault.is_err());
}

#[test]
fn the_only_time_is_the_inputs() {
    let rules = "allow contains {\"rule\": time.weekday(time.now_ns()), \"reason\": sprintf(\"%v %v %v\", [\
        time.date(time.now_ns()), time.clock([time.now_ns(), \"UTC\"]), time.parse_rfc3339_ns(input.now) == time.now_ns()])}";
    let decision = decide(rules);
    assert_eq!(decision.reasons[0].rule, "Friday");
    assert_eq!(decision.reasons[0].reason, "[2026, 11, 20] [12, 0, 0] true");
    let local = "allow contains {\"rule\": \"a\", \"reason\": sprintf(\"%v\", [time.clock([time.now_ns(), \"Local\"])])}";
    assert_eq!(code(&decide(local)), codes::POLICY_ERROR);
    let later = "allow contains {\"rule\": \"a\", \"reason\": sprintf(\"%v\", [time.date(time.add_date(time.now_ns(), 0, 1, 11))])} \
        if time.parse_duration_ns(\"1h30m\") == 5400000000000";
    assert_eq!(decide(later).reasons[0].reason, "[2026, 12, 31]");
}

#[test]
fn faults_name_file_line_and_what_to_do() {
    for (rules, line) in [
        ("allow if {", 3),
        ("x := 1\nallow contains y if z == 2", 4),
        ("allow := true", 3),
        ("deny[x] := 1 if x := 2", 3),
        ("default deny := false", 3),
        ("allow { true }", 3),
    ] {
        let fault = compile(rules).expect_err(rules);
        assert_eq!(fault.path, "p.rego", "{fault}");
        assert_eq!(fault.at.map(|(line, _)| line), Some(line), "{fault}");
        assert!(!fault.help.is_empty());
    }
    let twice = [Module::new("a.rego", "package a"), Module::new("a.rego", "package b")];
    assert!(Policy::compile("p", &twice).is_err());
    assert!(
        Policy::compile("p", &[Module::new("a.rego", "package annals.internal\nresult := {}")])
            .is_err()
    );
    assert!(compile(&"# x\n".repeat(200_000)).is_err());
}

/// The engine would read such a set before all files have added to it, and miss a denial.
#[test]
fn a_package_of_several_files_is_named_in_full() {
    let compile = |reader: &str| {
        let gate = Module::new("a.rego", format!("package annals.gate\n\n{ALLOWS}"));
        let first = Module::new("b.rego", "package lib\n\nq contains 1");
        let second =
            Module::new("c.rego", "package lib\n\nq contains 2\n\nr contains x if some x in q");
        Policy::compile("p", &[gate, first, second, Module::new("d.rego", reader)])
    };
    for reader in [
        "package d\n\nimport data.lib\n\nx if lib.q",
        "package d\n\nimport data.lib.q\n\nx if q",
        "package d\n\nx if data.lib",
        "package d\n\nx if data[\"lib\"][_]",
        "package d\n\nx if { y := \"q\"; data.lib[y] }",
        "package d\n\nx if count(data) > 1",
    ] {
        let fault = compile(reader).expect_err(reader);
        assert!(fault.message.contains("several files"), "{fault}");
    }
    assert!(compile("package d\n\nx if data.lib.q[1]").is_ok());
}

#[test]
fn what_is_nested_deeply_is_a_fault_or_runs_but_never_a_crash() {
    let deep = [
        format!("x := {}1{}", "(".repeat(5_000), ")".repeat(5_000)),
        format!("x := {}1{}", "[".repeat(5_000), "]".repeat(5_000)),
        format!("x := 1{}", "\n+1".repeat(50_000)),
        format!("x := {}1", "1+\n".repeat(50_000)),
        format!("x := input{}", ".a".repeat(10_000)),
        format!("x := input{}", "[0]".repeat(10_000)),
        format!("x := {}1{}", "{1 | ".repeat(5_000), "}".repeat(5_000)),
        format!("x := {}1{}", "{\"a\": ".repeat(5_000), "}".repeat(5_000)),
        format!("x if {}true", "not ".repeat(5_000)),
    ];
    for rules in deep {
        match compile(&format!("{ALLOWS}{rules}")) {
            Err(fault) => assert!(!fault.message.is_empty()),
            Ok(policy) => {
                let _ = policy.decide(&shell("ls"), &PATIENT);
            }
        }
    }
}

#[test]
fn inputs_that_are_not_the_document_are_denied_by_name() {
    let policy = compile(ALLOWS).unwrap();
    let text = |input: &annals_policy::GateInput| serde_json::to_value(input).unwrap();
    let good = text(&shell("ls"));
    assert_eq!(policy.decide_text(&good.to_string(), &PATIENT).effect, Effect::Allow);
    let mut cases = Vec::new();
    for (pointer, member, value, code) in [
        ("/agent", "revoked", None, codes::MALFORMED_INPUT),
        ("/agent", "quarantined", None, codes::MALFORMED_INPUT),
        ("/workspace", "kill_switch", None, codes::MALFORMED_INPUT),
        ("/agent", "revokd", Some("false"), codes::MALFORMED_INPUT),
        ("", "version", Some("2"), codes::MALFORMED_INPUT),
        ("", "now", Some("\"yesterday\""), codes::MALFORMED_INPUT),
        ("", "now", Some("\"2026-11-20T12:00:00\""), codes::MALFORMED_INPUT),
        ("", "estimate", Some("{\"tokens\": -5, \"cost_micros\": 1}"), codes::MALFORMED_INPUT),
        ("", "risk", Some("{\"tier\": \"prohibited\", \"confidence\": 1}"), codes::UNKNOWN_TIER),
        ("/risk", "tier", Some("\"unknown\""), codes::UNKNOWN_TIER),
        ("/risk", "confidence", Some("1.5"), codes::MALFORMED_INPUT),
        ("/action", "shell", Some("null"), codes::MALFORMED_INPUT),
        ("/agent", "zone", Some("\"production\""), codes::MALFORMED_INPUT),
    ] {
        let mut input = good.clone();
        let object = input.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
        match value {
            Some(value) => object.insert(member.to_owned(), serde_json::from_str(value).unwrap()),
            None => object.remove(member),
        };
        cases.push((input.to_string(), code));
    }
    cases.push((String::new(), codes::MALFORMED_INPUT));
    cases.push(("[".repeat(100_000), codes::MALFORMED_INPUT));
    cases.push(("{\"version\":1,\"version\":1}".to_owned(), codes::MALFORMED_INPUT));
    for (input, expected) in cases {
        assert_eq!(code(&policy.decide_text(&input, &PATIENT)), expected, "{:.200}", input);
    }
    let small = Limits { input_bytes: 100, ..PATIENT };
    assert_eq!(code(&policy.decide(&shell("ls"), &small)), codes::INPUT_TOO_LARGE);
}

#[test]
fn the_same_input_has_the_same_hashes_and_the_same_answer() {
    let policy = compile(ALLOWS).unwrap();
    let (one, other) =
        (policy.decide(&shell("ls"), &PATIENT), policy.decide(&shell("ls"), &PATIENT));
    assert_eq!(one, other);
    assert_ne!(one.input_hash, policy.decide(&shell("pwd"), &PATIENT).input_hash);
    assert_eq!(one.policy_hash, policy.hash().to_string());
    assert_ne!(policy.hash(), compile(&format!("{ALLOWS}# x")).unwrap().hash());
    let with_test = [
        Module::new("p.rego", format!("package annals.gate\n\n{ALLOWS}")),
        Module::new("p_test.rego", "package annals.gate\n\ntest_a if true"),
    ];
    assert_eq!(Policy::compile("p", &with_test).unwrap().hash(), policy.hash());
}

#[test]
fn a_test_rule_passes_by_being_true_and_not_otherwise() {
    let modules = [Module::new(
        "a_test.rego",
        "package a_test\n\ntest_true if true\ntest_false if false\ntest_number := 1\ntest_error if to_number(\"x\") == 1\n",
    )];
    let policy = Policy::compile_with_tests("p", &modules).unwrap();
    let passed: Vec<String> = policy
        .run_tests("")
        .into_iter()
        .filter(|test| test.outcome == annals_policy::TestOutcome::Passed)
        .map(|test| test.rule)
        .collect();
    assert_eq!(passed, ["data.a_test.test_true"]);
    assert_eq!(policy.run_tests("").len(), 4);
}

#[test]
fn the_pages_say_what_is_so() {
    let page = |name: &str| {
        let path =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/formats").join(name);
        std::fs::read_to_string(path).unwrap()
    };
    let inputs = page("gate-input.md");
    let examples: Vec<&str> =
        inputs.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let policy = support::default_policy();
    assert_eq!(examples.len(), 7);
    for example in examples {
        let parsed = annals_policy::GateInput::parse(example)
            .unwrap_or_else(|fault| panic!("{fault}: {example}"));
        let told: serde_json::Value = serde_json::from_str(example).unwrap();
        assert_eq!(serde_json::to_value(&parsed).unwrap(), told);
        let decision = policy.decide(&parsed, &PATIENT);
        assert_ne!(decision.reasons[0].rule, codes::POLICY_ERROR, "{decision:?}");
    }
    let functions = page("rego.md");
    for name in annals_policy::probe::functions() {
        assert!(
            name == "print" || functions.contains(&format!("`{name}`")),
            "rego.md does not name {name}"
        );
    }
}
