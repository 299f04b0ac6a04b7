//! `annals catalog`: the event types that this version knows, without a server.
//!
//! What differs between two catalogs is decided in `core`; here files are read and results told.

mod compare;
mod source;

use std::path::PathBuf;
use std::process::ExitCode;

use annals_core::catalog::{BundleShape, Catalog, Category, DIALECTS, TypeEntry, pretty};
use annals_core::envelope::Authority;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, Subcommand};

use crate::failure::NO;
use crate::output;

/// Flags of `annals catalog`.
#[derive(Debug, Args)]
pub(crate) struct CatalogArgs {
    #[command(subcommand)]
    command: Option<CatalogCommand>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

/// What to do with the catalog.
#[derive(Debug, Subcommand)]
enum CatalogCommand {
    /// List the types (the default)
    List(ListArgs),
    /// Show all that is known of one type
    Show {
        /// The type
        #[arg(value_name = "TYPE")]
        event_type: String,
    },
    /// Print the schemas of all types as one JSON Schema document
    Schema {
        /// The form of events that it is for
        #[arg(long, value_name = "SHAPE", default_value = "envelope",
            value_parser = PossibleValuesParser::new(["envelope", "hive"])
                .map(|word| BundleShape::of(&word).unwrap_or_default()))]
        shape: BundleShape,
    },
    /// Say whether the change from one catalog to another breaks anybody
    #[command(after_help = "Examples:\n  annals catalog diff ./old-catalog ./catalog\n  \
        annals catalog diff old/tool.yaml\n  annals catalog diff answer-of-v1-catalog.json --json\n\n\
        Exit codes: 0 the same or additive, 1 breaking, 2 could not tell.")]
    Diff {
        /// The catalog before: a directory of YAML files, one such file, or an answer of GET /v1/catalog
        #[arg(value_name = "OLD")]
        old: PathBuf,
        /// The catalog after [default: the one that is built in]
        #[arg(value_name = "NEW")]
        new: Option<PathBuf>,
    },
}

/// Flags of `annals catalog list`.
#[derive(Debug, Default, Args)]
struct ListArgs {
    /// Only types of this category
    #[arg(long, value_name = "CATEGORY",
        value_parser = PossibleValuesParser::new(Category::ALL.iter().map(|one| one.as_str())))]
    category: Option<String>,
    /// Only types that this dialect spells
    #[arg(long, value_name = "DIALECT", value_parser = PossibleValuesParser::new(DIALECTS))]
    dialect: Option<String>,
}

pub(crate) fn run(args: CatalogArgs) -> anyhow::Result<ExitCode> {
    let catalog = Catalog::builtin()?;
    match args.command.unwrap_or(CatalogCommand::List(ListArgs::default())) {
        CatalogCommand::List(filter) => list(&catalog, &filter, args.json),
        CatalogCommand::Show { event_type } => show(&catalog, &event_type, args.json),
        CatalogCommand::Schema { shape } => {
            output::line(pretty(&catalog.schema_bundle(shape)))?;
            Ok(ExitCode::SUCCESS)
        }
        CatalogCommand::Diff { old, new } => {
            compare::run(&catalog, &old, new.as_deref(), args.json)
        }
    }
}

fn list(catalog: &Catalog, filter: &ListArgs, json: bool) -> anyhow::Result<ExitCode> {
    let wanted = |entry: &&TypeEntry| {
        let in_category =
            filter.category.as_ref().is_none_or(|category| entry.category.as_str() == category);
        let in_dialect =
            filter.dialect.as_ref().is_none_or(|dialect| !entry.spellings(dialect).is_empty());
        in_category && in_dialect
    };
    let entries: Vec<&TypeEntry> = catalog.entries().iter().filter(wanted).collect();
    if json {
        let types: Vec<String> = entries.iter().map(|entry| entry.to_json()).collect();
        output::line(format_args!("{{\"types\":[{}]}}", types.join(",")))?;
        return Ok(ExitCode::SUCCESS);
    }
    let width = entries.iter().map(|entry| entry.event_type.len()).max().unwrap_or_default();
    for entry in entries {
        let control = if entry.authority == Authority::Control { "control" } else { "" };
        let line = format!(
            "{:width$}  {:13}  {control:7}  {}",
            entry.event_type,
            entry.category.as_str(),
            entry.meaning
        );
        let line = output::terminal_width()
            .map_or_else(|| line.clone(), |columns| output::shortened(&line, columns));
        output::line(line)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(catalog: &Catalog, event_type: &str, json: bool) -> anyhow::Result<ExitCode> {
    let Some(entry) = catalog.entry(event_type) else {
        output::note(format_args!("no type of the catalog is called `{event_type}`"));
        let near = near(catalog, event_type);
        if !near.is_empty() {
            output::note(format_args!("near it: {}", near.join(", ")));
        }
        return Ok(ExitCode::from(NO));
    };
    if json {
        output::line(entry.to_json())?;
    } else {
        describe(entry)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Types that share the noun or the verb.
fn near<'a>(catalog: &'a Catalog, event_type: &str) -> Vec<&'a str> {
    let words: Vec<&str> = event_type.split('.').filter(|word| !word.is_empty()).collect();
    let types = catalog.entries().iter().map(|entry| entry.event_type.as_str());
    types.filter(|known| known.split('.').any(|word| words.contains(&word))).take(8).collect()
}

fn describe(entry: &TypeEntry) -> anyhow::Result<()> {
    output::line(format_args!("{}\n  {}\n", entry.event_type, entry.meaning))?;
    let route = entry.route.as_deref();
    let facts = [
        ("version", entry.version.to_string()),
        ("category", entry.category.as_str().to_owned()),
        ("authority", entry.authority.as_str().to_owned()),
        ("written by", route.unwrap_or_default().to_owned()),
        ("stream", entry.stream.stream_type.to_string()),
        ("severity", entry.severity.as_str().to_owned()),
        ("audit", entry.audit.as_str().to_owned()),
        ("sensitive", entry.sensitive.join(", ")),
    ];
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        output::line(format_args!("{name:13} {value}"))?;
    }
    for spelled in &entry.spellings {
        let names = entry.names_in(&spelled.dialect).join(", ").replace('`', "");
        output::line(format_args!("{:13} {names}", spelled.dialect))?;
    }
    let members = entry.member_lines();
    let width = members.iter().map(|line| line.name.len()).max().unwrap_or_default();
    if !members.is_empty() {
        output::line("\nmembers (* required)")?;
    }
    for line in members {
        let mark = if line.is_required { '*' } else { ' ' };
        let value = line.value.replace('`', "");
        output::line(format_args!("{mark} {:width$}  {value}", line.name))?;
    }
    if let Some(example) = &entry.example {
        output::line(format_args!("\nexample\n{}", pretty(example)))?;
    }
    Ok(())
}
