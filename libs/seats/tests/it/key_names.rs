//! The names of keys in Redis, held against the table in the crate's documentation and against the contract.

use std::{collections::BTreeSet, time::Duration};

use ids::{OrderId, TicketId, UserId};
use redis::AsyncCommands;
use seats::{HoldLimits, HoldOutcome, SaleAttempt};

use crate::redis_server::{connect, new_event};

const LIBRARY: &str = include_str!("../../src/lib.rs");
const CONTRACT: &str = include_str!("../../../../docs/contract.md");
/// The key that belongs to no hold: it lists the sales of all events.
const SALES: &str = "tickets_selling";

/// The keys in the first column of the table in `lib.rs`.
fn documented() -> BTreeSet<&'static str> {
    LIBRARY.lines().filter_map(|line| line.strip_prefix("//! | `")?.split('`').next()).collect()
}

#[tokio::test]
async fn a_hold_and_its_sale_write_the_keys_of_the_table_and_no_others() {
    let (mut redis, event, user, ticket) = (connect().await, new_event(), UserId::random(), TicketId::random());
    let length = Duration::from_secs(60);
    let limits = HoldLimits { tickets_per_user: 2, ..HoldLimits::of_length(length) };
    let outcome = seats::hold(&mut redis, event, user, &[ticket], &limits).await.expect("Redis");
    let HoldOutcome::Placed(placed) = outcome else { panic!("{outcome:?}") };
    let sale = SaleAttempt { event, user, order: OrderId::random(), tickets: vec![ticket] };
    seats::begin_sale(&mut redis, &sale).await.expect("Redis");

    let ids = [
        ("{event}", event.to_string()),
        ("{user}", user.to_string()),
        ("{ticket}", ticket.to_string()),
        ("{hold}", placed.hold.to_string()),
    ];
    let mut written = BTreeSet::new();
    for (_, id) in &ids {
        let keys: Vec<String> = redis.keys(format!("*{id}*")).await.expect("Redis");
        written.extend(keys);
    }
    let named = |key: &str| ids.iter().fold(key.to_owned(), |key, (name, id)| key.replace(name, id));
    let expected: BTreeSet<String> = documented().into_iter().filter(|key| *key != SALES).map(named).collect();
    assert_eq!(written, expected);

    let listed: Vec<String> = redis.zrange(SALES, 0, -1).await.expect("Redis");
    assert!(listed.iter().any(|sale| sale.contains(&ticket.to_string())), "{SALES} does not list the sale");
}

#[test]
fn the_contracts_keys_are_in_the_table() {
    let line = CONTRACT.lines().find(|line| line.starts_with("- Redis keys:")).expect("a line about Redis' keys");
    let promised: BTreeSet<String> = line.split('`').skip(1).step_by(2).map(|key| key.replace("_uuid}", "}")).collect();
    assert_eq!(promised.len(), 2, "{line}");
    let documented = documented();
    assert!(documented.contains(SALES), "{documented:?}");
    for key in promised {
        assert!(documented.contains(key.as_str()), "the table of {documented:?} lacks `{key}`");
    }
}
