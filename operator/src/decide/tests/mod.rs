//! `decide` against a world of plain values.

mod deletion;
mod gates;
mod order;
mod rollback;
mod world;
