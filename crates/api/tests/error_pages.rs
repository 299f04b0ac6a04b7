//! Every reason code has its page in `docs/errors`, and every page its reason code.
//!
//! Run with `ANNALS_BLESS=1` to write the pages anew after the table changed.
#![cfg(test)]

use std::collections::BTreeSet;
use std::path::PathBuf;

use annals_api::reason;

fn pages_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors")
}

fn write_pages() {
    std::fs::write(pages_dir().join("README.md"), reason::index()).unwrap();
    for reason in reason::ALL {
        std::fs::write(pages_dir().join(format!("{}.md", reason.code)), reason::page(reason))
            .unwrap();
    }
}

#[test]
fn every_reason_code_has_its_page_and_every_page_its_code() {
    if std::env::var_os("ANNALS_BLESS").is_some() {
        write_pages();
    }
    let codes: BTreeSet<String> =
        reason::ALL.iter().map(|reason| format!("{}.md", reason.code)).collect();
    let files: BTreeSet<String> = std::fs::read_dir(pages_dir())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    assert_eq!(codes, files, "run this test with ANNALS_BLESS=1, and remove pages without a code");
    for reason in reason::ALL {
        let text =
            std::fs::read_to_string(pages_dir().join(format!("{}.md", reason.code))).unwrap();
        assert_eq!(
            text,
            reason::page(reason),
            "{}: run this test with ANNALS_BLESS=1",
            reason.code
        );
    }
    let index = std::fs::read_to_string(pages_dir().join("README.md")).unwrap();
    assert_eq!(index, reason::index(), "run this test with ANNALS_BLESS=1");
}
