//! The final state of the stores, and the numbers of a run.

use std::{collections::BTreeMap, fmt, ops::AddAssign, time::Duration};

use anyhow::Result;
use fake_stripe::FakeStripe;
use sqlx::PgPool;

use super::platform::Platform;
use crate::{
    checker::holds_taken_over,
    history::{Call, FaultKind, History, Order, Outcome, Payment, Ticket},
};

/// The reason of an order that was cancelled because its payment could not be captured.
const CAPTURE_FAILED: &str = "capture_failed";

/// Reads orders and tickets from PostgreSQL, and payments from Stripe.
pub(crate) async fn read(platform: &Platform) -> Result<History> {
    let pool = &platform.database.pool;
    let payments = platform.stripe().map(FakeStripe::payments).unwrap_or_default();
    Ok(History {
        orders: read_orders(pool).await?,
        tickets: read_tickets(pool).await?,
        payments: payments.into_iter().map(Payment::from).collect(),
        ..History::default()
    })
}

async fn read_orders(pool: &PgPool) -> Result<Vec<Order>> {
    let orders = sqlx::query_as(
        "SELECT orders.uuid AS order, user_uuid AS customer, state, reason, payment_provider AS provider, amount,
                array_remove(array_agg(ticket_uuid), NULL) AS tickets
         FROM orders LEFT JOIN order_tickets ON order_tickets.order_id = orders.id
         GROUP BY orders.id",
    );
    Ok(orders.fetch_all(pool).await?)
}

async fn read_tickets(pool: &PgPool) -> Result<Vec<Ticket>> {
    let rows: Vec<(String, String)> = sqlx::query_as("SELECT uuid, status FROM tickets").fetch_all(pool).await?;
    Ok(rows.into_iter().map(|(ticket, status)| Ticket { ticket, status }).collect())
}

impl From<fake_stripe::Payment> for Payment {
    fn from(payment: fake_stripe::Payment) -> Self {
        Self {
            order: payment.order_uuid().map(str::to_owned),
            capturable: payment.capturable,
            captured: payment.captured,
            refunded: payment.refunded,
            intent: payment.intent,
        }
    }
}

/// The numbers of a run.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Purchases that customers tried.
    pub tried: u64,
    /// Holds that expired and were followed by another customer's hold.
    pub taken_over: u64,
    /// Payments that were authorized and could not be captured. Their tickets went back on sale.
    pub not_captured: u64,
    /// Tickets that are sold at the end of the run.
    pub sold: u64,
    /// Requests that reached no server.
    pub not_sent: u64,
    /// Calls to Stripe that met a planned fault.
    pub stripe_faults: u64,
    /// The time during which customers shopped.
    pub shopped: Duration,
    /// Requests by call and outcome.
    pub requests: BTreeMap<(Call, Outcome), u64>,
    /// Faults by kind and part.
    pub faults: BTreeMap<(FaultKind, String), u64>,
}

impl Tally {
    pub(crate) fn of(
        history: &History,
        tried: u64,
        not_sent: u64,
        shopped: Duration,
        stripe: Option<&FakeStripe>,
    ) -> Self {
        let mut tally = Self {
            tried,
            taken_over: holds_taken_over(history) as u64,
            not_captured: history.orders.iter().filter(|order| order.reason.as_deref() == Some(CAPTURE_FAILED)).count()
                as u64,
            sold: history.tickets.iter().filter(|ticket| ticket.status == "booked").count() as u64,
            not_sent,
            stripe_faults: stripe.map_or(0, FakeStripe::faults_met),
            shopped,
            ..Self::default()
        };
        for operation in &history.operations {
            *tally.requests.entry((operation.call, operation.outcome)).or_default() += 1;
        }
        for fault in &history.faults {
            *tally.faults.entry((fault.what, fault.part.clone())).or_default() += 1;
        }
        tally
    }

    /// Number of requests with this outcome.
    #[must_use]
    pub fn with_outcome(&self, outcome: Outcome) -> u64 {
        self.requests.iter().filter(|((_, other), _)| *other == outcome).map(|(_, count)| count).sum()
    }
}

impl Tally {
    /// Names everything that happened less often than the run promises: fewer than `least` expired holds or declined
    /// cards, or a fault that was injected fewer than `rounds` times.
    #[must_use]
    pub fn shortfalls(&self, least: u64, rounds: u64) -> Vec<String> {
        let seen = [
            ("holds taken over", self.taken_over, least),
            ("declined cards", self.with_outcome(Outcome::Declined), least),
            ("payments that were not captured", self.not_captured, least / 4),
        ];
        let rare = seen.into_iter().filter(|(_, count, wanted)| count < wanted);
        let rare = rare.map(|(what, count, wanted)| format!("{count} {what} instead of {wanted}"));
        let faults = self.faults.iter().filter(|(_, count)| **count < rounds);
        let faults = faults.map(|((what, part), count)| format!("{part} {what:?} {count} times instead of {rounds}"));
        rare.chain(faults).collect()
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.tried += other.tried;
        self.taken_over += other.taken_over;
        self.not_captured += other.not_captured;
        self.sold += other.sold;
        self.not_sent += other.not_sent;
        self.stripe_faults += other.stripe_faults;
        self.shopped += other.shopped;
        for (key, count) in other.requests {
            *self.requests.entry(key).or_default() += count;
        }
        for (key, count) in other.faults {
            *self.faults.entry(key).or_default() += count;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | how many |\n|---|---|")?;
        writeln!(f, "| purchases tried | {} |", self.tried)?;
        writeln!(f, "| tickets sold at the end | {} |", self.sold)?;
        writeln!(f, "| expired holds that another customer took over | {} |", self.taken_over)?;
        writeln!(f, "| declined cards | {} |", self.with_outcome(Outcome::Declined))?;
        writeln!(f, "| payments that could not be captured | {} |", self.not_captured)?;
        writeln!(f, "| requests without a clear answer | {} |", self.with_outcome(Outcome::Unknown))?;
        writeln!(f, "| requests that reached no server | {} |", self.not_sent)?;
        writeln!(f, "| calls to Stripe that met an injected fault | {} |", self.stripe_faults)?;
        writeln!(f, "| seconds of shopping | {} |", self.shopped.as_secs())?;
        for ((call, outcome), count) in &self.requests {
            writeln!(f, "| {call:?}, {outcome:?} | {count} |")?;
        }
        for ((what, part), count) in &self.faults {
            writeln!(f, "| {part} {what:?} | {count} |")?;
        }
        Ok(())
    }
}
