//! Measures of the parts: the HTTP stack, the hold script in Redis, statements in PostgreSQL, and pages that never change.

use anyhow::{Context, Result};
use futures::FutureExt;
use ids::{EventId, TicketId, UserId};
use redis::{Cmd, Pipeline, RedisError, RedisFuture, RedisResult, Value, aio::ConnectionLike};
use seats::{HoldLimits, HoldOutcome};

use super::{Measure, Run, Setup, step};
use crate::{
    load::Throughput,
    parts::page_path,
    pgbench::{self, Bench},
    plan::LARGE_PAGE_SEATS,
    redis_databases::{PARTS_REDIS_DB, flush, redis_connection},
    requests::Buyer,
    usage::Watched,
    wire::{Connection, Expected, http, resp},
};

pub(crate) async fn measure(setup: &Setup<'_>, run: &mut Run) -> Result<()> {
    step("a route that does nothing");
    let watched = setup.watch(&setup.parts)?;
    let buyer = Buyer::new(TicketId::random());
    let nothing = setup.closed(setup.parts.addr).run(Expected::Status(200), &watched, |request| {
        buyer.nothing(request);
        true
    });
    run.throughput.insert(Measure::Nothing, nothing.await?);
    step("pages that never change");
    for (number, measure) in [Measure::StaticSmallPage, Measure::StaticLargePage].into_iter().enumerate() {
        let page = http::get(&page_path(number), "");
        let answer = http::fetch(setup.parts.addr, &page).await?;
        run.page_bytes.insert(measure, answer.body.len());
        let closed = setup.closed(setup.parts.addr).run(Expected::Status(200), &watched, |request| {
            request.extend_from_slice(&page);
            true
        });
        run.throughput.insert(measure, closed.await?);
    }
    step("Redis alone: the script that holds a ticket");
    run.throughput.insert(Measure::HoldScript, hold_script(setup).await?);
    step("PostgreSQL alone: a row by its key");
    let pgbench = bench(setup);
    run.throughput.insert(Measure::ReadByKey, pgbench.read_by_key(setup.plan.seconds).await?.into());
    Ok(())
}

/// Measures PostgreSQL's part of a sale.
pub(crate) async fn sale_statement(setup: &Setup<'_>) -> Result<Throughput> {
    step("PostgreSQL alone: the statement that sells");
    Ok(bench(setup).sell().await?.into())
}

fn bench<'s>(setup: &'s Setup<'_>) -> Bench<'s> {
    Bench { instance: &setup.installation.instance, shop: &setup.shop, clients: setup.plan.connections }
}

impl From<pgbench::Outcome> for Throughput {
    /// Without CPU time, because it would include that of many new connections.
    fn from(pgbench::Outcome { per_second, transactions }: pgbench::Outcome) -> Self {
        let seconds = transactions as f64 / per_second;
        Self { per_second, answers: transactions, seconds, cpu_seconds_per_1000: Vec::new() }
    }
}

/// The same commands that booking sends, on as many connections as the other closed loops have, one at a time on each.
async fn hold_script(setup: &Setup<'_>) -> Result<Throughput> {
    let redis = setup.installation.redis;
    let mut commands = Vec::new();
    for tickets in setup.shop.to_reserve.chunks(LARGE_PAGE_SEATS) {
        let event = EventId::random();
        for ticket in tickets {
            commands.push(hold_command(event, *ticket)?);
        }
    }
    // Loads the script.
    let mut connection = redis_connection(redis, PARTS_REDIS_DB).await?;
    hold(&mut connection, EventId::random(), TicketId::random()).await?;

    let select = redis::cmd("SELECT").arg(PARTS_REDIS_DB).get_packed_command();
    let mut connections = Connection::open_many(redis, setup.plan.connections).await?;
    for connection in &mut connections {
        connection.send(&select).await?;
        resp::read_verdict(connection).await?;
    }
    let watched = Watched(setup.watch(&setup.parts)?.0.into_iter().filter(|(name, _)| *name != "service").collect());
    let mut commands = commands.into_iter();
    let throughput = setup.closed(redis).run_on(connections, Expected::Held, &watched, |request| {
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

/// The command that the seats crate would send.
fn hold_command(event: EventId, ticket: TicketId) -> Result<Vec<u8>> {
    let mut recorder = Recorder::default();
    let _not_sent = hold(&mut recorder, event, ticket).now_or_never().context("a recorder does not wait")?;
    Ok(recorder.0)
}

/// Takes the place of a connection, and records the command that would have been sent.
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
