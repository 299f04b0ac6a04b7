//! Makes the `action` of the input document out of a coding agent's tool call.
//!
//! Pure: it looks at no disk. What a tool is called differs between the five agents; `tools` has the names.
//! A tool that nobody knows is `tool_call`, for which no rule allows anything.

mod addresses;
mod patch;
mod tools;
mod writes;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::input::{Action, ActionClass, AgentKind, Shell};
use crate::paths::Place;
use crate::shell;

/// Where a tool call comes from.
#[derive(Debug, Clone, Copy)]
pub struct ActionOrigin<'a> {
    /// The agent.
    pub kind: AgentKind,
    /// Its working directory.
    pub cwd: Option<&'a str>,
    /// Its user's home directory, where known; else it is guessed from the working directory.
    pub home: Option<&'a str>,
}

/// The action that a tool call is. `tool_input` is JSON as the agent sent it.
///
/// An input that is not JSON is kept as a text, and the action as one that no rule allows.
pub fn action_of(origin: ActionOrigin<'_>, tool_name: &str, tool_input: &str) -> Action {
    let mut action = Action::of_type("tool.invoke");
    action.tool_name = Some(tool_name.to_owned());
    let parsed: Result<Value, _> = serde_json::from_str(tool_input);
    let Ok(mut input) = parsed else {
        let quoted = Value::String(tool_input.to_owned()).to_string();
        action.arguments =
            RawValue::from_string(quoted).unwrap_or_else(|_| RawValue::NULL.to_owned());
        action.class = ActionClass::ToolCall;
        return action;
    };
    if let Ok(raw) = RawValue::from_string(tool_input.to_owned()) {
        action.arguments = raw;
    }
    // Some agents send the arguments as a JSON text inside of a JSON text.
    if let Some(inner) = input.as_str().and_then(|text| serde_json::from_str(text).ok()) {
        input = inner;
    }
    let mut reading =
        Reading { origin, place: Place::new(origin.cwd, origin.home), input: &input, action };
    reading.classify(tool_name);
    reading.action
}

struct Reading<'a> {
    origin: ActionOrigin<'a>,
    place: Place,
    input: &'a Value,
    action: Action,
}

impl Reading<'_> {
    fn classify(&mut self, tool_name: &str) {
        self.action.class = tools::class_of(self.origin.kind, tool_name);
        match self.action.class {
            ActionClass::ShellCommand => self.shell_command(),
            ActionClass::FileRead => self.files(false),
            ActionClass::FileWrite | ActionClass::FileEdit | ActionClass::FileDelete => {
                self.files(true)
            }
            _ => {}
        }
        self.action.urls.extend(self.urls());
        for list in [&mut self.action.paths, &mut self.action.writes, &mut self.action.urls] {
            list.sort();
            list.dedup();
        }
    }

    fn shell_command(&mut self) {
        let directory =
            self.text(&["workdir", "working_directory", "directory", "dir_path", "cwd"]);
        if let Some(directory) = directory {
            self.place.cwd = Some(self.place.absolute(&directory));
        }
        let command = self
            .input
            .get("command")
            .or_else(|| self.input.get("cmd"))
            .or_else(|| self.input.get("script"));
        let (text, shell) = match command.or(Some(self.input).filter(|input| input.is_string())) {
            Some(Value::String(text)) => (text.clone(), shell::read_at(text, &self.place)),
            // An argument vector is no script, except that it often runs one.
            Some(Value::Array(words)) if words.iter().all(Value::is_string) => {
                let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
                let text = quoted(&words);
                let shell = shell::read_at(&text, &self.place);
                (text, shell)
            }
            _ => {
                let opaque = Some("the command is not a text".to_owned());
                (String::new(), Shell { opaque, commands: Vec::new() })
            }
        };
        if let Some(patch) = patch::in_command(&text) {
            self.patch(&patch);
        }
        for command in &shell.commands {
            self.action.paths.extend(command.paths.iter().chain(&command.writes).cloned());
            self.action.paths.extend(command.program_path.clone());
            self.action.writes.extend(command.writes.iter().cloned());
            self.action.writes.extend(writes::of(command, &self.place));
            self.action.urls.extend(addresses::of(command));
            self.action.urls.extend(command.code.iter().flat_map(|code| addresses::within(code)));
        }
        self.action.paths.extend(self.action.writes.iter().cloned());
        self.action.command = Some(text);
        self.action.shell = Some(shell);
    }

    fn files(&mut self, is_write: bool) {
        let patch =
            self.text(&["input", "patch"]).or_else(|| self.input.as_str().map(str::to_owned));
        if let Some(patch) = patch.filter(|text| text.contains("*** Begin Patch")) {
            self.patch(&patch);
        }
        let named = [
            "file_path",
            "filePath",
            "notebook_path",
            "absolute_path",
            "path",
            "file",
            "target_file",
            "target_notebook",
            "dir_path",
            "directory",
            "old_path",
            "new_path",
            "destination",
            "source",
            "relative_workspace_path",
        ];
        let lists = ["paths", "files", "file_paths", "include", "edits"];
        let mut found: Vec<String> = Vec::new();
        found.extend(
            named.iter().filter_map(|key| self.input.get(*key)?.as_str()).map(str::to_owned),
        );
        for list in lists.iter().filter_map(|key| self.input.get(*key)?.as_array()) {
            for item in list {
                let text = item.as_str().or_else(|| {
                    named.iter().find_map(|key| item.get(*key)).and_then(Value::as_str)
                });
                found.extend(text.map(str::to_owned));
            }
        }
        // A pattern that begins outside looks outside.
        if !is_write && let Some(pattern) = self.text(&["pattern", "glob", "glob_pattern"]) {
            found.extend(
                Some(pattern)
                    .filter(|pattern| pattern.starts_with(['/', '~']) || pattern.contains("..")),
            );
        }
        if found.is_empty() && self.action.paths.is_empty() {
            // Reading "here"; a write of nobody knows what has no path and is asked about.
            found.extend((!is_write).then(|| ".".to_owned()));
        }
        let found: Vec<String> = found.iter().map(|path| self.place.absolute(path)).collect();
        if is_write {
            self.action.writes.extend(found.iter().cloned());
        }
        self.action.paths.extend(found);
    }

    fn patch(&mut self, patch: &str) {
        for path in patch::paths(patch) {
            let path = self.place.absolute(path);
            self.action.writes.push(path.clone());
            self.action.paths.push(path);
        }
    }

    fn text(&self, keys: &[&str]) -> Option<String> {
        keys.iter().find_map(|key| self.input.get(*key)?.as_str()).map(str::to_owned)
    }

    fn urls(&self) -> Vec<String> {
        if !matches!(
            self.action.class,
            ActionClass::WebFetch | ActionClass::McpTool | ActionClass::ToolCall
        ) {
            return Vec::new();
        }
        let mut found = Vec::new();
        let mut left = vec![self.input];
        while let Some(value) = left.pop() {
            match value {
                Value::String(text) => found.extend(addresses::within(text)),
                Value::Array(items) => left.extend(items),
                Value::Object(members) => left.extend(members.values()),
                _ => {}
            }
        }
        found
    }
}

/// Words as a command line that means exactly them.
fn quoted(words: &[&str]) -> String {
    let quoted: Vec<String> =
        words.iter().map(|word| format!("'{}'", word.replace('\'', r"'\''"))).collect();
    quoted.join(" ")
}

#[cfg(test)]
mod tests;
