//! The table of an order's life, the schema and the architecture page say the same.

use std::{collections::BTreeSet, fmt::Write as _, path::Path};

use booking::for_tests::{ALL, OrderAfter, OrderState, PaymentState, Reason, STARTS};
use kit::openapi::UPDATE_VARIABLE;
use testbed::TestDatabase;

/// States of payments that an early version wrote. Their rows remain.
const EARLY_STATES: [&str; 3] = ["succeeded", "refused", "abandoned"];

const BEGIN: &str = "<!-- transitions: written by services/booking/tests/it/lifecycle.rs -->\n";
const END: &str = "<!-- transitions: end -->\n";

/// The words that a CHECK constraint of the migrated database allows.
async fn allowed(database: &TestDatabase, constraint: &str) -> BTreeSet<String> {
    let definition: String =
        sqlx::query_scalar("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1")
            .bind(constraint)
            .fetch_one(&database.pool)
            .await
            .expect("the constraint");
    definition.split('\'').skip(1).step_by(2).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_schema_allows_the_states_of_the_table_and_no_others() {
    let database = TestDatabase::create().await;
    let orders: BTreeSet<_> = OrderState::ALL.iter().map(|state| state.as_str().to_owned()).collect();
    assert_eq!(allowed(&database, "orders_state_known").await, orders);
    let mut payments: BTreeSet<_> = PaymentState::ALL.iter().map(|state| state.as_str().to_owned()).collect();
    payments.extend(EARLY_STATES.map(str::to_owned));
    assert_eq!(allowed(&database, "payment_attempts_state_known").await, payments);
}

#[test]
fn the_committed_architecture_page_shows_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/architecture.md");
    let page = std::fs::read_to_string(&path).expect("the page");
    let (before, rest) = page.split_once(BEGIN).expect("a mark before the table");
    let (shown, after) = rest.split_once(END).expect("a mark after the table");
    if std::env::var_os(UPDATE_VARIABLE).is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{}{END}{after}", table())).expect("the page can be written");
        return;
    }
    assert_eq!(shown, table(), "run `make generate` and commit docs/architecture.md");
}

/// The table in Markdown.
fn table() -> String {
    let mut table = "| transition | payment | becomes | order becomes | reason |\n|---|---|---|---|---|\n".to_owned();
    for start in STARTS {
        let payment = start.payment.map_or("–".to_owned(), |state| word(state.as_str()));
        let order = word(start.order.as_str());
        writeln!(table, "| `{}` | – | {payment} | {order} | |", start.name).expect("a line");
    }
    for transition in ALL {
        let from = transition.from.iter().map(|state| word(state.as_str())).collect::<Vec<_>>().join(", ");
        let (order, reason) = match transition.order {
            OrderAfter::Same => ("–".to_owned(), None),
            OrderAfter::Becomes(state, reason) => (word(state.as_str()), reason.map(Reason::as_str)),
            OrderAfter::KeepsReason(state) => (word(state.as_str()), Some("unchanged")),
        };
        let reason = match reason {
            None => String::new(),
            Some("unchanged") => "unchanged".to_owned(),
            Some(reason) => word(reason),
        };
        let to = word(transition.to.as_str());
        writeln!(table, "| `{}` | {from} | {to} | {order} | {reason} |", transition.name).expect("a line");
    }
    table
}

fn word(text: &str) -> String {
    format!("`{text}`")
}
