//! The policy that Annals comes with: the files of `policies/default`, as they were when this was built.

use crate::modules::Module;

/// Its name.
pub const DEFAULT_POLICY_NAME: &str = "annals-default";

const FILES: &[(&str, &str)] = &[
    ("approvals.rego", include_str!("../../../policies/default/approvals.rego")),
    ("files.rego", include_str!("../../../policies/default/files.rego")),
    ("gate.rego", include_str!("../../../policies/default/gate.rego")),
    ("network.rego", include_str!("../../../policies/default/network.rego")),
    ("risk.rego", include_str!("../../../policies/default/risk.rego")),
    ("shell.rego", include_str!("../../../policies/default/shell.rego")),
    ("standing.rego", include_str!("../../../policies/default/standing.rego")),
];

const TESTS: &[(&str, &str)] =
    &[("gate_test.rego", include_str!("../../../policies/default/gate_test.rego"))];

/// Its modules; with its tests if those are wanted.
pub fn default_modules(with_tests: bool) -> Vec<Module> {
    let tests: &[(&str, &str)] = if with_tests { TESTS } else { &[] };
    FILES.iter().chain(tests).map(|(path, text)| Module::new(*path, *text)).collect()
}
