//! What a request held and nothing was kept of: fields that are not known here.
//!
//! Protobuf lets a reader step over what it does not know. A sender learns of it by the warning that goes with the answer.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Paths that are named; of the others the number is told.
const PATH_COUNT_MAX: usize = 8;

/// Paths of what was not kept, with how often.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Lost {
    unknown: BTreeMap<String, u64>,
    overridden: BTreeMap<String, u64>,
    unnamed: u64,
}

impl Lost {
    /// A field of protobuf that no table has.
    pub(super) fn unknown<'p>(&mut self, path: impl Iterator<Item = &'p str>, number: u32) {
        let mut path = joined(path);
        let _ = write!(path, "{}#{number}", if path.is_empty() { "" } else { "." });
        count(&mut self.unknown, &mut self.unnamed, path);
    }

    /// A value that another one of the same message takes the place of.
    pub(super) fn overridden<'p>(&mut self, path: impl Iterator<Item = &'p str>) {
        count(&mut self.overridden, &mut self.unnamed, joined(path));
    }

    /// The warning for the sender; none when everything is known.
    pub(super) fn warning(&self) -> Option<String> {
        let mut parts = Vec::new();
        if !self.unknown.is_empty() {
            parts.push(format!(
                "fields that are not known here were not kept: {}",
                listed(&self.unknown)
            ));
        }
        if !self.overridden.is_empty() {
            let list = listed(&self.overridden);
            parts.push(format!("of values given twice the last was kept: {list}"));
        }
        if self.unnamed > 0 {
            parts.push(format!("{} more of these", self.unnamed));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

fn joined<'p>(path: impl Iterator<Item = &'p str>) -> String {
    path.collect::<Vec<_>>().join(".")
}

fn count(paths: &mut BTreeMap<String, u64>, unnamed: &mut u64, path: String) {
    if paths.len() < PATH_COUNT_MAX || paths.contains_key(&path) {
        *paths.entry(path).or_default() += 1;
    } else {
        *unnamed += 1;
    }
}

fn listed(paths: &BTreeMap<String, u64>) -> String {
    let each = paths.iter().map(|(path, count)| match count {
        1 => path.clone(),
        count => format!("{path} ({count} times)"),
    });
    each.collect::<Vec<_>>().join(", ")
}
