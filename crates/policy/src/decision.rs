//! What a policy answered, and how the answers of many rules become one.
//!
//! INVARIANT (deny wins) and INVARIANT (fail closed) are kept in `combine`.

use serde::Serialize;
use serde_json::{Map, Value};

/// Codes of denials that no rule gave, as they stand in `Reason::rule`.
pub mod codes {
    /// No rule denied, asked or allowed.
    pub const NO_RULE: &str = "no_rule";
    /// The policy could not be evaluated.
    pub const POLICY_ERROR: &str = "policy_error";
    /// The policy took longer than it may.
    pub const POLICY_TIMEOUT: &str = "policy_timeout";
    /// Every evaluator is taken by evaluations that will not end.
    pub const POLICY_BUSY: &str = "policy_busy";
    /// A rule gave something other than `{"rule", "reason", …}`.
    pub const MALFORMED_RESULT: &str = "malformed_result";
    /// The input is not the document that policies are promised.
    pub const MALFORMED_INPUT: &str = "malformed_input";
    /// The input names a risk tier that is not one of the four.
    pub const UNKNOWN_TIER: &str = "unknown_tier";
    /// The input is larger than what is evaluated.
    pub const INPUT_TOO_LARGE: &str = "input_too_large";
}

/// What becomes of the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It may go on.
    Allow,
    /// A person decides.
    RequireApproval,
    /// It may not go on.
    Deny,
}

impl Effect {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::RequireApproval => "require_approval",
            Self::Deny => "deny",
        }
    }
}

/// A rule that spoke, and what it says to a person.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reason {
    /// The rule's id, or one of `codes`.
    pub rule: String,
    /// For a person.
    pub reason: String,
    /// What else the rule said, such as `approvals`.
    #[serde(flatten)]
    pub details: Map<String, Value>,
}

impl Reason {
    pub(crate) fn new(rule: &str, reason: impl Into<String>) -> Self {
        Self { rule: rule.to_owned(), reason: reason.into(), details: Map::new() }
    }

    /// How many different people must approve; at least one.
    pub fn approvals(&self) -> u64 {
        self.details.get("approvals").and_then(Value::as_u64).unwrap_or(1).max(1)
    }
}

/// Something to be done with or after the action, besides letting it go on.
pub type Obligation = Reason;

/// The answer about one action.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decision {
    /// What becomes of the action.
    pub effect: Effect,
    /// The rules that brought this effect about, by rule id; never empty.
    pub reasons: Vec<Reason>,
    /// What else is to be done, whatever the effect.
    pub obligations: Vec<Obligation>,
    /// The policy, as 64 hex digits.
    pub policy_hash: String,
    /// SHA-256 of the input document that the policy saw, as 64 hex digits.
    pub input_hash: String,
    /// How long it took; whoever has a clock fills it in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluated_in_micros: Option<u64>,
}

/// What the rules gave, before they are weighed.
#[derive(Debug, Default)]
pub(crate) struct Spoken {
    pub(crate) deny: Vec<Reason>,
    pub(crate) require_approval: Vec<Reason>,
    pub(crate) allow: Vec<Reason>,
    pub(crate) obligations: Vec<Obligation>,
}

impl Spoken {
    /// Reads the object of sets that an evaluation gives.
    ///
    /// Whatever is not as promised makes all of it a fault: a rule that cannot be read might have denied.
    pub(crate) fn read(result: &Value) -> Result<Self, String> {
        let mut spoken = Self::default();
        let sets = result.as_object().ok_or("the result is not an object")?;
        for (name, set) in sets {
            let reasons = set
                .as_array()
                .ok_or_else(|| format!("`{name}` is not a set"))?
                .iter()
                .map(|one| reason(name, one))
                .collect::<Result<Vec<_>, _>>()?;
            match name.as_str() {
                "deny" => spoken.deny = reasons,
                "require_approval" => spoken.require_approval = reasons,
                "allow" => spoken.allow = reasons,
                "obligations" => spoken.obligations = reasons,
                other => return Err(format!("`{other}` is not a result")),
            }
        }
        Ok(spoken)
    }

    /// One effect out of many: a denial before a question before an allowance, and none is a denial.
    pub(crate) fn combine(self) -> (Effect, Vec<Reason>, Vec<Obligation>) {
        let (effect, mut reasons) = if !self.deny.is_empty() {
            (Effect::Deny, self.deny)
        } else if !self.require_approval.is_empty() {
            (Effect::RequireApproval, self.require_approval)
        } else if !self.allow.is_empty() {
            (Effect::Allow, self.allow)
        } else {
            let none = Reason::new(codes::NO_RULE, "no rule of the policy allows this");
            (Effect::Deny, vec![none])
        };
        reasons.sort_by(|one, other| one.rule.cmp(&other.rule));
        (effect, reasons, self.obligations)
    }
}

fn reason(set: &str, value: &Value) -> Result<Reason, String> {
    let mut details =
        value.as_object().cloned().ok_or_else(|| format!("`{set}` holds what is not an object"))?;
    let mut text = |key: &str| match details.remove(key) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        _ => Err(format!("`{set}` holds an object without the text `{key}`")),
    };
    let (rule, reason) = (text("rule")?, text("reason")?);
    Ok(Reason { rule, reason, details })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn effect(result: &Value) -> (Effect, Vec<String>) {
        let (effect, reasons, _) = Spoken::read(result).unwrap().combine();
        (effect, reasons.into_iter().map(|reason| reason.rule).collect())
    }

    #[test]
    fn a_denial_outweighs_any_number_of_rules_that_allow() {
        let say = |rule: &str| json!({"rule": rule, "reason": "because"});
        let all = json!({
            "allow": [say("a"), say("b")], "require_approval": [say("c")], "deny": [say("e"), say("d")]
        });
        assert_eq!(effect(&all), (Effect::Deny, vec!["d".to_owned(), "e".to_owned()]));
        let asked = json!({"allow": [say("a")], "require_approval": [say("c")], "deny": []});
        assert_eq!(effect(&asked), (Effect::RequireApproval, vec!["c".to_owned()]));
        let allowed = json!({"allow": [say("a")]});
        assert_eq!(effect(&allowed), (Effect::Allow, vec!["a".to_owned()]));
    }

    #[test]
    fn silence_is_a_denial() {
        let no_rule = (Effect::Deny, vec![codes::NO_RULE.to_owned()]);
        assert_eq!(effect(&json!({})), no_rule);
        assert_eq!(effect(&json!({"allow": [], "deny": []})), no_rule);
    }

    #[test]
    fn a_result_that_cannot_be_read_is_never_passed_over() {
        for malformed in [
            json!([]),
            json!({"deny": true}),
            json!({"deny": ["no"]}),
            json!({"allow": [{"rule": "a", "reason": "b"}], "deny": [{"rule": "x"}]}),
            json!({"deny": [{"rule": "", "reason": "b"}]}),
            json!({"deny": [{"rule": 1, "reason": "b"}]}),
            json!({"permit": []}),
        ] {
            assert!(Spoken::read(&malformed).is_err(), "{malformed}");
        }
    }
}
