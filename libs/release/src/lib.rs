//! What a release says about itself, and what its Jobs report to the operator.
//!
//! The operator knows nothing about versions. It learns everything from the release's own images: a Job's exit code and
//! its termination message. The programs in these images (`ticket-migrate`, `search`) and the operator share this
//! crate, so that they cannot disagree. It knows no Kubernetes and does no I/O but for the termination message.

#![warn(missing_docs)]

mod description;
mod exit;
mod hash;
mod index;
mod report;
mod termination;

pub use description::{Feed, IndexDefinition, MigrationSet, MigrationSets, Release};
pub use exit::JobExit;
pub use hash::{HASH_DIGITS, short_hash};
pub use index::{index_name, is_index_name};
pub use report::{IndexReport, JobError, MigrationReport, PreparedIndex, read_report};
pub use termination::{TERMINATION_MESSAGE_LIMIT, termination_log, termination_message, write_termination_message};
