//! One run as far as it has been read: what it is called, what all its records repeat, who works in it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::agents::{Agents, prompt_of};
use super::calls::ModelCalls;
use super::fields::{Fields, ObjectText};
use super::record::{Fact, MAIN_AGENT, Party, Record, short_hash};
use super::user::is_note;
use crate::id::RunId;
use crate::json::{JsonKind, as_str, kind};

/// Members that most records repeat, and their names in `run.started`. A record whose value is the
/// run's says nothing with it; another value stays with the record.
const REPEATED: [(&str, &str); 7] = [
    ("cwd", "cwd"),
    ("version", "version"),
    ("claude_code_version", "version"),
    ("gitBranch", "git_branch"),
    ("userType", "user_type"),
    ("entrypoint", "entrypoint"),
    ("transcript_path", "transcript_path"),
];

/// Characters of a title.
const TITLE_CHARS_MAX: usize = 120;

/// A run while its records are read.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) run_id: RunId,
    pub(super) agents: Agents,
    pub(super) calls: ModelCalls,
    /// The names of the tools that were called, by the call's id.
    pub(super) tool_names: BTreeMap<String, String>,
    /// How often a thing without a name of its own has come by.
    pub(super) counters: BTreeMap<String, u64>,
    repeated: BTreeMap<&'static str, String>,
    /// The line of the record whose members became `run.started`.
    pub(super) started_by_line: usize,
}

impl Run {
    /// Begins a run with its first telling record.
    pub(super) fn start(
        run_id: RunId,
        session: Option<&str>,
        record: &mut Record<'_>,
    ) -> (Self, Fact) {
        let mut repeated = BTreeMap::new();
        for (theirs, _) in REPEATED {
            if let Some(value) =
                record.fields.get(theirs).filter(|value| kind(value) == JsonKind::String)
            {
                repeated.insert(theirs, value.to_owned());
            }
        }
        let data = started_data(&run_id, session, record);
        let mut fact = Fact::new("run.started", Party::Agent(MAIN_AGENT.to_owned()), data);
        fact.moment = record.head.moment.clone();
        let run = Self {
            run_id,
            agents: Agents::default(),
            calls: ModelCalls::default(),
            tool_names: BTreeMap::new(),
            counters: BTreeMap::new(),
            repeated,
            started_by_line: record.head.line,
        };
        (run, fact)
    }

    /// Takes the members that only repeat what the run's start says.
    pub(super) fn take_repeated(&self, fields: &mut Fields<'_>) {
        for (name, stated) in &self.repeated {
            fields.take_if(name, |value| value == stated);
        }
    }

    /// Counts a thing without a name of its own; the first is 1.
    pub(super) fn count(&mut self, what: &str) -> u64 {
        let counter = self.counters.entry(what.to_owned()).or_default();
        *counter += 1;
        *counter
    }
}

fn started_data(run_id: &RunId, session: Option<&str>, record: &mut Record<'_>) -> String {
    let is_init = is_init(record);
    let prompt = prompt_of(record).filter(|prompt| is_plain_prompt(record) && !is_note(prompt));
    let title = prompt.and_then(|prompt| title_of(&prompt));
    let mut data = ObjectText::default();
    data.text("run_id", run_id.as_str()).text_opt("session_id", session);
    data.text_opt("title", title.as_deref());
    let mut said: Vec<&str> = Vec::new();
    for (theirs, ours) in REPEATED {
        let value = record.fields.get_text(theirs).filter(|_| !said.contains(&ours));
        if let Some(value) = value {
            data.text(ours, &value);
            said.push(ours);
        }
    }
    data.text("source", MAIN_AGENT).text("agent_name", MAIN_AGENT);
    if is_init {
        data.text_opt("model", record.fields.take_text("model").as_deref());
        data.raw_opt("environment", environment(record).as_deref());
    }
    data.finish()
}

/// Whether a record is the one that stream-json begins a session with.
pub(super) fn is_init(record: &Record<'_>) -> bool {
    record.head.record_type.as_deref() == Some("system")
        && record.fields.get_text("subtype").as_deref() == Some("init")
}

/// What an init record says of tools, commands and settings, taken.
pub(super) fn environment(record: &mut Record<'_>) -> Option<String> {
    let repeated = REPEATED.map(|(theirs, _)| theirs);
    let mut environment = Fields::of(record.text);
    for name in ["type", "session_id", "model"].iter().chain(&repeated) {
        environment.take_if(name, |value| kind(value) == JsonKind::String);
    }
    let text = environment.rest()?;
    record.fields = Fields::default();
    Some(text)
}

/// Whether a record is from the user, and neither a note of the program nor a parent agent's word.
fn is_plain_prompt(record: &Record<'_>) -> bool {
    let is_set = |mark| record.fields.get(mark) == Some("true");
    record.head.record_type.as_deref() == Some("user")
        && !is_set("isMeta")
        && !is_set("isSidechain")
}

/// A run's title from its first prompt: a command and its arguments, or the first line.
fn title_of(prompt: &str) -> Option<String> {
    let tag = |name: &str| {
        let (_, rest) = prompt.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0.trim())
    };
    let title = match tag("command-name") {
        Some(command) => {
            Cow::Owned(format!("{command} {}", tag("command-args").unwrap_or_default()))
        }
        None => Cow::Borrowed(prompt.lines().find(|line| !line.trim().is_empty())?),
    };
    let title = shortened(title.trim());
    (!title.is_empty()).then_some(title)
}

/// A text's first characters, and a mark where more follows.
pub(super) fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(TITLE_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

/// The run that a session is.
pub(super) fn run_of_session(session: &str) -> Option<RunId> {
    RunId::parse(session)
        .or_else(|_| RunId::parse(&format!("session-{}", short_hash(session))))
        .ok()
}

/// The run of a file whose records name no session: the same for the same file however it grows.
pub(super) fn run_of_file(source_name: &str, first_record: &str) -> Option<RunId> {
    RunId::parse(&format!("transcript-{}", short_hash(&format!("{source_name}\n{first_record}"))))
        .ok()
}

/// The session that a record names.
pub(super) fn session_of(fields: &mut Fields<'_>) -> Option<String> {
    let session = fields.take_name("sessionId").or_else(|| fields.take_name("session_id"));
    // A status line that was logged with its time has the session inside.
    session.or_else(|| {
        let input = fields.get("input_data")?;
        crate::json::member(input, "session_id").and_then(as_str).map(Cow::into_owned)
    })
}
