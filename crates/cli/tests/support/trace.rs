//! A server under strace, and what its system calls say about durability.
//!
//! A call has a beginning and an end, counted in lines of the trace: strace writes a line before a
//! call runs and, if others come between, another one after it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Server, annals, serve_arguments};

const CALLS: &str = "trace=openat,creat,rename,renameat,renameat2,write,writev,pwrite64,pwritev,pwritev2,fdatasync,fsync,sendto,sendmsg";

/// One system call.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    name: String,
    /// The arguments as strace writes them, file names beside their descriptors.
    arguments: String,
    result: String,
    began: usize,
    ended: usize,
}

impl Call {
    fn succeeded(&self) -> bool {
        !self.result.is_empty() && !self.result.starts_with('-') && !self.result.starts_with('?')
    }

    /// The file that the first argument's descriptor stands for.
    fn file(&self) -> &str {
        let rest = self.arguments.split_once('<').map_or("", |(_, rest)| rest);
        rest.split_once('>').map_or("", |(file, _)| file)
    }

    fn is_log_write(&self) -> bool {
        let is_write =
            matches!(self.name.as_str(), "write" | "writev" | "pwrite64" | "pwritev" | "pwritev2");
        is_write && self.file().contains("/log/")
    }

    fn is_sync(&self) -> bool {
        matches!(self.name.as_str(), "fdatasync" | "fsync") && self.succeeded()
    }

    fn is_answer(&self) -> bool {
        let can_send = matches!(self.name.as_str(), "sendto" | "sendmsg" | "write" | "writev");
        can_send && (self.file().starts_with("socket:") || self.file().starts_with("TCP"))
    }

    /// The segment file that the call makes or gives its name.
    fn new_segment(&self) -> Option<PathBuf> {
        let makes = self.name == "creat"
            || self.name == "openat" && self.arguments.contains("O_CREAT")
            || self.name.starts_with("rename");
        let name = self.arguments.split('"').rfind(|part| part.ends_with(".seg"))?;
        (makes && self.succeeded()).then(|| PathBuf::from(name))
    }
}

/// Reads a trace made with `-f -y`.
pub(crate) fn parse(trace: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let mut unfinished: HashMap<&str, usize> = HashMap::new();
    for (number, line) in trace.lines().enumerate() {
        let Some((thread, text)) = line.split_once(' ') else { continue };
        let text = text.trim_start();
        if text.starts_with("<... ") {
            let Some(call) = unfinished.remove(thread).and_then(|index| calls.get_mut(index))
            else {
                continue;
            };
            call.ended = number;
            call.result = result_of(text);
        } else if let Some((name, arguments)) = text.split_once('(') {
            let is_unfinished = text.ends_with("<unfinished ...>");
            if is_unfinished {
                unfinished.insert(thread, calls.len());
            }
            calls.push(Call {
                name: name.to_owned(),
                arguments: arguments.to_owned(),
                result: if is_unfinished { String::new() } else { result_of(text) },
                began: number,
                ended: if is_unfinished { usize::MAX } else { number },
            });
        }
    }
    calls
}

fn result_of(text: &str) -> String {
    text.rsplit_once(" = ").map(|(_, result)| result.trim().to_owned()).unwrap_or_default()
}

/// What the trace says against durability; nothing if all is well.
///
/// `acknowledged` are pairs of an event's id, as answers name it, and a mark in its payload.
pub(crate) fn faults(calls: &[Call], acknowledged: &[(String, String)]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut answers = Vec::new();
    for (event_id, mark) in acknowledged {
        match answer_of(calls, event_id) {
            Some(answer) => {
                answers.push(answer);
                faults.extend(
                    unsynced(calls, answer, mark).map(|fault| format!("{event_id}: {fault}")),
                );
            }
            None => faults.push(format!("{event_id}: no answer in the trace names it")),
        }
    }
    for (call, segment) in
        calls.iter().filter_map(|call| call.new_segment().map(|segment| (call, segment)))
    {
        let next_answer = answers
            .iter()
            .filter(|answer| answer.began > call.ended)
            .min_by_key(|answer| answer.began);
        let directory =
            segment.parent().map(|parent| parent.display().to_string()).unwrap_or_default();
        if next_answer.is_some_and(|answer| !is_synced(calls, &directory, call.ended, answer.began))
        {
            faults.push(format!("{}: answered before its directory was synced", segment.display()));
        }
    }
    faults
}

fn answer_of<'a>(calls: &'a [Call], event_id: &str) -> Option<&'a Call> {
    calls.iter().find(|call| call.is_answer() && call.arguments.contains(event_id))
}

/// Why an event was not durable when its answer went out.
fn unsynced(calls: &[Call], answer: &Call, mark: &str) -> Option<String> {
    let is_write = |call: &&Call| {
        call.is_log_write() && call.began < answer.began && call.arguments.contains(mark)
    };
    let Some(write) = calls.iter().filter(is_write).max_by_key(|call| call.began) else {
        return Some("no write to the log holds it".to_owned());
    };
    if !write.succeeded() || write.ended >= answer.began {
        return Some("its write was not done".to_owned());
    }
    let is_synced = is_synced(calls, write.file(), write.ended, answer.began);
    (!is_synced).then(|| format!("answered before a sync of {}", write.file()))
}

fn is_synced(calls: &[Call], file: &str, after: usize, before: usize) -> bool {
    calls.iter().any(|call| {
        call.is_sync() && call.file() == file && call.began > after && call.ended < before
    })
}

/// How many segments the trace saw come to be.
pub(crate) fn new_segments(calls: &[Call]) -> usize {
    calls.iter().filter(|call| call.new_segment().is_some()).count()
}

/// Whether strace works here; if not, why.
pub(crate) fn strace_problem() -> Option<String> {
    match Command::new("strace")
        .args(["-f", "-o", "/dev/null", "true"])
        .stderr(Stdio::null())
        .status()
    {
        Ok(status) if status.success() => None,
        Ok(status) => Some(format!("strace ends with {status}")),
        Err(error) => Some(format!("strace cannot be run: {error}")),
    }
}

/// A server whose system calls are written to a file.
pub(crate) struct TracedServer {
    pub(crate) server: Server,
    pid: String,
}

impl TracedServer {
    /// Starts `annals serve` under strace, with more flags for either.
    pub(crate) fn start(
        data_dir: &Path,
        trace_file: &Path,
        strace_flags: &[&str],
        flags: &[&str],
    ) -> Self {
        let pid_file = data_dir.with_extension("pid");
        let mut command = Command::new("strace");
        command
            .args(["-f", "-y", "-s", "4194304", "-e", CALLS, "-o"])
            .arg(trace_file)
            .args(strace_flags);
        // The shell writes down the process id that the server then has.
        command.args(["sh", "-c", r#"echo $$ > "$0"; exec "$@""#]).arg(&pid_file);
        command
            .arg(annals().get_program())
            .args(serve_arguments(data_dir, "127.0.0.1:0"))
            .args(flags);
        command.env_remove("ANNALS_URL").env_remove("ANNALS_TOKEN").stdin(Stdio::null());
        let server = Server::start_command(command, data_dir);
        let pid = std::fs::read_to_string(pid_file).unwrap().trim().to_owned();
        Self { server, pid }
    }

    /// Stops the server itself; strace ends with it and has its exit code.
    pub(crate) fn stop(mut self) {
        let status =
            Command::new("sh").args(["-c", &format!("kill -TERM {}", self.pid)]).status().unwrap();
        assert!(status.success());
        let status = self.server.process.wait();
        assert!(status.success(), "{status}; its log:\n{}", self.server.process.log());
    }
}

impl Drop for TracedServer {
    fn drop(&mut self) {
        // Ending strace alone would leave the server behind. Fails when it has ended already.
        let _ = Command::new("sh")
            .args(["-c", &format!("kill -KILL {} 2>/dev/null", self.pid)])
            .status();
    }
}
