//! Splits a command line into words and operators, as a POSIX shell with bash's habits does.
//!
//! It expands nothing. What only a running shell knows makes a word `dynamic`; scripts inside words
//! (`$(…)`, backquotes, `<(…)`) are handed out to be read as scripts of their own.

/// A word, without its quotes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    /// Known only when it runs.
    pub(super) dynamic: bool,
    /// Some of it was quoted, so it is no keyword.
    pub(super) quoted: bool,
    /// Scripts in it.
    pub(super) nested: Vec<String>,
}

/// A piece of a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Word(Word),
    /// `;`, `&&`, `|`, `(` …; a line's end is `\n`.
    Operator(&'static str),
    /// `>`, `>>`, `<` … and its file.
    Redirect(&'static str, Word),
    /// The text that a command reads, from `<<` or `<<<`, and whether it is known.
    Here(Word),
}

/// Why a command line cannot be split.
pub(super) type Opaque = &'static str;

const OPERATORS: [&str; 14] =
    [";;&", "&&", "||", "|&", ";;", ";&", "&", "|", ";", "(", ")", "\n", "!", ""];

pub(super) fn tokens(script: &str) -> Result<Vec<Token>, Opaque> {
    let mut lexer =
        Lexer { letters: script.chars().collect(), at: 0, tokens: Vec::new(), heres: Vec::new() };
    lexer.run()?;
    Ok(lexer.tokens)
}

/// The scripts inside a text in which the shell expands, such as a here-document.
fn expanded(text: &str) -> Result<Word, Opaque> {
    let mut lexer =
        Lexer { letters: text.chars().collect(), at: 0, tokens: Vec::new(), heres: Vec::new() };
    let mut word = Word { quoted: true, ..Word::default() };
    lexer.until_quote(None, &mut word)?;
    Ok(word)
}

struct Lexer {
    letters: Vec<char>,
    at: usize,
    tokens: Vec<Token>,
    /// Here-documents whose text begins after this line: place among the tokens, end, tabs stripped, expanded.
    heres: Vec<(usize, String, bool, bool)>,
}

impl Lexer {
    fn run(&mut self) -> Result<(), Opaque> {
        while let Some(letter) = self.peek(0) {
            match letter {
                ' ' | '\t' | '\r' => self.at += 1,
                '\\' if self.peek(1) == Some('\n') => self.at += 2,
                '#' => self.skip_comment(),
                '<' | '>' => self.redirect()?,
                '&' if self.peek(1) == Some('>') => self.redirect()?,
                '0'..='9' if self.is_redirect_after_digits() => self.redirect()?,
                '\n' => {
                    self.at += 1;
                    self.tokens.push(Token::Operator("\n"));
                    self.here_documents()?;
                }
                _ => match self.operator() {
                    Some(operator) => self.tokens.push(Token::Operator(operator)),
                    None => {
                        let word = self.word()?;
                        self.tokens.push(Token::Word(word));
                    }
                },
            }
        }
        self.here_documents()
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.letters.get(self.at + ahead).copied()
    }

    fn looking_at(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, letter)| self.peek(ahead) == Some(letter))
    }

    fn skip_comment(&mut self) {
        while self.peek(0).is_some_and(|letter| letter != '\n') {
            self.at += 1;
        }
    }

    fn operator(&mut self) -> Option<&'static str> {
        let found = OPERATORS.into_iter().find(|operator| {
            !operator.is_empty() && *operator != "!" && self.looking_at(operator)
        })?;
        self.at += found.len();
        Some(found)
    }

    fn is_redirect_after_digits(&self) -> bool {
        let digits =
            self.letters[self.at..].iter().take_while(|letter| letter.is_ascii_digit()).count();
        matches!(self.peek(digits), Some('<' | '>')) && !matches!(self.peek(digits + 1), Some('('))
    }

    fn redirect(&mut self) -> Result<(), Opaque> {
        while self.peek(0).is_some_and(|letter| letter.is_ascii_digit()) {
            self.at += 1;
        }
        if self.looking_at("<(") || self.looking_at(">(") {
            let word = self.word()?;
            self.tokens.push(Token::Word(word));
            return Ok(());
        }
        let operators = ["<<<", "<<-", "&>>", "<<", ">>", "<&", ">&", "&>", ">|", "<>", "<", ">"];
        let Some(operator) = operators.into_iter().find(|operator| self.looking_at(operator))
        else {
            return Err("an unknown redirection");
        };
        self.at += operator.len();
        while matches!(self.peek(0), Some(' ' | '\t')) {
            self.at += 1;
        }
        let word = self.word()?;
        if word.text.is_empty() && !word.quoted && word.nested.is_empty() {
            return Err("a redirection without a file");
        }
        self.tokens.push(match operator {
            "<<<" => Token::Here(word),
            "<<" | "<<-" => {
                self.heres.push((self.tokens.len(), word.text, operator == "<<-", !word.quoted));
                Token::Here(Word::default())
            }
            _ => Token::Redirect(operator, word),
        });
        Ok(())
    }

    fn here_documents(&mut self) -> Result<(), Opaque> {
        for (place, end, strips_tabs, expands) in std::mem::take(&mut self.heres) {
            let mut text = String::new();
            while self.at < self.letters.len() {
                let rest = &self.letters[self.at..];
                let length = rest.iter().position(|letter| *letter == '\n').unwrap_or(rest.len());
                let line: String = rest[..length].iter().collect();
                self.at = (self.at + length + 1).min(self.letters.len());
                let line = if strips_tabs { line.trim_start_matches('\t') } else { &line };
                if line == end {
                    break;
                }
                text.push_str(line);
                text.push('\n');
            }
            let word = if expands {
                expanded(&text)?
            } else {
                Word { text, quoted: true, ..Word::default() }
            };
            self.tokens[place] = Token::Here(word);
        }
        Ok(())
    }

    fn word(&mut self) -> Result<Word, Opaque> {
        let mut word = Word::default();
        while let Some(letter) = self.peek(0) {
            match letter {
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | ')' => break,
                '<' | '>' if self.peek(1) == Some('(') => {
                    self.at += 2;
                    let script = self.until_parenthesis()?;
                    word.nested.push(script);
                    word.dynamic = true;
                    word.text.push_str("<(…)");
                }
                '<' | '>' => break,
                '(' if word.text.ends_with('=') => return Err("an array is assigned"),
                '(' => break,
                '\'' => {
                    self.at += 1;
                    word.quoted = true;
                    self.until_single_quote(&mut word)?;
                }
                '"' => {
                    self.at += 1;
                    word.quoted = true;
                    self.until_quote(Some('"'), &mut word)?;
                }
                '\\' => {
                    self.at += 1;
                    word.quoted = true;
                    match self.peek(0) {
                        Some('\n') => {}
                        Some(letter) => word.text.push(letter),
                        None => word.text.push('\\'),
                    }
                    self.at += 1;
                }
                '$' if self.peek(1) == Some('\'') => {
                    self.at += 2;
                    word.quoted = true;
                    self.until_ansi_quote(&mut word)?;
                }
                '$' if self.peek(1) == Some('"') => self.at += 1,
                '$' | '`' => self.expansion(&mut word)?,
                letter => {
                    word.text.push(letter);
                    self.at += 1;
                }
            }
        }
        Ok(word)
    }

    fn until_single_quote(&mut self, word: &mut Word) -> Result<(), Opaque> {
        while let Some(letter) = self.peek(0) {
            self.at += 1;
            if letter == '\'' {
                return Ok(());
            }
            word.text.push(letter);
        }
        Err("a quote is not closed")
    }

    /// `$'…'`: only what spells itself is read.
    fn until_ansi_quote(&mut self, word: &mut Word) -> Result<(), Opaque> {
        while let Some(letter) = self.peek(0) {
            self.at += 1;
            match letter {
                '\'' => return Ok(()),
                '\\' => {
                    let escaped = self.peek(0).ok_or("a quote is not closed")?;
                    self.at += 1;
                    word.text.push(match escaped {
                        'n' => '\n',
                        't' => '\t',
                        'r' => '\r',
                        '\\' | '\'' | '"' | '?' => escaped,
                        _ => return Err("a word is spelled in numbers"),
                    });
                }
                letter => word.text.push(letter),
            }
        }
        Err("a quote is not closed")
    }

    /// Up to the closing quote, or to the end where there is none to come.
    fn until_quote(&mut self, quote: Option<char>, word: &mut Word) -> Result<(), Opaque> {
        while let Some(letter) = self.peek(0) {
            match letter {
                letter if Some(letter) == quote => {
                    self.at += 1;
                    return Ok(());
                }
                '\\' => {
                    self.at += 1;
                    match self.peek(0) {
                        Some('\n') => {}
                        Some(letter @ ('"' | '\\' | '$' | '`')) => word.text.push(letter),
                        Some(letter) => word.text.extend(['\\', letter]),
                        None => word.text.push('\\'),
                    }
                    self.at += 1;
                }
                '$' | '`' => self.expansion(word)?,
                letter => {
                    word.text.push(letter);
                    self.at += 1;
                }
            }
        }
        if quote.is_some() { Err("a quote is not closed") } else { Ok(()) }
    }

    /// `$x`, `${…}`, `$(…)`, `$((…))` or backquotes.
    fn expansion(&mut self, word: &mut Word) -> Result<(), Opaque> {
        if self.peek(0) == Some('`') {
            self.at += 1;
            let script = self.until_backquote()?;
            word.nested.push(script);
            word.text.push_str("$(…)");
            word.dynamic = true;
            return Ok(());
        }
        match self.peek(1) {
            Some('(') if self.peek(2) == Some('(') => {
                self.at += 3;
                let inner = self.until_parenthesis()?;
                if inner.contains('`') || inner.contains("$(") {
                    return Err("arithmetic runs a command");
                }
                if self.peek(0) == Some(')') {
                    self.at += 1;
                }
                word.text.push_str("$((…))");
                word.dynamic = true;
            }
            Some('(') => {
                self.at += 2;
                let script = self.until_parenthesis()?;
                word.nested.push(script);
                word.text.push_str("$(…)");
                word.dynamic = true;
            }
            Some('{') => {
                let rest: String = self.letters[self.at..].iter().collect();
                let length =
                    rest.chars().position(|letter| letter == '}').ok_or("a brace is not closed")?;
                let inner: String = rest.chars().take(length + 1).collect();
                if inner.contains('`') || inner.contains("$(") || inner.contains("@P}") {
                    return Err("an expansion runs a command");
                }
                self.at += length + 1;
                word.text.push_str(&inner);
                word.dynamic |= !matches!(inner.as_str(), "${HOME}" | "${PWD}");
            }
            Some(letter) if letter.is_ascii_alphanumeric() || "_@*#?$!-".contains(letter) => {
                self.variable(word, letter);
            }
            _ => {
                word.text.push('$');
                self.at += 1;
            }
        }
        Ok(())
    }

    fn variable(&mut self, word: &mut Word, first: char) {
        self.at += 1;
        let mut name = String::from(first);
        self.at += 1;
        if first.is_ascii_alphabetic() || first == '_' {
            while let Some(letter) =
                self.peek(0).filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_')
            {
                name.push(letter);
                self.at += 1;
            }
        }
        word.dynamic |= !matches!(name.as_str(), "HOME" | "PWD");
        word.text.push('$');
        word.text.push_str(&name);
    }

    /// The text up to the parenthesis that closes, quotes minded.
    fn until_parenthesis(&mut self) -> Result<String, Opaque> {
        let mut script = String::new();
        let mut depth = 1_usize;
        let mut quote = None;
        while let Some(letter) = self.peek(0) {
            self.at += 1;
            match (quote, letter) {
                (None, '(') => depth += 1,
                (None, ')') => {
                    depth -= 1;
                    if depth == 0 {
                        return Ok(script);
                    }
                }
                (None, '\'' | '"') => quote = Some(letter),
                (Some(open), close) if open == close => quote = None,
                (None | Some('"'), '\\') => {
                    script.push('\\');
                    if let Some(escaped) = self.peek(0) {
                        script.push(escaped);
                        self.at += 1;
                    }
                    continue;
                }
                // Quotes inside of it begin anew, which is more than is minded here.
                (Some('"'), '$') if self.peek(0) == Some('(') => {
                    return Err("scripts in quotes in scripts");
                }
                _ => {}
            }
            script.push(letter);
        }
        Err("a parenthesis is not closed")
    }

    fn until_backquote(&mut self) -> Result<String, Opaque> {
        let mut script = String::new();
        while let Some(letter) = self.peek(0) {
            self.at += 1;
            match letter {
                '`' => return Ok(script),
                '\\' => {
                    if let Some(escaped) = self.peek(0) {
                        if !matches!(escaped, '`' | '\\' | '$') {
                            script.push('\\');
                        }
                        script.push(escaped);
                        self.at += 1;
                    }
                }
                letter => script.push(letter),
            }
        }
        Err("a backquote is not closed")
    }
}
