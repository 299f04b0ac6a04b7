//! The typed payloads of the `sdk` are made from the catalog; this test makes them and compares.
//!
//! It is here and not in the `sdk`, so that it runs also while what it wrote does not compile.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use annals_core::catalog::{Catalog, TypeEntry};
use annals_core::envelope::Authority;
use annals_core::json::{as_str, elements, member};

const KEYWORDS: [&str; 50] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "static", "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe",
    "unsized", "use", "virtual", "where", "while", "yield",
];
/// Names of methods that every payload has.
const TAKEN: [&str; 4] = ["new", "with", "data", "draft"];

/// Run with `ANNALS_BLESS=1` to write the files anew after the catalog changed.
#[test]
fn the_committed_types_are_those_of_the_catalog() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/src/types");
    let wanted = files(&Catalog::builtin().unwrap());
    #[expect(clippy::disallowed_methods, reason = "a test is asked by its environment to write")]
    let is_asked_to_write = std::env::var_os("ANNALS_BLESS").is_some();
    if is_asked_to_write {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        for (name, text) in &wanted {
            std::fs::write(folder.join(name), text).unwrap();
        }
    }
    assert!(
        committed(&folder) == wanted,
        "crates/sdk/src/types has drifted; run this test with ANNALS_BLESS=1"
    );
}

fn committed(folder: &Path) -> BTreeMap<String, String> {
    let paths = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(&path).unwrap())
    };
    paths.map(read).collect()
}

/// A file for each family, and the module that holds them.
fn files(catalog: &Catalog) -> BTreeMap<String, String> {
    let mut families: BTreeMap<&str, Vec<&TypeEntry>> = BTreeMap::new();
    let mut names = BTreeSet::new();
    // Only the server writes control types: a constructor would promise what an append refuses.
    for entry in catalog.entries().iter().filter(|entry| entry.authority == Authority::Observed) {
        assert!(names.insert(type_name(entry)), "two types are called {}", type_name(entry));
        families.entry(&entry.family).or_default().push(entry);
    }
    let mut files: BTreeMap<String, String> = families
        .iter()
        .map(|(family, entries)| (format!("{family}.rs"), family_file(family, entries)))
        .collect();
    files.insert("mod.rs".to_owned(), module(families.keys()));
    files
}

fn module<'a>(families: impl Iterator<Item = &'a &'a str> + Clone) -> String {
    let mut out = String::from(
        "//! Typed payloads of every type of the catalog that a program may report.\n\
         //!\n\
         //! Generated from `catalog/`; `tests/sdk_types.rs` of `annals-core` writes it and holds it to the catalog.\n\
         //! Each is made with what every such event has, given the rest by setters, and turned into a\n\
         //! draft. Members that the catalog does not name are set by `with`.\n\
         //!\n\
         //! ```\n\
         //! use annals_sdk::types::ToolInvoked;\n\
         //! use annals_sdk::{agent, stream};\n\
         //!\n\
         //! # fn main() -> Result<(), annals_sdk::ClientError> {\n\
         //! let call = ToolInvoked::new(\"call-1\", \"Bash\").title(\"cargo test\");\n\
         //! let draft = call.draft(agent(\"builder\")?, stream(\"run\", \"run-1\")?)?;\n\
         //! assert_eq!(draft.event_type.as_str(), \"tool.invoked\");\n\
         //! # Ok(())\n\
         //! # }\n\
         //! ```\n\n",
    );
    for family in families.clone() {
        let _ = writeln!(out, "mod {family};");
    }
    out.push('\n');
    for family in families {
        let _ = writeln!(out, "pub use {family}::*;");
    }
    out
}

fn family_file(family: &str, entries: &[&TypeEntry]) -> String {
    let mut out = format!(
        "//! Payloads of the family `{family}`. Generated; see `mod.rs`.\n\nuse crate::payload::payload;\n\npayload! {{\n"
    );
    for entry in entries {
        let _ = writeln!(out, "    /// {}", entry.meaning);
        let _ =
            writeln!(out, "    {} = {:?}, {};", type_name(entry), entry.event_type, entry.version);
        for is_required in [true, false] {
            let group = if is_required { "required" } else { "optional" };
            let _ = write!(out, "    {group} {{");
            let lines = member_lines(entry, is_required);
            out.push_str(if lines.is_empty() { "}\n" } else { "\n" });
            if !lines.is_empty() {
                out.push_str(&lines);
                out.push_str("    }\n");
            }
        }
    }
    out.push_str("}\n");
    out
}

/// A line for each member. Where two have one name in Rust, the second is set by `with`.
fn member_lines(entry: &TypeEntry, is_required: bool) -> String {
    let mut out = String::new();
    let mut taken = BTreeSet::new();
    let mut lines = entry.member_lines();
    lines.sort_by_key(|line| !line.is_required);
    for line in lines {
        let field = field_name(&line.name);
        if !taken.insert(field.clone()) || line.is_required != is_required {
            continue;
        }
        let care = if line.is_sensitive { "; may hold secrets or personal data" } else { "" };
        let said = format!("{}{care}", sentence(&line.value));
        // A bare kind of value says no more than the Rust type does.
        if !is_required && said.contains(';') {
            let _ = writeln!(out, "        /// {said}.");
        }
        let _ = writeln!(out, "        {field} {:?}: {},", line.name, rust_type(&line.schema));
    }
    out
}

/// Text for rustdoc, where brackets are links.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}", letters.as_str())
        .trim_end_matches('.')
        .replace('[', "\\[")
        .replace('<', "\\<")
}

fn type_name(entry: &TypeEntry) -> String {
    let words = entry.event_type.split(|letter: char| !letter.is_ascii_alphanumeric());
    words
        .map(|word| {
            let (first, rest) = word.split_at(word.len().min(1));
            format!("{}{rest}", first.to_ascii_uppercase())
        })
        .collect()
}

fn field_name(name: &str) -> String {
    let mut plain = String::new();
    let mut was_lower = false;
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && was_lower {
            plain.push('_');
        }
        was_lower = letter.is_ascii_lowercase() || letter.is_ascii_digit();
        plain.push(if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' });
    }
    match plain.as_str() {
        word if KEYWORDS.contains(&word) => format!("r#{word}"),
        word if TAKEN.contains(&word) => format!("{word}_"),
        _ => plain,
    }
}

/// The Rust type of a member that holds one kind of value, or that and null; else anything.
fn rust_type(schema: &str) -> &'static str {
    let kinds: Vec<String> = match member(schema, "type") {
        None => Vec::new(),
        Some(kind) => match as_str(kind) {
            Some(one) => vec![one.into_owned()],
            None => elements(kind).filter_map(as_str).map(Into::into).collect(),
        },
    };
    let kinds: Vec<&str> =
        kinds.iter().map(String::as_str).filter(|kind| *kind != "null").collect();
    let is_count = member(schema, "minimum").is_some_and(|minimum| !minimum.starts_with('-'));
    let holds_texts =
        member(schema, "items").and_then(|items| member(items, "type")) == Some("\"string\"");
    match kinds.as_slice() {
        ["string"] => "&str",
        ["boolean"] => "bool",
        ["integer"] if is_count => "u64",
        ["integer"] => "i64",
        ["array"] if holds_texts => "&[&str]",
        // A duration is a number, and a whole one is written without a fraction.
        _ => "impl Into<serde_json::Value>",
    }
}
