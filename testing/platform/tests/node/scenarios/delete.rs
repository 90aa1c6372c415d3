//! Deleting the platform, and applying it again.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use client::buy;
use testbed::within;

use super::CORRECTED;
use crate::platform::{NAME, Platform};

const GONE_WITHIN: Duration = Duration::from_secs(30);

pub(crate) async fn deleting_removes_the_change_feed_and_keeps_index_and_data(platform: &Platform) -> Result<()> {
    let events = platform.stores.sql("SELECT count(*) FROM events").await?;
    let alias = platform.stores.elasticsearch("/_alias/events").await?;
    let started = Instant::now();
    platform.delete().await?;
    within(GONE_WITHIN, "the end of the resource", async || {
        ensure!(platform.resources.get_opt(NAME).await?.is_none(), "it is still there");
        Ok(())
    })
    .await?;
    println!("deleted in {:.1} s", started.elapsed().as_secs_f64());

    let connectors = platform.stores.connect("/connectors").await?;
    ensure!(connectors.as_array().is_some_and(Vec::is_empty), "connectors are left: {connectors}");
    let slots = platform.stores.sql("SELECT slot_name FROM pg_replication_slots").await?;
    ensure!(slots.is_empty(), "replication slots are left: {slots}");
    let publications = platform.stores.sql("SELECT pubname FROM pg_publication").await?;
    ensure!(publications.is_empty(), "publications are left: {publications}");

    let kept = platform.stores.sql("SELECT count(*) FROM events").await?;
    ensure!(kept == events && events != "0", "there were {events} events, now there are {kept}");
    let kept = platform.stores.elasticsearch("/_alias/events").await?;
    ensure!(kept == alias, "the alias was {alias}, now it is {kept}");
    Ok(())
}

/// The feed starts from a new slot. An event that is created afterwards must be found.
pub(crate) async fn applying_again_after_a_delete_works(platform: &Platform) -> Result<()> {
    platform.apply(CORRECTED).await?;
    platform.wait_for("Ready", "True").await?;
    platform
        .stores
        .sql(
            "WITH event AS (
                 INSERT INTO events (uuid, venue_id, date, name)
                 SELECT gen_random_uuid()::text, min(id), now() + interval '1 day', 'Homecoming Xylophone Gala' FROM venues
                 RETURNING id)
             INSERT INTO tickets (uuid, event_id, price, seat, status)
             SELECT gen_random_uuid()::text, id, 1000, 'A1', 'available' FROM event",
        )
        .await?;
    let purchase = buy(&platform.customer()?, "xylophone").await?;
    ensure!(purchase.event == "Homecoming Xylophone Gala", "{purchase:?}");
    Ok(())
}
