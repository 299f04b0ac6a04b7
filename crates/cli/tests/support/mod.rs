//! What the end-to-end tests share: the real binary as a process, a plain HTTP client, and an audit.
//!
//! Everything that waits, waits for a condition with a deadline.

#![allow(dead_code, reason = "no test uses all of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]

pub(crate) mod audit;
pub(crate) mod http;
pub(crate) mod trace;

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Long enough for a slow machine; reaching it is a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Lines of standard output that wait to be looked at; a process that writes more waits.
const LINES_MAX: usize = 10_000;

/// A numbers' source for tests: SplitMix64.
#[derive(Debug, Clone)]
pub(crate) struct Luck(pub(crate) u64);

impl Luck {
    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound
    }

    /// A UUID of version 4.
    pub(crate) fn uuid(&mut self) -> String {
        let (high, low) = (self.number(), self.number());
        let hex = format!("{high:016x}{low:016x}");
        format!(
            "{}-{}-4{}-8{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[13..16],
            &hex[17..20],
            &hex[20..32]
        )
    }
}

/// Waits until something is there.
pub(crate) fn wait_for<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The binary under test.
pub(crate) fn annals() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_annals"));
    command.env_remove("ANNALS_URL").env_remove("ANNALS_TOKEN").stdin(Stdio::null());
    command
}

/// Runs the binary to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    annals().args(arguments).output().unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A port that was free a moment ago, below those that the system gives to outgoing connections:
/// one of these could take it while a test has its server down, the server's own clients included.
pub(crate) fn free_port() -> u16 {
    let first = u16::try_from(std::process::id() % 20_000).unwrap();
    let candidates = (0..20_000).map(|step| 11_000 + (first + step) % 20_000);
    candidates.into_iter().find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

/// A process whose standard output is read line by line.
pub(crate) struct Process {
    pub(crate) child: Child,
    lines: mpsc::Receiver<String>,
    stderr_file: PathBuf,
}

impl Process {
    /// Starts a command; its standard error goes to a file, to be shown if a wait fails.
    pub(crate) fn start(mut command: Command, stderr_file: &Path) -> Self {
        let log = File::options().create(true).append(true).open(stderr_file).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::sync_channel(LINES_MAX);
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, lines, stderr_file: stderr_file.to_owned() }
    }

    /// The next line of standard output that passes a test.
    pub(crate) fn line_where(
        &mut self,
        what: &str,
        mut is_wanted: impl FnMut(&str) -> bool,
    ) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if is_wanted(&line) => return line,
                Ok(_) => {}
                Err(error) => {
                    panic!("no {what} on standard output ({error}); its log:\n{}", self.log())
                }
            }
        }
    }

    /// The next line of standard output; none when there is no more.
    pub(crate) fn next_line(&mut self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => None,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                panic!("it is silent; its log:\n{}", self.log())
            }
        }
    }

    /// What it wrote to standard error.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.stderr_file).unwrap_or_default()
    }

    /// Sends a signal by name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("sh")
            .args(["-c", &format!("kill -{name} {}", self.child.id())])
            .status()
            .unwrap();
        assert!(status.success());
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let child = &mut self.child;
        wait_for("the process to end", || child.try_wait().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server process and how to talk to it.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) address: String,
    pub(crate) token: String,
}

impl Server {
    /// `annals serve` on a data directory and a free port.
    pub(crate) fn start(data_dir: &Path) -> Self {
        Self::start_with(data_dir, "127.0.0.1:0", &[])
    }

    pub(crate) fn start_with(data_dir: &Path, listen: &str, flags: &[&str]) -> Self {
        let mut command = annals();
        command.args(serve_arguments(data_dir, listen)).args(flags);
        Self::start_command(command, data_dir)
    }

    /// A server, or what it said when it refused to start.
    pub(crate) fn try_start(data_dir: &Path, flags: &[&str]) -> Result<Self, String> {
        let mut command = annals();
        command.args(serve_arguments(data_dir, "127.0.0.1:0")).args(flags);
        let stderr_file = data_dir.with_extension("stderr");
        let mut process = Process::start(command, &stderr_file);
        match process.lines.recv_timeout(PATIENCE) {
            Ok(line) => {
                let address = line.trim_start_matches("listening on http://").to_owned();
                assert_ne!(address, line, "the first line says where it listens");
                let token = std::fs::read_to_string(data_dir.join("owner.token")).unwrap();
                Ok(Self { process, address, token: token.trim().to_owned() })
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let status = process.wait();
                assert!(!status.success(), "a server that does not start fails");
                Err(process.log())
            }
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("it neither starts nor ends"),
        }
    }

    /// Any command that ends up as `annals serve` on a data directory.
    pub(crate) fn start_command(command: Command, data_dir: &Path) -> Self {
        let mut process = Process::start(command, &data_dir.with_extension("stderr"));
        let line =
            process.line_where("`listening on`", |line| line.starts_with("listening on http://"));
        let address = line.trim_start_matches("listening on http://").to_owned();
        let token =
            std::fs::read_to_string(data_dir.join("owner.token")).unwrap().trim().to_owned();
        Self { process, address, token }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn http(&self) -> http::Http {
        http::Http::connect(&self.address, &self.token).unwrap()
    }

    /// A client that never tries again by itself.
    pub(crate) fn client(&self) -> annals_sdk::Client {
        let builder = annals_sdk::Client::builder().url(self.url()).token(&self.token);
        builder.retry(annals_sdk::RetryPolicy::never()).build().unwrap()
    }

    /// Asks it to stop, and expects that it does so cleanly.
    pub(crate) fn stop(mut self) {
        self.process.signal("TERM");
        let status = self.process.wait();
        assert!(
            status.success(),
            "the server ended with {status}; its log:\n{}",
            self.process.log()
        );
    }
}

pub(crate) fn serve_arguments(data_dir: &Path, listen: &str) -> Vec<String> {
    let data_dir = data_dir.display().to_string();
    ["serve", "--data", &data_dir, "--listen", listen].map(str::to_owned).to_vec()
}

/// An event for the native door.
pub(crate) fn event(event_id: &str, stream_id: &str, data: &str) -> String {
    format!(
        r#"{{"event_id":"{event_id}","event_type":"note.taken","actor":{{"actor_type":"service","actor_id":"test"}},"stream":{{"stream_type":"run","stream_id":"{stream_id}"}},"run_id":"{stream_id}","data":{data}}}"#
    )
}
