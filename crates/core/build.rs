//! Turns the files of `catalog/` into one table of JSON texts, so that a new file needs no code.
//!
//! Reading YAML takes ten times as long as reading the same JSON, and a start would pay for it.
//! A file that is no YAML does not stop the build: the table then holds what is wrong with it, and
//! reading the catalog says so. What an entry means is not looked at here.

#[path = "src/catalog/yaml.rs"]
mod yaml;

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

const FOLDER: &str = "../../catalog";
/// In the folder, but no event types.
const PRICES: &str = "prices.yaml";

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed={FOLDER}");
    println!("cargo:rerun-if-changed=build.rs");
    let mut table = String::from("[\n");
    for name in file_names()? {
        let read = yaml::yaml_to_json(&fs::read_to_string(Path::new(FOLDER).join(&name))?);
        // The debug form of a text or a result of texts is how Rust writes it.
        let _ = writeln!(table, "    ({name:?}, {read:?}),");
    }
    table.push_str("]\n");
    #[expect(clippy::disallowed_methods, reason = "cargo names the output directory in this way")]
    let out = std::env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&out).join("catalog_files.rs"), table)
}

/// The files of the catalog, by name.
fn file_names() -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(FOLDER)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".yaml") && name != PRICES {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
