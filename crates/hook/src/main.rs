//! The `annals-hook` command. All of it is in the library, which `annals hook` shares.

use std::process::ExitCode;

fn main() -> ExitCode {
    annals_hook::run(std::env::args_os().skip(1))
}
