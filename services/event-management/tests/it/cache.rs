//! The caches of details, and when they are not trusted.

use std::time::Duration;

use testbed::{Proxy, Stores, TestDatabase, eventually};

use crate::service::{SHOWS_WITHIN, Service, execute, given_an_event, redis};

const CROWD: u64 = 1000;

/// While the tickets are locked, all requests come to wait. Then the first read answers one request, and the second all
/// others.
#[tokio::test]
async fn a_thousand_customers_on_a_cold_event_cost_one_load_and_two_reads_of_its_seats() {
    let db = TestDatabase::create().await;
    let (event, _) = given_an_event(&db, 3).await;
    let service = Service::start_set(&db, "SERVER_CTX_TIMEOUT", "60").await;
    let mut lock = db.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE tickets IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
    let mut customers = Vec::new();
    for number in 1..=CROWD {
        customers.push(service.customer(event.uuid).await);
        if number == 1 || number == CROWD {
            service.metric_is("event_pages_waiting", number).await;
        }
    }
    // So busy, the service may not have proved for a while that it hears changes; without that it would load again.
    tokio::time::sleep(Duration::from_millis(700)).await;
    lock.commit().await.unwrap();
    for customer in customers {
        assert!(customer.answer().await.contains("\"Show\""));
    }
    assert_eq!(service.found_in("postgres").await, 1);
    assert!(service.metric("event_seat_reads_total").await <= 2);
    assert_eq!(service.metric("event_renderings_total{form=\"plain\"}").await, 1);
    assert_eq!(service.metric("event_pages_waiting").await, 0);
}

#[tokio::test]
async fn details_are_kept_in_redis_for_an_hour_and_save_other_replicas_the_load() {
    let db = TestDatabase::create().await;
    let (event, _) = given_an_event(&db, 3).await;
    let replicas = [Service::start(&db).await, Service::start(&db).await];
    replicas[0].page(event.uuid).await;
    let left: i64 =
        redis::cmd("TTL").arg(format!("event:{}", event.uuid)).query_async(&mut redis().await).await.unwrap();
    assert!((3590..=3600).contains(&left), "{left}");
    replicas[1].page(event.uuid).await;
    assert_eq!((replicas[1].found_in("redis").await, replicas[1].found_in("postgres").await), (1, 0));
}

#[tokio::test]
async fn details_from_before_a_change_that_no_replica_received_are_not_served_from_redis() {
    let db = TestDatabase::create().await;
    let (event, _) = given_an_event(&db, 3).await;
    let first = Service::start(&db).await;
    first.page(event.uuid).await;
    drop(first);
    execute(&db.pool, "UPDATE events SET name = 'Renamed'").await;
    let second = Service::start(&db).await;
    assert_eq!(second.page(event.uuid).await["name"], "Renamed");
}

/// The old entries survive in Redis, because the order to drop them never arrived there.
#[tokio::test]
async fn details_from_before_a_change_that_redis_missed_are_not_served_from_it() {
    let db = TestDatabase::create().await;
    let ((asked_meanwhile, _), (asked_after, _)) = (given_an_event(&db, 3).await, given_an_event(&db, 3).await);
    let proxy = Proxy::start(&Stores::from_environment().redis_addr).await;
    let service = Service::start_with(db.environment(), &proxy.addr).await;
    service.hears().await;
    for event in [&asked_meanwhile, &asked_after] {
        service.page(event.uuid).await;
    }
    proxy.cut();
    execute(&db.pool, "UPDATE events SET name = 'Renamed'").await;
    let took = service.time_until(asked_meanwhile.uuid, |page| page["name"] == "Renamed").await;
    assert!(took < SHOWS_WITHIN, "{took:?}");
    proxy.mend();
    service.hears().await;
    assert_eq!(service.page(asked_after.uuid).await["name"], "Renamed");
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_replaced() {
    let db = TestDatabase::create().await;
    let (event, _) = given_an_event(&db, 3).await;
    let service = Service::start(&db).await;
    let key = format!("event:{}", event.uuid);
    redis::cmd("SET")
        .arg(&key)
        .arg("{\"of\": \"another release\"}")
        .query_async::<()>(&mut redis().await)
        .await
        .unwrap();
    assert_eq!(service.page(event.uuid).await["name"], "Show");
    let stored: String = redis::cmd("GET").arg(&key).query_async(&mut redis().await).await.unwrap();
    assert!(stored.contains("\"Show\""), "{stored}");
}

#[tokio::test]
async fn a_redis_that_lost_its_data_is_used_again_after_a_new_epoch() {
    let db = TestDatabase::create().await;
    let (event, _) = given_an_event(&db, 3).await;
    let service = Service::start(&db).await;
    let keys = [format!("event_epoch:{}", db.name), format!("event:{}", event.uuid)];
    redis::cmd("DEL").arg(&keys).query_async::<()>(&mut redis().await).await.unwrap();
    service.page(event.uuid).await;
    service.hears().await;
    execute(&db.pool, "UPDATE events SET name = 'Renamed'").await;
    service.time_until(event.uuid, |page| page["name"] == "Renamed").await;
    eventually("Redis has the event again", async || {
        redis::cmd("EXISTS").arg(&keys[1]).query_async::<bool>(&mut redis().await).await.unwrap()
    })
    .await;
}
