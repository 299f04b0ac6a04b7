//! One payload from the agent to the server, or to the spool.

use std::path::PathBuf;

use annals_core::json::{Json, JsonKind, as_bool, as_str, elements, kind, member, members};

use crate::args::Args;
use crate::deadline::Deadline;
use crate::http::{self, Answer, Endpoint, Form};
use crate::spool::{Drained, Item, Kept, Progress, Spool};
use crate::stamped::{Stamped, quoted};
use crate::{input, note, place, secrets, token};

/// Requests that one payload makes for those that wait before it.
const REQUESTS_MAX: usize = 4;

/// Takes one payload from standard input to where it is kept.
pub(crate) fn take_payload(args: &Args, deadline: Deadline) {
    let spool_dir = spool_dir(args);
    let input = input::read(std::io::stdin(), &deadline.half());
    let stamped = Stamped::new(args, spool_dir.as_deref(), &input);
    let spool = spool_dir.map(|dir| Spool::new(&dir, args.spool_bytes_max));
    let delivered = match Courier::new(args) {
        Ok(courier) => courier.deliver(&stamped, spool.as_ref(), &deadline.before_spooling()),
        Err(problem) => Err(problem),
    };
    let Err(problem) = delivered else { return };
    let Some(spool) = spool else {
        note(&format!("annals-hook: {problem}, and no home directory is known for a spool"));
        return;
    };
    if !problem.is_empty() {
        spool.note_failure(Some(&format!("{} {problem}", stamped.received_at)));
    }
    let safe = secrets::without(&stamped, &spool_key_dir(args));
    match spool.append(&safe.agent, &safe.received_at, &safe.document(), &deadline) {
        Ok(Kept::Spooled | Kept::Dropped) => {}
        Err(error) => note(&format!("annals-hook: {problem}, and the spool: {error}")),
    }
}

/// The spool's directory.
pub(crate) fn spool_dir(args: &Args) -> Option<PathBuf> {
    args.spool.clone().or_else(|| place::default_places().map(|places| places.spool))
}

fn spool_key_dir(args: &Args) -> PathBuf {
    spool_dir(args).unwrap_or_default()
}

/// Whoever brings documents to the server.
#[derive(Debug)]
pub(crate) struct Courier {
    endpoint: Endpoint,
    token: String,
}

/// What became of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    /// The server has it.
    Stored,
    /// The server will not take it as it is.
    Refused(String),
    /// Not now: why.
    Later(String),
}

impl Courier {
    /// A courier by the command line; what is wrong where there is none.
    pub(crate) fn new(args: &Args) -> Result<Self, String> {
        let endpoint =
            Endpoint::parse(&args.url, args.may_be_remote).map_err(|fault| fault.to_string())?;
        let file = args.token_file.clone();
        let file = file.or_else(|| place::default_places().map(|places| places.token_file));
        let file = file.ok_or_else(|| "no token file is known".to_owned())?;
        // Without a token whoever listens at that port would get payloads and store none.
        let token =
            token::read(&file).ok_or_else(|| format!("there is no token in {}", file.display()))?;
        Ok(Self { endpoint, token })
    }

    /// Delivers a document after those that wait; an empty problem means that they come first.
    fn deliver(
        &self,
        stamped: &Stamped,
        spool: Option<&Spool>,
        deadline: &Deadline,
    ) -> Result<(), String> {
        if let Some(spool) = spool.filter(|spool| spool.has_backlog()) {
            // Files are moved only for somebody who listens.
            http::knock(&self.endpoint, deadline).map_err(|error| away(&error))?;
            let mut problem = String::new();
            let drained = spool.drain(deadline, REQUESTS_MAX, |items| {
                self.send_items(items, spool, deadline, &mut problem)
            });
            match drained {
                Ok(Drained::Empty) => spool.note_failure(None),
                Ok(Drained::Left) => return Err(problem),
                Err(error) => return Err(format!("the spool: {error}")),
            }
        }
        match self.send_one(&stamped.document(), deadline) {
            Fate::Stored => Ok(()),
            Fate::Refused(code) => {
                match self.send_one(&as_text(&stamped.document(), &code), deadline) {
                    Fate::Stored => Ok(()),
                    Fate::Refused(code) | Fate::Later(code) => Err(code),
                }
            }
            Fate::Later(problem) => Err(problem),
        }
    }

    fn send_one(&self, document: &str, deadline: &Deadline) -> Fate {
        match http::post(&self.endpoint, Some(&self.token), Form::One, document, deadline) {
            Ok(answer) => fate_of(&answer),
            Err(error) => Fate::Later(away(&error)),
        }
    }

    /// Delivers documents of the spool; says how far it came.
    pub(crate) fn send_items(
        &self,
        items: &[Item],
        spool: &Spool,
        deadline: &Deadline,
        problem: &mut String,
    ) -> Progress {
        let lines: Vec<&str> = items.iter().map(|item| item.document.as_str()).collect();
        let body = lines.join("\n");
        let answer = http::post(&self.endpoint, Some(&self.token), Form::Lines, &body, deadline);
        let fates = match &answer {
            Ok(answer) => fates_of(answer, items.len()),
            Err(error) => vec![Fate::Later(away(error))],
        };
        let mut delivered = 0;
        for (item, fate) in items.iter().zip(fates) {
            match self.settle(item, fate, spool, deadline) {
                Ok(()) => delivered += 1,
                Err(why) => {
                    *problem = why;
                    return Progress { delivered, may_go_on: false };
                }
            }
        }
        Progress { delivered, may_go_on: delivered == items.len() }
    }

    /// Sees to it that a document is stored in some form, or counted as missing.
    fn settle(
        &self,
        item: &Item,
        fate: Fate,
        spool: &Spool,
        deadline: &Deadline,
    ) -> Result<(), String> {
        let code = match fate {
            Fate::Stored => return Ok(()),
            Fate::Later(problem) => return Err(problem),
            Fate::Refused(code) => code,
        };
        match self.send_one(&as_text(&item.document, &code), deadline) {
            Fate::Stored => Ok(()),
            Fate::Later(problem) => Err(problem),
            Fate::Refused(_) => {
                let text = |name| member(&item.document, name).and_then(as_str).unwrap_or_default();
                let bytes = item.document.len() as u64;
                let counted =
                    spool.count_refused(&text("agent"), &text("received_at"), bytes, deadline);
                counted.map_err(|error| format!("the spool: {error}"))
            }
        }
    }
}

fn away(error: &std::io::Error) -> String {
    format!("the server does not answer: {error}")
}

/// What became of the one document of a request.
fn fate_of(answer: &Answer) -> Fate {
    let code = reason_code(&answer.body).unwrap_or_default();
    match answer.status {
        200 | 201 => Fate::Stored,
        // An earlier attempt was stored, and its answer was lost.
        409 if code == "idempotency_conflict" => Fate::Stored,
        400 | 409 | 413 | 422 => Fate::Refused(code),
        status => Fate::Later(format!("the server answers {status} {code}").trim_end().to_owned()),
    }
}

/// What became of each document of a request.
fn fates_of(answer: &Answer, count: usize) -> Vec<Fate> {
    let json = Json::parse(answer.body.as_bytes()).ok();
    let object = json.as_ref().map(Json::as_str).filter(|text| kind(text) == JsonKind::Object);
    let results = object.and_then(|object| member(object, "results"));
    match results.filter(|results| kind(results) == JsonKind::Array) {
        Some(results) => elements(results).map(fate_of_result).collect(),
        None => vec![Fate::Later(format!("the server answers {}", answer.status)); count],
    }
}

fn fate_of_result(result: &str) -> Fate {
    if kind(result) != JsonKind::Object {
        return Fate::Later("the server's answer is not understood".to_owned());
    }
    let status = member(result, "status").and_then(as_str).unwrap_or_default();
    let code = member(result, "reason_code").and_then(as_str).unwrap_or_default();
    let may_retry = member(result, "retryable").and_then(as_bool).unwrap_or(false);
    match status.as_ref() {
        "accepted" | "replayed" => Fate::Stored,
        "rejected" if code == "idempotency_conflict" => Fate::Stored,
        "rejected" if !may_retry => Fate::Refused(code.into_owned()),
        _ => Fate::Later(format!("the server answers {code}")),
    }
}

fn reason_code(body: &str) -> Option<String> {
    let json = Json::parse(body.as_bytes()).ok()?;
    if kind(json.as_str()) != JsonKind::Object {
        return None;
    }
    member(json.as_str(), "reason_code").and_then(as_str).map(|code| code.into_owned())
}

/// The same document with its payload as text, which no rule can be against; why is said beside it.
fn as_text(document: &str, reason_code: &str) -> String {
    let mut out = String::from("{");
    for (key, value) in members(document) {
        let value = if key == "payload" { quoted(value) } else { value.to_owned() };
        out.push_str(&format!("\"{key}\":{value},"));
    }
    out.push_str(&format!("\"refused\":{}}}", quoted(reason_code)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, body: body.to_owned() }
    }

    #[test]
    fn only_what_the_server_has_is_done() {
        assert_eq!(fate_of(&answer(201, "{}")), Fate::Stored);
        let conflict = answer(409, r#"{"reason_code":"idempotency_conflict"}"#);
        assert_eq!(fate_of(&conflict), Fate::Stored);
        let schema = answer(422, r#"{"reason_code":"schema_violation"}"#);
        assert_eq!(fate_of(&schema), Fate::Refused("schema_violation".to_owned()));
        for status in [401, 403, 404, 408, 429, 500, 503, 507, 302] {
            assert!(matches!(fate_of(&answer(status, "not json")), Fate::Later(_)), "{status}");
        }
    }

    #[test]
    fn each_document_of_a_batch_has_its_own_fate() {
        let body = r#"{"results":[{"status":"accepted"},{"status":"rejected","reason_code":"schema_violation","retryable":false},
            {"status":"rejected","reason_code":"idempotency_conflict","retryable":false},{"status":"rejected","reason_code":"overloaded","retryable":true},7]}"#;
        let fates = fates_of(&answer(200, body), 5);
        assert_eq!(fates[0], Fate::Stored);
        assert_eq!(fates[1], Fate::Refused("schema_violation".to_owned()));
        assert_eq!(fates[2], Fate::Stored);
        assert!(matches!(fates[3], Fate::Later(_)) && matches!(fates[4], Fate::Later(_)));
        assert!(matches!(
            fates_of(&answer(503, "{}"), 2).as_slice(),
            [Fate::Later(_), Fate::Later(_)]
        ));
    }

    #[test]
    fn a_refused_payload_goes_again_as_text() {
        let text = as_text(r#"{"agent":"codex","payload":{"a":"\""}}"#, "schema_violation");
        assert_eq!(
            text,
            r#"{"agent":"codex","payload":"{\"a\":\"\\\"\"}","refused":"schema_violation"}"#
        );
    }
}
