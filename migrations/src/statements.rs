//! Splitting SQL text into statements the way `psql` does: at a semicolon outside of quotes, comments and parentheses.
//!
//! PostgreSQL itself parses the files that run in a transaction; the splitter serves files without one, and tells which
//! statement of a failed file failed.

use std::ops::Range;

/// The byte ranges of the statements in `sql`, without their semicolons and without the blanks and comments before
/// them.
pub(crate) fn split(sql: &str) -> Vec<Range<usize>> {
    let mut scanner = Scanner { sql, at: 0 };
    let mut statements = Vec::new();
    let mut start = None;
    let mut end = 0;
    let mut parentheses = 0_usize;
    let mut body = FunctionBody::default();
    while let Some((token, range)) = scanner.next() {
        match token {
            Token::Nothing => continue,
            Token::Semicolon if parentheses == 0 && !body.open() => {
                statements.extend(start.take().map(|start| start..end));
                body = FunctionBody::default();
                continue;
            }
            Token::Open => parentheses += 1,
            Token::Close => parentheses = parentheses.saturating_sub(1),
            Token::Word => body.word(&sql[range.clone()]),
            Token::Semicolon | Token::Other => {}
        }
        start.get_or_insert(range.start);
        end = range.end;
    }
    statements.extend(start.map(|start| start..end));
    statements
}

/// Tracks `BEGIN ATOMIC … END` of SQL functions, whose semicolons do not end the statement.
#[derive(Default)]
struct FunctionBody {
    words: usize,
    creates_routine: bool,
    depth: usize,
}

impl FunctionBody {
    fn word(&mut self, word: &str) {
        self.words += 1;
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword);
        // CREATE [OR REPLACE] FUNCTION | PROCEDURE
        self.creates_routine |= (2..=4).contains(&self.words) && (is("function") || is("procedure"));
        if !self.creates_routine {
            return;
        }
        if is("begin") || (self.open() && is("case")) {
            self.depth += 1;
        } else if is("end") {
            self.depth = self.depth.saturating_sub(1);
        }
    }

    fn open(&self) -> bool {
        self.depth > 0
    }
}

enum Token {
    /// Blanks and comments.
    Nothing,
    Semicolon,
    Open,
    Close,
    Word,
    Other,
}

struct Scanner<'a> {
    sql: &'a str,
    at: usize,
}

impl Scanner<'_> {
    fn next(&mut self) -> Option<(Token, Range<usize>)> {
        let rest = &self.sql[self.at..];
        let first = rest.chars().next()?;
        let (token, length) = match first {
            ';' => (Token::Semicolon, 1),
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '\'' => (Token::Other, quoted_length(rest, '\'', self.is_escape_string())),
            '"' => (Token::Other, quoted_length(rest, '"', false)),
            '-' if rest.starts_with("--") => (Token::Nothing, rest.find('\n').unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => (Token::Nothing, block_comment_length(rest)),
            '$' => (Token::Other, dollar_quoted_length(rest).unwrap_or(1)),
            _ if first.is_whitespace() => (Token::Nothing, first.len_utf8()),
            _ if is_word_start(first) => (Token::Word, word_length(rest)),
            _ => (Token::Other, first.len_utf8()),
        };
        let range = self.at..self.at + length;
        self.at = range.end;
        Some((token, range))
    }

    /// Whether the quote ahead follows an `E` that stands alone: in `E'…'` a backslash escapes.
    fn is_escape_string(&self) -> bool {
        let mut before = self.sql[..self.at].chars().rev();
        before.next().is_some_and(|c| c.eq_ignore_ascii_case(&'e')) && !before.next().is_some_and(is_word_part)
    }
}

fn is_word_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// A `$` inside a word belongs to it and opens no quote.
fn is_word_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

fn word_length(rest: &str) -> usize {
    rest.find(|c| !is_word_part(c)).unwrap_or(rest.len())
}

/// The length of a quoted piece with its quotes; to the end when it is not closed. A doubled quote stands for itself.
fn quoted_length(rest: &str, quote: char, backslash_escapes: bool) -> usize {
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if backslash_escapes && c == '\\' {
            characters.next();
        } else if c == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
            return at + quote.len_utf8();
        }
    }
    rest.len()
}

/// Block comments nest in PostgreSQL.
fn block_comment_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The length of `$tag$ … $tag$`, or nothing when the dollar opens no quote (as in `$1`).
fn dollar_quoted_length(rest: &str) -> Option<usize> {
    let tag_length = rest[1..].find('$')?;
    let tag = &rest[1..=tag_length];
    let named = tag.is_empty() || (tag.starts_with(is_word_start) && tag.chars().all(is_word_part));
    if !named {
        return None;
    }
    let delimiter = &rest[..tag_length + 2];
    let body = &rest[delimiter.len()..];
    Some(body.find(delimiter).map_or(rest.len(), |end| delimiter.len() * 2 + end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements(sql: &str) -> Vec<&str> {
        split(sql).into_iter().map(|range| &sql[range]).collect()
    }

    #[test]
    fn statements_end_at_semicolons_and_comments_before_them_are_left_out() {
        assert_eq!(statements("-- a; b\nselect 1; /* c; /* d; */ e */ select 2 ;; \n"), ["select 1", "select 2"]);
        assert_eq!(statements("select 1"), ["select 1"]);
        assert_eq!(statements(" -- nothing\n"), Vec::<&str>::new());
    }

    #[test]
    fn quotes_hide_semicolons() {
        for statement in [
            "select ';', 'it''s; '",
            r"select E'it\'s;', E'a''b\';'",
            r"select 'back\', 2",
            "select \"odd;\"\"name\"",
            "do $$ begin perform 1; end $$",
            "do $body$ select ';$$;' $body$",
            "select $1, a$b$c, 'é;ü'",
            "create rule r as on insert to t do (select 1; select 2)",
            "select 'open ; to the end",
            "select $x$ open ; to the end",
        ] {
            assert_eq!(statements(statement), [statement.trim_end()], "{statement}");
        }
    }

    #[test]
    fn a_sql_function_body_is_part_of_its_statement() {
        let function =
            "create or replace function f() returns int begin atomic select case 1 when 1 then 2 end; select 2; end";
        assert_eq!(statements(&format!("begin; {function}; select 3; end;")), ["begin", function, "select 3", "end"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_splits_into_ascending_ranges_that_do_not_overlap(sql in r#"[a-z;'"$()/*\\ éE\n-]{0,80}"#) {
            let ranges = split(&sql);
            let mut end = 0;
            for range in ranges {
                proptest::prop_assert!(range.start >= end && range.end > range.start && sql.get(range.clone()).is_some());
                end = range.end;
            }
        }
    }
}
