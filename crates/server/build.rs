//! Tells cargo when the embedded dashboard has changed. It creates nothing.

use std::path::Path;

fn main() {
    let dist = Path::new("../../web/dist");
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    // A debug build reads the files when they are asked for. Naming a folder that does not exist
    // would make cargo build this crate anew each time.
    if dist.exists() || is_release {
        println!("cargo:rerun-if-changed={}", dist.display());
    }
    println!("cargo:rerun-if-changed=build.rs");
}
