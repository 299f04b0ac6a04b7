//! Our own fixtures: one document a line, at least one for every type of the lambda and homelab families.

use std::collections::BTreeSet;

use annals_core::catalog::Catalog;
use annals_core::dialect::cloudevents::DIALECT;

use crate::support::check;

const FIXTURES: &str = include_str!("../fixtures/dialects/cloudevents.ndjson");

#[test]
fn every_fixture_comes_back_as_it_came() {
    for line in FIXTURES.lines() {
        check(line);
    }
}

#[test]
fn every_type_that_the_catalog_knows_as_a_cloud_event_has_a_fixture() {
    let of_fixtures: BTreeSet<_> =
        FIXTURES.lines().map(|line| check(line).event_type.to_string()).collect();
    for entry in Catalog::builtin().unwrap().entries() {
        let is_read = |spelling: &annals_core::catalog::Spelling| {
            spelling.way == annals_core::catalog::Way::Both
        };
        if entry.spellings(DIALECT).iter().any(is_read) {
            assert!(of_fixtures.contains(&entry.event_type), "{}", entry.event_type);
        }
    }
}
