//! Programs that come with the stores.

use anyhow::Result;
use tokio::process::Command;

use super::{Instance, Store};

impl Instance {
    /// One of PostgreSQL's own programs, as the superuser.
    ///
    /// # Errors
    /// When the instance was never started.
    pub async fn postgres_program(&self, name: &str) -> Result<Command> {
        let port = self.port(Store::Postgres)?;
        let mut command = Command::new("chroot");
        command
            .arg(self.fetch().await?.join("postgres"))
            .arg(format!("/usr/lib/postgresql/17/bin/{name}"))
            .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-U", "postgres"])
            .env("PGPASSWORD", "postgres");
        Ok(command)
    }

    /// One of the tools that come with Kafka's broker, named below `org.apache.kafka.tools`.
    ///
    /// # Errors
    /// When the instance was never started.
    pub async fn kafka_tool(&self, class: &str) -> Result<Command> {
        let mut command = Command::new(self.folders.sources().join("kafka-tool"));
        command.arg(self.fetch().await?).arg(class).arg(self.addresses()?.kafka_bootstrap);
        Ok(command)
    }
}
