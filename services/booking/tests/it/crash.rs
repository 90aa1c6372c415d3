//! A replica dies or stands still in the middle of a sale. Another one finishes the sale.

use redis::AsyncCommands;
use testbed::{
    Program, eventually,
    given::{Event, Ticket},
};
use tokio::task::JoinHandle;

use crate::{
    customer::Customer,
    faults::{SLOW_COMMIT, a_commit_is_under_way},
    service::{Service, client, process},
};

/// Sends a confirmation whose answer may never come.
fn confirm_without_waiting(customer: &Customer, ticket: &Ticket) -> JoinHandle<()> {
    let (client, base) = (client(), customer.base().to_owned());
    let body = serde_json::json!({
        "ticket_uuid": ticket.uuid, "user_uuid": customer.uuid, "payment_method_uuid": crate::service::new_uuid()});
    tokio::spawn(async move {
        let _ = client.post(format!("{base}/api/v1/booking/tickets/confirm")).body(body.to_string()).send().await;
    })
}

async fn has_mark(service: &Service, event: &Event, ticket: &Ticket, first_letter: char) -> bool {
    let mark: Option<String> =
        service.redis().await.hget(format!("event_seats:{}", event.uuid), ticket.uuid).await.expect("Redis answers");
    mark.is_some_and(|mark| mark.starts_with(first_letter))
}

#[tokio::test]
async fn a_sale_that_was_committed_before_the_crash_is_marked_by_another_replica() {
    let service = Service::start().await;
    let doomed = process(&service.stores, vec![]).await;
    let (event, mut tickets) = service.given_event_with_seats(1).await;
    let ticket = tickets.remove(0);
    let customer = service.customer().at(&doomed.url);
    sqlx::raw_sql(SLOW_COMMIT).execute(service.stores.pool()).await.expect("a slow commit");
    customer.reserve(&ticket).await.is_ok();
    confirm_without_waiting(&customer, &ticket);
    a_commit_is_under_way(&service.stores).await;
    doomed.kill();

    eventually("the seat is marked as sold", async || has_mark(&service, &event, &ticket, 'b').await).await;
    assert_eq!(service.stores.buyers(&ticket).await, [customer.uuid.as_str()]);
    assert_eq!(service.stores.status(&ticket).await, "booked");
    customer.at(&service.replica.url).confirm(&ticket).await.is_ok();
    service.customer().reserve(&ticket).await.is_not_available();
}

#[tokio::test]
async fn a_sale_that_the_crash_prevented_gives_the_hold_back() {
    let service = Service::start().await;
    let doomed = process(&service.stores, vec![]).await;
    let (event, mut tickets) = service.given_event_with_seats(1).await;
    let ticket = tickets.remove(0);
    let customer = service.customer().at(&doomed.url);
    customer.reserve(&ticket).await.is_ok();
    let mut blocker = service.stores.pool().begin().await.expect("a transaction");
    sqlx::query("SELECT FROM tickets FOR UPDATE").execute(&mut *blocker).await.expect("a row lock");
    confirm_without_waiting(&customer, &ticket);
    eventually("the sale has begun", async || has_mark(&service, &event, &ticket, 's').await).await;
    doomed.kill();

    eventually("the hold is back", async || has_mark(&service, &event, &ticket, 'h').await).await;
    blocker.rollback().await.expect("released");
    service.customer().reserve(&ticket).await.is_not_available();
    customer.at(&service.replica.url).confirm(&ticket).await.is_ok();
    assert_eq!(service.stores.buyers(&ticket).await, [customer.uuid]);
}

#[tokio::test]
async fn a_replica_that_stood_still_cannot_sell_what_was_given_up_and_is_held_by_another() {
    let service = Service::start().await;
    let stopped = process(&service.stores, vec![]).await;
    let (event, mut tickets) = service.given_event_with_seats(1).await;
    let ticket = tickets.remove(0);
    let (late, quick) = (service.customer().at(&stopped.url), service.customer());
    late.reserve(&ticket).await.is_ok();
    let mut blocker = service.stores.pool().begin().await.expect("a transaction");
    sqlx::query("SELECT FROM tickets FOR UPDATE").execute(&mut *blocker).await.expect("a row lock");
    let answer = confirm_without_waiting(&late, &ticket);
    eventually("the sale has begun", async || has_mark(&service, &event, &ticket, 's').await).await;
    stopped.pause().expect("paused");
    eventually("the sale was given up", async || has_mark(&service, &event, &ticket, 'h').await).await;
    // The late customer's hold ends, and another takes the ticket.
    let _: () = service.redis().await.del(format!("ticket_lock:{}", ticket.uuid)).await.expect("Redis answers");
    quick.reserve(&ticket).await.is_ok();
    blocker.rollback().await.expect("released");
    stopped.resume().expect("resumed");
    answer.await.expect("the late customer is answered");

    assert!(service.stores.buyers(&ticket).await.is_empty());
    quick.confirm(&ticket).await.is_ok();
    assert_eq!(service.stores.buyers(&ticket).await, [quick.uuid]);
}

#[test]
fn wrong_settings_end_the_program_with_status_2_and_all_their_names() {
    let program = Program::new(env!("CARGO_BIN_EXE_booking"));
    let output =
        program.set("HOLD_SECONDS", "never").set("PAYMENT_PROVIDER", "stripe").run().expect("the program runs");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    for name in ["HOLD_SECONDS", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "POSTGRES_HOST", "REDIS_ADDR"] {
        assert!(said.contains(name), "{said}");
    }
}
