//! Counters of what a recorder does, for whoever shows them. No names of clients or ids.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use annals_core::catalog::{Catalog, OTHER_CATEGORY};
use annals_core::event::Event;
use annals_core::id::WorkspaceId;
use annals_store::contract::UnitOutcome;

use crate::refusal::EventRefusal;
use crate::secrets::counts_in;

/// The label of types that the catalog does not know, so that labels stay few.
pub const OTHER_TYPE: &str = OTHER_CATEGORY;

/// Running totals since the start.
#[derive(Debug)]
pub struct Stats {
    catalog: Catalog,
    commits: AtomicU64,
    commit_micros: AtomicU64,
    replayed: AtomicU64,
    audit_lagged: AtomicU64,
    by_type: Mutex<TypeCounts>,
    /// Of each workspace, by type. Only types of the catalog have a schema that can be missed, so
    /// there are few.
    schema_failures: Mutex<HashMap<WorkspaceId, BTreeMap<String, u64>>>,
}

#[derive(Debug, Default, Clone)]
struct TypeCounts {
    accepted: BTreeMap<String, u64>,
    schema_failures: BTreeMap<String, u64>,
    secrets: BTreeMap<String, u64>,
}

/// The totals at one moment.
#[derive(Debug, Clone, Default)]
pub struct StatsSnapshot {
    /// Commits that were synced.
    pub commits: u64,
    /// Microseconds spent in the store's append, syncs included.
    pub commit_micros: u64,
    /// Events kept, by type; unknown types together.
    pub accepted: BTreeMap<String, u64>,
    /// Events answered with an earlier receipt.
    pub replayed: u64,
    /// Events of buses that are missing from their audit trails ([`crate::bus::AUDIT_LAGGED_METRIC`]).
    pub audit_lagged_events: u64,
    /// Payloads that did not fit their schema, by type.
    pub schema_failures: BTreeMap<String, u64>,
    /// Secrets that were replaced in events that are kept, by rule.
    pub secrets: BTreeMap<String, u64>,
}

impl Stats {
    pub(crate) fn new(catalog: Catalog) -> Self {
        Self {
            catalog,
            commits: AtomicU64::new(0),
            commit_micros: AtomicU64::new(0),
            replayed: AtomicU64::new(0),
            audit_lagged: AtomicU64::new(0),
            by_type: Mutex::default(),
            schema_failures: Mutex::default(),
        }
    }

    /// The totals now.
    #[must_use]
    pub fn snapshot(&self) -> StatsSnapshot {
        let counts = self.by_type.lock().unwrap_or_else(PoisonError::into_inner).clone();
        StatsSnapshot {
            commits: self.commits.load(Ordering::Relaxed),
            commit_micros: self.commit_micros.load(Ordering::Relaxed),
            accepted: counts.accepted,
            replayed: self.replayed.load(Ordering::Relaxed),
            audit_lagged_events: self.audit_lagged.load(Ordering::Relaxed),
            schema_failures: counts.schema_failures,
            secrets: counts.secrets,
        }
    }

    pub(crate) fn count_audit_lag(&self, event_count: u64) {
        self.audit_lagged.fetch_add(event_count, Ordering::Relaxed);
    }

    fn label<'a>(&self, event_type: &'a str) -> &'a str {
        if self.catalog.entry(event_type).is_some() { event_type } else { OTHER_TYPE }
    }

    pub(crate) fn count_commit(&self, micros: i64) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(micros).unwrap_or(0);
        self.commit_micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(crate) fn count_outcomes(&self, outcomes: &[UnitOutcome]) {
        let mut accepted: HashMap<&str, u64> = HashMap::new();
        // Neighbours are mostly of one type, which then is looked up once.
        let mut same: (&str, u64) = ("", 0);
        let mut replayed = 0;
        for outcome in outcomes {
            let UnitOutcome::Committed(placed) = outcome else { continue };
            for placed in placed {
                if placed.replayed {
                    replayed += 1;
                } else {
                    if placed.is_companion {
                        self.count_secrets(&placed.event);
                    }
                    let event_type = placed.event.event_type();
                    if event_type != same.0 {
                        *accepted.entry(same.0).or_default() += same.1;
                        same = (event_type, 0);
                    }
                    same.1 += 1;
                }
            }
        }
        *accepted.entry(same.0).or_default() += same.1;
        accepted.retain(|_, count| *count > 0);
        self.replayed.fetch_add(replayed, Ordering::Relaxed);
        let mut counts = self.by_type.lock().unwrap_or_else(PoisonError::into_inner);
        for (event_type, count) in accepted {
            *counts.accepted.entry(self.label(event_type).to_owned()).or_default() += count;
        }
    }

    fn count_secrets(&self, companion: &Event) {
        let mut counts = self.by_type.lock().unwrap_or_else(PoisonError::into_inner);
        for (rule_id, count) in counts_in(companion) {
            *counts.secrets.entry(rule_id).or_default() += count;
        }
    }

    pub(crate) fn count_refused<T>(
        &self,
        workspace_id: &WorkspaceId,
        events: &[Result<T, EventRefusal>],
    ) {
        for event in events {
            if let Err(EventRefusal::Schema { event_type, .. }) = event {
                self.count_schema_failure(workspace_id, event_type);
            }
        }
    }

    /// Counts a payload that did not fit its schema, whether or not it is kept.
    pub(crate) fn count_schema_failure(&self, workspace_id: &WorkspaceId, event_type: &str) {
        let label = self.label(event_type);
        let mut counts = self.by_type.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.schema_failures.entry(label.to_owned()).or_default() += 1;
        drop(counts);
        let mut failures = self.schema_failures.lock().unwrap_or_else(PoisonError::into_inner);
        let of_workspace = failures.entry(workspace_id.clone()).or_default();
        *of_workspace.entry(label.to_owned()).or_default() += 1;
    }

    /// Payloads of a workspace that did not fit their schema, by type, since the start.
    #[must_use]
    pub fn schema_failures(&self, workspace_id: &WorkspaceId) -> BTreeMap<String, u64> {
        let failures = self.schema_failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.get(workspace_id).cloned().unwrap_or_default()
    }
}
