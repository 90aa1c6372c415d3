//! What a reservation is made of: the HTTP stack, the script in Redis, a read in PostgreSQL; and a page's own bytes.

use anyhow::{Context, Result};
use futures::FutureExt;
use ids::{EventId, TicketId, UserId};
use redis::{Cmd, Pipeline, RedisError, RedisFuture, RedisResult, Value, aio::ConnectionLike};
use seats::{HoldLimits, HoldOutcome};
use uuid::Uuid;

use super::{Measure, Run, Setting, step};
use crate::{
    load::Throughput,
    parts::page_path,
    pgbench::{self, Bench},
    plan::LARGE_PAGE_SEATS,
    requests::Wish,
    stores::{PARTS_REDIS_DB, flush, redis_connection},
    usage::Watched,
    wire::{Connection, Expected, http, resp},
};

pub(crate) async fn measure(setting: &Setting<'_>, run: &mut Run) -> Result<()> {
    step("a route that does nothing");
    let watched = setting.watch(&setting.parts);
    let wish = Wish::of_somebody(Uuid::new_v4());
    let nothing = setting.closed(setting.parts.addr).run(Expected::Status(200), &watched, |request| {
        wish.nothing(request);
        true
    });
    run.throughput.insert(Measure::Nothing, nothing.await?);
    step("pages that never change");
    for (number, measure) in [Measure::StaticSmallPage, Measure::StaticLargePage].into_iter().enumerate() {
        let page = http::get(&page_path(number), "");
        let answer = http::fetch(setting.parts.addr, &page).await?;
        run.page_bytes.insert(measure, answer.body.len());
        let closed = setting.closed(setting.parts.addr).run(Expected::Status(200), &watched, |request| {
            request.extend_from_slice(&page);
            true
        });
        run.throughput.insert(measure, closed.await?);
    }
    step("Redis alone: the script that holds a ticket");
    run.throughput.insert(Measure::HoldScript, hold_script(setting).await?);
    step("PostgreSQL alone: a row by its key");
    let pgbench = bench(setting);
    run.throughput.insert(Measure::ReadByKey, pgbench.read_by_key(setting.plan.seconds).await?.into());
    Ok(())
}

/// PostgreSQL's part in a sale.
pub(crate) async fn sale_statement(setting: &Setting<'_>) -> Result<Throughput> {
    step("PostgreSQL alone: the statement that sells");
    Ok(bench(setting).sell().await?.into())
}

fn bench<'s>(setting: &'s Setting<'_>) -> Bench<'s> {
    Bench { stores: &setting.machinery.stores, shop: &setting.shop, clients: setting.plan.connections }
}

impl From<pgbench::Outcome> for Throughput {
    /// Without CPU time: that of its many new connections would be in it.
    fn from(pgbench::Outcome { per_second, transactions }: pgbench::Outcome) -> Self {
        let seconds = transactions as f64 / per_second;
        Self { per_second, answers: transactions, seconds, cpu_seconds_per_1000: Vec::new() }
    }
}

/// The very commands that booking sends, on as many connections as it has customers, one at a time on each.
async fn hold_script(setting: &Setting<'_>) -> Result<Throughput> {
    let redis = setting.machinery.redis;
    let mut commands = Vec::new();
    for tickets in setting.shop.to_reserve.chunks(LARGE_PAGE_SEATS) {
        let event = EventId::random();
        for ticket in tickets {
            commands.push(hold_command(event, TicketId(*ticket))?);
        }
    }
    // Loads the script.
    let mut connection = redis_connection(redis, PARTS_REDIS_DB).await?;
    hold(&mut connection, EventId::random(), TicketId::random()).await?;

    let select = redis::cmd("SELECT").arg(PARTS_REDIS_DB).get_packed_command();
    let mut connections = Connection::open_many(redis, setting.plan.connections).await?;
    for connection in &mut connections {
        connection.send(&select).await?;
        resp::read_verdict(connection).await?;
    }
    let watched = Watched(setting.watch(&setting.parts).0.into_iter().filter(|(name, _)| *name != "service").collect());
    let mut commands = commands.into_iter();
    let throughput = setting.closed(redis).run_on(connections, Expected::Held, &watched, |request| {
        commands.next().is_some_and(|command| {
            request.extend_from_slice(&command);
            true
        })
    });
    let throughput = throughput.await?;
    flush(redis, PARTS_REDIS_DB).await?;
    Ok(throughput)
}

async fn hold(redis: &mut impl ConnectionLike, event: EventId, ticket: TicketId) -> RedisResult<HoldOutcome> {
    const CONTRACTS_LENGTH: std::time::Duration = std::time::Duration::from_mins(15);
    seats::hold(redis, event, UserId::random(), &[ticket], &HoldLimits::of_length(CONTRACTS_LENGTH)).await
}

/// What the seats crate would send.
fn hold_command(event: EventId, ticket: TicketId) -> Result<Vec<u8>> {
    let mut recorder = Recorder::default();
    let _refused = hold(&mut recorder, event, ticket).now_or_never().context("a recorder does not wait")?;
    Ok(recorder.0)
}

/// Takes the place of a connection, and keeps what would have been sent.
#[derive(Default)]
struct Recorder(Vec<u8>);

impl ConnectionLike for Recorder {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        self.0 = cmd.get_packed_command();
        let not_sent: RedisError = (redis::ErrorKind::Client, "not sent").into();
        std::future::ready(Err(not_sent)).boxed()
    }

    fn req_packed_commands<'a>(&'a mut self, _: &'a Pipeline, _: usize, _: usize) -> RedisFuture<'a, Vec<Value>> {
        std::future::ready(Ok(Vec::new())).boxed()
    }

    fn get_db(&self) -> i64 {
        PARTS_REDIS_DB
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recorded_command_is_a_call_of_the_script_with_this_ticket() {
        let ticket = TicketId::random();
        let command = String::from_utf8(hold_command(EventId::random(), ticket).unwrap()).unwrap();
        assert!(command.contains("EVALSHA"), "{command}");
        assert!(command.contains(&ticket.to_string()), "{command}");
    }
}
