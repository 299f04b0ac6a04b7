//! What must be true of a policy before it is used: every function that it names is known and pure, and its
//! decisions have the shape that is promised.
//!
//! The engine itself finds an unknown function only when a rule gets there, which may be the first time that
//! the rule was needed. Here the syntax tree is walked instead. Nothing is evaluated.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::builtins;
use crate::fault::PolicyFault;

/// The package whose sets are the answer.
pub(crate) const PACKAGE: &str = "data.annals.gate";
/// Our own package beside it.
pub(crate) const INTERNAL: &str = "data.annals.internal";
/// Its sets.
pub(crate) const SETS: [&str; 4] = ["allow", "deny", "obligations", "require_approval"];

/// What was found in the modules.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    /// The sets of `annals.gate` that there are.
    pub(crate) sets: BTreeSet<&'static str>,
    /// Every `test_…` rule, as a path, with the module that it is in.
    pub(crate) tests: BTreeMap<String, String>,
}

/// Checks the syntax trees of all modules.
pub(crate) fn check(asts: &Value) -> Result<Declared, PolicyFault> {
    let modules: Vec<Source<'_>> =
        asts.as_array().into_iter().flatten().filter_map(Source::of).collect();
    let functions: BTreeSet<String> = modules.iter().flat_map(Source::functions).collect();
    let mut declared = Declared::default();
    let shared = shared_packages(&modules);
    for module in &modules {
        module.check_calls(&functions, &shared)?;
        module.check_imports(&shared)?;
        module.check_sets(&mut declared)?;
        module.find_tests(&mut declared);
    }
    Ok(declared)
}

/// Packages that several files make up.
///
/// The engine reads a set out of such a package before all files have added to it, if it gets there by an import
/// or by the package as a whole; asked for by its full name it is right. A denial could be missed, so only that
/// is let through.
fn shared_packages(modules: &[Source<'_>]) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for module in modules {
        *counts.entry(&module.package).or_default() += 1;
    }
    counts
        .into_iter()
        .filter(|(_, count)| *count > 1)
        .map(|(package, _)| package.to_owned())
        .collect()
}

/// Whether a path is a package, or one above it.
fn holds(path: &str, package: &str) -> bool {
    package.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// One module's tree.
struct Source<'a> {
    path: &'a str,
    package: String,
    /// Alias to full path.
    imports: BTreeMap<String, String>,
    rules: Vec<&'a Value>,
}

impl<'a> Source<'a> {
    fn of(tree: &'a Value) -> Option<Self> {
        let path = tree.pointer("/source/file")?.as_str()?;
        let ast = tree.get("ast")?;
        let package = dotted(ast.pointer("/package/refr")?)?;
        let text = tree.pointer("/source/contents")?.as_str()?;
        let mut imports = BTreeMap::new();
        for import in ast.get("imports").and_then(Value::as_array).into_iter().flatten() {
            let Some(target) = import.get("refr").and_then(dotted) else { continue };
            let alias = match import.get("as").and_then(|span| slice(text, span)) {
                Some(alias) => alias.to_owned(),
                None => target.rsplit('.').next().unwrap_or_default().to_owned(),
            };
            imports.insert(alias, target);
        }
        let rules = ast.get("rules")?.as_array()?.iter().collect();
        Some(Self { path, package: format!("data.{package}"), imports, rules })
    }

    /// Full paths of the functions that it defines.
    fn functions(&self) -> impl Iterator<Item = String> {
        self.rules.iter().filter_map(|rule| {
            let head = rule.pointer("/Spec/head/Func/refr").or_else(|| {
                let default = rule.get("Default")?;
                let has_arguments =
                    default.get("args")?.as_array().is_some_and(|args| !args.is_empty());
                has_arguments.then(|| default.get("refr")).flatten()
            })?;
            Some(format!("{}.{}", self.package, dotted(head)?))
        })
    }

    fn check_imports(&self, shared: &[String]) -> Result<(), PolicyFault> {
        for target in self.imports.values() {
            let is_of = |package: &&String| holds(target, package) || holds(package, target);
            if let Some(package) = shared.iter().find(is_of) {
                return Err(PolicyFault::at(
                    self.path,
                    None,
                    format!("`{package}` is made up of several files and cannot be imported"),
                    format!("name what is wanted of it in full, such as `{package}.deny`"),
                ));
            }
        }
        Ok(())
    }

    fn check_calls(
        &self,
        functions: &BTreeSet<String>,
        shared: &[String],
    ) -> Result<(), PolicyFault> {
        let mut left: Vec<&Value> = self.rules.clone();
        while let Some(node) = left.pop() {
            if let Some(call) = node.get("Call") {
                self.check_call(call, functions)?;
            }
            if let Some(name) = dotted(node) {
                if let Some(why) = builtins::forbidden(&name) {
                    return Err(self.fault(node, format!("`{name}` is not allowed"), why));
                }
                if shared.iter().any(|package| holds(&name, package)) {
                    return Err(self.fault(
                        node,
                        format!(
                            "`{name}` is made up of several files and cannot be read as a whole"
                        ),
                        "name what is wanted of it in full, such as `data.annals.gate.deny`",
                    ));
                }
                continue;
            }
            match node {
                Value::Array(items) => left.extend(items),
                Value::Object(members) => left.extend(members.values()),
                _ => {}
            }
        }
        Ok(())
    }

    fn check_call(&self, call: &Value, functions: &BTreeSet<String>) -> Result<(), PolicyFault> {
        let Some(name) = call.get("fcn").and_then(dotted) else {
            return Err(self.fault(
                call,
                "a function whose name is computed".to_owned(),
                "call functions by name",
            ));
        };
        if let Some(why) = builtins::forbidden(&name) {
            return Err(self.fault(call, format!("`{name}` is not allowed"), why));
        }
        let (root, rest) =
            name.split_once('.').map_or((name.as_str(), ""), |(root, rest)| (root, rest));
        let imported = self.imports.get(root).map(|target| match rest {
            "" => target.clone(),
            rest => format!("{target}.{rest}"),
        });
        let is_defined = functions.contains(&name)
            || functions.contains(&format!("{}.{name}", self.package))
            || imported.is_some_and(|full| functions.contains(&full));
        if is_defined || builtins::is_allowed(&name) {
            return Ok(());
        }
        Err(self.fault(
            call,
            format!("there is no function `{name}`"),
            "docs/formats/rego.md lists the functions that there are",
        ))
    }

    fn check_sets(&self, declared: &mut Declared) -> Result<(), PolicyFault> {
        if self.package == INTERNAL || self.package.starts_with(&format!("{INTERNAL}.")) {
            return Err(PolicyFault::at(
                self.path,
                None,
                "the package annals.internal is reserved",
                "give the package another name",
            ));
        }
        if self.package != PACKAGE {
            return Ok(());
        }
        for rule in &self.rules {
            let head = rule.pointer("/Spec/head");
            let (kind, refr) =
                match head.and_then(Value::as_object).and_then(|head| head.iter().next()) {
                    Some((kind, inner)) => (kind.as_str(), inner.get("refr")),
                    None => ("Default", rule.pointer("/Default/refr")),
                };
            let Some(refr) = refr else { continue };
            let root = root_variable(refr);
            let Some(set) = SETS.iter().find(|set| root == Some(set)) else { continue };
            if kind != "Set" || dotted(refr).as_deref() != Some(set) {
                return Err(self.fault(
                    rule,
                    format!("`{set}` is not a set here"),
                    "write `deny contains {\"rule\": …, \"reason\": …} if …`",
                ));
            }
            declared.sets.insert(set);
        }
        Ok(())
    }

    fn find_tests(&self, declared: &mut Declared) {
        for rule in &self.rules {
            let name = rule.pointer("/Spec/head/Compr/refr").and_then(dotted);
            if let Some(name) = name.filter(|name| name.starts_with("test_")) {
                declared.tests.insert(format!("{}.{name}", self.package), self.path.to_owned());
            }
        }
    }

    fn fault(&self, node: &Value, message: String, help: &str) -> PolicyFault {
        PolicyFault::at(self.path, place(node), message, help)
    }
}

/// `a.b.c` of a chain of references by name; none for anything else.
fn dotted(node: &Value) -> Option<String> {
    if let Some(variable) = node.get("Var") {
        return Some(variable.get("value")?.as_str()?.to_owned());
    }
    if let Some(reference) = node.get("RefDot") {
        let field = reference.pointer("/field/1")?.as_str()?;
        return Some(format!("{}.{field}", dotted(reference.get("refr")?)?));
    }
    let bracket = node.get("RefBrack")?;
    let field = bracket.pointer("/index/String/value")?.as_str()?;
    Some(format!("{}.{field}", dotted(bracket.get("refr")?)?))
}

/// `a` of `a.b[c]`.
fn root_variable(node: &Value) -> Option<&str> {
    if let Some(variable) = node.get("Var") {
        return variable.get("value")?.as_str();
    }
    let inner = node.get("RefDot").or_else(|| node.get("RefBrack"))?;
    root_variable(inner.get("refr")?)
}

/// Operators and references in one expression.
const CHAIN_MAX: usize = 48;
/// Braces and brackets around one another; the engine's parser takes twice as long for each more.
const DEPTH_MAX: usize = 10;

/// The first place that is too long or too deep to be parsed, and why.
///
/// The engine's own limit of depth sees neither chains such as `1 + 1 + …`, whose trees are as deep as they are
/// long, nor what its parser tries twice; so both are looked for before anything is parsed.
pub(crate) fn unreadable(text: &str) -> Option<((u32, u32), String)> {
    let mut scan = Scan { is_open_ended: true, line: 1, ..Scan::default() };
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        scan.take(letter, letters.as_str());
        if scan.links > CHAIN_MAX {
            let what = format!("more than {CHAIN_MAX} operators and references in one expression");
            return Some(((scan.line, scan.column), what));
        }
        if scan.depth > DEPTH_MAX {
            let what = format!("more than {DEPTH_MAX} braces and brackets around one another");
            return Some(((scan.line, scan.column), what));
        }
    }
    None
}

/// A look at a module letter by letter.
#[derive(Debug, Default)]
struct Scan {
    line: u32,
    column: u32,
    links: usize,
    depth: usize,
    quote: Option<char>,
    is_comment: bool,
    is_escaped: bool,
    /// The last letter that is no space wants something behind it.
    is_open_ended: bool,
}

impl Scan {
    const LINKS: &str = "+-*/%&|.[";

    fn take(&mut self, letter: char, rest: &str) {
        self.column += 1;
        if letter == '\n' {
            self.end_line(rest);
            return;
        }
        if self.is_comment {
            return;
        }
        let was_escaped = std::mem::take(&mut self.is_escaped);
        match (self.quote, letter) {
            (Some('"'), '\\') => self.is_escaped = !was_escaped,
            (Some(open), close) if open == close && !was_escaped => self.quote = None,
            (Some(_), _) => {}
            (None, '"' | '`') => self.quote = Some(letter),
            (None, '#') => {
                self.is_comment = true;
                return;
            }
            (None, letter) => self.code(letter),
        }
        if !letter.is_whitespace() {
            self.is_open_ended =
                self.quote.is_none() && letter != '[' && Self::LINKS.contains(letter);
        }
    }

    fn code(&mut self, letter: char) {
        match letter {
            '{' | '[' => self.depth += 1,
            '}' | ']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        match letter {
            ';' | '{' | '}' | ',' | '(' => self.links = 0,
            letter if Self::LINKS.contains(letter) => self.links += 1,
            _ => {}
        }
    }

    fn end_line(&mut self, rest: &str) {
        let goes_on = rest.trim_start().starts_with(|next| Self::LINKS.contains(next));
        if self.quote.is_none() && !self.is_open_ended && !goes_on {
            self.links = 0;
        }
        (self.line, self.column, self.is_comment) = (self.line + 1, 0, false);
    }
}

/// Line and column of a node, or of what is right inside it.
fn place(node: &Value) -> Option<(u32, u32)> {
    let span = node
        .get("span")
        .or_else(|| node.as_object()?.values().find_map(|inner| inner.get("span")))?;
    let number = |key: &str| u32::try_from(span.get(key)?.as_u64()?).ok();
    Some((number("line")?, number("col")?))
}

fn slice<'a>(text: &'a str, span: &Value) -> Option<&'a str> {
    let number = |key: &str| usize::try_from(span.get(key)?.as_u64()?).ok();
    text.get(number("start")?..number("end")?)
}
