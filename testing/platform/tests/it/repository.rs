//! The files of this repository, for tests that compare them with each other.

use std::path::{Path, PathBuf};

pub(crate) fn root() -> PathBuf {
    testbed::repository()
}

pub(crate) fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The paths of all files, relative to the root and sorted, without hidden files and what Cargo builds.
pub(crate) fn files() -> Vec<String> {
    let mut files = Vec::new();
    collect(&root(), "", &mut files);
    files.sort();
    files
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with('.') || name == "target" {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &format!("{path}/"), files);
        } else {
            files.push(path);
        }
    }
}

/// The Markdown pages that describe the repository as a whole.
pub(crate) fn pages() -> Vec<String> {
    let of_docs = files().into_iter().filter(|file| file.starts_with("docs/") && file.ends_with(".md"));
    ["README.md".to_owned(), "CONTRIBUTING.md".to_owned()].into_iter().chain(of_docs).collect()
}
