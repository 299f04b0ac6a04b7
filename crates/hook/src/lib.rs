//! What coding agents run at their events: it takes their payload from standard input, stamps what
//! payloads lack, and delivers it to the server on this machine, or spools it until there is one.
//!
//! It observes. INVARIANT (the agent never suffers): it exits 0 within its deadline whatever happens,
//! and writes nothing to standard output, which agents read for decisions.
//! INVARIANT (nothing in silence): a payload that can be neither delivered nor spooled is counted, and
//! the count is delivered as a gap.
//! No async runtime, no TLS, few crates: the time of a start is the time of every tool call.

mod args;
mod deadline;
mod input;
mod place;

mod session;
mod stamped;

mod deliver;
mod flush;
mod http;
mod secrets;
mod token;

pub mod spool;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::mpsc::sync_channel;
use std::thread;

use args::{Args, Job};
use deadline::Deadline;

pub use http::{Endpoint, EndpointFault};
pub use place::{Places, default_places};
pub use spool::make_private_dir;

/// The server's address where none is named.
pub const DEFAULT_URL: &str = "http://127.0.0.1:7171";
/// Milliseconds that one payload may take where nothing else is said.
pub const DEFAULT_DEADLINE_MS: u64 = 300;

/// Runs the command, given its arguments.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let args = Args::read(arguments);
    for complaint in &args.complaints {
        note(complaint);
    }
    match args.job {
        Job::Help => {
            note(args::HELP);
            ExitCode::SUCCESS
        }
        Job::Version => {
            note(concat!("annals-hook ", env!("CARGO_PKG_VERSION")));
            ExitCode::SUCCESS
        }
        Job::Flush => flush::run(&args),
        Job::Payload => {
            take_payload(args);
            ExitCode::SUCCESS
        }
    }
}

/// Takes one payload, on a thread of its own: whatever that one waits for, the deadline holds.
fn take_payload(args: Args) {
    let deadline = Deadline::after(args.deadline());
    let (done, is_done) = sync_channel(1);
    let work = thread::Builder::new().spawn(move || {
        deliver::take_payload(&args, deadline);
        // The other side is gone only when the deadline has passed.
        let _ = done.send(());
    });
    if work.is_ok() {
        // Also a panic over there ends the wait; there is nothing else to do about it.
        let _ = is_done.recv_timeout(deadline.left());
    }
    // Not by returning: a thread that still waits for standard input must not keep the process.
    std::process::exit(0);
}

/// Tells a person, on standard error. There is nobody to tell when that fails.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
