//! The command line. It is written into agents' settings and runs unattended, so a mistake in it is
//! told on standard error and passed over; the payload is taken all the same.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::{DEFAULT_DEADLINE_MS, DEFAULT_URL};

pub(crate) const HELP: &str = "\
Takes the payload of a coding agent's hook from standard input and delivers it to Annals.

Usage: annals-hook AGENT [--event NAME] [OPTIONS]    claude-code, codex, gemini, cursor, copilot
       annals-hook --flush [OPTIONS]                 deliver all that is spooled

  --event NAME         the event, where the payload does not name it
  --url URL            the server [default: http://127.0.0.1:7171]
  --token-file FILE    a file with the token [default: token in the state directory]
  --spool DIR          where payloads wait while the server is away [default: spool in the state directory]
  --spool-bytes N      how large the spool may grow [default: 67108864]
  --deadline-ms N      how long it may take [default: 300]
  --allow-remote       deliver to another machine, without TLS

`annals hook install AGENT` writes the right line into the agent's settings.";

/// Bytes of the spool where nothing else is said.
const SPOOL_BYTES_MAX: u64 = 64 << 20;
/// A flush may take its time, but does not wait for ever.
const FLUSH_DEADLINE: Duration = Duration::from_secs(60);

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    Payload,
    Flush,
    Help,
    Version,
}

/// The command line as it was understood.
#[derive(Debug, Clone)]
pub(crate) struct Args {
    pub(crate) job: Job,
    pub(crate) agent: String,
    pub(crate) event: Option<String>,
    pub(crate) url: String,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) spool: Option<PathBuf>,
    pub(crate) spool_bytes_max: u64,
    deadline_ms: Option<u64>,
    pub(crate) may_be_remote: bool,
    /// What was not understood.
    pub(crate) complaints: Vec<String>,
}

impl Args {
    pub(crate) fn read(arguments: impl Iterator<Item = OsString>) -> Self {
        let mut args = Self {
            job: Job::Payload,
            agent: String::new(),
            event: None,
            url: DEFAULT_URL.to_owned(),
            token_file: None,
            spool: None,
            spool_bytes_max: SPOOL_BYTES_MAX,
            deadline_ms: None,
            may_be_remote: false,
            complaints: Vec::new(),
        };
        let mut rest = arguments;
        while let Some(argument) = rest.next() {
            args.take(&argument.to_string_lossy(), &mut rest);
        }
        if args.job == Job::Payload && args.agent.is_empty() {
            args.complain("no agent is named; `annals-hook --help` says how");
            "unnamed".clone_into(&mut args.agent);
        }
        args
    }

    fn take(&mut self, argument: &str, rest: &mut impl Iterator<Item = OsString>) {
        let (flag, joined) = match argument.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag, Some(OsString::from(value))),
            _ => (argument, None),
        };
        match flag {
            "--help" | "-h" => self.job = Job::Help,
            "--version" | "-V" => self.job = Job::Version,
            "--flush" => self.job = Job::Flush,
            "--allow-remote" => self.may_be_remote = true,
            flag if flag.starts_with('-') => match joined.or_else(|| rest.next()) {
                Some(value) => self.take_value(flag, value),
                None => self.complain(&format!("{flag} is not understood")),
            },
            agent if is_agent(agent) && self.agent.is_empty() => agent.clone_into(&mut self.agent),
            other => self.complain(&format!("`{other}` is no agent")),
        }
    }

    fn take_value(&mut self, flag: &str, value: OsString) {
        let text = value.to_string_lossy().into_owned();
        match flag {
            "--event" => self.event = Some(text),
            "--url" => self.url = text,
            "--token-file" => self.token_file = Some(PathBuf::from(value)),
            "--spool" => self.spool = Some(PathBuf::from(value)),
            "--spool-bytes" => match text.parse() {
                Ok(bytes) => self.spool_bytes_max = bytes,
                Err(_) => self.complain("--spool-bytes needs a number"),
            },
            "--deadline-ms" => match text.parse() {
                Ok(milliseconds) if milliseconds > 0 => self.deadline_ms = Some(milliseconds),
                _ => self.complain("--deadline-ms needs a number above 0"),
            },
            other => self.complain(&format!("{other} is not understood")),
        }
    }

    fn complain(&mut self, problem: &str) {
        self.complaints.push(format!("annals-hook: {problem}"));
    }

    /// How long one payload may take, from the start.
    pub(crate) fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms.unwrap_or(DEFAULT_DEADLINE_MS))
    }

    /// How long a flush may take.
    pub(crate) fn flush_deadline(&self) -> Duration {
        self.deadline_ms.map_or(FLUSH_DEADLINE, Duration::from_millis)
    }
}

/// As the dialect has it.
fn is_agent(text: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Args {
        Args::read(arguments.iter().map(OsString::from))
    }

    #[test]
    fn reads_what_install_writes() {
        let args = read(&[
            "copilot",
            "--event",
            "preToolUse",
            "--url=http://[::1]:7",
            "--deadline-ms",
            "50",
        ]);
        assert_eq!((args.agent.as_str(), args.event.as_deref()), ("copilot", Some("preToolUse")));
        assert_eq!(args.url, "http://[::1]:7");
        assert_eq!(args.deadline(), Duration::from_millis(50));
        assert_eq!(args.complaints, [""; 0]);
    }

    #[test]
    fn a_mistake_is_told_and_the_payload_is_taken_all_the_same() {
        for wrong in [
            &["codex", "--colour", "red"][..],
            &["codex", "--deadline-ms", "0"],
            &["codex", "gemini"],
        ] {
            let args = read(wrong);
            assert_eq!(
                (args.job, args.agent.as_str(), args.complaints.len()),
                (Job::Payload, "codex", 1)
            );
        }
        assert_eq!(read(&[]).agent, "unnamed");
        assert_eq!(read(&["codex", "--url"]).url, DEFAULT_URL);
    }
}
