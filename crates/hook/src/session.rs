//! How many payloads of a session came before, and how many calls that are alike.
//!
//! One small file a session, locked while it is counted. A crash of the machine may take back a
//! count: the name of an append has the time in it too, so that nothing is taken for a repetition.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use annals_core::dialect::hooks::CallPart;
use annals_core::hash::sha256;

use crate::spool::{Private as _, make_private_dir};

/// How long a session that nothing was heard of is remembered.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Kinds of calls that are counted in one session; more of them share their ids.
const CALLS_COUNTED_MAX: usize = 4_096;

/// What a payload is in its session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    /// The how-many-eth payload, from 1; 0 where it could not be counted.
    pub(crate) seq: u64,
    /// The id of its call, where it needs one.
    pub(crate) call: Option<String>,
}

/// Counts one payload.
pub(crate) fn count(spool: &Path, agent: &str, session: &str, part: Option<&CallPart>) -> Counted {
    let dir = spool.join("sessions");
    let name = sha256(&[agent.as_bytes(), b"\0", session.as_bytes()]).to_string();
    let file = dir.join(name.get(..32).unwrap_or(&name));
    let counted = make_private_dir(&dir).ok().and_then(|()| {
        let is_new = !file.exists();
        if is_new {
            forget_old(&dir);
        }
        count_in(&file, part).ok()
    });
    counted.unwrap_or_else(|| Counted { seq: 0, call: part.map(|part| part.call_id(1)) })
}

fn count_in(path: &Path, part: Option<&CallPart>) -> std::io::Result<Counted> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .private()
        .open(path)?;
    file.lock()?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let mut counts = Counts::read(&text);
    counts.seq += 1;
    let call = part.map(|part| part.call_id(counts.call(part)));
    write_over(&mut file, &counts.to_text())?;
    Ok(Counted { seq: counts.seq, call })
}

/// The text never gets shorter, so it can be written over what was there.
fn write_over(file: &mut File, text: &str) -> std::io::Result<()> {
    file.rewind()?;
    file.write_all(text.as_bytes())
}

/// The counts of a session: a line for the payloads, then one for each kind of call.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    seq: u64,
    calls: Vec<(String, u64)>,
}

impl Counts {
    fn read(text: &str) -> Self {
        let mut lines = text.lines();
        let seq = lines.next().and_then(|line| line.trim().parse().ok()).unwrap_or(0);
        let call = |line: &str| {
            let (name, count) = line.split_once(' ')?;
            Some((name.to_owned(), count.trim().parse().ok()?))
        };
        Self { seq, calls: lines.filter_map(call).collect() }
    }

    /// Counts one part of a call: the beginnings and the ends of equal calls are counted apart.
    fn call(&mut self, part: &CallPart) -> u64 {
        let name = format!("{}{}", if part.is_end { 'e' } else { 'b' }, part.about);
        if let Some((_, count)) = self.calls.iter_mut().find(|(known, _)| *known == name) {
            *count += 1;
            return *count;
        }
        if self.calls.len() < CALLS_COUNTED_MAX {
            self.calls.push((name, 1));
        }
        1
    }

    fn to_text(&self) -> String {
        let mut text = format!("{:020}\n", self.seq);
        for (name, count) in &self.calls {
            text.push_str(&format!("{name} {count:010}\n"));
        }
        text
    }
}

/// Removes the files of sessions that are long over.
fn forget_old(dir: &Path) {
    let Some(oldest) = SystemTime::now().checked_sub(REMEMBERED) else { return };
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        if modified.is_ok_and(|modified| modified < oldest) {
            // What stays is tried again at the next new session.
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_payloads_of_each_session_and_equal_calls() {
        let dir = tempfile::tempdir().unwrap();
        let part = |is_end| CallPart { is_end, about: "aa".to_owned() };
        let count = |session: &str, part: Option<CallPart>| {
            count(dir.path(), "gemini", session, part.as_ref())
        };
        assert_eq!(count("s1", None), Counted { seq: 1, call: None });
        let first = count("s1", Some(part(false)));
        let second = count("s1", Some(part(false)));
        assert_eq!((first.seq, first.call.as_deref()), (2, Some("hook-aa-1")));
        assert_eq!(second.call.as_deref(), Some("hook-aa-2"));
        assert_eq!(count("s1", Some(part(true))).call, first.call);
        assert_eq!(count("s2", None).seq, 1);
    }

    #[test]
    fn a_session_that_cannot_be_counted_is_said_to_be_so() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a-file");
        fs::write(&file, "").unwrap();
        assert_eq!(count(&file, "codex", "s", None), Counted { seq: 0, call: None });
    }
}
