//! Stores that go away and come back.

use testbed::eventually;

use crate::service::{ProxiedStores, Service};

/// Makes each sale's COMMIT take a second, so that something can happen in its middle.
pub(crate) const SLOW_COMMIT: &str = "
    CREATE FUNCTION slow_commit() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON orders
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.state = 'booked') EXECUTE FUNCTION slow_commit()";

/// Waits until a sale is in the middle of its COMMIT.
pub(crate) async fn a_commit_is_under_way(stores: &ProxiedStores) {
    eventually("a COMMIT is under way", async || {
        sqlx::query_scalar::<_, bool>(
            "SELECT EXISTS (SELECT FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event = 'PgSleep')",
        )
        .fetch_one(stores.pool())
        .await
        .expect("PostgreSQL answers")
    })
    .await;
}

#[tokio::test]
async fn redis_down_is_a_503_and_service_is_normal_when_it_is_back() {
    let service = Service::start().await;
    let (ticket, customer) = (service.given_ticket().await, service.customer());
    customer.reserve(&ticket).await.is_ok();
    service.stores.redis_proxy.cut();
    customer.reserve(&ticket).await.is_unavailable();
    customer.confirm(&ticket).await.is_unavailable();
    service.stores.redis_proxy.mend();
    eventually("a confirmation works again", async || customer.confirm(&ticket).await.status == 200).await;
    assert_eq!(service.stores.buyers(&ticket).await, [customer.uuid]);
}

#[tokio::test]
async fn postgresql_down_is_a_503_and_the_ticket_is_not_kept_from_others() {
    let service = Service::start().await;
    let (event, tickets) = service.given_event_with_seats(1).await;
    let (ticket, customer, other) = (&tickets[0], service.customer(), service.customer());
    // Known to the service, so that the hold comes before PostgreSQL is asked.
    customer.reserve(ticket).await.is_ok();
    seats::release(&mut service.redis().await, event.uuid, customer.uuid.parse().expect("a UUID"), &[ticket.uuid])
        .await
        .expect("Redis answers");
    service.stores.postgres_proxy.cut();
    customer.reserve(ticket).await.is_unavailable();
    assert!(service.shown_as_reserved(&event).await.is_empty());
    service.stores.postgres_proxy.mend();
    eventually("a reservation works again", async || other.reserve(ticket).await.status == 200).await;
}

#[tokio::test]
async fn postgresql_down_at_confirm_is_a_503_and_the_repeat_sells() {
    let service = Service::start().await;
    let (ticket, customer) = (service.given_ticket().await, service.customer());
    customer.reserve(&ticket).await.is_ok();
    service.stores.postgres_proxy.cut();
    customer.confirm(&ticket).await.is_unavailable();
    service.customer().reserve(&ticket).await;
    service.stores.postgres_proxy.mend();
    eventually("the repeat sells", async || customer.confirm(&ticket).await.status == 200).await;
    assert_eq!(service.stores.buyers(&ticket).await, [customer.uuid]);
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_a_503_and_the_repeat_learns_the_truth() {
    let service = Service::start().await;
    let (ticket, customer) = (service.given_ticket().await, service.customer());
    sqlx::raw_sql(SLOW_COMMIT).execute(service.stores.pool()).await.expect("a slow commit");
    customer.reserve(&ticket).await.is_ok();
    let sale = tokio::spawn({
        let (customer, ticket) = (customer.clone(), ticket.clone());
        async move { customer.confirm(&ticket).await }
    });
    a_commit_is_under_way(&service.stores).await;
    service.stores.postgres_proxy.cut();
    sale.await.expect("an answer").is_unavailable();
    service.stores.postgres_proxy.mend();
    eventually("the repeat learns that it was sold", async || customer.confirm(&ticket).await.status == 200).await;
    assert_eq!(service.stores.buyers(&ticket).await, [customer.uuid]);
    service.customer().reserve(&ticket).await.is_not_available();
}

#[tokio::test]
async fn a_sale_that_redis_did_not_hear_of_is_a_200_and_is_marked_later() {
    let service = Service::start().await;
    let (event, mut tickets) = service.given_event_with_seats(1).await;
    let (ticket, customer) = (tickets.remove(0), service.customer());
    sqlx::raw_sql(SLOW_COMMIT).execute(service.stores.pool()).await.expect("a slow commit");
    customer.reserve(&ticket).await.is_ok();
    let sale = tokio::spawn({
        let (customer, ticket) = (customer.clone(), ticket.clone());
        async move { customer.confirm(&ticket).await }
    });
    a_commit_is_under_way(&service.stores).await;
    service.stores.redis_proxy.cut();
    sale.await.expect("an answer").is_ok();
    assert_eq!(service.shown_as_reserved(&event).await, [ticket.uuid]);
    service.stores.redis_proxy.mend();
    eventually("the seat is marked as sold", async || service.shown_as_reserved(&event).await.is_empty()).await;
    assert_eq!(service.stores.buyers(&ticket).await, [customer.uuid]);
}

#[tokio::test]
async fn the_service_starts_while_its_stores_are_down_and_is_ready_once_it_has_reached_them() {
    let stores = ProxiedStores::start().await;
    stores.redis_proxy.cut();
    stores.postgres_proxy.cut();
    let replica = crate::service::replica(stores.settings()).await;
    let service = Service { stores, replica, client: crate::service::client() };
    assert_eq!(service.get("/livez").await.status().as_u16(), 200);
    assert_eq!(service.get("/readyz").await.status().as_u16(), 503);
    service.stores.redis_proxy.mend();
    service.stores.postgres_proxy.mend();
    eventually("it is ready", async || service.get("/readyz").await.status().as_u16() == 200).await;
    // Taken out of its Service now, it could not answer the 503 that clients are promised.
    service.stores.redis_proxy.cut();
    assert_eq!(service.get("/readyz").await.status().as_u16(), 200);
}

#[tokio::test]
async fn a_sale_under_way_is_finished_before_the_service_ends() {
    let service = Service::start().await;
    let (ticket, customer) = (service.given_ticket().await, service.customer());
    sqlx::raw_sql(SLOW_COMMIT).execute(service.stores.pool()).await.expect("a slow commit");
    customer.reserve(&ticket).await.is_ok();
    let sale = tokio::spawn({
        let (customer, ticket) = (customer.clone(), ticket.clone());
        async move { customer.confirm(&ticket).await }
    });
    a_commit_is_under_way(&service.stores).await;
    service.replica.stop().await;
    sale.await.expect("an answer").is_ok();
    assert_eq!(service.stores.buyers(&ticket).await, [customer.uuid]);
}
