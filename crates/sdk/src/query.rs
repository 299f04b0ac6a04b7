//! Which events a reader wants; written as the parameters of the read routes.
//!
//! The server checks the values. What is not set does not narrow.

/// The order of a page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    #[default]
    Ascending,
    /// Newest first.
    Descending,
}

/// Filters over events; all that are set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// Types, any of which will do; `tool.*` means all that begin with `tool.`.
    pub event_types: Vec<String>,
    /// One stream: its type and id.
    pub stream: Option<(String, String)>,
    /// A run.
    pub run_id: Option<String>,
    /// A room.
    pub room_id: Option<String>,
    /// A thread.
    pub thread_id: Option<String>,
    /// Who did it, by the events' claim.
    pub actor_id: Option<String>,
    /// What ties events together.
    pub correlation_id: Option<String>,
    /// A category of the catalog, such as `tool`.
    pub category: Option<String>,
}

impl EventQuery {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// The events of one run.
    #[must_use]
    pub fn run(run_id: impl Into<String>) -> Self {
        Self { run_id: Some(run_id.into()), ..Self::default() }
    }

    /// The filters as parameters, without the stream, which some routes have in their path.
    pub(crate) fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters: Vec<_> =
            self.event_types.iter().map(|event_type| ("event_type", event_type.clone())).collect();
        let single = [
            ("run_id", &self.run_id),
            ("room_id", &self.room_id),
            ("thread_id", &self.thread_id),
            ("actor_id", &self.actor_id),
            ("correlation_id", &self.correlation_id),
            ("category", &self.category),
        ];
        for (name, value) in single {
            if let Some(value) = value {
                parameters.push((name, value.clone()));
            }
        }
        parameters
    }

    /// Whether every event of the stream is wanted, so that its seqs come without holes.
    pub(crate) fn is_whole_stream(&self) -> bool {
        self.stream.is_some() && self.parameters().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_only_what_is_set_and_repeats_types() {
        let query = EventQuery {
            event_types: vec!["tool.*".to_owned(), "run.failed".to_owned()],
            run_id: Some("r".to_owned()),
            ..EventQuery::all()
        };
        let parameters = query.parameters();
        let text: Vec<_> =
            parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(text, ["event_type=tool.*", "event_type=run.failed", "run_id=r"]);
        assert!(EventQuery::all().parameters().is_empty());
    }
}
