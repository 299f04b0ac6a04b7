//! `annals policy eval`: what a policy answers about one action, with its reasons.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use annals_policy::{
    ActionOrigin, AgentFacts, AgentKind, Budget, DEFAULT_POLICY_NAME, Decision, Effect, Gate,
    GateInput, Limits, Policy, PrincipalFacts, Protected, Risk, RunFacts, WorkspaceFacts, Zone,
    action_of, codes,
};
use anyhow::Context as _;
use clap::builder::PossibleValuesParser;
use clap::{ArgGroup, Args};
use serde_json::json;

use super::source;
use crate::failure::{COULD_NOT_TELL, NO};
use crate::output;

/// A person waits here, not an agent.
const WALL: Duration = Duration::from_secs(2);

/// Flags of `annals policy eval`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["input", "command", "tool"])))]
pub(super) struct EvalArgs {
    /// The input document (docs/formats/gate-input.md); - is standard input
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// A command line that an agent wants to run in this directory
    #[arg(long, value_name = "TEXT")]
    command: Option<String>,
    /// A tool that an agent wants to use in this directory
    #[arg(long, value_name = "NAME", requires = "arguments")]
    tool: Option<String>,
    /// The tool's arguments as JSON
    #[arg(long, value_name = "JSON", requires = "tool")]
    arguments: Option<String>,
    /// Whose tool it is
    #[arg(long, value_name = "AGENT", default_value = "claude-code",
        value_parser = PossibleValuesParser::new(["claude-code", "codex", "gemini-cli", "cursor", "copilot", "other"]))]
    agent: String,
    /// The policy's directory [default: the policy that is built in]
    #[arg(long, value_name = "DIR")]
    policy: Option<PathBuf>,
    /// Print the input document that would be asked about, and do not ask
    #[arg(long, conflicts_with = "input")]
    print_input: bool,
}

pub(super) fn run(args: &EvalArgs, json: bool) -> anyhow::Result<ExitCode> {
    let input = input(args)?;
    if args.print_input {
        output::line(input)?;
        return Ok(ExitCode::SUCCESS);
    }
    let modules = source::modules(args.policy.as_deref())?;
    let name = args
        .policy
        .as_ref()
        .map_or(DEFAULT_POLICY_NAME.to_owned(), |dir| dir.display().to_string());
    let policy = Policy::compile(&name, &modules)?;
    let started = Instant::now();
    let mut decision = policy.decide_text(&input, &Limits { wall: WALL, ..Limits::default() });
    decision.evaluated_in_micros = u64::try_from(started.elapsed().as_micros()).ok();
    if json {
        output::line(serde_json::to_string(&decision)?)?;
    } else {
        tell(&decision)?;
    }
    Ok(code(&decision))
}

/// A failure to evaluate is no answer of the policy.
fn code(decision: &Decision) -> ExitCode {
    let failures = [
        codes::POLICY_ERROR,
        codes::POLICY_TIMEOUT,
        codes::POLICY_BUSY,
        codes::MALFORMED_RESULT,
        codes::MALFORMED_INPUT,
        codes::INPUT_TOO_LARGE,
    ];
    let has_failed = decision.reasons.iter().any(|reason| failures.contains(&reason.rule.as_str()));
    match decision.effect {
        Effect::Allow => ExitCode::SUCCESS,
        Effect::Deny if has_failed => ExitCode::from(COULD_NOT_TELL),
        Effect::Deny | Effect::RequireApproval => ExitCode::from(NO),
    }
}

fn tell(decision: &Decision) -> anyhow::Result<()> {
    output::line(decision.effect.as_str())?;
    let lines = decision.reasons.iter().map(|reason| (reason, ""));
    for (one, what) in lines.chain(decision.obligations.iter().map(|one| (one, "also: "))) {
        let details = if one.details.is_empty() {
            String::new()
        } else {
            format!("  {}", json!(one.details))
        };
        let said = format!("{what}{}: {}{details}", one.rule, one.reason);
        output::line(format_args!("  {}", output::plain(&said)))?;
    }
    output::line(format_args!(
        "  policy {:.16}, input {:.16}",
        decision.policy_hash, decision.input_hash
    ))?;
    Ok(())
}

/// The document: as given, or made for a call in this directory by an agent of no particular standing.
fn input(args: &EvalArgs) -> anyhow::Result<String> {
    if let Some(path) = &args.input {
        if path.as_os_str() == "-" {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            return Ok(text);
        }
        return std::fs::read_to_string(path).with_context(|| path.display().to_string());
    }
    let cwd = std::env::current_dir()?.display().to_string();
    let home = std::env::home_dir().map(|home| home.display().to_string());
    let kind: AgentKind = serde_json::from_value(json!(args.agent))?;
    let origin = ActionOrigin { kind, cwd: Some(&cwd), home: home.as_deref() };
    let action = match (&args.command, &args.tool) {
        (Some(command), _) => {
            let origin = ActionOrigin { kind: AgentKind::ClaudeCode, ..origin };
            action_of(origin, "Bash", &json!({ "command": command }).to_string())
        }
        (None, Some(tool)) => action_of(origin, tool, args.arguments.as_deref().unwrap_or("{}")),
        (None, None) => anyhow::bail!("say what to ask about: --input, --command or --tool"),
    };
    let input = GateInput {
        version: 1,
        gate: Gate::ToolCall,
        now: jiff::Timestamp::now().to_string(),
        action,
        agent: AgentFacts {
            agent_id: "agent".to_owned(),
            kind,
            engine_id: None,
            revoked: false,
            quarantined: false,
            capabilities: None,
            zone: Some(Zone::Supervised),
        },
        principal: PrincipalFacts {
            principal_id: "hook".to_owned(),
            role: "agent".to_owned(),
            zone_max: Some(Zone::Supervised),
        },
        run: Some(RunFacts {
            run_id: "run".to_owned(),
            cwd: Some(cwd.clone()),
            permission_mode: None,
        }),
        workspace: WorkspaceFacts {
            workspace_id: "default".to_owned(),
            root: Some(cwd),
            kill_switch: false,
        },
        risk: Risk::default(),
        estimate: None,
        budget: Budget::default(),
        protected: Protected::default(),
        grants: Vec::new(),
    };
    Ok(serde_json::to_string(&input)?)
}
