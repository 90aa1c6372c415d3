//! Random sequences of calls by several users, compared with the model after each call.

use std::{collections::HashSet, time::Duration};

use ids::{EventId, OrderId, TicketId, UserId};
use proptest::{prelude::*, sample::Index};
use redis::aio::MultiplexedConnection;
use seats::{BeginSale, HoldLimits, SaleAttempt};

use crate::{
    model::{Model, Window},
    redis_server::{connect, held, new_event, now_ms, wait_until},
};

const USERS: usize = 3;
const TICKETS: usize = 4;
/// Ends in the middle of most sequences, often in the middle of a sale.
const HOLD: Duration = Duration::from_millis(15);

#[derive(Debug, Clone)]
enum Step {
    Hold { user: usize, tickets: Vec<usize> },
    Begin { user: usize, tickets: Vec<usize> },
    Finish { sale: Index },
    Cancel { sale: Index },
    Release { user: usize, tickets: Vec<usize> },
    ClearBooked { ticket: usize },
    Outwait,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let tickets = || proptest::sample::subsequence((0..TICKETS).collect::<Vec<_>>(), 1..=3);
    let step = prop_oneof![
        5 => (0..USERS, tickets()).prop_map(|(user, tickets)| Step::Hold { user, tickets }),
        5 => (0..USERS, tickets()).prop_map(|(user, tickets)| Step::Begin { user, tickets }),
        2 => any::<Index>().prop_map(|sale| Step::Finish { sale }),
        3 => any::<Index>().prop_map(|sale| Step::Cancel { sale }),
        1 => (0..USERS, tickets()).prop_map(|(user, tickets)| Step::Release { user, tickets }),
        1 => (0..TICKETS).prop_map(|ticket| Step::ClearBooked { ticket }),
        1 => Just(Step::Outwait),
    ];
    proptest::collection::vec(step, 1..40)
}

struct Run {
    redis: MultiplexedConnection,
    event: EventId,
    users: Vec<UserId>,
    model: Model,
    /// Every sale that began, and whether it was finished.
    sales: Vec<(SaleAttempt, bool)>,
}

impl Run {
    async fn start() -> Self {
        let users = (0..USERS).map(|_| UserId::random()).collect();
        Self { redis: connect().await, event: new_event(), users, model: Model::new(TICKETS), sales: Vec::new() }
    }

    fn tickets(&self, indexes: &[usize]) -> Vec<TicketId> {
        indexes.iter().map(|index| self.model.tickets[*index].0).collect()
    }

    async fn step(&mut self, step: &Step) {
        let earliest = now_ms(&mut self.redis).await;
        match step {
            Step::Hold { user, tickets } => {
                let (user, tickets) = (self.users[*user], self.tickets(tickets));
                let answer = seats::hold(&mut self.redis, self.event, user, &tickets, &HoldLimits::of_length(HOLD))
                    .await
                    .expect("Redis");
                let now = self.window(earliest).await;
                self.model.hold(user, &tickets, HOLD, &answer, now);
            }
            Step::Begin { user, tickets } => {
                let (user, tickets) = (self.users[*user], self.tickets(tickets));
                let sale = SaleAttempt { event: self.event, user, order: OrderId::random(), tickets };
                let answer = seats::begin_sale(&mut self.redis, &sale).await.expect("Redis");
                let now = self.window(earliest).await;
                self.model.begin(&sale, answer, now);
                if answer == BeginSale::Begun {
                    self.sales.push((sale, false));
                }
            }
            Step::Finish { sale } => {
                // Only what PostgreSQL committed is finished: one of the sales that run, never one that was cancelled.
                let running = self.sales.iter_mut().filter(|(sale, _)| is_running(&self.model, sale));
                let mut running: Vec<_> = running.collect();
                if running.is_empty() {
                    return;
                }
                let chosen = sale.index(running.len());
                let (sale, finished) = &mut *running[chosen];
                *finished = true;
                seats::finish_sale(&mut self.redis, sale).await.expect("Redis");
                self.model.finish(sale);
            }
            Step::Cancel { sale } => {
                // Any sale that was not finished, also one that was cancelled long ago: that must change nothing.
                let open: Vec<_> = self.sales.iter().filter(|(_, finished)| !finished).collect();
                if open.is_empty() {
                    return;
                }
                let sale = open[sale.index(open.len())].0.clone();
                let answer = seats::cancel_sale(&mut self.redis, &sale).await.expect("Redis");
                let now = self.window(earliest).await;
                self.model.cancel(&sale, answer, now);
            }
            Step::Release { user, tickets } => {
                let (user, tickets) = (self.users[*user], self.tickets(tickets));
                seats::release(&mut self.redis, self.event, user, &tickets).await.expect("Redis");
                let now = self.window(earliest).await;
                self.model.release(user, &tickets, now);
            }
            Step::ClearBooked { ticket } => {
                let ticket = self.model.tickets[*ticket].0;
                seats::clear_booked(&mut self.redis, self.event, None, &[ticket]).await.expect("Redis");
                self.model.clear_booked(ticket);
            }
            Step::Outwait => {
                if let Some(end) = self.model.last_end() {
                    wait_until(&mut self.redis, end).await;
                }
            }
        }
    }

    async fn window(&mut self, earliest: u64) -> Window {
        Window { earliest, latest: now_ms(&mut self.redis).await }
    }

    async fn check(&mut self) {
        let earliest = now_ms(&mut self.redis).await;
        let shown = held(&mut self.redis, self.event).await;
        let now = self.window(earliest).await;
        self.model.check_shown(&shown, now);
        let listed = seats::stale_sales(&mut self.redis, Duration::ZERO, 10_000).await.expect("Redis");
        let listed = listed.into_iter().filter(|sale| sale.event == self.event);
        let listed: HashSet<_> = listed.map(|sale| (sale.tickets[0], sale.order)).collect();
        let running = self.sales.iter().filter(|(sale, _)| is_running(&self.model, sale));
        let running: HashSet<_> =
            running.flat_map(|(sale, _)| sale.tickets.iter().map(|ticket| (*ticket, sale.order))).collect();
        assert_eq!(listed, running, "the list of sales is what runs");
    }
}

fn is_running(model: &Model, sale: &SaleAttempt) -> bool {
    use crate::model::State;
    model.tickets.iter().any(|(_, state)| matches!(state, State::Selling { order, .. } if *order == sale.order))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn holds_and_sales_follow_the_model_whatever_several_users_do(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut run = Run::start().await;
            for step in &steps {
                run.step(step).await;
                run.check().await;
            }
        });
    }
}
