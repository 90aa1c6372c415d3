//! Several services together, and the files of the repository that no test of one crate sees whole.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test's broken set-up or expectation ends it")]

mod circles;
mod copies;
mod dependencies;
mod development_files;
mod fixtures;
mod pages;
mod race;
mod repository;
mod sources;
mod tokens;
mod versions;
