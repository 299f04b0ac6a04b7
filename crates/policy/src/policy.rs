//! A compiled policy, and the one function that decides by it.
//!
//! It is compiled once and shared; a decision needs no lock for longer than it takes to find a thread.

use std::sync::Arc;
use std::time::Duration;

use regorus::Engine;
use serde_json::Value;

use crate::check::{self, Declared};
use crate::clock;
use crate::decision::{Decision, Effect, Reason, Spoken, codes};
use crate::fault::PolicyFault;
use crate::input::{GateInput, InputFault};
use crate::modules::{Module, PolicyHash, sha256_hex};
use crate::workers::{Evaluated, Question, Workers};

/// Modules of one policy.
const MODULE_COUNT_MAX: usize = 256;
/// Bytes of one module.
const MODULE_BYTES_MAX: usize = 256 << 10;
/// Where our own module puts the answer.
const RESULT: &str = "data.annals.internal.result";

/// How much a decision may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Time on the wall.
    pub wall: Duration,
    /// Bytes of the input document.
    pub input_bytes: usize,
}

impl Default for Limits {
    /// 20 ms, and room for one event of the largest size with what is around it.
    fn default() -> Self {
        Self { wall: Duration::from_millis(20), input_bytes: 2 << 20 }
    }
}

/// A policy that compiles.
#[derive(Clone)]
pub struct Policy {
    name: Arc<str>,
    hash: PolicyHash,
    rule: Arc<str>,
    tests: Arc<Declared>,
    workers: Arc<Workers>,
}

impl std::fmt::Debug for Policy {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Policy")
            .field("name", &self.name)
            .field("hash", &self.hash)
            .finish_non_exhaustive()
    }
}

impl Policy {
    /// Compiles modules; tests among them (`…_test.rego`) must compile but are no part of the policy.
    pub fn compile(name: &str, modules: &[Module]) -> Result<Self, PolicyFault> {
        let own: Vec<Module> = modules.iter().filter(|module| !module.is_test()).cloned().collect();
        if own.len() < modules.len() {
            Self::compile_with_tests(name, modules)?;
        }
        Self::compile_all(name, &own)
    }

    /// Compiles modules and the tests among them, for running these.
    pub fn compile_with_tests(name: &str, modules: &[Module]) -> Result<Self, PolicyFault> {
        Self::compile_all(name, modules)
    }

    fn compile_all(name: &str, modules: &[Module]) -> Result<Self, PolicyFault> {
        check_sizes(modules)?;
        // Parsing recurses; a stack of a known size makes what it takes independent of the caller.
        let compiled = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(64 << 20);
            thread.spawn_scoped(scope, || compile_engine(modules)).map(|thread| thread.join())
        });
        let (engine, declared) = match compiled {
            Ok(Ok(compiled)) => compiled?,
            _ => {
                return Err(PolicyFault::whole(
                    "the engine panicked over it",
                    "simplify the policy",
                ));
            }
        };
        let own: Vec<Module> = modules.iter().filter(|module| !module.is_test()).cloned().collect();
        Ok(Self {
            name: name.into(),
            hash: PolicyHash::of(&own),
            rule: RESULT.into(),
            tests: Arc::new(declared),
            workers: Workers::new(engine),
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What names exactly this policy.
    pub fn hash(&self) -> PolicyHash {
        self.hash
    }

    /// Paths of its tests and the modules that hold them.
    pub(crate) fn tests(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tests.tests.iter().map(|(rule, module)| (rule.as_str(), module.as_str()))
    }

    /// Decides about one action. There is always an answer, and without a rule that allows it is a denial.
    pub fn decide(&self, input: &GateInput, limits: &Limits) -> Decision {
        let (now, document) = match (input.check(), input.sealed()) {
            (Ok(now), Ok(document)) => (now, document),
            (Err(fault), _) => return self.refuse_input(&fault, ""),
            (_, Err(error)) => {
                return self.refuse_input(&InputFault::Malformed(error.to_string()), "");
            }
        };
        self.decide_document(now, document, limits)
    }

    /// Decides about one action that is given as a text.
    pub fn decide_text(&self, input: &str, limits: &Limits) -> Decision {
        match GateInput::parse(input) {
            Ok(parsed) => self.decide(&parsed, limits),
            Err(fault) => self.refuse_input(&fault, input),
        }
    }

    fn decide_document(&self, now: i64, document: String, limits: &Limits) -> Decision {
        let input_hash = sha256_hex(document.as_bytes());
        let deny = |code: &str, reason: String| self.denial(code, reason, input_hash.clone());
        if document.len() > limits.input_bytes {
            let (bytes, most) = (document.len(), limits.input_bytes);
            return deny(
                codes::INPUT_TOO_LARGE,
                format!("the input has {bytes} bytes, more than {most}"),
            );
        }
        match self.ask(&self.rule, now, document, limits.wall) {
            Evaluated::Value(Value::Null, _) => {
                deny(codes::POLICY_ERROR, "the policy gave no result".to_owned())
            }
            Evaluated::Value(result, _) => match Spoken::read(&result) {
                Ok(spoken) => self.decided(spoken, input_hash),
                Err(why) => deny(codes::MALFORMED_RESULT, why),
            },
            Evaluated::Failed(why) => deny(codes::POLICY_ERROR, why),
            Evaluated::Late => {
                let limit = limits.wall.as_millis();
                deny(codes::POLICY_TIMEOUT, format!("the policy took longer than {limit} ms"))
            }
            Evaluated::Busy => deny(
                codes::POLICY_BUSY,
                "all evaluators are taken by evaluations that are late".to_owned(),
            ),
        }
    }

    /// Evaluates any rule, for tests and for looking at a policy.
    pub(crate) fn ask(&self, rule: &str, now: i64, input: String, wall: Duration) -> Evaluated {
        self.workers.evaluate(Question { input, now, rule: rule.into(), wall })
    }

    fn decided(&self, spoken: Spoken, input_hash: String) -> Decision {
        let (effect, reasons, obligations) = spoken.combine();
        Decision {
            effect,
            reasons,
            obligations,
            policy_hash: self.hash.to_string(),
            input_hash,
            evaluated_in_micros: None,
        }
    }

    fn refuse_input(&self, fault: &InputFault, text: &str) -> Decision {
        let code = match fault {
            InputFault::Malformed(_) => codes::MALFORMED_INPUT,
            InputFault::UnknownTier => codes::UNKNOWN_TIER,
        };
        self.denial(code, fault.to_string(), sha256_hex(text.as_bytes()))
    }

    fn denial(&self, code: &str, reason: String, input_hash: String) -> Decision {
        Decision {
            effect: Effect::Deny,
            reasons: vec![Reason::new(code, reason)],
            obligations: Vec::new(),
            policy_hash: self.hash.to_string(),
            input_hash,
            evaluated_in_micros: None,
        }
    }
}

fn check_sizes(modules: &[Module]) -> Result<(), PolicyFault> {
    if modules.len() > MODULE_COUNT_MAX {
        return Err(PolicyFault::whole(
            format!("{} modules are more than {MODULE_COUNT_MAX}", modules.len()),
            "put rules together",
        ));
    }
    for (index, module) in modules.iter().enumerate() {
        if module.text.len() > MODULE_BYTES_MAX {
            let bytes = module.text.len();
            return Err(PolicyFault::at(
                &module.path,
                None,
                format!("{bytes} bytes are more than {MODULE_BYTES_MAX}"),
                "split the module",
            ));
        }
        if modules[..index].iter().any(|other| other.path == module.path) {
            return Err(PolicyFault::at(
                &module.path,
                None,
                "two modules have this path",
                "give each module its own",
            ));
        }
    }
    Ok(())
}

fn compile_engine(modules: &[Module]) -> Result<(Engine, Declared), PolicyFault> {
    let (mut engine, declared) = checked_engine(Engine::new(), modules)?;
    let whole = |error: &dyn std::fmt::Display| PolicyFault::of_engine("", &error.to_string());
    engine
        .add_policy("annals/internal.rego".to_owned(), internal_module(&declared))
        .map_err(|error| whole(&error))?;
    engine.compile_with_entrypoint(&RESULT.into()).map_err(|error| whole(&error))?;
    Ok((engine, declared))
}

/// An engine with these modules, our functions, and nothing that is not allowed.
pub(crate) fn checked_engine(
    mut engine: Engine,
    modules: &[Module],
) -> Result<(Engine, Declared), PolicyFault> {
    for module in modules {
        if let Some((place, what)) = check::unreadable(&module.text) {
            let help = "give parts of it names of their own";
            return Err(PolicyFault::at(&module.path, Some(place), what, help));
        }
        engine
            .add_policy(module.path.clone(), module.text.clone())
            .map_err(|error| PolicyFault::of_engine(&module.path, &error.to_string()))?;
    }
    let whole = |error: &dyn std::fmt::Display| PolicyFault::of_engine("", &error.to_string());
    let trees = engine.get_ast_as_json().map_err(|error| whole(&error))?;
    let trees: Value = serde_json::from_str(&trees)
        .map_err(|_| PolicyFault::whole("expressions are nested too deeply", "use helper rules"))?;
    let declared = check::check(&trees)?;
    clock::add_to(&mut engine).map_err(|error| whole(&error))?;
    engine.set_gather_prints(true);
    Ok((engine, declared))
}

/// One rule that asks for all sets at once, so that what they share is evaluated once.
fn internal_module(declared: &Declared) -> String {
    let sets: Vec<String> =
        declared.sets.iter().map(|set| format!("\"{set}\": {}.{set}", check::PACKAGE)).collect();
    format!("package annals.internal\n\nresult := {{{}}}\n", sets.join(", "))
}
