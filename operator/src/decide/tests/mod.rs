//! `decide` against a world of plain values.

mod deletion;
mod failures;
mod gates;
mod jobs;
mod order;
mod rollback;
mod world;
