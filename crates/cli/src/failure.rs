//! What a person reads when a command did not work, and the exit code that a script gets.

use std::io;
use std::process::ExitCode;

use annals_sdk::ClientError;

use crate::connect::Hint;
use crate::output;

/// The answer is no.
pub(crate) const NO: u8 = 1;
/// There is no answer.
pub(crate) const COULD_NOT_TELL: u8 = 2;

/// Says what went wrong, with its causes and what to do, and gives the exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if is_broken_pipe(error) {
        return ExitCode::SUCCESS;
    }
    let hint = error.downcast_ref::<Hint>().map(ToString::to_string);
    output::note(format_args!("error: {}", causes(error, hint.as_deref())));
    if let Some(hint) = hint {
        output::note(format_args!("hint: {hint}"));
    }
    ExitCode::from(exit_code(error))
}

/// What went wrong and why; of an HTTP client's many layers only the outermost and the innermost.
fn causes(error: &anyhow::Error, hint: Option<&str>) -> String {
    let mut causes: Vec<String> = error
        .chain()
        .map(ToString::to_string)
        .filter(|cause| Some(cause.as_str()) != hint)
        .collect();
    // Some libraries say their cause in their own text.
    causes.dedup_by(|cause, before| before.ends_with(cause.as_str()));
    let is_transport = error.chain().any(|cause| {
        matches!(
            cause.downcast_ref::<ClientError>(),
            Some(ClientError::Unreachable { .. } | ClientError::Interrupted(_))
        )
    });
    if is_transport && causes.len() > 2 {
        causes.drain(1..causes.len() - 1);
    }
    output::plain(&causes.join(": "))
}

fn exit_code(error: &anyhow::Error) -> u8 {
    match error.chain().find_map(|cause| cause.downcast_ref::<ClientError>()) {
        Some(ClientError::Refused(problem)) if problem.status < 500 => NO,
        _ => COULD_NOT_TELL,
    }
}

/// What was told, unless its reader went away: that changes no exit code that is already known.
pub(crate) fn told(told: anyhow::Result<()>) -> anyhow::Result<()> {
    match told {
        Err(error) if is_broken_pipe(&error) => Ok(()),
        told => told,
    }
}

/// Whether the reader of standard output went away, which is its right.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<io::Error>();
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
