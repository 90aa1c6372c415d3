//! The upgrade to the next version.

use std::time::Duration;

use anyhow::{Result, ensure};
use client::buy;
use testbed::{repository, within};

use super::SECOND;
use crate::{platform::Platform, witness::Witness};

const ALIAS_MOVES_WITHIN: Duration = Duration::from_secs(60);
const CONTRACTED_WITHIN: Duration = Duration::from_secs(120);

pub(crate) async fn no_service_of_the_next_version_starts_before_its_gates_are_passed(
    platform: &Platform,
) -> Result<()> {
    let witness = Witness::start(&platform.client, SECOND)?;
    platform.set_version(SECOND.version).await?;
    platform.wait_for("Ready", "True").await?;
    witness.verdict()?;
    buy(&platform.customer()?, "").await?;
    let index = SECOND.index()?;
    within(ALIAS_MOVES_WITHIN, "the alias on the new index", async || {
        let answer = platform.stores.elasticsearch("/_alias/events").await?;
        ensure!(answer.as_object().is_some_and(|found| found.keys().eq([&index])), "it points to {answer}");
        Ok(())
    })
    .await
}

pub(crate) async fn contracting_migrations_run_after_the_roll(platform: &Platform) -> Result<()> {
    let files = std::fs::read_dir(repository().join("dev/images/fixtures/0.2.0/release/migrations/after"))?;
    let versions: Vec<String> = files
        .filter_map(|file| file.ok()?.file_name().into_string().ok())
        .filter_map(|name| Some(name.strip_suffix(".sql")?.split('_').next()?.trim_start_matches('0').to_owned()))
        .collect();
    ensure!(!versions.is_empty(), "the fixture has no contracting migration");
    let query = format!("SELECT count(*) FROM _sqlx_migrations WHERE success AND version IN ({})", versions.join(","));
    within(CONTRACTED_WITHIN, "the contracting migrations", async || {
        let applied = platform.stores.sql(&query).await?;
        ensure!(applied == versions.len().to_string(), "{applied} of {} are applied", versions.len());
        Ok(())
    })
    .await
}
