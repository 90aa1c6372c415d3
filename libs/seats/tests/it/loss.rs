//! What happens when keys are lost or written by others.

use std::time::Duration;

use ids::{OrderId, TicketId, UserId};
use redis::AsyncCommands;
use seats::{BeginSale, HoldLimits, HoldOutcome, NotSellable, Occupied, SaleAttempt};

use crate::redis_server::{connect, held, new_event};

const HOLD: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_lock_written_by_another_program_keeps_others_out() {
    let (mut redis, event, ticket, owner) = (connect().await, new_event(), TicketId::random(), UserId::random());
    let _: () = redis.set_ex(format!("ticket_lock:{ticket}"), owner.to_string(), 60).await.expect("Redis");
    let answer =
        seats::hold(&mut redis, event, UserId::random(), &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    assert_eq!(answer, HoldOutcome::Refused { ticket, because: Occupied::Held, owner: Some(owner) });
}

#[tokio::test]
async fn a_deleted_lock_ends_the_hold_and_its_owner_cannot_confirm() {
    let (mut redis, event, ticket) = (connect().await, new_event(), TicketId::random());
    let (first, second) = (UserId::random(), UserId::random());
    seats::hold(&mut redis, event, first, &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    let _: () = redis.del(format!("ticket_lock:{ticket}")).await.expect("Redis");
    let answer = seats::hold(&mut redis, event, second, &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    assert!(matches!(answer, HoldOutcome::Placed(held) if held.tickets[0].new));
    // The first still has the proof in Redis; the lock says whose the ticket is.
    let sale = SaleAttempt { event, user: first, order: OrderId::random(), tickets: vec![ticket] };
    let late = seats::begin_sale(&mut redis, &sale).await.expect("Redis");
    assert_eq!(late, BeginSale::Refused { ticket, because: NotSellable::NotHeld });
}

#[tokio::test]
async fn without_its_proof_a_hold_cannot_be_sold_until_its_owner_reserves_again() {
    let (mut redis, event, user, ticket) = (connect().await, new_event(), UserId::random(), TicketId::random());
    seats::hold(&mut redis, event, user, &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    let _: () = redis.del(format!("ticket_lock_user:{ticket}:{user}")).await.expect("Redis");
    let sale = SaleAttempt { event, user, order: OrderId::random(), tickets: vec![ticket] };
    let refused = seats::begin_sale(&mut redis, &sale).await.expect("Redis");
    assert_eq!(refused, BeginSale::Refused { ticket, because: NotSellable::NotHeld });
    seats::hold(&mut redis, event, user, &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    assert_eq!(seats::begin_sale(&mut redis, &sale).await.expect("Redis"), BeginSale::Begun);
}

#[tokio::test]
async fn the_marks_of_an_event_that_were_lost_come_back_with_the_owners_repeat() {
    let (mut redis, event, user, ticket) = (connect().await, new_event(), UserId::random(), TicketId::random());
    seats::hold(&mut redis, event, user, &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    let _: () = redis.del(format!("event_seats:{event}")).await.expect("Redis");
    let other =
        seats::hold(&mut redis, event, UserId::random(), &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    assert_eq!(other, HoldOutcome::Refused { ticket, because: Occupied::Held, owner: Some(user) });
    seats::hold(&mut redis, event, user, &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    assert_eq!(held(&mut redis, event).await, [ticket].into());
}

#[tokio::test]
async fn a_sale_keeps_others_out_when_the_locks_are_deleted() {
    let (mut redis, event, user, ticket) = (connect().await, new_event(), UserId::random(), TicketId::random());
    seats::hold(&mut redis, event, user, &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    let sale = SaleAttempt { event, user, order: OrderId::random(), tickets: vec![ticket] };
    seats::begin_sale(&mut redis, &sale).await.expect("Redis");
    let keys = [format!("ticket_lock:{ticket}"), format!("ticket_lock_user:{ticket}:{user}")];
    let _: () = redis.del(&keys[..]).await.expect("Redis");
    let other =
        seats::hold(&mut redis, event, UserId::random(), &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    assert_eq!(other, HoldOutcome::Refused { ticket, because: Occupied::Selling, owner: Some(user) });
}

#[tokio::test]
async fn scripts_that_redis_forgot_are_loaded_again() {
    let (mut redis, event, user, ticket) = (connect().await, new_event(), UserId::random(), TicketId::random());
    let _: () = redis::cmd("SCRIPT").arg("FLUSH").query_async(&mut redis).await.expect("Redis");
    let answer = seats::hold(&mut redis, event, user, &[ticket], &HoldLimits::of_length(HOLD)).await.expect("Redis");
    assert!(matches!(answer, HoldOutcome::Placed(_)));
}
