//! `annals policy show`: the policy that is built in, file by file.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use annals_policy::{DEFAULT_POLICY_NAME, Module, PolicyHash, default_modules};
use anyhow::Context as _;
use serde_json::{Value, json};

use crate::failure::NO;
use crate::output;

pub(super) fn run(file: Option<&str>, out: Option<&Path>, json: bool) -> anyhow::Result<ExitCode> {
    let modules = default_modules(true);
    if let Some(out) = out {
        write(&modules, out)?;
        output::line(format_args!("wrote {} files to {}", modules.len(), out.display()))?;
        output::note(format_args!("next: edit them, then `annals policy test {}`", out.display()));
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(file) = file {
        let Some(module) = modules.iter().find(|module| name(module) == file) else {
            output::note(format_args!("the built-in policy has no file `{}`", output::plain(file)));
            return Ok(ExitCode::from(NO));
        };
        output::text(&module.text)?;
        return Ok(ExitCode::SUCCESS);
    }
    let hash = PolicyHash::of(&default_modules(false)).to_string();
    if json {
        let files: Vec<Value> = modules
            .iter()
            .map(|module| json!({"file": name(module), "text": module.text}))
            .collect();
        output::line(json!({"name": DEFAULT_POLICY_NAME, "hash": hash, "files": files}))?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(format_args!("{DEFAULT_POLICY_NAME} {hash}"))?;
    for module in &modules {
        let about = module.text.lines().next().and_then(|line| line.strip_prefix("# "));
        output::line(format_args!("  {:16}  {}", name(module), about.unwrap_or("tests")))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn name(module: &Module) -> &str {
    module.path.rsplit('/').next().unwrap_or(&module.path)
}

fn write(modules: &[Module], out: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    let is_empty = fs::read_dir(out)?.next().is_none();
    anyhow::ensure!(is_empty, "{} is not empty: nothing was written", out.display());
    for module in modules {
        let path = out.join(name(module));
        fs::write(&path, &module.text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}
