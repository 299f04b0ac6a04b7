//! `annals-hook --flush`: delivers all that waits. For people and timers, so it says how it went.

use std::process::ExitCode;

use crate::args::Args;
use crate::deadline::Deadline;
use crate::deliver::{Courier, spool_dir};
use crate::note;
use crate::spool::{Drained, Spool};

/// Delivers until the spool is empty; 1 when it is not then.
pub(crate) fn run(args: &Args) -> ExitCode {
    let Some(dir) = spool_dir(args) else {
        note("annals-hook: no home directory is known; name the spool with --spool DIR");
        return ExitCode::FAILURE;
    };
    let spool = Spool::new(&dir, args.spool_bytes_max);
    if !spool.has_backlog() {
        note("annals-hook: nothing waits");
        return ExitCode::SUCCESS;
    }
    let mut count = 0;
    match deliver_all(args, &spool, &mut count) {
        Ok(()) => {
            spool.note_failure(None);
            note(&format!("annals-hook: delivered {count}"));
            ExitCode::SUCCESS
        }
        Err(problem) => {
            note(&format!("annals-hook: delivered {count}, and more waits: {problem}"));
            ExitCode::FAILURE
        }
    }
}

fn deliver_all(args: &Args, spool: &Spool, count: &mut usize) -> Result<(), String> {
    let courier = Courier::new(args)?;
    let deadline = Deadline::after(args.flush_deadline());
    let mut problem = String::new();
    let drained = spool.drain(&deadline, usize::MAX, |items| {
        let progress = courier.send_items(items, spool, &deadline, &mut problem);
        *count += progress.delivered;
        progress
    });
    match drained {
        Ok(Drained::Empty) => Ok(()),
        Ok(Drained::Left) if problem.is_empty() => {
            Err("another process is delivering, or the time is up".to_owned())
        }
        Ok(Drained::Left) => Err(problem),
        Err(error) => Err(format!("the spool: {error}")),
    }
}
