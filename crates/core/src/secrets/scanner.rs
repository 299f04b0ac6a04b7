//! The scanner: finds the secrets of one plain text by running the rules whose literals it has.
//!
//! A rule of the table is compiled when one of its literals is first found. Scanners are shared by
//! all threads.

use std::collections::HashSet;
use std::sync::{LazyLock, OnceLock};

use regex_automata::meta::Regex;
use regex_automata::{Anchored, Input};

use super::assign;
use super::names::NameClass;
use super::prefilter::{Detector, Hit, Prefilter};
use super::rule::{CustomRule, Edges, Exception, KEYWORD_BYTES_MIN, RuleFault, SecretSettings};
use super::shape::entropy;
use super::spots::{
    Range, aws_secrets_near, basic_secret, bearer_secret, curl_secrets, pem_secret, userinfo_secret,
};
use super::table::TOKEN_RULES;

/// The version of the built-in rules; stands in what is said of a find.
#[must_use]
pub fn scanner_version() -> &'static str {
    "annals-secrets/1"
}

/// Ids of the rules that are functions. Persisted like those of the table.
const SPOT_RULES: [&str; 11] = [
    "private_key",
    "url_password",
    "curl_password",
    "bearer_token",
    "basic_auth",
    "aws_secret_access_key",
    "password",
    "named_key",
    "named_secret",
    "named_token",
    "authorization",
];
const COOKIE_RULE: &str = "cookie";
const AWS_ID_RULE: &str = "aws_access_key_id";

/// A secret in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) range: Range,
    /// Index of the rule's id.
    pub(super) rule: usize,
}

struct Custom {
    regex: Regex,
    rule: usize,
}

struct Allowed {
    regex: Option<Regex>,
    paths: Vec<Vec<String>>,
    rules: Vec<usize>,
}

/// Looks for secrets by the built-in rules and by an installation's own.
pub struct Scanner {
    prefilter: Prefilter,
    /// One place a line of the table, filled when it is first needed.
    tokens: Vec<OnceLock<Option<Regex>>>,
    /// The id of each line of the table, as an index.
    token_rules: Vec<usize>,
    customs: Vec<Custom>,
    allowed: Vec<Allowed>,
    rule_ids: Vec<String>,
}

impl std::fmt::Debug for Scanner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Scanner")
            .field("rules", &self.rule_ids.len())
            .finish_non_exhaustive()
    }
}

static BUILTIN: LazyLock<Option<Scanner>> =
    LazyLock::new(|| Scanner::new(&SecretSettings::default()).ok());

impl Scanner {
    /// The built-in rules, made once for the whole program.
    ///
    /// # Panics
    /// Never: the table is a constant, and tests use every line of it.
    #[must_use]
    pub fn builtin() -> &'static Self {
        BUILTIN.as_ref().expect("the table is a constant that tests read")
    }

    /// The built-in rules with an installation's own rules and exceptions.
    ///
    /// # Errors
    /// Names the first rule or exception that cannot be used.
    pub fn new(settings: &SecretSettings) -> Result<Self, RuleFault> {
        let (rule_ids, token_rules) = builtin_ids();
        let mut scanner = Self {
            prefilter: Prefilter::new(&settings.rules)?,
            tokens: TOKEN_RULES.iter().map(|_| OnceLock::new()).collect(),
            token_rules,
            customs: Vec::new(),
            allowed: Vec::new(),
            rule_ids,
        };
        settings.rules.iter().try_for_each(|rule| scanner.add_rule(rule))?;
        for (index, exception) in settings.allow.iter().enumerate() {
            let allowed = scanner.allowance(exception, index + 1)?;
            scanner.allowed.push(allowed);
        }
        Ok(scanner)
    }

    fn add_rule(&mut self, rule: &CustomRule) -> Result<(), RuleFault> {
        let id_fault = |problem| RuleFault::Id { id: rule.id.clone(), problem };
        let is_id = (1..=64).contains(&rule.id.len())
            && rule.id.starts_with(|first: char| first.is_ascii_lowercase())
            && rule.id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        if !is_id {
            return Err(id_fault("is not 1 to 64 of a-z 0-9 _, starting with a letter"));
        }
        if self.rule_ids.contains(&rule.id) {
            return Err(id_fault("is taken"));
        }
        let is_short = |keyword: &String| keyword.len() < KEYWORD_BYTES_MIN;
        if rule.keywords.is_empty() || rule.keywords.iter().any(is_short) {
            let byte_count_min = KEYWORD_BYTES_MIN;
            return Err(RuleFault::Keywords { id: rule.id.clone(), byte_count_min });
        }
        let regex = compile(&rule.regex, || format!("the secret rule `{}`", rule.id))?;
        self.customs.push(Custom { regex, rule: self.rule_ids.len() });
        self.rule_ids.push(rule.id.clone());
        Ok(())
    }

    fn allowance(&self, exception: &Exception, number: usize) -> Result<Allowed, RuleFault> {
        if exception.regex.is_none() && exception.paths.is_empty() && exception.rules.is_empty() {
            return Err(RuleFault::EmptyException { number });
        }
        let place = || format!("exception {number} of the secrets");
        let rule = |id: &String| {
            let found = self.rule_ids.iter().position(|known| known == id);
            found.ok_or_else(|| RuleFault::UnknownRule { number, id: id.clone() })
        };
        let steps = |path: &String| path.split('/').skip(1).map(str::to_owned).collect();
        Ok(Allowed {
            regex: exception.regex.as_deref().map(|regex| compile(regex, place)).transpose()?,
            paths: exception.paths.iter().map(steps).collect(),
            rules: exception.rules.iter().map(rule).collect::<Result<_, _>>()?,
        })
    }

    /// The ids of all rules, the built-in ones first.
    pub fn rule_ids(&self) -> impl Iterator<Item = &str> {
        self.rule_ids.iter().map(String::as_str)
    }

    pub(super) fn rule_id(&self, rule: usize) -> &str {
        &self.rule_ids[rule]
    }

    pub(super) fn rule_of(&self, id: &str) -> usize {
        self.rule_ids.iter().position(|known| known == id).unwrap_or(0)
    }

    pub(super) fn hits(&self, text: &str, hits: &mut Vec<Hit>) {
        self.prefilter.hits(text, hits);
    }

    /// The secrets of a plain text that has these hits: in order, none overlapping another. The
    /// class is that of the key whose value the text is.
    pub(super) fn spots(&self, text: &str, hits: &[Hit], class: Option<NameClass>) -> Vec<Spot> {
        let mut spots = Vec::new();
        if let Some(class) = class {
            let rule = self.class_rule(class);
            assign::find_in_value(text, class, |start, end| {
                spots.push(Spot { range: start..end, rule });
            });
        }
        let mut seen_names = 0;
        let mut run_customs = HashSet::new();
        let mut token_end = 0;
        for hit in hits {
            match hit.detector {
                Detector::Token(index) if hit.start >= token_end => {
                    if let Some(range) = self.token(text, hit.start, index) {
                        token_end = range.end;
                        spots.push(Spot { range, rule: self.token_rules[index] });
                    }
                }
                Detector::Token(_) | Detector::Escape => {}
                Detector::Name => {
                    if hit.start >= seen_names {
                        assign::find(text, hit.start, hit.end, &mut |start, end, class| {
                            spots.push(Spot { range: start..end, rule: self.class_rule(class) });
                        });
                    }
                    seen_names = seen_names.max(name_end(text, hit.end));
                }
                Detector::Custom(index) => {
                    if run_customs.insert(index) {
                        self.run_custom(text, index, &mut spots);
                    }
                }
                spot @ (Detector::Address
                | Detector::Curl
                | Detector::Bearer
                | Detector::Basic
                | Detector::Pem) => self.special(text, spot, hit.end, &mut spots),
            }
        }
        self.add_aws_secrets(text, &mut spots);
        merge(spots)
    }

    fn special(&self, text: &str, detector: Detector, end: usize, spots: &mut Vec<Spot>) {
        let mut add = |id: &str, range: Option<Range>| {
            spots.extend(range.map(|range| Spot { range, rule: self.rule_of(id) }));
        };
        match detector {
            Detector::Address => add("url_password", userinfo_secret(text, end)),
            Detector::Bearer => add("bearer_token", bearer_secret(text, end)),
            Detector::Basic => add("basic_auth", basic_secret(text, end)),
            Detector::Pem => add("private_key", pem_secret(text, end)),
            Detector::Curl => curl_secrets(text, end, |range| add("curl_password", Some(range))),
            Detector::Token(_) | Detector::Name | Detector::Escape | Detector::Custom(_) => {}
        }
    }

    pub(super) fn class_rule(&self, class: NameClass) -> usize {
        self.rule_of(class.rule_id())
    }

    /// The token that begins with a literal of a line of the table.
    fn token(&self, text: &str, start: usize, index: usize) -> Option<Range> {
        let rule = &TOKEN_RULES[index];
        let regex = self.tokens[index].get_or_init(|| Regex::new(rule.pattern).ok()).as_ref()?;
        let input = Input::new(text).range(start..).anchored(Anchored::Yes);
        let range = secret_group(regex, input)?;
        let behind = text.as_bytes().get(range.end);
        let is_cut = rule.edges != Edges::Any
            && behind.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        let is_random = entropy(&text.as_bytes()[range.clone()]) >= rule.entropy_min;
        (is_random && !is_cut).then_some(range)
    }

    fn run_custom(&self, text: &str, index: usize, spots: &mut Vec<Spot>) {
        let custom = &self.customs[index];
        let mut at = 0;
        while at <= text.len() {
            let input = Input::new(text).range(at..);
            let Some(whole) = custom.regex.find(input) else { return };
            let input = Input::new(text).range(whole.start()..).anchored(Anchored::Yes);
            let secret = secret_group(&custom.regex, input).filter(|range| !range.is_empty());
            spots.extend(secret.map(|range| Spot { range, rule: custom.rule }));
            at = whole.end().max(at + 1);
            at = text.ceil_char_boundary(at);
        }
    }

    fn add_aws_secrets(&self, text: &str, spots: &mut Vec<Spot>) {
        let id_rule = self.rule_of(AWS_ID_RULE);
        let ids: Vec<Range> = spots
            .iter()
            .filter(|spot| spot.rule == id_rule)
            .map(|spot| spot.range.clone())
            .collect();
        let rule = self.rule_of("aws_secret_access_key");
        for id in ids {
            aws_secrets_near(text, &id, |range| spots.push(Spot { range, rule }));
        }
    }

    /// Whether an exception lets a find pass.
    pub(super) fn is_allowed(
        &self,
        rule: usize,
        secret: &str,
        pointer: impl Fn() -> String,
    ) -> bool {
        self.allowed.iter().any(|allowed| {
            (allowed.rules.is_empty() || allowed.rules.contains(&rule))
                && allowed.regex.as_ref().is_none_or(|regex| regex.is_match(secret))
                && (allowed.paths.is_empty() || {
                    let pointer = pointer();
                    allowed.paths.iter().any(|path| is_below(&pointer, path))
                })
        })
    }
}

fn builtin_ids() -> (Vec<String>, Vec<usize>) {
    let mut ids: Vec<String> = Vec::new();
    let mut token_rules = Vec::with_capacity(TOKEN_RULES.len());
    for rule in TOKEN_RULES {
        let known = ids.iter().position(|id| id == rule.id);
        token_rules.push(known.unwrap_or(ids.len()));
        if known.is_none() {
            ids.push(rule.id.to_owned());
        }
    }
    ids.extend(SPOT_RULES.iter().chain([&COOKIE_RULE]).map(|id| (*id).to_owned()));
    (ids, token_rules)
}

fn compile(pattern: &str, place: impl Fn() -> String) -> Result<Regex, RuleFault> {
    Regex::new(pattern).map_err(|error| {
        let problem = error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
        RuleFault::Regex { place: place(), problem }
    })
}

/// The range of group 1 of a match, or of all of it where there is no group.
fn secret_group(regex: &Regex, input: Input<'_>) -> Option<Range> {
    if regex.captures_len() < 2 {
        return regex.find(input).map(|found| found.range());
    }
    let mut groups = regex.create_captures();
    regex.search_captures(&input, &mut groups);
    let whole = groups.get_match()?;
    Some(groups.get_group(1).map_or(whole.range(), |group| group.start..group.end))
}

fn name_end(text: &str, from: usize) -> usize {
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    from + rest.iter().take(64).take_while(is_part).count()
}

fn is_below(pointer: &str, path: &[String]) -> bool {
    let mut steps = pointer.split('/').skip(1);
    path.iter().all(|wanted| steps.next().is_some_and(|step| wanted == "*" || step == wanted))
}

/// Puts finds in order; those that overlap become one, named by the rule that is listed first,
/// for the table's rules say most.
fn merge(mut spots: Vec<Spot>) -> Vec<Spot> {
    spots.sort_by_key(|spot| (spot.range.start, spot.range.end));
    let mut merged: Vec<Spot> = Vec::with_capacity(spots.len());
    for spot in spots {
        match merged.last_mut() {
            Some(last) if spot.range.start < last.range.end => {
                last.range.end = last.range.end.max(spot.range.end);
                last.rule = last.rule.min(spot.rule);
            }
            _ => merged.push(spot),
        }
    }
    merged
}
