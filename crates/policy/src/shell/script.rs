//! Reads the tokens of a script as commands, pipes and groups.
//!
//! Which branch runs is not asked: every command of an `if` or a loop counts.

use super::lexer::{self, Opaque, Token, Word};
use super::{COMMAND_COUNT_MAX, DEPTH_MAX, SCRIPT_BYTES_MAX};
use crate::input::Command;
use crate::paths::Place;

/// One command before it is looked at.
#[derive(Debug, Default)]
pub(super) struct Simple {
    pub(super) words: Vec<Word>,
    pub(super) redirects: Vec<(&'static str, Word)>,
    pub(super) here: Option<Word>,
}

/// Reads scripts and collects what they run.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) commands: Vec<Command>,
    pub(super) place: Place,
    depth: usize,
}

/// What is open around a command: `(`, `{`, a loop, a `case`.
#[derive(Debug)]
struct Open {
    closed_by: &'static str,
    /// The pipe that the group reads from.
    pipe: Vec<String>,
    place: Place,
    first_command: usize,
}

impl Reader {
    pub(super) fn new(place: Place) -> Self {
        Self { commands: Vec::new(), place, depth: 0 }
    }

    /// Reads a script that these programs run, and that reads from these.
    pub(super) fn read(
        &mut self,
        script: &str,
        via: &[String],
        piped_from: &[String],
    ) -> Result<(), Opaque> {
        if script.len() > SCRIPT_BYTES_MAX {
            return Err("the command line is too long to be looked at");
        }
        if self.depth >= DEPTH_MAX {
            return Err("scripts are nested too deeply");
        }
        self.depth += 1;
        let tokens = lexer::tokens(script)?;
        let mut reading = Reading {
            reader: self,
            tokens,
            at: 0,
            via,
            outer_pipe: piped_from,
            pipe: Vec::new(),
            open: Vec::new(),
            simple: Simple::default(),
        };
        reading.run()?;
        self.depth -= 1;
        Ok(())
    }

    pub(super) fn push(&mut self, command: Command) -> Result<(), Opaque> {
        if self.commands.len() >= COMMAND_COUNT_MAX {
            return Err("there are too many commands to be looked at");
        }
        self.commands.push(command);
        Ok(())
    }
}

/// One script being read.
struct Reading<'a> {
    reader: &'a mut Reader,
    tokens: Vec<Token>,
    at: usize,
    via: &'a [String],
    outer_pipe: &'a [String],
    /// Programs to the left in this pipe.
    pipe: Vec<String>,
    open: Vec<Open>,
    simple: Simple,
}

impl Reading<'_> {
    fn run(&mut self) -> Result<(), Opaque> {
        while let Some(token) = self.tokens.get(self.at).cloned() {
            self.at += 1;
            match token {
                Token::Word(word) => self.word(word)?,
                Token::Redirect(operator, word) => {
                    self.nested(&word)?;
                    self.simple.redirects.push((operator, word));
                }
                Token::Here(word) => {
                    self.nested(&word)?;
                    self.simple.here = Some(word);
                }
                Token::Operator(operator) => self.operator(operator)?,
            }
        }
        self.finish(false)?;
        if self.open.is_empty() { Ok(()) } else { Err("a group is not closed") }
    }

    fn operator(&mut self, operator: &'static str) -> Result<(), Opaque> {
        match operator {
            "|" | "|&" => self.finish(true),
            "(" if self.simple.words.is_empty() => {
                self.open(")");
                Ok(())
            }
            // `name ()` is a function: its commands count where they stand.
            "(" if self.simple.words.len() == 1 && self.next_is(")") => {
                self.at += 1;
                self.simple = Simple::default();
                Ok(())
            }
            "(" => Err("a parenthesis where none can be"),
            ")" => {
                self.finish(false)?;
                self.close(")")
            }
            ";;" | ";&" | ";;&" => {
                self.finish(false)?;
                self.skip_pattern();
                Ok(())
            }
            _ => self.finish(false),
        }
    }

    fn next_is(&self, operator: &str) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Operator(next)) if *next == operator)
    }

    fn word(&mut self, word: Word) -> Result<(), Opaque> {
        self.nested(&word)?;
        let is_keyword = self.simple.words.is_empty() && !word.quoted && !word.dynamic;
        if !is_keyword {
            self.simple.words.push(word);
            return Ok(());
        }
        match word.text.as_str() {
            "then" | "else" | "elif" | "do" | "!" | "time" | "coproc" => {}
            "{" => self.open("}"),
            "if" => self.open("fi"),
            "while" | "until" => self.open("done"),
            "for" | "select" => {
                self.open("done");
                self.skip_header()?;
            }
            "case" => {
                self.open("esac");
                self.skip_header()?;
                self.skip_pattern();
            }
            "}" => self.close("}")?,
            "fi" => self.close("fi")?,
            "done" => self.close("done")?,
            "esac" => self.close("esac")?,
            "function" => self.at += 1,
            _ => self.simple.words.push(word),
        }
        Ok(())
    }

    /// The words of a `for` or `case` up to where commands begin.
    fn skip_header(&mut self) -> Result<(), Opaque> {
        while let Some(token) = self.tokens.get(self.at).cloned() {
            match token {
                Token::Word(word) if word.text == "in" && !word.quoted => {
                    self.at += 1;
                    if self.open.last().is_some_and(|open| open.closed_by == "esac") {
                        return Ok(());
                    }
                }
                Token::Word(word) => {
                    self.nested(&word)?;
                    self.at += 1;
                }
                Token::Operator("(") => return Err("a loop over arithmetic"),
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    /// A pattern of a `case`, up to its parenthesis; nothing if the `case` ends.
    fn skip_pattern(&mut self) {
        let ends = |token: &Token| matches!(token, Token::Word(word) if word.text == "esac" && !word.quoted);
        while self.next_is("\n") {
            self.at += 1;
        }
        if self.tokens.get(self.at).is_some_and(ends) {
            return;
        }
        while let Some(token) = self.tokens.get(self.at) {
            self.at += 1;
            if matches!(token, Token::Operator(")")) {
                return;
            }
        }
    }

    fn open(&mut self, closed_by: &'static str) {
        self.open.push(Open {
            closed_by,
            pipe: std::mem::take(&mut self.pipe),
            place: self.reader.place.clone(),
            first_command: self.reader.commands.len(),
        });
    }

    fn close(&mut self, closer: &str) -> Result<(), Opaque> {
        let open = self
            .open
            .pop()
            .filter(|open| open.closed_by == closer)
            .ok_or("a group is not opened")?;
        if closer == ")" {
            self.reader.place = open.place;
        }
        // What reads from the group reads from whatever ran in it.
        self.pipe = open.pipe;
        let ran = self.reader.commands[open.first_command..]
            .iter()
            .map(|command| command.program.clone());
        self.pipe.extend(ran);
        Ok(())
    }

    fn nested(&mut self, word: &Word) -> Result<(), Opaque> {
        for script in &word.nested {
            let place = self.reader.place.clone();
            self.reader.read(script, self.via, &[])?;
            self.reader.place = place;
        }
        Ok(())
    }

    /// Ends the command that was being read.
    fn finish(&mut self, is_piped_on: bool) -> Result<(), Opaque> {
        let simple = std::mem::take(&mut self.simple);
        let mut piped_from: Vec<String> = self.outer_pipe.to_vec();
        piped_from.extend(self.open.iter().flat_map(|open| open.pipe.iter().cloned()));
        piped_from.extend(self.pipe.iter().cloned());
        let first = self.reader.commands.len();
        if !simple.words.is_empty() || !simple.redirects.is_empty() {
            self.reader.simple(simple, self.via, &piped_from)?;
        }
        if is_piped_on {
            let ran = self.reader.commands[first..].iter().map(|command| command.program.clone());
            self.pipe.extend(ran);
        } else {
            self.pipe.clear();
        }
        Ok(())
    }
}
