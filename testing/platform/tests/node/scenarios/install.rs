//! The installation, from an empty cluster to a sold ticket.

use anyhow::{Result, ensure};
use client::buy;

use super::FIRST;
use crate::{platform::Platform, witness::Witness};

pub(crate) async fn no_service_starts_before_its_gates_are_passed(platform: &Platform) -> Result<()> {
    let witness = Witness::start(&platform.client, FIRST)?;
    platform.apply(FIRST.version).await?;
    platform.wait_for("Ready", "True").await?;
    for gate in ["MigrationsApplied", "IndexReady", "ConnectorReady", "ServicesAvailable"] {
        platform.wait_for(gate, "True").await?;
    }
    witness.verdict()
}

pub(crate) async fn a_customer_buys_a_ticket_through_the_published_ports(platform: &Platform) -> Result<()> {
    platform.stores.load_demonstration_data().await?;
    let customer = platform.customer()?;
    let purchase = buy(&customer, "").await?;
    let buyer = platform
        .stores
        .sql(&format!(
            "SELECT orders.user_uuid FROM orders
             JOIN order_tickets ON order_tickets.order_id = orders.id
             JOIN tickets ON tickets.id = order_tickets.ticket_id
             WHERE tickets.uuid = '{}' AND tickets.status = 'booked'",
            purchase.ticket_uuid
        ))
        .await?;
    ensure!(buyer == customer.user.to_string(), "the stored buyer is {buyer:?}, not {}", customer.user);
    Ok(())
}

pub(crate) async fn the_alias_points_to_the_index_of_the_version(platform: &Platform) -> Result<()> {
    let answer = platform.stores.elasticsearch("/_alias/events").await?;
    let indexes: Vec<&String> = answer.as_object().into_iter().flatten().map(|(index, _)| index).collect();
    ensure!(indexes == [&FIRST.index()?], "the alias points to {indexes:?}");
    Ok(())
}
