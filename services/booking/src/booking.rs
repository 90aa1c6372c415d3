//! What the service works with.

use redis::aio::ConnectionManager;
use seats::HoldLimits;
use sqlx::PgPool;
use tokio_util::task::TaskTracker;

use crate::{catalog::Catalog, metrics::BookingMetrics, payments::Payments};

/// The stores, the choices, and what is counted. Cloning shares all of it.
#[derive(Clone)]
pub struct Booking {
    /// The database that judges sales.
    pub(crate) postgres: PgPool,
    /// Where holds live. Cloned for each use: the connection underneath is one.
    pub(crate) redis: ConnectionManager,
    /// What tickets there are.
    pub(crate) catalog: Catalog,
    /// Who takes the money.
    pub(crate) payments: Payments,
    /// The currency of all prices: ISO 4217, lower case.
    pub(crate) currency: &'static str,
    /// How long holds last, and how many tickets a user may have.
    pub(crate) limits: HoldLimits,
    /// What is counted.
    pub(crate) metrics: BookingMetrics,
    /// Sales under way, which outlive the requests that began them.
    pub(crate) sales: TaskTracker,
}

impl Booking {
    /// A service on these stores.
    #[must_use]
    pub fn new(
        postgres: PgPool,
        redis: ConnectionManager,
        payments: Payments,
        currency: &'static str,
        limits: HoldLimits,
        metrics: BookingMetrics,
    ) -> Self {
        let catalog = Catalog::new(postgres.clone());
        Self { postgres, redis, catalog, payments, currency, limits, metrics, sales: TaskTracker::new() }
    }
}
