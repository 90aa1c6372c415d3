//! The schema migrations of the platform: the files of a release, and the code that applies them.
//!
//! A release has files of two kinds: `before` files expand the schema before the services roll, `after` files contract
//! it after the roll. Files are only ever applied forward, each once. sqlx's table `_sqlx_migrations` remembers each
//! with its checksum.

mod describe;
mod error;
mod files;
mod statements;
mod status;
mod up;

pub use describe::{ReleasePaths, describe};
pub use error::MigrationError;
pub use files::{Kind, LoadError, MigrationFile, Migrations, Phase};
pub use status::{FileState, FileStatus, Status};
pub use up::{DEFAULT_LOCK_TIMEOUT, Outcome, UpError};
