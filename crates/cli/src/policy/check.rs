//! `annals policy check`: whether files are a policy.

use std::path::PathBuf;
use std::process::ExitCode;

use annals_policy::{Policy, PolicyFault};
use serde_json::{Value, json};

use super::source;
use crate::failure::NO;
use crate::output;

pub(super) fn run(files: &[PathBuf], json: bool) -> anyhow::Result<ExitCode> {
    let modules = source::read(files)?;
    match Policy::compile("checked", &modules) {
        Ok(policy) => {
            let tests = modules.iter().filter(|module| module.is_test()).count();
            let (own, hash) = (modules.len() - tests, policy.hash().to_string());
            if json {
                output::line(
                    json!({"ok": true, "hash": hash, "modules": own, "test_modules": tests}),
                )?;
            } else {
                output::line(format_args!("ok: {own} modules, {tests} of tests, hash {hash}"))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(fault) => {
            if json {
                output::line(as_json(&fault))?;
            } else {
                output::line(output::plain(&fault.to_string()))?;
            }
            Ok(ExitCode::from(NO))
        }
    }
}

pub(super) fn as_json(fault: &PolicyFault) -> Value {
    json!({
        "ok": false,
        "path": fault.path,
        "line": fault.at.map(|(line, _)| line),
        "column": fault.at.map(|(_, column)| column),
        "message": fault.message,
        "help": fault.help,
    })
}
