//! The rules of holds and sales, one by one.

use std::time::Duration;

use ids::{EventId, OrderId, TicketId, UserId};
use redis::AsyncCommands;
use seats::{BeginSale, Cancelled, HoldLimits, HoldOutcome, NotSellable, Occupied, SaleAttempt};

use crate::redis_server::{connect, held, new_event, now_ms, wait_until};

const HOLD: Duration = Duration::from_secs(60);
const SHORT_HOLD: Duration = Duration::from_millis(20);

fn sale_of(event: EventId, user: UserId, tickets: &[TicketId]) -> SaleAttempt {
    SaleAttempt { event, user, order: OrderId::random(), tickets: tickets.to_vec() }
}

#[tokio::test]
async fn a_hold_writes_the_contracts_keys_with_one_end() {
    let (mut redis, event, user, ticket) = (connect().await, new_event(), UserId::random(), TicketId::random());
    seats::hold(&mut redis, event, user, &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    let (lock, proof) = (format!("ticket_lock:{ticket}"), format!("ticket_lock_user:{ticket}:{user}"));
    let owner: String = redis.get(&lock).await.expect("Redis");
    assert_eq!(owner, user.to_string());
    let (lock_ends, proof_ends): (i64, i64) = redis::pipe()
        .cmd("PEXPIRETIME")
        .arg(&lock)
        .cmd("PEXPIRETIME")
        .arg(&proof)
        .query_async(&mut redis)
        .await
        .expect("Redis");
    assert_eq!(lock_ends, proof_ends);
    let left: i64 = redis.pttl(&lock).await.expect("Redis");
    assert!((59_000..=60_000).contains(&left), "{left}");
}

#[tokio::test]
async fn the_loser_of_a_race_gets_no_proof() {
    let (mut redis, event, ticket) = (connect().await, new_event(), TicketId::random());
    let (winner, loser) = (UserId::random(), UserId::random());
    seats::hold(&mut redis, event, winner, &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    let answer = seats::hold(&mut redis, event, loser, &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    assert_eq!(answer, HoldOutcome::Refused { ticket, because: Occupied::Held, owner: Some(winner) });
    let proof: bool = redis.exists(format!("ticket_lock_user:{ticket}:{loser}")).await.expect("Redis");
    assert!(!proof);
}

#[tokio::test]
async fn several_tickets_are_held_together_or_not_at_all() {
    let (mut redis, event) = (connect().await, new_event());
    let tickets = [TicketId::random(), TicketId::random(), TicketId::random()];
    let (first, second) = (UserId::random(), UserId::random());
    seats::hold(&mut redis, event, first, &tickets[2..], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    let answer = seats::hold(&mut redis, event, second, &tickets, &HoldLimits::of_length(HOLD)).await.expect("Redis");
    assert_eq!(answer, HoldOutcome::Refused { ticket: tickets[2], because: Occupied::Held, owner: Some(first) });
    let shown = held(&mut redis, event).await;
    assert_eq!(shown, [tickets[2]].into());
}

#[tokio::test]
async fn the_owners_repeat_does_not_prolong_the_hold() {
    let (mut redis, event, user, ticket) = (connect().await, new_event(), UserId::random(), TicketId::random());
    seats::hold(&mut redis, event, user, &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    let lock = format!("ticket_lock:{ticket}");
    let before: i64 = redis::cmd("PEXPIRETIME").arg(&lock).query_async(&mut redis).await.expect("Redis");
    let moment = now_ms(&mut redis).await;
    wait_until(&mut redis, moment + 2).await;
    let answer = seats::hold(&mut redis, event, user, &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    let HoldOutcome::Placed(held) = answer else { panic!("{answer:?}") };
    assert!(!held.tickets[0].new);
    assert_eq!(held.tickets[0].answers, 2);
    let after: i64 = redis::cmd("PEXPIRETIME").arg(&lock).query_async(&mut redis).await.expect("Redis");
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_hold_that_ran_out_leaves_nothing_and_another_takes_the_ticket() {
    let (mut redis, event, ticket) = (connect().await, new_event(), TicketId::random());
    let (first, second) = (UserId::random(), UserId::random());
    seats::hold(&mut redis, event, first, &[ticket], &HoldLimits::of_length(SHORT_HOLD)).await.expect("Redis");
    let end = now_ms(&mut redis).await + 20;
    wait_until(&mut redis, end).await;
    assert!(held(&mut redis, event).await.is_empty());
    let late = seats::begin_sale(&mut redis, &sale_of(event, first, &[ticket])).await.expect("Redis");
    assert_eq!(late, BeginSale::Refused { ticket, because: NotSellable::NotHeld });
    let answer = seats::hold(&mut redis, event, second, &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    assert!(matches!(answer, HoldOutcome::Placed(held) if held.tickets[0].new));
}

#[tokio::test]
async fn a_sale_outlives_the_end_of_its_hold() {
    let (mut redis, event, ticket) = (connect().await, new_event(), TicketId::random());
    let (buyer, other) = (UserId::random(), UserId::random());
    seats::hold(&mut redis, event, buyer, &[ticket], &HoldLimits::of_length(SHORT_HOLD)).await.expect("Redis");
    let sale = sale_of(event, buyer, &[ticket]);
    assert_eq!(seats::begin_sale(&mut redis, &sale).await.expect("Redis"), BeginSale::Begun);
    let end = now_ms(&mut redis).await + 20;
    wait_until(&mut redis, end).await;
    let answer = seats::hold(&mut redis, event, other, &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    assert_eq!(answer, HoldOutcome::Refused { ticket, because: Occupied::Selling, owner: Some(buyer) });
    assert_eq!(held(&mut redis, event).await, [ticket].into());
    // Given up now, nothing is left of the hold.
    let cancelled = seats::cancel_sale(&mut redis, &sale).await.expect("Redis");
    assert_eq!(cancelled, Cancelled { restored: 0, freed: 1 });
    let answer = seats::hold(&mut redis, event, other, &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    assert!(matches!(answer, HoldOutcome::Placed(_)));
}

#[tokio::test]
async fn a_cancelled_sale_gives_the_hold_back_with_the_end_it_had() {
    let (mut redis, event, user, ticket) = (connect().await, new_event(), UserId::random(), TicketId::random());
    seats::hold(&mut redis, event, user, &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    let lock = format!("ticket_lock:{ticket}");
    let before: i64 = redis::cmd("PEXPIRETIME").arg(&lock).query_async(&mut redis).await.expect("Redis");
    let sale = sale_of(event, user, &[ticket]);
    seats::begin_sale(&mut redis, &sale).await.expect("Redis");
    let cancelled = seats::cancel_sale(&mut redis, &sale).await.expect("Redis");
    assert_eq!(cancelled, Cancelled { restored: 1, freed: 0 });
    let after: i64 = redis::cmd("PEXPIRETIME").arg(&lock).query_async(&mut redis).await.expect("Redis");
    assert_eq!(before, after);
    // And it can be sold again, under another attempt, which the first cannot disturb.
    let again = sale_of(event, user, &[ticket]);
    assert_eq!(seats::begin_sale(&mut redis, &again).await.expect("Redis"), BeginSale::Begun);
    let late = seats::cancel_sale(&mut redis, &sale).await.expect("Redis");
    assert_eq!(late, Cancelled { restored: 0, freed: 0 });
    assert_eq!(held(&mut redis, event).await, [ticket].into());
}

#[tokio::test]
async fn the_owners_second_confirm_joins_the_sale_under_way() {
    let (mut redis, event, user, ticket) = (connect().await, new_event(), UserId::random(), TicketId::random());
    seats::hold(&mut redis, event, user, &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    let sale = sale_of(event, user, &[ticket]);
    seats::begin_sale(&mut redis, &sale).await.expect("Redis");
    let second = seats::begin_sale(&mut redis, &sale_of(event, user, &[ticket])).await.expect("Redis");
    assert_eq!(second, BeginSale::Joined { order: sale.order });
}

#[tokio::test]
async fn a_finished_sale_leaves_a_mark_and_no_keys() {
    let (mut redis, event, user, ticket) = (connect().await, new_event(), UserId::random(), TicketId::random());
    seats::hold(&mut redis, event, user, &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    let sale = sale_of(event, user, &[ticket]);
    seats::begin_sale(&mut redis, &sale).await.expect("Redis");
    seats::finish_sale(&mut redis, &sale).await.expect("Redis");
    let keys = [format!("ticket_lock:{ticket}"), format!("ticket_lock_user:{ticket}:{user}")];
    let left: u64 = redis.exists(&keys[..]).await.expect("Redis");
    assert_eq!(left, 0);
    assert!(held(&mut redis, event).await.is_empty());
    let answer = seats::hold(&mut redis, event, user, &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    assert_eq!(answer, HoldOutcome::Refused { ticket, because: Occupied::Booked, owner: None });
}

#[tokio::test]
async fn a_hold_that_another_call_was_answered_with_is_not_given_back() {
    let (mut redis, event, user, ticket) = (connect().await, new_event(), UserId::random(), TicketId::random());
    let answer = seats::hold(&mut redis, event, user, &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    let HoldOutcome::Placed(first) = answer else { panic!("{answer:?}") };
    seats::hold(&mut redis, event, user, &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    let released = seats::release_unanswered(&mut redis, event, user, &first).await.expect("Redis");
    assert_eq!(released, 0);
    assert_eq!(held(&mut redis, event).await.len(), 1);
    assert_eq!(seats::release(&mut redis, event, user, &[ticket]).await.expect("Redis"), 1);
    assert!(held(&mut redis, event).await.is_empty());
}

#[tokio::test]
async fn every_key_of_an_event_expires() {
    let (mut redis, event, user, ticket) = (connect().await, new_event(), UserId::random(), TicketId::random());
    seats::hold(&mut redis, event, user, &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    seats::begin_sale(&mut redis, &sale_of(event, user, &[ticket])).await.expect("Redis");
    for key in
        [format!("event_seats:{event}"), format!("ticket_lock:{ticket}"), format!("ticket_lock_user:{ticket}:{user}")]
    {
        let left: i64 = redis.pttl(&key).await.expect("Redis");
        assert!(left > 0, "{key} has no end");
    }
}
