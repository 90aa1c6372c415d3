//! Confirming: the hold becomes a sale, PostgreSQL decides it, the seat is marked.
//!
//! 1. Redis turns the live hold into `selling`, which no expiry ends, under a new attempt. The owner's second call joins
//!    the attempt under way instead.
//! 2. PostgreSQL decides the attempt once ([`crate::orders`]).
//! 3. Redis learns the decision: `booked`, or what is left of the hold comes back.
//!
//! Whatever fails after step 1 leaves the mark standing: a repeat by the customer joins the attempt and finishes it, and
//! otherwise the sweeper does. Nobody guesses: the mark is only ever ended by a decision that PostgreSQL has committed.

use seats::{BeginSale, NotSellable, Sale};
use uuid::Uuid;

use crate::{
    booking::Booking,
    failure::{Failure, Refusal},
    orders::{self, Decision},
};

impl Booking {
    /// Sells the ticket to the user who holds it. Once sold, his repeat succeeds as well: it asks for what he has.
    ///
    /// # Errors
    /// See [`Failure`]. After a failure of a store the ticket may have been sold; asking again tells.
    pub async fn confirm(&self, ticket: Uuid, user: Uuid, payment_method: Uuid) -> Result<(), Failure> {
        let booking = self.clone();
        // A task of its own: a client that goes away must not stop a sale in the middle.
        let sale = self.sales.spawn(async move {
            let outcome = booking.try_confirm(ticket, user, payment_method).await;
            booking.metrics.confirmed(&outcome);
            outcome
        });
        sale.await?
    }

    async fn try_confirm(&self, ticket: Uuid, user: Uuid, payment_method: Uuid) -> Result<(), Failure> {
        let Some(event_uuid) = self.catalog.event_of(ticket).await? else {
            return Err(Failure::Refused(Refusal::Unknown));
        };
        let mut sale =
            Sale { event_uuid: event_uuid.to_string(), user, attempt: Uuid::now_v7(), tickets: vec![ticket] };
        match seats::begin_sale(&mut self.redis.clone(), &sale).await? {
            BeginSale::Begun => {}
            BeginSale::Joined { attempt } => sale.attempt = attempt,
            BeginSale::Refused { because: NotSellable::OtherSale, .. } => {
                return Err(Failure::Refused(Refusal::Selling));
            }
            BeginSale::Refused { .. } => return self.repeat_of_a_sale(ticket, user).await,
        }
        let selling = self.metrics.sale_seconds.start_timer();
        let decision = orders::sell(&self.postgres, &sale, self.payments, payment_method).await?;
        selling.observe_duration();
        self.conclude(&sale, decision).await
    }

    async fn repeat_of_a_sale(&self, ticket: Uuid, user: Uuid) -> Result<(), Failure> {
        if orders::was_sold_to(&self.postgres, ticket, user).await? {
            Ok(())
        } else {
            Err(Failure::Refused(Refusal::NotHeld))
        }
    }

    /// Tells Redis what PostgreSQL has decided, and the customer too.
    async fn conclude(&self, sale: &Sale, decision: Decision) -> Result<(), Failure> {
        let mut redis = self.redis.clone();
        if decision == Decision::Sold {
            if let Err(error) = seats::finish_sale(&mut redis, sale).await {
                // Sold is sold: the sweeper marks the seat.
                tracing::warn!(%error, attempt = %sale.attempt, "a sold seat is not marked yet");
            }
            return Ok(());
        }
        let cancelled = seats::cancel_sale(&mut redis, sale).await?;
        match decision {
            // The hold that came back is of no use: the ticket cannot be had.
            Decision::Refused => {
                seats::release(&mut redis, &sale.event_uuid, sale.user, &sale.tickets).await?;
                Err(Failure::Refused(Refusal::Sold))
            }
            _ if cancelled.restored > 0 => Err(Failure::GivenUp),
            _ => Err(Failure::Refused(Refusal::NotHeld)),
        }
    }
}
