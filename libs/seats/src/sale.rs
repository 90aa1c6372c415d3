//! From a hold to a sold ticket.

use std::time::Duration;

use ids::{EventId, OrderId, TicketId, UserId};
use redis::{RedisResult, Script, ScriptInvocation, aio::ConnectionLike};

use crate::{
    keys::{SALES_KEY, event_key, event_of, kept_ms, milliseconds},
    script::{BEGIN_SALE, CANCEL_SALE, FINISH_SALE, STALE_SALES, TOUCH_SALE, unexpected},
};

/// The outcome of [`begin_sale`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BeginSale {
    /// The holds are a sale now, under this attempt's order.
    Begun,
    /// The same user's sale of the same tickets is under way. The caller goes on with that attempt: PostgreSQL decides
    /// an attempt once, however many drive it.
    Joined {
        /// The order of the attempt under way.
        order: OrderId,
    },
    /// Nothing was changed, because of this ticket.
    Refused {
        /// The first ticket that cannot be sold.
        ticket: TicketId,
        /// Why it cannot be sold.
        because: NotSellable,
    },
}

/// Why a sale cannot begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotSellable {
    /// The user does not hold the ticket, or no longer.
    NotHeld,
    /// The ticket is marked as booked.
    Booked,
    /// The ticket is part of a sale of this user's with other tickets.
    OtherSale,
}

/// The outcome of [`cancel_sale`], counted in tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled {
    /// How many are held again, for what was left of their hold.
    pub restored: usize,
    /// How many are free.
    pub freed: usize,
}

/// An attempt to sell tickets of one event to a user. PostgreSQL decides it once, under the order's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaleAttempt {
    /// The event.
    pub event: EventId,
    /// The buyer.
    pub user: UserId,
    /// The order to come, which names the attempt.
    pub order: OrderId,
    /// The tickets. No ticket is named twice.
    pub tickets: Vec<TicketId>,
}

/// Turns the user's live holds on these tickets into a sale. From here on no expiry ends them. The caller must make
/// sure that [`finish_sale`] or [`cancel_sale`] follows; after a crash the sweeper does.
///
/// # Errors
/// When Redis does not answer. The sale may have begun then.
pub async fn begin_sale(redis: &mut impl ConnectionLike, attempt: &SaleAttempt) -> RedisResult<BeginSale> {
    let answer: Vec<String> = invocation(&BEGIN_SALE, attempt).invoke_async(redis).await?;
    read_begin(&answer).ok_or_else(|| unexpected(&answer))
}

/// The call of a script about a sale: all of them take the same keys and arguments.
fn invocation<'s>(script: &'s Script, attempt: &SaleAttempt) -> ScriptInvocation<'s> {
    let mut invocation = script.key(event_key(attempt.event));
    invocation.key(SALES_KEY).arg(attempt.user).arg(attempt.order).arg(kept_ms(Duration::ZERO)).arg(&attempt.tickets);
    invocation
}

fn read_begin(answer: &[String]) -> Option<BeginSale> {
    let (verdict, details) = answer.split_first()?;
    match (verdict.as_str(), details) {
        ("begun", _) => Some(BeginSale::Begun),
        ("joined", [order]) => Some(BeginSale::Joined { order: order.parse().ok()? }),
        ("refused", [ticket, because]) => {
            let because = match because.as_str() {
                "not_held" => NotSellable::NotHeld,
                "booked" => NotSellable::Booked,
                "other_sale" => NotSellable::OtherSale,
                _ => return None,
            };
            Some(BeginSale::Refused { ticket: ticket.parse().ok()?, because })
        }
        _ => None,
    }
}

/// Marks the tickets as booked, whatever their marks say, and ends all holds on them. Only for a sale that PostgreSQL
/// has committed.
///
/// # Errors
/// When Redis does not answer. The sweeper marks the tickets later.
pub async fn finish_sale(redis: &mut impl ConnectionLike, attempt: &SaleAttempt) -> RedisResult<()> {
    invocation(&FINISH_SALE, attempt).invoke_async::<usize>(redis).await.map(drop)
}

/// Ends a sale that will never be committed: each hold comes back with the end it had, or its ticket is free. Only for
/// an attempt that PostgreSQL has decided against; any other could still commit after somebody else holds the ticket.
///
/// # Errors
/// When Redis does not answer. The sweeper ends the sale later.
pub async fn cancel_sale(redis: &mut impl ConnectionLike, attempt: &SaleAttempt) -> RedisResult<Cancelled> {
    let (restored, freed) = invocation(&CANCEL_SALE, attempt).invoke_async(redis).await?;
    Ok(Cancelled { restored, freed })
}

/// Notes that the sale goes on. It becomes stale again only after its full time from now.
///
/// # Errors
/// When Redis does not answer.
pub async fn touch_sale(redis: &mut impl ConnectionLike, attempt: &SaleAttempt) -> RedisResult<()> {
    invocation(&TOUCH_SALE, attempt).invoke_async::<usize>(redis).await.map(drop)
}

/// Sales that began at least `age` ago by Redis' clock and have not ended, oldest first, one per ticket.
///
/// # Errors
/// When Redis does not answer.
pub async fn stale_sales(
    redis: &mut impl ConnectionLike,
    age: Duration,
    at_most: usize,
) -> RedisResult<Vec<SaleAttempt>> {
    let names: Vec<String> = STALE_SALES.key(SALES_KEY).arg(milliseconds(age)).arg(at_most).invoke_async(redis).await?;
    // A name that these scripts did not write is no sale.
    Ok(names.iter().filter_map(|name| read_name(name)).collect())
}

fn read_name(name: &str) -> Option<SaleAttempt> {
    let mut parts = name.split(' ');
    let (event, user, order, ticket) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some(SaleAttempt {
        event: event_of(event)?,
        user: user.parse().ok()?,
        order: order.parse().ok()?,
        tickets: vec![ticket.parse().ok()?],
    })
}
