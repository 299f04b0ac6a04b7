//! The stories of `scenarios.toml` as types. Reading them is all it does.

use serde::Deserialize;

const SCENARIOS: &str = include_str!("scenarios.toml");

#[derive(Debug, Deserialize)]
struct File {
    scenario: Vec<Scenario>,
}

/// What one run is about.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    pub(crate) agent: String,
    pub(crate) model: String,
    pub(crate) provider: String,
    pub(crate) cwd: String,
    pub(crate) branch: Option<String>,
    pub(crate) title: String,
    pub(crate) prompt: String,
    pub(crate) summary: String,
    pub(crate) failure: String,
    /// The chance of the failure.
    pub(crate) fails: f64,
    #[serde(rename = "turn")]
    pub(crate) turns: Vec<Turn>,
}

/// One call of the model and what follows from it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Turn {
    pub(crate) think: Option<String>,
    pub(crate) say: Option<String>,
    /// What the agent asks a person before it uses its tools.
    pub(crate) asks: Option<String>,
    #[serde(default)]
    pub(crate) tools: Vec<Tool>,
    pub(crate) artifact: Option<Artifact>,
}

/// One use of a tool.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) input: serde_json::Value,
    pub(crate) output: String,
    /// What the first try says if it fails.
    pub(crate) error: Option<String>,
    /// The chance that it does.
    #[serde(default)]
    pub(crate) fails: f64,
    /// How long it takes: least and most milliseconds.
    pub(crate) ms: [u64; 2],
    /// Agents that work inside this use.
    #[serde(default)]
    pub(crate) agents: Vec<SubAgent>,
}

/// An agent that another one started.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubAgent {
    pub(crate) agent_type: String,
    pub(crate) turns: Vec<Turn>,
}

/// Something that a turn leaves behind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Artifact {
    pub(crate) kind: String,
    pub(crate) title: String,
    pub(crate) mime_type: String,
    pub(crate) size_bytes: u64,
}

/// All stories, in the order of the file.
pub(crate) fn scenarios() -> Result<Vec<Scenario>, toml::de::Error> {
    toml::from_str::<File>(SCENARIOS).map(|file| file.scenario)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_story_can_be_played() {
        let scenarios = scenarios().unwrap();
        assert!(scenarios.len() >= 8);
        assert!(scenarios.iter().any(|scenario| {
            scenario.turns.iter().flat_map(|turn| &turn.tools).any(|tool| tool.agents.len() > 1)
        }));
        for scenario in &scenarios {
            assert!(scenario.turns.iter().any(|turn| !turn.tools.is_empty()), "{}", scenario.title);
            for tool in scenario.turns.iter().flat_map(|turn| &turn.tools) {
                assert!(tool.ms[0] <= tool.ms[1], "{}", tool.title);
                assert_eq!(tool.error.is_some(), tool.fails > 0.0, "{}", tool.title);
            }
        }
    }
}
