//! A plain list of chat messages, each with a role and a content: no time, no model, no cost.

use super::super::fields::Fields;
use super::super::fields::ObjectText;
use super::super::record::short_hash;
use super::super::record::{Fact, Party};
use super::super::run::{run_of_file, shortened};
use super::Reader;
use super::chat::Chat;
use super::sheet::Sheet;
use crate::id::RunId;
use crate::json::{as_str, member};

/// The source that runs of such lists name.
const SOURCE: &str = "chat-messages";

/// Reads the messages of one file as one run.
#[derive(Debug, Default)]
pub(super) struct ChatList {
    run: Option<(RunId, Chat)>,
}

impl Reader for ChatList {
    fn record(&mut self, sheet: &mut Sheet<'_>, text: &str) {
        if self.run.is_none() {
            self.run =
                started(sheet, text, SOURCE).map(|run_id| (run_id, Chat::new("assistant", SOURCE)));
        }
        let Some((run_id, chat)) = &mut self.run else { return };
        let head = sheet.head(run_id, text);
        let mut fields = Fields::of(text);
        let facts = chat.facts(&head, &mut fields, None);
        sheet.tell(run_id, &head, facts, fields.rest());
    }
}

/// Begins the run of a file that names none.
pub(super) fn started(sheet: &mut Sheet<'_>, first_record: &str, source: &str) -> Option<RunId> {
    let run_id = run_of_file(sheet.source_name, &short_hash(first_record))?;
    let mut data = ObjectText::default();
    data.text("run_id", run_id.as_str()).text("session_id", run_id.as_str());
    let is_prompt = member(first_record, "role").and_then(as_str).as_deref() == Some("user");
    let prompt = member(first_record, "content").and_then(as_str).filter(|_| is_prompt);
    data.text_opt("title", prompt.map(|prompt| shortened(&prompt)).as_deref());
    data.text("source", source);
    let head = sheet.head(&run_id, "run.started");
    let fact = Fact::new("run.started", Party::Service(source.to_owned()), data.finish());
    sheet.tell(&run_id, &head, vec![fact], None);
    Some(run_id)
}
