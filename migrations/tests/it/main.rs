//! The migrations against a real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "tests")]

mod demo;
mod notifications;
mod program;
mod schema;
mod up;

use std::path::PathBuf;

use ticket_migrate::Migrations;

/// A release's migrations, written to a folder of their own and removed with it.
struct Folder(PathBuf);

impl Folder {
    /// A folder with these files, named as in messages: `before/0001_x.sql`. Numbers from 9001 do not meet the
    /// repository's.
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self(std::env::temp_dir().join(format!("migrations-{}", uuid::Uuid::new_v4())));
        for kind in ["before", "after"] {
            std::fs::create_dir_all(folder.0.join(kind)).unwrap();
        }
        for (name, sql) in files {
            std::fs::write(folder.0.join(name), sql).unwrap();
        }
        folder
    }

    fn migrations(&self) -> Migrations {
        Migrations::load(&self.0).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
