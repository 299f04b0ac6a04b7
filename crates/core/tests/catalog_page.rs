//! `docs/catalog.md` is made from the catalog; this test makes it and compares.
#![cfg(test)]

use std::fmt::Write as _;
use std::path::Path;

use annals_core::catalog::{Catalog, TypeEntry, pretty};
use annals_core::envelope::Authority;

const HEAD: &str = "# The catalog of event types

Every event type that Annals knows, family by family.
This page is made from `catalog/`: `ANNALS_BLESS=1 cargo nextest run -p annals-core catalog_page` writes it anew.
How to add a type is in [guides/add-an-event-type.md](guides/add-an-event-type.md);
the same as JSON is at `GET /v1/catalog`, as JSON Schema at `GET /v1/catalog/schema`, and offline in `annals catalog`.

A type that is not here is kept too, under its own name, and held against no schema.
*control* types are written by the server's own commands; the same fact reported by somebody is kept as *observed*.
Members beside those of a table are allowed. *Sensitive* members may hold secrets or personal data.
";

/// Run with `ANNALS_BLESS=1` to write the page anew after the catalog changed.
#[test]
fn the_committed_catalog_page_is_what_the_catalog_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/catalog.md");
    let page = page(&Catalog::builtin().unwrap());
    #[expect(clippy::disallowed_methods, reason = "a test is asked by its environment to write")]
    let is_asked_to_write = std::env::var_os("ANNALS_BLESS").is_some();
    if is_asked_to_write {
        std::fs::write(&file, &page).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == page, "docs/catalog.md has drifted; run this test with ANNALS_BLESS=1");
}

fn page(catalog: &Catalog) -> String {
    let mut out = HEAD.to_owned();
    let _ = writeln!(out, "\n| family | types |\n|---|---|");
    for (family, entries) in families(catalog) {
        let names: Vec<String> =
            entries.iter().map(|entry| format!("`{}`", entry.event_type)).collect();
        let _ = writeln!(out, "| [{family}](#{family}) | {} |", names.join(" · "));
    }
    for (family, entries) in families(catalog) {
        let _ = writeln!(out, "\n## {family}");
        entries.iter().for_each(|entry| section(&mut out, entry));
    }
    out
}

/// The types by family, as the catalog orders them.
fn families(catalog: &Catalog) -> Vec<(&str, Vec<&TypeEntry>)> {
    let mut families: Vec<(&str, Vec<&TypeEntry>)> = Vec::new();
    for entry in catalog.entries() {
        match families.last_mut() {
            Some((family, entries)) if *family == entry.family => entries.push(entry),
            _ => families.push((&entry.family, vec![entry])),
        }
    }
    families
}

fn section(out: &mut String, entry: &TypeEntry) {
    let _ = writeln!(out, "\n### `{}`\n\n{}\n", entry.event_type, entry.meaning);
    let _ = writeln!(out, "{}", facts(entry).join(" · "));
    members_table(out, entry);
    if !entry.spellings.is_empty() {
        let _ = writeln!(out, "\nSpelled {}.", spellings(entry));
    }
    if let Some(example) = &entry.example {
        let _ = writeln!(out, "\n```json\n{}\n```", pretty(example));
    }
}

fn facts(entry: &TypeEntry) -> Vec<String> {
    let mut facts = vec![
        format!("version {}", entry.version),
        format!("category {}", entry.category.as_str()),
        entry.authority.as_str().to_owned(),
        format!("stream {}", entry.stream.stream_type),
        format!("severity {}", entry.severity.as_str()),
        format!("audit {}", entry.audit.as_str()),
    ];
    match &entry.route {
        Some(route) => facts.push(format!("written by `{route}`")),
        None if entry.authority == Authority::Control => {
            facts.push("no route of this version writes it".to_owned());
        }
        None => {}
    }
    // A path that no row of the table is for.
    let members = entry.member_lines();
    let nested: Vec<String> = entry
        .sensitive
        .iter()
        .filter(|path| !members.iter().any(|line| line.name == **path))
        .map(|path| format!("`{path}`"))
        .collect();
    if !nested.is_empty() {
        facts.push(format!("sensitive {}", nested.join(", ")));
    }
    facts
}

fn members_table(out: &mut String, entry: &TypeEntry) {
    let lines = entry.member_lines();
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n| member | value | |\n|---|---|---|");
    for line in lines {
        let notes = [("required", line.is_required), ("sensitive", line.is_sensitive)];
        let notes: Vec<&str> =
            notes.iter().filter(|(_, is_so)| *is_so).map(|(note, _)| *note).collect();
        let value = line.value.replace('|', "\\|");
        let _ = writeln!(out, "| `{}` | {value} | {} |", line.name, notes.join(", "));
    }
}

fn spellings(entry: &TypeEntry) -> String {
    let dialects: Vec<String> = entry
        .spellings
        .iter()
        .map(|spelled| {
            format!("{} in {}", entry.names_in(&spelled.dialect).join(", "), spelled.dialect)
        })
        .collect();
    dialects.join("; ")
}
