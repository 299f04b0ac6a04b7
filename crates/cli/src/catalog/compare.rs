//! `annals catalog diff`: what differs between two catalogs, told, and as an exit code.

use std::path::Path;
use std::process::ExitCode;

use annals_core::catalog::{Catalog, CatalogChange, Compatibility, diff};
use serde_json::json;

use super::source::Source;
use crate::failure::{COULD_NOT_TELL, NO};
use crate::output;

pub(super) fn run(
    builtin: &Catalog,
    old: &Path,
    new: Option<&Path>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let old = Source::read(old)?;
    let new = match (new, &old.family) {
        (Some(path), _) => Source::read(path)?.catalog,
        // One file is compared with the family that it was, not with all that it never held.
        (None, Some(family)) => builtin.only(family),
        (None, None) => builtin.clone(),
    };
    let changes = diff(&old.catalog, &new);
    let worst = changes.iter().map(|change| change.compatibility).max();
    if json {
        output::line(as_json(&changes, worst))?;
    } else {
        tell(&changes, worst)?;
    }
    Ok(match worst {
        None | Some(Compatibility::Additive) => ExitCode::SUCCESS,
        Some(Compatibility::Breaking) => ExitCode::from(NO),
        Some(Compatibility::Unclear) => ExitCode::from(COULD_NOT_TELL),
    })
}

/// One word for all changes together.
fn verdict(worst: Option<Compatibility>) -> &'static str {
    worst.map_or("same", Compatibility::as_str)
}

fn as_json(changes: &[CatalogChange], worst: Option<Compatibility>) -> serde_json::Value {
    let changes: Vec<serde_json::Value> = changes
        .iter()
        .map(|change| {
            json!({
                "event_type": change.event_type,
                "compatibility": change.compatibility.as_str(),
                "what": change.what,
            })
        })
        .collect();
    json!({ "verdict": verdict(worst), "changes": changes })
}

fn tell(changes: &[CatalogChange], worst: Option<Compatibility>) -> anyhow::Result<()> {
    let width = changes.iter().map(|change| change.event_type.len()).max().unwrap_or_default();
    for change in changes {
        let (event_type, what) = (output::plain(&change.event_type), output::plain(&change.what));
        output::line(format_args!(
            "{:8}  {event_type:width$}  {what}",
            change.compatibility.as_str()
        ))?;
    }
    let count =
        |kind| changes.iter().filter(|change| change.compatibility == kind).count().to_string();
    output::line(match worst {
        None => "same: nothing differs".to_owned(),
        Some(worst) => format!(
            "{}: {} breaking, {} unclear, {} additive",
            worst.as_str(),
            count(Compatibility::Breaking),
            count(Compatibility::Unclear),
            count(Compatibility::Additive),
        ),
    })?;
    Ok(())
}
