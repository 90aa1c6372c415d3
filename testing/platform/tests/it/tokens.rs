//! A Rust file as tokens, without comments, literals and space.

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    Word(String),
    /// `::`
    Path,
    Mark(char),
}

pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(length) = skipped(rest, first) {
            rest = &rest[length..];
        } else if first.is_alphabetic() || first == '_' {
            let end = rest.find(|next: char| !next.is_alphanumeric() && next != '_').unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        } else if let Some(behind) = rest.strip_prefix("::") {
            tokens.push(Token::Path);
            rest = behind;
        } else {
            tokens.push(Token::Mark(first));
            rest = &rest[first.len_utf8()..];
        }
    }
    tokens
}

/// How long the comment, the literal or the space is that begins here.
fn skipped(text: &str, first: char) -> Option<usize> {
    if first.is_whitespace() {
        return Some(first.len_utf8());
    }
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(text.find("*/").map_or(text.len(), |end| end + 2));
    }
    let prefix = text.len() - text.trim_start_matches(['b', 'c', 'r']).len();
    if prefix <= 2 {
        if text[prefix..].starts_with('"') && !text[..prefix].contains('r') {
            return Some(quoted(text, prefix, '"'));
        }
        let hashes = text[prefix..].chars().take_while(|next| *next == '#').count();
        if text[..prefix].contains('r') && text[prefix + hashes..].starts_with('"') {
            let from = prefix + hashes + 1;
            let end = format!("\"{}", "#".repeat(hashes));
            return Some(text[from..].find(&end).map_or(text.len(), |at| from + at + end.len()));
        }
    }
    // A lifetime has no second quote behind its first character.
    let mut after_quote = text.strip_prefix('\'')?.chars();
    let is_literal = after_quote.next() == Some('\\') || after_quote.next() == Some('\'');
    is_literal.then(|| quoted(text, 0, '\''))
}

/// The length of a literal whose first quote stands at `from`.
fn quoted(text: &str, from: usize, quote: char) -> usize {
    let mut escaped = false;
    for (index, next) in text.char_indices().skip_while(|(index, _)| *index <= from) {
        match next {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if next == quote => return index + 1,
            _ => {}
        }
    }
    text.len()
}
