//! What the service works with.

use std::{ops::Deref, sync::Arc};

use kit::postgres::Pool;
use redis::aio::ConnectionManager;
use seats::HoldLimits;
use tokio_util::task::TaskTracker;

use crate::{catalog::Catalog, crowds::Crowds, metrics::BookingMetrics, orders::sale::Till, payments::Payments};

/// The service. Cloning shares all of it.
#[derive(Clone)]
pub struct Booking(Arc<Parts>);

/// The stores, the choices, and what is counted.
pub struct Parts {
    /// The database that judges sales.
    pub(crate) postgres: Pool,
    /// Where holds live. Cloned for each use: the connection underneath is one.
    pub(crate) redis: ConnectionManager,
    /// What tickets there are.
    pub(crate) catalog: Catalog,
    /// Who wants what is taken.
    pub(crate) crowds: Crowds,
    /// Who sells what costs nothing.
    pub(crate) till: Till,
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
        postgres: Pool,
        redis: ConnectionManager,
        payments: Payments,
        currency: &'static str,
        limits: HoldLimits,
        metrics: BookingMetrics,
    ) -> Self {
        let (catalog, till) = (Catalog::new(postgres.clone()), Till::start(postgres.clone()));
        let (crowds, sales) = (Crowds::default(), TaskTracker::new());
        Self(Arc::new(Parts { postgres, redis, catalog, crowds, till, payments, currency, limits, metrics, sales }))
    }
}

impl Deref for Booking {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
