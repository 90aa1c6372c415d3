//! Telling Redis what PostgreSQL has decided.

use seats::SaleAttempt;

use crate::{
    booking::Booking,
    failure::Failure,
    orders::{OrderState, payment::Checkout, reason},
};

impl Booking {
    /// Tells it how far an order with a payment has come.
    pub(crate) async fn settle_marks(&self, checkout: &Checkout) -> Result<(), Failure> {
        match checkout.state {
            OrderState::Booked => self.mark_sold(&checkout.sale).await,
            OrderState::Cancelled if checkout.reason.as_deref() == Some(reason::NOT_AVAILABLE) => {
                self.give_up_and_release(&checkout.sale).await?;
            }
            OrderState::Cancelled => drop(seats::cancel_sale(&mut self.redis.clone(), &checkout.sale).await?),
            OrderState::Refunded => self.mark_available(&checkout.sale).await,
            OrderState::Pending | OrderState::Paying | OrderState::Stuck => {}
        }
        Ok(())
    }

    pub(crate) async fn mark_sold(&self, sale: &SaleAttempt) {
        if let Err(error) = seats::finish_sale(&mut self.redis.clone(), sale).await {
            // Sold is sold: the sweeper marks the seats.
            tracing::warn!(%error, order = %sale.order, "sold seats are not marked yet");
        }
    }

    pub(crate) async fn mark_available(&self, sale: &SaleAttempt) {
        let mut redis = self.redis.clone();
        if let Err(error) = seats::clear_booked(&mut redis, sale.event, Some(sale.user), &sale.tickets).await {
            // Whoever reserves one of them finds out that the mark is wrong.
            tracing::warn!(%error, order = %sale.order, "seats that were given back are still marked as sold");
        }
    }

    /// The hold that comes back is of no use: a ticket cannot be had.
    pub(crate) async fn give_up_and_release(&self, sale: &SaleAttempt) -> Result<(), Failure> {
        let mut redis = self.redis.clone();
        seats::cancel_sale(&mut redis, sale).await?;
        seats::release(&mut redis, sale.event, sale.user, &sale.tickets).await?;
        Ok(())
    }
}
