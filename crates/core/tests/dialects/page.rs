//! `docs/dialects.md` is made here: what each vocabulary calls our types, and whether it is proven.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use annals_core::catalog::{Catalog, Way};
use annals_core::dialect::otlp::OTLP;

use crate::fixtures::{ALL, DIALECTS, catalog, documents, read, stored, value, write};
use crate::law::residue;

const HEAD: &str = "# Dialects

Agents of other systems keep speaking their own format.
Annals takes their documents in, keeps each as an event of the [catalog](catalog.md), and gives each out again exactly as it came.
This page is made by a test: `ANNALS_BLESS=1 cargo nextest run -p annals-core --test dialects` writes it anew.

| dialect | what it is | door |
|---|---|---|
| `agentos` | event envelopes of another agent OS, nested or as flat rows, with what its server set | `POST /v1/doors/agentos` |
| `cloudevents` | CloudEvents 1.0 in all modes ([operate/cloudevents.md](operate/cloudevents.md)) | `POST /v1/cloudevents` |
| `hive` | observability events of a multi-agent hive, schema 1.x: nested, flat, stream entries, batches; JSON and MessagePack | `POST /v1/doors/hive` |
| `kernel` | events of an agent kernel's bus, one externally tagged variant each | `POST /v1/doors/kernel` |
| `envelope` | messages between agents, `AgentEnvelope` 3.x | `POST /v1/doors/envelope` |
| `hooks` | what coding agents tell the programs that they run at their events | `POST /v1/doors/hooks` |
| `otlp` | spans, log records and metric data points of OpenTelemetry ([formats/otlp.md](formats/otlp.md)) | `POST /v1/traces`, `/v1/logs`, `/v1/metrics`, and gRPC |

A door at `/v1/doors` takes one document, an array, an object with `events`, or NDJSON, and answers as `POST /v1/events` does:

```sh
curl -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \\
  -d '{\"AgentStarted\":{\"id\":\"4f8e2a10-6a3d-4b1e-9c57-d0a3f6b2c481\"}}' http://127.0.0.1:7171/v1/doors/kernel
```

With `?dialect=NAME`, `GET /v1/events`, `GET /v1/events/{event_id}`, the pages of a stream and both live tails give events as documents of that dialect.
An event that has no form there, or whose body was redacted, comes as its envelope.

## What holds

- **Lossless.** A document goes out as the same JSON document: absent, null, false and 0 stay different, and so do the texts of numbers. Only the order of members and the spelling of escapes may change. Each translation is proven as it is made: the event is written back at once and compared, and what would differ is kept with it. Nothing of a document is in `origin.raw`.
- **One fact, one type.** What several vocabularies say has one type, so a run, a call or a sum counts the same whichever door told of it, and goes out in every dialect that has it.
- **A report decides nothing.** Facts that only the server decides (approvals, tokens, leases, redactions …) are kept with `authority: observed`; no door can approve, grant or complete anything. What a document claims of its own server (workspace, sequence, hashes, redaction) is kept as a claim in `extensions`.
- **Growth.** Members, words, types and minor versions that are not known here are kept. A version that may mean something else is refused as `unsupported_version`.

## Where things go

- What a document has beside its payload, and the envelope has no field for, is in `extensions.NAME` under its own name; how it was taken apart, where that does not show, is in `extensions.translation`.
- The members of `extensions.translation` are persisted and never change their meaning: `shape` (`flat`, `row` or `object`: which form of the format it was), `tagged` (tag → places), `entry` (how a stream entry held the event, and what stood beside it), `batch` (what stood beside `events`; about the batch, so it does not go out), `ids` (places of ids of ours that came in as derived UUIDs), `added` (members of `data` that the dialect made), `untimed` (the document had no time), `differences` (JSON Pointer → the wanted value in an array, an empty one where nothing is wanted).
- `origin` has the dialect, the foreign type, and id and time where their text is not ours. A time without a zone is UTC.
- An id of an event that is no UUID becomes a UUIDv8 derived from workspace and id. `kernel` has no ids: two equal documents are two events.
- `hive` and `kernel` demand UUIDs. An id of ours that is none goes out as a derived UUIDv8, with the id beside it: in `metadata.annals` of a hive document, in the member `annals` of a kernel variant (the format has no open place, and its reader passes over what it does not know). On the way in it is believed only where the UUID is the one derived from it.
- `hive`: the run is `workflow_id`, else `session_id`. A call of a tool is named by the correlation that its beginning and end share. `event_data` may be an object, JSON text, or the bytes of JSON or MessagePack, compressed by zlib or not (`compressed` is true in the `metadata` beside it); one holds at most 1 MiB unpacked, those of a request 16 MiB. Of bytes what they say is kept, so that no secret hides in them; they go out encoded anew.
- `agentos`: an event of a room is on that room's stream, whatever stream the document names; its hashes stay its own, and ours do not go out as its.
- `envelope`: one document is one event however many it is addressed to. The signature is kept, not checked.
- `hooks`: the run is the session, whatever the agent calls it; a sub-agent is `AGENT/ID`. A call without an id is named by `call`, which `annals-hook` counts, else by what it is about. [The guide](guides/hook-up-a-coding-agent.md) has the members of the stamp.
- `otlp`: a span is two events where it begins something and ends it, else one; a log record and a data point are one each. The end has the item in `extensions.otlp.document`, and goes out as an OTLP/JSON request of that one item; the beginning goes out as its envelope.
- The stream of an event is the unit that the catalog names, else the run, else the agent, else the workspace.
";

/// What is known of one foreign name.
#[derive(Debug, Default)]
struct Row {
    types: Vec<(String, Way)>,
    fixture_count: usize,
    comes_back: bool,
}

/// Run with `ANNALS_BLESS=1` to write the page anew after the catalog or a fixture changed.
#[test]
fn the_committed_page_is_what_the_fixtures_show() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/dialects.md");
    let page = page();
    #[expect(clippy::disallowed_methods, reason = "a test is asked by its environment to write")]
    if std::env::var_os("ANNALS_BLESS").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == page, "docs/dialects.md has drifted; run this test with ANNALS_BLESS=1");
}

/// A name that the catalog spells and no fixture says would be a promise that nobody tried.
#[test]
fn every_name_of_every_vocabulary_has_a_fixture() {
    for dialect in DIALECTS.into_iter().chain([OTLP]) {
        for (name, row) in rows(dialect, &catalog()) {
            let is_out_only = row.types.iter().all(|(_, way)| *way == Way::Out);
            assert!(row.fixture_count > 0 || is_out_only, "{dialect}: {name}");
        }
    }
}

fn page() -> String {
    let catalog = catalog();
    let mut out = HEAD.to_owned();
    let _ = writeln!(
        out,
        "\n## Residue\n\nBytes that are kept only because nothing else says them, over all fixtures.\n"
    );
    let _ =
        writeln!(out, "| dialect | fixtures | bytes | residue | share |\n|---|--:|--:|--:|--:|");
    for dialect in ALL {
        let documents = documents(dialect);
        let byte_count: usize = documents.iter().map(String::len).sum();
        let residues =
            documents.iter().map(|document| residue(&stored(&read(dialect, document).unwrap())));
        let residue: usize = residues.sum();
        let per_mille = residue * 1_000 / byte_count;
        let count = documents.len();
        let _ = writeln!(
            out,
            "| `{dialect}` | {count} | {byte_count} | {residue} | {}.{} % |",
            per_mille / 10,
            per_mille % 10
        );
    }
    for dialect in ALL {
        let _ = writeln!(
            out,
            "\n## {dialect}\n\n| name | type | fixtures | round trip | schema | example |\n|---|---|--:|:-:|:-:|:-:|"
        );
        for (name, row) in rows(dialect, &catalog) {
            section(&mut out, &catalog, &name, &row);
        }
    }
    out
}

fn section(out: &mut String, catalog: &Catalog, name: &str, row: &Row) {
    let shown = |(event_type, way): &(String, Way)| match way {
        Way::Both => format!("`{event_type}`"),
        Way::Out => format!("`{event_type}` (out only)"),
    };
    let types: Vec<String> = row.types.iter().map(shown).collect();
    let entries = || row.types.iter().filter_map(|(event_type, _)| catalog.entry(event_type));
    let yes = |is: bool| if is { "y" } else { "n" };
    let comes_back = if row.fixture_count == 0 { "–" } else { yes(row.comes_back) };
    let _ = writeln!(
        out,
        "| `{name}` | {} | {} | {comes_back} | {} | {} |",
        types.join(" · "),
        row.fixture_count,
        yes(entries().all(|entry| entry.schema.is_some())),
        yes(entries().all(|entry| entry.example.is_some())),
    );
}

/// The foreign names of a dialect in the order of the catalog: those that are spelled, and for
/// agentos, whose names are ours, every name of its fixtures.
fn rows(dialect: &str, catalog: &Catalog) -> Vec<(String, Row)> {
    let mut names: Vec<String> = Vec::new();
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for entry in catalog.entries() {
        for spelling in entry.spellings(dialect) {
            if !rows.contains_key(&spelling.name) {
                names.push(spelling.name.clone());
            }
            let row = rows
                .entry(spelling.name.clone())
                .or_insert_with(|| Row { comes_back: true, ..Row::default() });
            row.types.push((entry.event_type.clone(), spelling.way));
        }
    }
    for document in documents(dialect) {
        let draft = read(dialect, &document).unwrap();
        let name = draft.origin.origin_type.clone().unwrap_or_else(|| draft.event_type.to_string());
        if !rows.contains_key(&name) {
            names.push(name.clone());
        }
        let row = rows.entry(name).or_insert_with(|| Row { comes_back: true, ..Row::default() });
        if !row.types.iter().any(|(event_type, _)| event_type == draft.event_type.as_str()) {
            row.types.push((draft.event_type.to_string(), Way::Both));
        }
        row.fixture_count += 1;
        let written = write(dialect, &stored(&draft));
        row.comes_back &= written.is_some_and(|written| value(&written) == value(&document));
    }
    names.into_iter().filter_map(|name| rows.remove(&name).map(|row| (name, row))).collect()
}
