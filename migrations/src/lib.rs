//! The platform's schema migrations: what a release contains, and applying it.
//!
//! A release has files of two kinds, `before` and `after` the roll of the services (expand and contract). They are applied
//! forward only, each once, remembered with its checksum in sqlx's table `_sqlx_migrations`.

mod failure;
mod files;
mod release;
mod statements;
mod status;
mod up;

pub use failure::{Failure, FailureClass};
pub use files::{Kind, LoadError, MigrationFile, Migrations, Phase};
pub use release::{FeedDescription, IndexDescription, KindDescription, MigrationsDescription, Release, ReleasePaths};
pub use status::{FileState, FileStatus, Status};
pub use up::{DEFAULT_LOCK_TIMEOUT, Interrupted, Outcome};
