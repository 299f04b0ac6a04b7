//! The one document that every gate puts before a policy.
//!
//! It is documented with examples in `docs/formats/gate-input.md`; a test reads them. Nothing is optional in
//! silence: a member that a rule relies on must be there, and one that we do not know is refused, so that a
//! misspelled `revoked` never reads as "not revoked".

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The version of the document that this code writes and reads.
const VERSION: u32 = 1;

/// Where an action waits for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// A tool is about to be used.
    ToolCall,
    /// A run is about to be claimed or started.
    Run,
    /// Something is about to leave for a network address.
    Egress,
    /// A message is about to be sent to a person or another agent.
    Message,
    /// Money is about to move.
    Payment,
    /// A policy is about to be activated or rolled back.
    Policy,
    /// Something of Annals itself is about to be changed.
    Admin,
}

/// What kind of thing a tool call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionClass {
    /// A command line for a shell.
    ShellCommand,
    /// Reads or stops a command that runs already.
    ShellSession,
    /// Reads, lists or searches files.
    FileRead,
    /// Writes a file whole.
    FileWrite,
    /// Changes a file.
    FileEdit,
    /// Deletes a file.
    FileDelete,
    /// Fetches an address.
    WebFetch,
    /// Searches the web by way of the agent's maker.
    WebSearch,
    /// A tool of an MCP server.
    McpTool,
    /// Starts a helper agent, whose own calls come to the gate one by one.
    Subagent,
    /// The agent's own notes: plans, to-do lists, a question to its user.
    AgentState,
    /// Any other tool.
    ToolCall,
    /// Not a tool call.
    None,
}

/// Which program asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentKind {
    /// Claude Code.
    ClaudeCode,
    /// Codex CLI.
    Codex,
    /// Gemini CLI.
    GeminiCli,
    /// Cursor.
    Cursor,
    /// Copilot CLI.
    Copilot,
    /// Anything else.
    Other,
}

/// How much an agent may do without approval: each allows what the ones before it allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Zone {
    /// Look only.
    Sandbox,
    /// Work in its own workspace.
    Supervised,
    /// Act outside it.
    HighStakes,
}

/// The four tiers of risk; there is no fifth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Minimal.
    Minimal,
    /// Limited.
    Limited,
    /// High.
    High,
    /// Systemic.
    Systemic,
}

/// The document.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateInput {
    /// 1.
    pub version: u32,
    /// Where the action waits.
    pub gate: Gate,
    /// The time of the decision (RFC 3339); the only time that a policy knows.
    pub now: String,
    /// What is to be done.
    pub action: Action,
    /// Who is to do it.
    pub agent: AgentFacts,
    /// Whose credential it is.
    pub principal: PrincipalFacts,
    /// The run it is part of.
    pub run: Option<RunFacts>,
    /// Where.
    pub workspace: WorkspaceFacts,
    /// How risky somebody says it is.
    pub risk: Risk,
    /// What it is expected to cost.
    pub estimate: Option<Estimate>,
    /// What is left of the budgets that it counts against.
    pub budget: Budget,
    /// What no agent may touch.
    pub protected: Protected,
    /// What people have approved that may cover this action.
    pub grants: Vec<Grant>,
}

/// What is to be done.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// `tool.invoke`, `run.claim`, `egress.request`, `payment.send` …
    #[serde(rename = "type")]
    pub action_type: String,
    /// The tool, as the agent calls it.
    pub tool_name: Option<String>,
    /// What kind of thing it does.
    pub class: ActionClass,
    /// Its arguments, exactly as the agent sent them.
    pub arguments: Box<RawValue>,
    /// The command line, if it is one.
    pub command: Option<String>,
    /// The command line, taken apart; there if `command` is.
    pub shell: Option<Shell>,
    /// Every path that it names, absolute where that can be known, `~` for the home directory.
    pub paths: Vec<String>,
    /// Those of them that it writes, moves or deletes as far as can be told.
    pub writes: Vec<String>,
    /// Every address that it names.
    pub urls: Vec<String>,
    /// Money in millionths.
    pub amount_micros: Option<u64>,
    /// SHA-256 of the rest of this object; what an approval is bound to. Filled in by `GateInput::sealed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// A command line, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shell {
    /// Why it cannot be told what it does; null if it can.
    pub opaque: Option<String>,
    /// Every command in it, also those inside others.
    pub commands: Vec<Command>,
}

/// One command of a command line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// The program's name without its directory.
    pub program: String,
    /// The path by which it was called, if by one.
    pub program_path: Option<String>,
    /// Its arguments, without quotes.
    pub args: Vec<String>,
    /// Whether some argument is known only when it runs (`$X`, `$(…)`, what xargs reads).
    pub dynamic: bool,
    /// The programs that run it (`sudo`, `bash`, `xargs` …), outermost first.
    pub via: Vec<String>,
    /// The programs whose output it reads, first in the pipe first.
    pub piped_from: Vec<String>,
    /// Its arguments as paths.
    pub paths: Vec<String>,
    /// The files that it is redirected into.
    pub writes: Vec<String>,
    /// A program text that it is given in the command line.
    pub code: Option<String>,
}

/// Who is to do it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentFacts {
    /// The agent.
    pub agent_id: String,
    /// Which program it is.
    pub kind: AgentKind,
    /// The engine that runs it.
    pub engine_id: Option<String>,
    /// Whether it was revoked. Must be said.
    pub revoked: bool,
    /// Whether it is quarantined. Must be said.
    pub quarantined: bool,
    /// What it may do; null if it is not held to capabilities, `[]` if it has none.
    pub capabilities: Option<Vec<Capability>>,
    /// Its zone.
    pub zone: Option<Zone>,
}

/// What an agent may do; within one, every list that is there must match.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capability {
    /// Its id.
    pub capability_id: String,
    /// Types of actions; null for any.
    pub action_types: Option<Vec<String>>,
    /// Names of tools; null for any.
    pub tools: Option<Vec<String>>,
    /// Hosts, `*.` before one for all below it; null for any.
    pub egress_domains: Option<Vec<String>>,
}

/// Whose credential it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrincipalFacts {
    /// The principal.
    pub principal_id: String,
    /// `owner`, `operator`, `approver`, `agent`, `reader`, `verifier`.
    pub role: String,
    /// The highest zone it may use.
    pub zone_max: Option<Zone>,
}

/// The run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunFacts {
    /// The run.
    pub run_id: String,
    /// Where it works.
    pub cwd: Option<String>,
    /// The agent's own mode of asking.
    pub permission_mode: Option<String>,
}

/// Where.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkspaceFacts {
    /// The workspace.
    pub workspace_id: String,
    /// The directory that its agents work in.
    pub root: Option<String>,
    /// Whether everything is to stop. Must be said.
    pub kill_switch: bool,
}

/// How risky somebody says it is.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Risk {
    /// The tier; null if nobody said.
    pub tier: Option<Tier>,
    /// How sure the agent is, from 0 to 1; null if it did not say.
    pub confidence: Option<f64>,
    /// Whether it decides about people by itself.
    #[serde(default)]
    pub automated: bool,
}

/// What it is expected to cost.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// Tokens.
    pub tokens: u64,
    /// Money in millionths; null if the price is unknown.
    pub cost_micros: Option<u64>,
}

/// What is left.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Names of hard budgets that are used up.
    pub exhausted: Vec<String>,
    /// What the others have left.
    pub remaining: Vec<Remaining>,
}

/// What one budget has left.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remaining {
    /// The budget.
    pub name: String,
    /// `tokens`, `micros`, `milliseconds`, `calls`.
    pub unit: String,
    /// So many.
    pub remaining: u64,
}

/// What no agent may touch: Annals itself.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protected {
    /// Files and directories: the data directory, the hook's settings, binary and spool.
    pub paths: Vec<String>,
    /// Programs, and the words after them: `annals token`.
    pub commands: Vec<String>,
}

/// How far an approval reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantScope {
    /// This very action, once.
    Once,
    /// What the same rules ask about in this run.
    Run,
    /// What the same rules ask about in this workspace.
    Workspace,
}

/// What people have approved.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Its id.
    pub grant_id: String,
    /// How far it reaches.
    pub scope: GrantScope,
    /// The workspace it holds in.
    pub workspace_id: String,
    /// The run it holds in, for the scopes `once` and `run`.
    pub run_id: Option<String>,
    /// The action that it was given for, for the scope `once`.
    pub action_hash: Option<String>,
    /// The rules that it answers.
    pub rules: Vec<String>,
    /// The most money that it covers.
    pub amount_micros_max: Option<u64>,
    /// The principals who approved.
    pub approvers: Vec<String>,
    /// Whether each of them was freshly verified.
    pub fresh: bool,
    /// When the last of them did (RFC 3339).
    pub approved_at: String,
    /// When it ends (RFC 3339).
    pub expires_at: String,
}

/// Why a text is not a gate's input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputFault {
    /// It is not the document.
    #[error("the input is not a gate's document: {0}")]
    Malformed(String),
    /// It names a tier that there is not.
    #[error("the input names a risk tier that is none of minimal, limited, high, systemic")]
    UnknownTier,
}

impl GateInput {
    /// Reads and checks a document.
    pub fn parse(text: &str) -> Result<Self, InputFault> {
        let input: Self = serde_json::from_str(text).map_err(|error| {
            let tier = serde_json::from_str::<serde_json::Value>(text)
                .ok()
                .and_then(|value| value.pointer("/risk/tier").cloned());
            let is_known = |tier: &serde_json::Value| {
                tier.is_null() || serde_json::from_value::<Tier>(tier.clone()).is_ok()
            };
            match tier {
                Some(tier) if !is_known(&tier) => InputFault::UnknownTier,
                _ => InputFault::Malformed(error.to_string()),
            }
        })?;
        input.check()?;
        Ok(input)
    }

    /// What types cannot say.
    pub(crate) fn check(&self) -> Result<i64, InputFault> {
        let malformed = |what: String| Err(InputFault::Malformed(what));
        if self.version != VERSION {
            return malformed(format!("version {} is not {VERSION}", self.version));
        }
        if self.risk.confidence.is_some_and(|confidence| !(0.0..=1.0).contains(&confidence)) {
            return malformed("`risk.confidence` is not from 0 to 1".to_owned());
        }
        if self.action.command.is_some() != self.action.shell.is_some() {
            return malformed("`action.command` and `action.shell` go together".to_owned());
        }
        let times = self.grants.iter().flat_map(|grant| [&grant.approved_at, &grant.expires_at]);
        for time in times {
            if nanoseconds(time).is_none() {
                return malformed(format!("a grant's time `{time}` is not RFC 3339"));
            }
        }
        match nanoseconds(&self.now) {
            Some(now) => Ok(now),
            None => malformed("`now` is not RFC 3339".to_owned()),
        }
    }

    /// The document as a policy sees it, with the action's hash in its place.
    pub(crate) fn sealed(&self) -> Result<String, serde_json::Error> {
        let mut sealed = self.clone();
        sealed.action.hash = Some(self.action.digest()?);
        serde_json::to_string(&sealed)
    }
}

impl Action {
    /// An action that is not a tool call.
    pub fn of_type(action_type: &str) -> Self {
        Self {
            action_type: action_type.to_owned(),
            tool_name: None,
            class: ActionClass::None,
            arguments: RawValue::NULL.to_owned(),
            command: None,
            shell: None,
            paths: Vec::new(),
            writes: Vec::new(),
            urls: Vec::new(),
            amount_micros: None,
            hash: None,
        }
    }

    /// SHA-256 over the action without its hash: what an approval of exactly this action is bound to.
    pub fn digest(&self) -> Result<String, serde_json::Error> {
        let mut bare = self.clone();
        bare.hash = None;
        Ok(crate::modules::sha256_hex(serde_json::to_string(&bare)?.as_bytes()))
    }
}

/// Nanoseconds since 1970 of an RFC 3339 time with its zone.
pub(crate) fn nanoseconds(text: &str) -> Option<i64> {
    let time: jiff::Timestamp = text.parse().ok()?;
    i64::try_from(time.as_nanosecond()).ok()
}
