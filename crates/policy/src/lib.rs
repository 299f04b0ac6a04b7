//! Decides what agents may do: Rego policies over one input document for all gates.
//!
//! It does not wait, ask, store or enforce: it is given a document and answers allow, deny or
//! require_approval with reasons. Time is in the document; there is no clock, network, file, database
//! or randomness here, neither for this code nor for the policies that it runs.
//!
//! - INVARIANT (fail closed): an error, a time-out, an undefined result, a malformed input or result
//!   and the absence of a rule are all denials, each with a reason of its own.
//! - INVARIANT (deny wins): no number of rules that allow outweighs one that denies, or one that asks.

mod decision;
mod fault;
mod input;
mod policy;

mod builtins;
mod check;
mod clock;
mod modules;
mod workers;

mod action;
mod paths;
mod shell;

mod default_policy;
#[doc(hidden)]
pub mod probe;
mod testing;

pub use action::{ActionOrigin, action_of};
pub use decision::{Decision, Effect, Obligation, Reason, codes};
pub use default_policy::{DEFAULT_POLICY_NAME, default_modules};
pub use fault::PolicyFault;
pub use input::{
    Action, ActionClass, AgentFacts, AgentKind, Budget, Capability, Command, Estimate, Gate,
    GateInput, Grant, GrantScope, InputFault, PrincipalFacts, Protected, Remaining, Risk, RunFacts,
    Shell, Tier, WorkspaceFacts, Zone,
};
pub use modules::{Module, PolicyHash};
pub use policy::{Limits, Policy};
pub use shell::read_script;
pub use testing::{RuleTest, TestOutcome};
