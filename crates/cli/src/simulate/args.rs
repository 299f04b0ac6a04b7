//! The command line of `annals simulate`.

use std::path::PathBuf;

use annals_core::dialect::writers;
use annals_core::time::Timestamp;
use clap::Args;
use clap::builder::PossibleValuesParser;

use super::clock::Rate;
use super::scenario::SCENARIOS;
use super::speak::NATIVE;

/// Flags of `annals simulate`.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// What the agents are at
    #[arg(long, value_name = "NAME", default_value = "all", value_parser = scenario_names())]
    pub(crate) scenario: String,
    /// What happens: the same seed gives the same bytes, if the other flags are the same
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Documents a second, kept without drift, or max [default: 10 to a server, else max]
    #[arg(long, value_name = "DOCUMENTS/S", value_parser = rate)]
    pub(crate) rate: Option<RateArg>,
    /// Stop after this many documents [default: one workflow of each scenario]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// Begin again after the last scenario, until Ctrl-C
    #[arg(long, conflicts_with = "count")]
    pub(crate) endless: bool,
    /// When the first event happens, in RFC 3339 [default: now to a server, else 2026-01-05T09:00:00Z]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) start: Option<Timestamp>,
    /// The format of the documents
    #[arg(long, value_name = "FORMAT", default_value = "hive", value_parser = dialect_names())]
    pub(crate) dialect: String,
    /// Append to this server, through the door of the format, instead of writing to standard output
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The token to use [default: the owner token of the data directory]
    #[arg(long, env = "ANNALS_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// The server's data directory, for its owner token [default: the platform's data directory]
    #[arg(long = "data", visible_alias = "data-dir", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Say what was sent as JSON; beside documents on standard output, on standard error
    #[arg(long)]
    pub(crate) json: bool,
}

/// How fast it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RateArg {
    /// As fast as the documents are taken
    Max,
    /// So many a second
    Even(Rate),
}

fn rate(text: &str) -> Result<RateArg, String> {
    if text == "max" { Ok(RateArg::Max) } else { Rate::parse(text).map(RateArg::Even) }
}

fn time(text: &str) -> Result<Timestamp, String> {
    match Timestamp::parse(text) {
        Ok(parsed) => Ok(parsed.at),
        Err(error) => Err(error.to_string()),
    }
}

fn scenario_names() -> PossibleValuesParser {
    let names = SCENARIOS.iter().map(|scenario| scenario.name);
    PossibleValuesParser::new(names.chain(["all"]))
}

fn dialect_names() -> PossibleValuesParser {
    let others = writers().iter().map(|writer| writer.name);
    PossibleValuesParser::new(std::iter::once(NATIVE).chain(others))
}
