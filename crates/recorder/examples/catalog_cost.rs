//! What the catalog costs: reading it, compiling its schemas, and holding one payload against one.
//!
//! Prints the figures of this machine and build; it judges nothing.

#![expect(clippy::print_stdout, reason = "the figures are its output")]

use std::error::Error;
use std::time::Instant;

use annals_core::catalog::Catalog;
use serde_json::Value;

const ROUNDS: u32 = 200;

fn main() -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let catalog = Catalog::builtin()?;
    let types = catalog.entries().len();
    println!("{types} types read in {:.2?}", started.elapsed());

    let started = Instant::now();
    let mut compiled = Vec::new();
    for entry in catalog.entries() {
        if let (Some(schema), Some(example)) = (&entry.schema, &entry.example) {
            let schema: Value = serde_json::from_str(schema)?;
            let validator =
                jsonschema::draft202012::new(&schema).map_err(|error| error.to_string())?;
            compiled.push((entry.event_type.as_str(), validator, example.as_str()));
        }
    }
    println!("{} schemas compiled in {:.2?}", compiled.len(), started.elapsed());

    let started = Instant::now();
    let mut bytes = 0;
    for _ in 0..ROUNDS {
        for (event_type, validator, example) in &compiled {
            let data: Value = serde_json::from_str(example)?;
            if !validator.is_valid(&data) {
                return Err(format!("the example of {event_type} does not fit its schema").into());
            }
            bytes += example.len();
        }
    }
    let checks = ROUNDS * u32::try_from(compiled.len())?;
    println!(
        "one check of a payload of {} bytes: {:.2?}",
        bytes / usize::try_from(checks)?,
        started.elapsed() / checks.max(1)
    );
    Ok(())
}
