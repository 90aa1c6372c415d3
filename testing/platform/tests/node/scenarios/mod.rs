//! The scenarios, by the part of the platform's life.

pub(crate) mod broken;
pub(crate) mod delete;
pub(crate) mod examples;
pub(crate) mod install;
pub(crate) mod steady;
pub(crate) mod upgrade;

use crate::witness::Needs;

/// The version of this checkout.
pub(crate) const FIRST: Needs = Needs {
    version: env!("CARGO_PKG_VERSION"),
    index_file: "services/search/index.json",
    feed_file: "migrations/feed.json",
};

/// The fixture with one more migration of each kind, another index and another table in the feed.
pub(crate) const SECOND: Needs = Needs {
    version: "0.2.0",
    index_file: "dev/images/fixtures/0.2.0/release/index.json",
    feed_file: "dev/images/fixtures/0.2.0/release/feed.json",
};

/// The fixture with a migration that PostgreSQL refuses.
pub(crate) const BROKEN: &str = "0.3.0";

/// The fixture with the same migration, corrected.
pub(crate) const CORRECTED: &str = "0.3.1";
