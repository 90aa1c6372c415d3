//! From a hold to a sold ticket.

use std::time::Duration;

use redis::{RedisResult, Script, ScriptInvocation, aio::ConnectionLike};
use uuid::Uuid;

use crate::{
    keys::{SALES_KEY, event_key, event_of, kept_ms, milliseconds},
    script::{BEGIN_SALE, CANCEL_SALE, FINISH_SALE, STALE_SALES, TOUCH_SALE, spelled, unexpected},
};

/// What became of a call to [`begin_sale`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BeginSale {
    /// The holds are a sale now, under this call's attempt.
    Begun,
    /// The same user's sale of the same tickets is under way. Whoever joins drives that attempt on: PostgreSQL decides an
    /// attempt once, however many drive it.
    Joined {
        /// The attempt under way.
        attempt: Uuid,
    },
    /// Nothing was changed, because of this ticket.
    Refused {
        /// The first ticket that cannot be sold.
        ticket: Uuid,
        /// Why.
        because: NotSellable,
    },
}

/// Why a sale cannot begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotSellable {
    /// The user does not hold it, or no longer.
    NotHeld,
    /// Marked as sold.
    Booked,
    /// It is part of a sale of this user's with other tickets.
    OtherSale,
}

/// What became of a call to [`cancel_sale`], in tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled {
    /// So many are held again, for what was left of their hold.
    pub restored: usize,
    /// So many are free.
    pub freed: usize,
}

/// An attempt to sell tickets of one event to a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sale {
    /// The event.
    pub event_uuid: String,
    /// The buyer.
    pub user: Uuid,
    /// The attempt, which PostgreSQL decides once.
    pub attempt: Uuid,
    /// The tickets, different from each other.
    pub tickets: Vec<Uuid>,
}

/// Turns the user's live holds on these tickets into a sale under a new attempt. From here on no expiry ends them; who
/// begins must see to it that [`finish_sale`] or [`cancel_sale`] follows, and the sweeper does where he could not.
///
/// # Errors
/// When Redis does not answer; then the sale may have begun.
pub async fn begin_sale(redis: &mut impl ConnectionLike, sale: &Sale) -> RedisResult<BeginSale> {
    let answer: Vec<String> = invocation(&BEGIN_SALE, sale).invoke_async(redis).await?;
    read_begin(&answer).ok_or_else(|| unexpected(&answer))
}

/// The scripts about a sale take the same keys and arguments.
fn invocation<'s>(script: &'s Script, sale: &Sale) -> ScriptInvocation<'s> {
    let mut invocation = script.key(event_key(&sale.event_uuid));
    invocation
        .key(SALES_KEY)
        .arg(sale.user.to_string())
        .arg(sale.attempt.to_string())
        .arg(kept_ms(Duration::ZERO))
        .arg(spelled(&sale.tickets));
    invocation
}

fn read_begin(answer: &[String]) -> Option<BeginSale> {
    let (verdict, details) = answer.split_first()?;
    match (verdict.as_str(), details) {
        ("begun", _) => Some(BeginSale::Begun),
        ("joined", [attempt]) => Some(BeginSale::Joined { attempt: attempt.parse().ok()? }),
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

/// Marks the tickets as sold, whatever their marks say, and ends all holds on them. Only for what PostgreSQL has committed.
///
/// # Errors
/// When Redis does not answer; the sweeper marks them later.
pub async fn finish_sale(redis: &mut impl ConnectionLike, sale: &Sale) -> RedisResult<()> {
    invocation(&FINISH_SALE, sale).invoke_async::<usize>(redis).await.map(drop)
}

/// Ends a sale that will never be committed: the holds come back with the end they had, or the tickets are free. Only for
/// an attempt that PostgreSQL has decided against; otherwise it might still commit under the next holder's feet.
///
/// # Errors
/// When Redis does not answer; the sweeper ends it later.
pub async fn cancel_sale(redis: &mut impl ConnectionLike, sale: &Sale) -> RedisResult<Cancelled> {
    let (restored, freed) = invocation(&CANCEL_SALE, sale).invoke_async(redis).await?;
    Ok(Cancelled { restored, freed })
}

/// Says that the sale goes on: it counts as left behind only after another such time.
///
/// # Errors
/// When Redis does not answer.
pub async fn touch_sale(redis: &mut impl ConnectionLike, sale: &Sale) -> RedisResult<()> {
    invocation(&TOUCH_SALE, sale).invoke_async::<usize>(redis).await.map(drop)
}

/// Sales that began at least `age` ago by Redis' clock and have not ended, oldest first, one per ticket.
///
/// # Errors
/// When Redis does not answer.
pub async fn stale_sales(redis: &mut impl ConnectionLike, age: Duration, at_most: usize) -> RedisResult<Vec<Sale>> {
    let names: Vec<String> = STALE_SALES.key(SALES_KEY).arg(milliseconds(age)).arg(at_most).invoke_async(redis).await?;
    // A name that was not written by these scripts is nobody's sale.
    Ok(names.iter().filter_map(|name| read_name(name)).collect())
}

fn read_name(name: &str) -> Option<Sale> {
    let mut parts = name.split(' ');
    let (event, user, attempt, ticket) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some(Sale {
        event_uuid: event_of(event)?.to_owned(),
        user: user.parse().ok()?,
        attempt: attempt.parse().ok()?,
        tickets: vec![ticket.parse().ok()?],
    })
}
