//! The catalog as it is, and what is said of mistakes in one.

use super::*;

fn catalog(yaml: &str) -> Result<Catalog, CatalogError> {
    Catalog::from_yaml([("deploy.yaml", yaml)])
}

const DEPLOY: &str = "
- type: deploy.finished
  version: 1
  category: workflow
  authority: observed
  meaning: A deployment ended.
  stream: run
  severity: info
  audit: other
  sensitive: [output, meta.token]
  spellings:
    kernel:
      - {name: Deployed}
      - {name: DeployEnded, when: {ok: true, /top/1/kind: \"a\\u00e9\"}, set: {ok: true}, map: {id: [deploy_id, \"@run_id\"], /a~1b: meta.x}, fill: {n: 0}}
    hive: [{name: DeployDone, way: out}]
  schema: {type: object, required: [deploy_id], properties: {deploy_id: {type: string}, a: {type: number, maximum: 1.50}}}
  example: {deploy_id: d-7, a: 1.5}
";

#[test]
fn every_file_reads_and_every_type_says_what_it_means() {
    let catalog = Catalog::builtin().unwrap();
    assert!(catalog.entries().len() >= 18);
    for entry in catalog.entries() {
        assert!(entry.meaning.ends_with('.'), "{}", entry.event_type);
        assert!(entry.example.is_some(), "{}", entry.event_type);
        assert!(entry.route.is_none() || entry.authority == Authority::Control);
    }
}

#[test]
fn decisions_are_the_servers_whatever_their_spelling() {
    let catalog = Catalog::builtin().unwrap();
    for control in ["token.issued", "lease.claimed", "approval.decided", "log.trimmed", "budget"] {
        assert_eq!(catalog.authority(control), Authority::Control, "{control}");
    }
    for observed in ["tool.invoked", "tokens.counted", "my.own.type", "logbook.written"] {
        assert_eq!(catalog.authority(observed), Authority::Observed, "{observed}");
    }
    assert_eq!(catalog.category("tool.failed"), "tool");
    assert_eq!(catalog.category("my.own.type"), OTHER_CATEGORY);
}

#[test]
fn every_spelling_leads_back_to_its_type() {
    let catalog = Catalog::builtin().unwrap();
    for entry in catalog.entries() {
        for spelled in &entry.spellings {
            for spelling in spelled.spellings.iter().filter(|one| one.way == Way::Both) {
                let mut found = catalog.spelled(&spelled.dialect, &spelling.name);
                assert!(
                    found.any(|(found, at)| found.event_type == entry.event_type && at == spelling),
                    "{} in {}",
                    spelling.name,
                    spelled.dialect
                );
            }
        }
    }
}

#[test]
fn an_entry_is_read_with_everything_in_it() {
    let catalog = catalog(DEPLOY).unwrap();
    let entry = catalog.entry("deploy.finished").unwrap();
    assert_eq!((entry.family.as_str(), entry.version), ("deploy", 1));
    assert_eq!(entry.stream.stream_type.as_str(), "run");
    assert_eq!((entry.severity, entry.audit), (Severity::Info, AuditAction::Other));
    assert_eq!(entry.sensitive, ["output", "meta.token"]);
    // The members keep the order of the file.
    assert_eq!(
        entry.schema.as_deref().unwrap(),
        r#"{"type":"object","required":["deploy_id"],"properties":{"deploy_id":{"type":"string"},"a":{"type":"number","maximum":1.5}}}"#
    );
    let [plain, full] = entry.spellings("kernel") else { panic!("{:?}", entry.spellings) };
    assert_eq!((plain.name.as_str(), full.name.as_str()), ("Deployed", "DeployEnded"));
    assert_eq!(full.map.len(), 2);
    assert_eq!(full.map[1].0.to_string(), "/a~1b");
    assert_eq!(full.map[0].1[1], HomePlace::Field("run_id".to_owned()));
    assert!(entry.spellings("otlp").is_empty());
}

#[test]
fn a_name_means_the_type_whose_condition_holds() {
    let yaml = "
- {type: t.ended, version: 1, category: tool, authority: observed, stream: run, severity: info, audit: other, sensitive: [], meaning: It ended., spellings: {kernel: [{name: End}]}}
- {type: t.failed, version: 1, category: tool, authority: observed, stream: run, severity: info, audit: other, sensitive: [], meaning: It failed., spellings: {kernel: [{name: End, when: {is_error: true, /kind: é}, set: {bad: 1}}]}}
- {type: t.odd, version: 1, category: tool, authority: observed, stream: run, severity: info, audit: other, sensitive: [], meaning: It was odd., spellings: {kernel: [{name: Odd, way: out}]}}
";
    let catalog = catalog(yaml).unwrap();
    let meant = |payload: &str, document: &str| {
        catalog.meant("kernel", "End", payload, document).unwrap().0.event_type.clone()
    };
    assert_eq!(meant(r#"{"is_error":true}"#, r#"{"kind":"\u00e9"}"#), "t.failed");
    assert_eq!(meant(r#"{"is_error":true}"#, r#"{"kind":"e"}"#), "t.ended");
    assert_eq!(meant(r#"{"is_error":null}"#, r#"{"kind":"é"}"#), "t.ended");
    assert!(catalog.meant("kernel", "Odd", "{}", "{}").is_none());
    assert_eq!(catalog.said("t.odd", "kernel", "{}").unwrap().name, "Odd");
    assert!(catalog.said("t.failed", "kernel", r#"{"bad":2}"#).is_none());
    assert!(catalog.said("t.failed", "kernel", r#"{"bad":1}"#).is_some());
    assert!(catalog.said("t.failed", "hive", r#"{"bad":1}"#).is_none());
}

/// A mistake put into the entry above, and what is said of it.
#[test]
fn every_mistake_is_named_with_its_file_and_its_entry() {
    let cases = [
        ("severity: info", "colour: red", "unknown key `colour`"),
        ("severity: info", "severity: loud", "`severity` is `loud`, which is none of its words"),
        ("audit: other", "audit: [other]", r#"`audit` is ["other"], not a text"#),
        ("category: workflow", "category: work", "`category` is `work`"),
        ("authority: observed", "authority: king", "`authority` is `king`"),
        (
            "authority: observed",
            "authority: observed\n  route: GET /",
            "`route` is for control types",
        ),
        ("meaning: A deployment ended.", "meaning: ended", "`meaning` is no sentence"),
        ("  meaning: A deployment ended.\n", "", "`meaning` is missing"),
        ("version: 1", "version: 0", "`version` is 0"),
        ("  version: 1\n", "", "`version` is missing"),
        ("  severity: info\n", "", "`severity` is missing"),
        ("  sensitive: [output, meta.token]\n", "", "`sensitive` is missing"),
        ("stream: run", "stream: Run", "`stream`: it holds the character 'R'"),
        ("sensitive: [output, meta.token]", "sensitive: [a..b]", "`a..b` is no path"),
        ("    hive:", "    hype:", "unknown dialect `hype`"),
        ("way: out", "way: in", "spelling in hive: `way` is \"in\""),
        ("way: out", "wey: out", "spelling in hive: unknown key `wey`"),
        ("@run_id", "@position", "spelling in kernel: `@position` is no field that a sender sets"),
        ("[{name: DeployDone, way: out}]", "[{way: out}]", "spelling in hive: `name` is missing"),
    ];
    for (from, to, said) in cases {
        assert!(DEPLOY.contains(from), "{from}");
        let error = catalog(&DEPLOY.replace(from, to)).unwrap_err();
        assert_eq!((error.file.as_str(), error.entry.as_str()), ("deploy.yaml", "deploy.finished"));
        assert!(error.problem.contains(said), "{to}: {error}");
    }
    let twice = catalog(&format!("{DEPLOY}{DEPLOY}")).unwrap_err();
    assert_eq!(twice.to_string(), "catalog/deploy.yaml: deploy.finished: the type is there twice");
}

#[test]
fn a_file_that_is_no_list_of_entries_is_named() {
    for (yaml, said) in [
        ("type: x", "a file is a list of entries"),
        ("- {a: 1, a: 2}", "duplicate"),
        ("- [", ""),
        ("- .nan", "non-finite"),
    ] {
        let error = catalog(yaml).unwrap_err();
        assert_eq!(error.file, "deploy.yaml");
        assert!(error.problem.contains(said), "{yaml}: {error}");
    }
    assert_eq!(catalog("- 7").unwrap_err().entry, "entry 1");
}

#[test]
fn a_spelling_is_written_as_it_was_read() {
    let catalog = catalog(DEPLOY).unwrap();
    let [plain, full] = catalog.entry("deploy.finished").unwrap().spellings("kernel") else {
        panic!()
    };
    assert_eq!(plain.to_json(), r#"{"name":"Deployed"}"#);
    assert_eq!(
        full.to_json(),
        r#"{"name":"DeployEnded","when":{"ok":true,"/top/1/kind":"aé"},"set":{"ok":true},"map":{"id":["deploy_id","@run_id"],"/a~1b":"meta.x"},"fill":{"n":0}}"#
    );
}
