//! What Rust files import: enough to tell which module names which.
//!
//! It reads text, not types. It sees `use` declarations and paths that begin with `crate`, `self` or `super`, and follows names that
//! a module passes on by `use`. It does not see what macros write, what a glob passes on, nor a method that is called on a value of
//! a type from elsewhere. Comments, literals and what stands behind `#[cfg(test)]` are left out.

use std::{collections::BTreeMap, path::Path};

use crate::tokens::{Token, tokens};

/// Module path from the crate's root; the root itself is empty.
pub(crate) type Module = Vec<String>;

/// The modules of one crate, each with what it says.
pub(crate) struct Crate {
    modules: BTreeMap<Module, File>,
}

#[derive(Debug, Default)]
struct File {
    /// Each name that a `use` makes, and its path as written.
    uses: Vec<(String, Vec<String>)>,
    /// Paths elsewhere in the file that begin with `crate`, `self` or `super`.
    mentions: Vec<Vec<String>>,
    /// Modules of which `#[cfg(test)]` says that only tests have them.
    only_in_tests: Vec<String>,
}

/// Names are passed on at most this often before the search for their module ends.
const MOST_HOPS: usize = 8;

impl Crate {
    /// Reads a crate whose root, `lib.rs` or `main.rs`, stands in `folder`.
    pub(crate) fn read(folder: &Path) -> Self {
        let mut texts = Vec::new();
        collect(folder, &Vec::new(), &mut texts);
        Self::parse(texts)
    }

    pub(crate) fn parse(texts: impl IntoIterator<Item = (Module, String)>) -> Self {
        let mut modules: BTreeMap<Module, File> =
            texts.into_iter().map(|(module, text)| (module, file(&tokens(&text)))).collect();
        let tests: Vec<Module> = modules
            .iter()
            .flat_map(|(module, file)| file.only_in_tests.iter().map(|name| child(module, name)))
            .collect();
        modules.retain(|module, _| !tests.iter().any(|test| module.starts_with(test)));
        Self { modules }
    }

    /// Every pair of modules of which the first names the second, or something that it passes on or defines.
    pub(crate) fn imports(&self) -> Vec<(&Module, Module)> {
        let mut imports = Vec::new();
        for (module, file) in &self.modules {
            let paths = file.uses.iter().map(|(_, path)| path).chain(&file.mentions);
            for met in paths.flat_map(|path| self.met_by(module, path, MOST_HOPS)) {
                imports.push((module, met));
            }
        }
        imports
    }

    /// The modules that a path leads to: the one that it names, and the one that defines what that one passes on.
    fn met_by(&self, from: &Module, path: &[String], hops: usize) -> Vec<Module> {
        let Some((mut at, mut rest)) = self.start_of(from, path) else { return vec![] };
        while let Some((next, after)) = rest.split_first() {
            let inner = child(&at, next);
            if !self.modules.contains_key(&inner) {
                break;
            }
            (at, rest) = (inner, after);
        }
        let mut met = vec![at.clone()];
        let passed_on = rest.first().and_then(|name| {
            let uses = &self.modules.get(&at)?.uses;
            uses.iter().find(|(made, _)| made == name).map(|(_, path)| path)
        });
        if let Some(path) = passed_on
            && hops > 0
        {
            met.extend(self.met_by(&at, path, hops - 1));
        }
        met
    }

    /// The module from which a path goes on, and the rest of the path; `None` when it leads to another crate.
    fn start_of<'a>(&self, from: &Module, path: &'a [String]) -> Option<(Module, &'a [String])> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => Some((vec![], rest)),
            "self" => Some((from.clone(), rest)),
            "super" => {
                let mut parent = from.clone();
                parent.pop()?;
                if rest.first().is_some_and(|next| next == "super") {
                    return self.start_of(&parent, rest);
                }
                Some((parent, rest))
            }
            name => self.modules.contains_key(&child(from, name)).then(|| (from.clone(), path)),
        }
    }

    pub(crate) fn at_the_root(&self) -> Vec<String> {
        self.modules.keys().filter(|module| module.len() == 1).map(|module| module[0].clone()).collect()
    }
}

fn child(module: &Module, name: &str) -> Module {
    let mut inner = module.clone();
    inner.push(name.to_owned());
    inner
}

/// All Rust files of a folder with the modules that they are. A program beside a library, and those in `bin`, are crates of their own.
fn collect(folder: &Path, module: &Module, texts: &mut Vec<(Module, String)>) {
    let has_library = folder.join("lib.rs").exists();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !(module.is_empty() && stem == "bin") {
                collect(&path, &child(module, stem), texts);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            match stem {
                "main" if has_library => {}
                "lib" | "main" | "mod" => texts.push((module.clone(), std::fs::read_to_string(&path).unwrap())),
                _ => texts.push((child(module, stem), std::fs::read_to_string(&path).unwrap())),
            }
        }
    }
}

fn file(tokens: &[Token]) -> File {
    let mut file = File::default();
    let mut rest = tokens;
    while let Some((first, after)) = rest.split_first() {
        if let Some(behind) = behind_test_attribute(rest) {
            if let [Token::Word(keyword), Token::Word(name), ..] = behind
                && keyword == "mod"
            {
                file.only_in_tests.push(name.clone());
            }
            rest = after_item(behind);
            continue;
        }
        match first {
            Token::Word(word) if word == "use" => {
                let end = after.iter().position(|token| *token == Token::Mark(';')).unwrap_or(after.len());
                spread(&after[..end], &[], &mut file.uses);
                rest = &after[end..];
            }
            Token::Word(word) if ["crate", "self", "super"].contains(&word.as_str()) => {
                let (path, behind) = path_at(rest);
                file.mentions.extend((path.len() > 1).then_some(path));
                rest = behind;
            }
            _ => rest = after,
        }
    }
    file
}

/// What follows `#[cfg(test)]`, if that is what comes next.
fn behind_test_attribute(tokens: &[Token]) -> Option<&[Token]> {
    use Token::{Mark, Word};
    let (head, behind) = tokens.split_at_checked(7)?;
    let [Mark('#'), Mark('['), Word(cfg), Mark('('), Word(test), Mark(')'), Mark(']')] = head else { return None };
    (cfg == "cfg" && test == "test").then_some(behind)
}

/// What follows an item: behind its first `;` or its block.
fn after_item(tokens: &[Token]) -> &[Token] {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate() {
        match token {
            Token::Mark('{') => depth += 1,
            Token::Mark('}') if depth == 1 => return &tokens[index + 1..],
            Token::Mark('}') => depth -= 1,
            Token::Mark(';') if depth == 0 => return &tokens[index + 1..],
            _ => {}
        }
    }
    &[]
}

/// The longest path that begins here, and what follows it.
fn path_at(tokens: &[Token]) -> (Vec<String>, &[Token]) {
    let mut path = Vec::new();
    let mut rest = tokens;
    while let Some((Token::Word(word), after)) = rest.split_first() {
        path.push(word.clone());
        match after {
            [Token::Path, behind @ ..] if matches!(behind.first(), Some(Token::Word(_))) => rest = behind,
            _ => return (path, after),
        }
    }
    (path, rest)
}

/// Writes out a `use` with braces: each name that it makes, with its whole path.
fn spread(tree: &[Token], prefix: &[String], uses: &mut Vec<(String, Vec<String>)>) {
    let (path, rest) = path_at(tree);
    let mut whole = prefix.to_vec();
    whole.extend(path);
    match rest {
        [Token::Path, Token::Mark('{'), inner @ .., Token::Mark('}')]
        | [Token::Mark('{'), inner @ .., Token::Mark('}')] => {
            for branch in branches(inner) {
                spread(branch, &whole, uses);
            }
        }
        _ => {
            // `self` in braces means the module before them; `as` gives another name.
            if whole.len() > 1 && whole.last().is_some_and(|last| last == "self") {
                whole.pop();
            }
            let renamed = match rest {
                [Token::Word(keyword), Token::Word(name), ..] if keyword == "as" => Some(name.clone()),
                _ => None,
            };
            if let Some(name) = renamed.or_else(|| whole.last().cloned()) {
                uses.push((name, whole));
            }
        }
    }
}

/// The parts between the commas of this level.
fn branches(tokens: &[Token]) -> Vec<&[Token]> {
    let mut depth = 0;
    tokens
        .split(|token| {
            match token {
                Token::Mark('{') => depth += 1,
                Token::Mark('}') => depth -= 1,
                _ => {}
            }
            depth == 0 && *token == Token::Mark(',')
        })
        .filter(|branch| !branch.is_empty())
        .collect()
}
