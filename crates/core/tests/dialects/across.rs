//! A fact that came in by one dialect goes out in every other that has it, as the same fact.

use std::collections::BTreeSet;

use crate::fixtures::{DIALECTS, catalog, documents, read, stored, value, write};

/// Every fact that several of these dialects name, and what it is called in each.
#[test]
fn a_fact_goes_out_in_every_dialect_that_has_it() {
    let catalog = catalog();
    let mut crossed = BTreeSet::new();
    for from in DIALECTS {
        for document in documents(from) {
            let draft = read(from, &document).unwrap();
            let envelope = stored(&draft);
            let event_type = draft.event_type.as_str();
            for to in DIALECTS.into_iter().filter(|to| *to != from) {
                let Some(spelling) = catalog.said(event_type, to, &draft.data) else { continue };
                let written = write(to, &envelope);
                let Some(written) = written else {
                    panic!("{event_type} from {from} to {to}: {envelope}")
                };
                let again = read(to, &written).unwrap_or_else(|fault| panic!("{fault}: {written}"));
                if spelling.way == annals_core::catalog::Way::Both {
                    assert_eq!(again.event_type.as_str(), event_type, "{from} to {to}: {written}");
                    crossed.insert((event_type.to_owned(), from, to));
                }
                // What went out is a document of that dialect, so it comes back as it is.
                assert_eq!(
                    value(&write(to, &stored(&again)).unwrap()),
                    value(&written),
                    "{from} to {to}"
                );
            }
        }
    }
    // The facts of the five vocabularies that more than one of them names.
    for (event_type, from, to) in [
        ("run.started", "hive", "agentos"),
        ("run.completed", "hive", "agentos"),
        ("run.failed", "agentos", "hive"),
        ("step.created", "kernel", "hive"),
        ("step.created", "hive", "agentos"),
        ("tool.invoked", "hive", "kernel"),
        ("tool.invoked", "kernel", "agentos"),
        ("tool.succeeded", "agentos", "hive"),
        ("tool.failed", "hive", "kernel"),
        ("tool.failed", "kernel", "hive"),
        ("agent.started", "hive", "kernel"),
        ("agent.stopped", "kernel", "hive"),
        ("agent.registered", "kernel", "agentos"),
        ("approval.requested", "kernel", "agentos"),
        ("approval.decided", "agentos", "kernel"),
        ("message.created", "kernel", "agentos"),
        ("message.created", "agentos", "kernel"),
        ("memory.stored", "hive", "kernel"),
        ("memory.recalled", "kernel", "hive"),
        ("usage.reported", "agentos", "kernel"),
        ("usage.reported", "kernel", "agentos"),
    ] {
        let is_there = crossed.iter().any(|one| *one == (event_type.to_owned(), from, to));
        assert!(is_there, "{event_type} from {from} to {to}");
    }
    println!("{} facts crossed between dialects", crossed.len());
}

/// What a view needs of a call of a tool is in the same place whichever dialect told of it.
#[test]
fn a_call_keeps_its_id_name_and_outcome() {
    for from in ["kernel", "agentos"] {
        for document in documents(from) {
            let draft = read(from, &document).unwrap();
            if draft.event_type.as_str() != "tool.failed"
                && draft.event_type.as_str() != "tool.succeeded"
            {
                continue;
            }
            let Some(hive) = write("hive", &stored(&draft)) else { panic!("{document}") };
            let again = read("hive", &hive).unwrap();
            let (ours, theirs) = (value(&draft.data), value(&again.data));
            assert_eq!(theirs["tool_call_id"], ours["tool_call_id"]);
            assert_eq!(theirs["duration_ms"], ours["duration_ms"]);
        }
    }
}
