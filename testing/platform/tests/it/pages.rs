//! Every path between backticks and every target of a link in the pages for people exists.

use crate::repository::{pages, root, text};

/// Files of this repository end like this.
const ENDINGS: [&str; 14] =
    ["/", ".go", ".html", ".json", ".lua", ".md", ".proto", ".rs", ".sh", ".snap", ".sql", ".toml", ".yaml", ".yml"];

#[test]
fn every_path_that_a_page_names_exists() {
    let mut missing = Vec::new();
    for page in pages() {
        let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
        let text = text(&page);
        for path in paths_named_in(&text).into_iter().filter(|path| looks_like_one_of_ours(path)) {
            missing.extend((!exists("", &path)).then(|| format!("{page}: `{path}`")));
        }
        for path in links_in(&text) {
            missing.extend((!exists(folder, &path)).then(|| format!("{page}: link to {path}")));
        }
    }
    assert!(missing.is_empty(), "no such file or folder:\n{}", missing.join("\n"));
}

/// Words between backticks, outside of blocks of code, with their braces written out.
fn paths_named_in(page: &str) -> Vec<String> {
    let quoted = without_blocks(page).into_iter().flat_map(|line| line.split('`').skip(1).step_by(2));
    quoted.flat_map(str::split_whitespace).flat_map(written_out).collect()
}

fn links_in(page: &str) -> Vec<String> {
    let links = without_blocks(page).into_iter().flat_map(|line| line.split("](").skip(1));
    let targets = links.filter_map(|rest| Some(rest.split_once(')')?.0));
    targets
        .filter(|target| !target.contains("://") && !target.starts_with('#'))
        .map(|target| target.split('#').next().unwrap_or_default().to_owned())
        .collect()
}

fn without_blocks(page: &str) -> Vec<&str> {
    let mut in_block = false;
    page.lines()
        .filter(|line| {
            let fence = line.trim_start().starts_with("```");
            in_block ^= fence;
            !in_block && !fence
        })
        .collect()
}

/// `a/{b,c}` means `a/b` and `a/c`.
fn written_out(word: &str) -> Vec<String> {
    let Some((before, rest)) = word.split_once('{') else { return vec![word.to_owned()] };
    let Some((choices, after)) = rest.split_once('}') else { return vec![word.to_owned()] };
    choices.split(',').flat_map(|choice| written_out(&format!("{before}{choice}{after}"))).collect()
}

/// Whether a word is a path of this repository: it has only characters of our names, and begins with a folder of ours or ends
/// like a file.
fn looks_like_one_of_ours(word: &str) -> bool {
    let Some((first, _)) = word.split_once('/') else { return false };
    let plain = word.chars().all(|letter| letter.is_ascii_alphanumeric() || "/._-*".contains(letter));
    let begins_here = !first.is_empty() && root().join(first).is_dir();
    let ends_like_a_file = ENDINGS.iter().any(|ending| word.ends_with(ending));
    plain && !first.is_empty() && (begins_here || ends_like_a_file)
}

/// Whether a path exists. `*` and `NNNN` stand for any name, so the part from there on is not checked.
fn exists(folder: &str, path: &str) -> bool {
    let stands_for_any = path.find('*').or_else(|| path.find("NNNN"));
    let known = stands_for_any
        .map(|at| path.split_at(at))
        .map_or(path, |(before, _)| before.rsplit_once('/').map_or("", |(parent, _)| parent));
    root().join(folder).join(known).exists()
}

#[test]
fn paths_and_links_are_found_and_what_is_no_path_is_not() {
    let page = "See `libs/{kit,ids}/src`, `make up` and `dev/stores/stores up`.\n```sh\n`in/a/block.rs`\n```\n\
                [a](../x.md#here) [b](https://example.org/y) [c](#there)";
    assert_eq!(paths_named_in(page), ["libs/kit/src", "libs/ids/src", "make", "up", "dev/stores/stores", "up"]);
    assert_eq!(links_in(page), ["../x.md"]);
    let ours: Vec<&str> = ["libs/kit/src", "gone/file.rs", "gone/", "text/html", "/api/v1", "GET", "events/{uuid}"]
        .into_iter()
        .filter(|word| looks_like_one_of_ours(word))
        .collect();
    assert_eq!(ours, ["libs/kit/src", "gone/file.rs", "gone/"]);
}

#[test]
fn a_star_and_a_number_to_come_stand_for_any_name() {
    assert!(exists("", "docs/*.md"));
    assert!(exists("", "migrations/before/NNNN_name.sql"));
    assert!(!exists("", "no-such-folder/*.md"));
}
