//! The rules of the house that no compiler checks: documents tell the truth, crates keep their places,
//! nothing unwanted comes in.
//!
//! Everything here reads files of this repository; no network and no clock. That every reason code has
//! its page is checked beside the table of codes, in the `api` crate.

#![allow(clippy::panic, reason = "a test that cannot read the repository must fail")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Crates that must not come in by any way, and what stands in their place is in ADR 0002.
const BANNED_CRATES: [&str; 9] = [
    "aws-lc-sys",
    "backoff",
    "bincode",
    "fxhash",
    "instant",
    "native-tls",
    "openssl-sys",
    "serde_yaml",
    "serde_yml",
];

/// Who may use whom: a crate and the crates of this workspace that its manifest may name.
const MAY_USE: [(&str, &[&str]); 9] = [
    ("core", &[]),
    ("store", &["core"]),
    ("policy", &["core"]),
    ("recorder", &["core", "policy", "store"]),
    ("api", &["core"]),
    ("server", &["api", "core", "recorder", "store"]),
    ("sdk", &["api", "core"]),
    ("hook", &["core"]),
    ("cli", &["api", "core", "hook", "policy", "recorder", "sdk", "server"]),
];

/// What `core` and `store` must not know: other programs, time, chance, SQL.
const IMPURE: [&str; 12] = [
    "axum",
    "futures-util",
    "getrandom",
    "hyper",
    "rand",
    "reqwest",
    "rusqlite",
    "rustls",
    "tokio",
    "tokio-stream",
    "tokio-util",
    "ureq",
];

const FILE_LINES_MAX: usize = 800;
const ARCHITECTURE_LINES_MAX: usize = 400;
const STORY_LINES_MAX: usize = 40;

#[test]
fn the_life_of_an_event_names_what_exists() {
    let architecture = read("ARCHITECTURE.md");
    let rows = table_after(&architecture, "## The life of an event");
    assert!(rows.len() >= 8, "the table has {} steps", rows.len());
    let mut faults = String::new();
    for row in &rows {
        let [_, file, function, wrong, test] = row.as_slice() else {
            panic!("a step has five cells: {row:?}");
        };
        let (file, function) = (plain(file), plain(function));
        let source = std::fs::read_to_string(root().join(&file)).unwrap_or_default();
        if !defines(&source, &function) {
            let _ = writeln!(faults, "{file} has no function `{function}`");
        }
        if wrong.trim().is_empty() {
            let _ = writeln!(faults, "{file}: the table does not say what can go wrong");
        }
        for (path, name) in named_tests(test) {
            let source = std::fs::read_to_string(root().join(&path)).unwrap_or_default();
            let holds_tests = path.contains("/tests/")
                || source.contains("#[test]")
                || source.contains("::test]");
            if !defines(&source, &name) || !holds_tests {
                let _ = writeln!(faults, "{path} has no test `{name}`");
            }
        }
    }
    assert!(faults.is_empty(), "ARCHITECTURE.md is wrong:\n{faults}");
}

#[test]
fn architecture_and_story_stay_short() {
    let lines = read("ARCHITECTURE.md").lines().count();
    assert!(lines <= ARCHITECTURE_LINES_MAX, "ARCHITECTURE.md has {lines} lines");
    let pipeline = read("crates/recorder/src/pipeline.rs");
    let story = pipeline.split("async fn append").nth(1).expect("the story is `append`");
    let lines = story.split("\n}\n").next().map_or(0, |body| body.lines().count());
    assert!(lines <= STORY_LINES_MAX, "the pipeline's story has {lines} lines");
}

#[test]
fn the_log_is_appended_to_in_one_place() {
    let places: Vec<String> = rust_files()
        .iter()
        .filter(|path| path.starts_with("crates") && !path.starts_with("crates/store"))
        .filter(|path| path.components().any(|part| part.as_os_str() == "src"))
        .filter(|path| read(path).contains("writer.append("))
        .map(|path| path.display().to_string())
        .collect();
    assert_eq!(places, ["crates/recorder/src/sequencer/turn.rs"]);
}

#[test]
fn unwanted_crates_are_absent() {
    for lock in ["Cargo.lock", "bench/Cargo.lock"] {
        let lock_text = read(lock);
        for banned in BANNED_CRATES {
            assert!(!lock_text.contains(&format!("name = \"{banned}\"")), "{lock} holds {banned}");
        }
    }
    let reqwest = read("Cargo.toml");
    let line =
        reqwest.lines().find(|line| line.starts_with("reqwest")).expect("the sdk uses reqwest");
    assert!(line.contains("default-features = false"), "{line}");
}

#[test]
fn crates_use_only_whom_they_may() {
    for (name, allowed) in MAY_USE {
        let used = dependencies(&read(format!("crates/{name}/Cargo.toml")));
        for other in used.iter().filter_map(|used| used.strip_prefix("annals-")) {
            assert!(allowed.contains(&other), "`{name}` must not use `{other}`");
        }
    }
    let known: BTreeSet<&str> = MAY_USE.iter().map(|(name, _)| *name).collect();
    for entry in std::fs::read_dir(root().join("crates")).expect("crates are in crates/") {
        let name = entry.expect("a directory entry").file_name();
        let name = name.to_string_lossy().into_owned();
        assert!(known.contains(name.as_str()), "say here whom the crate `{name}` may use");
    }
}

#[test]
fn core_and_store_stay_pure() {
    for name in ["core", "store"] {
        let used = dependencies(&read(format!("crates/{name}/Cargo.toml")));
        let impure: Vec<_> = used.iter().filter(|used| IMPURE.contains(&used.as_str())).collect();
        assert!(impure.is_empty(), "`{name}` uses {impure:?}");
    }
}

#[test]
fn every_dependency_has_its_line_of_why() {
    let adr = read("docs/adr/0002-dependencies.md");
    let manifest = read("Cargo.toml");
    let workspace = manifest.split("[workspace.dependencies]").nth(1).expect("a section");
    let section = workspace.split("\n[").next().unwrap_or_default();
    let missing: Vec<&str> = section
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name)
        .filter(|name| !name.starts_with("annals-") && !names_crate(&adr, name))
        .collect();
    assert!(missing.is_empty(), "docs/adr/0002-dependencies.md does not name {missing:?}");
}

#[test]
fn every_rust_file_says_what_it_owns_and_is_not_too_long() {
    let mut faults = String::new();
    for path in rust_files() {
        let text = read(&path);
        if !text.starts_with("//! ") {
            let _ = writeln!(faults, "{} does not begin with `//! `", path.display());
        }
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            let _ = writeln!(faults, "{} has {lines} lines", path.display());
        }
    }
    assert!(faults.is_empty(), "{faults}");
}

#[test]
fn nothing_names_a_machine_or_a_host_of_packages() {
    // Spelled in pieces, so that this file does not find itself.
    let unwanted = [
        concat!("/wo", "rk/"),
        concat!(".lib", "rary"),
        concat!("/ro", "ot/"),
        concat!("registry.npm", "js.org"),
        concat!("index.crates", ".io/"),
        concat!("static.crates", ".io"),
        concat!("files.python", "hosted"),
    ];
    let mut faults = String::new();
    for path in files(&|_| true) {
        let Ok(text) = std::fs::read_to_string(root().join(&path)) else { continue };
        for word in unwanted.iter().filter(|word| text.contains(**word)) {
            let _ = writeln!(faults, "{} names {word}", path.display());
        }
    }
    assert!(faults.is_empty(), "{faults}");
}

#[test]
fn every_link_in_the_documents_resolves() {
    let mut faults = String::new();
    for path in files(&|path| path.extension().is_some_and(|extension| extension == "md")) {
        for link in links(&read(&path)) {
            let (target, heading) =
                link.split_once('#').map_or((link.as_str(), None), |(to, at)| (to, Some(at)));
            let folder = path.parent().unwrap_or(Path::new(""));
            let target = if target.is_empty() { path.clone() } else { folder.join(target) };
            let found = root().join(&target).exists();
            let heading_found = heading.is_none_or(|heading| {
                let text = std::fs::read_to_string(root().join(&target)).unwrap_or_default();
                headings(&text).any(|slug| slug == heading)
            });
            if !found || !heading_found {
                let _ = writeln!(faults, "{}: {link}", path.display());
            }
        }
    }
    assert!(faults.is_empty(), "links that lead nowhere:\n{faults}");
}

#[test]
fn every_path_named_in_the_documents_exists() {
    let folders = ["bench/", "catalog/", "crates/", "docs/", "fuzz/", "scripts/", "web/"];
    let mut faults = String::new();
    for page in files(&|path| path.extension().is_some_and(|extension| extension == "md")) {
        let prose: String = read(&page).split("```").step_by(2).collect();
        for path in prose.split('`').skip(1).step_by(2) {
            let is_path = folders.iter().any(|folder| path.starts_with(folder));
            // A placeholder stands for many paths, and what is built need not be there.
            let is_one = path
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || "/._-".contains(letter));
            let is_built = path.starts_with("web/dist") || path.contains("NAME");
            if is_path && is_one && !is_built && !root().join(path).exists() {
                let _ = writeln!(faults, "{}: {path}", page.display());
            }
        }
    }
    assert!(faults.is_empty(), "paths that are not there:\n{faults}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(root().join(path))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file of the repository below its root that `wanted` takes, without what is built or fetched.
fn files(wanted: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).expect("a folder of the repository") {
            let entry = entry.expect("a directory entry");
            let path = folder.join(entry.file_name());
            let name = entry.file_name();
            if entry.file_type().expect("a file type").is_dir() {
                if !is_built(&name.to_string_lossy()) {
                    folders.push(path);
                }
            } else if wanted(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn is_built(folder: &str) -> bool {
    matches!(
        folder,
        "target" | "node_modules" | "dist" | ".git" | "test-results" | "playwright-report"
    )
}

fn rust_files() -> Vec<PathBuf> {
    files(&|path| path.extension().is_some_and(|extension| extension == "rs"))
}

/// The names in the dependency sections of a manifest.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut in_section = false;
    let mut names = Vec::new();
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            in_section = section.trim_end_matches(']').ends_with("dependencies");
        } else if in_section && let Some((name, _)) = line.split_once('=') {
            let name = name.trim().trim_end_matches(".workspace");
            names.push(name.to_owned());
        }
    }
    names
}

/// Whether a table row or sentence of the document names the crate as a word of its own.
fn names_crate(document: &str, name: &str) -> bool {
    let is_part =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    document.split(|character: char| !is_part(character)).any(|word| word == name)
}

/// The body rows of the first table below a heading, as cells.
fn table_after(document: &str, heading: &str) -> Vec<Vec<String>> {
    let rest = document.split(heading).nth(1).expect("the heading is there");
    rest.lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.trim_matches('|').split('|').map(str::to_owned).collect())
        .collect()
}

fn plain(cell: &str) -> String {
    cell.trim().trim_matches('`').to_owned()
}

/// `path::to/file.rs name, other` is written as `` `file.rs` `name` `` pairs in the last cell.
fn named_tests(cell: &str) -> Vec<(String, String)> {
    let words: Vec<String> = cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert!(!words.is_empty() && words.len().is_multiple_of(2), "file and test in pairs: {cell}");
    words.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

fn defines(source: &str, function: &str) -> bool {
    ["(", "<"].iter().any(|after| source.contains(&format!("fn {function}{after}")))
}

/// The relative links of a document; code is not looked at.
fn links(document: &str) -> Vec<String> {
    let prose: String = document.split("```").step_by(2).collect();
    prose
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(link, _)| link.to_owned())
        .filter(|link| !link.contains("://") && !link.starts_with("mailto:"))
        .collect()
}

/// The names under which a page's headings can be linked to.
fn headings(document: &str) -> impl Iterator<Item = String> {
    document.lines().filter(|line| line.starts_with('#')).map(|line| {
        line.trim_start_matches('#')
            .trim()
            .to_lowercase()
            .chars()
            .filter(|character| character.is_alphanumeric() || matches!(character, ' ' | '-' | '_'))
            .map(|character| if character == ' ' { '-' } else { character })
            .collect()
    })
}
