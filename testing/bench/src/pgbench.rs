//! pgbench, PostgreSQL's own benchmark. It runs statements of the services without the services.

use std::{process::Stdio, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use booking::for_bench::{SELL, SELL_PARAMETERS, SESSION};
use testbed::Instance;
use tokio::{io::AsyncWriteExt, process::Command, time::timeout};

use crate::shop::{Shop, TICKET_UUID};

/// A run of pgbench that takes longer fails.
const ENDS_WITHIN: Duration = Duration::from_secs(120);

/// Runs pgbench on a shop.
pub(crate) struct Bench<'b> {
    /// The instance of `dev/stores`.
    pub instance: &'b Instance,
    pub shop: &'b Shop,
    /// Number of connections.
    pub clients: usize,
}

/// What pgbench reports.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    /// Transactions per second, without the time to connect.
    pub per_second: f64,
    /// Number of transactions.
    pub transactions: u64,
}

impl Bench<'_> {
    /// Reads random tickets by their uuid, for this time.
    pub(crate) async fn read_by_key(&self, seconds: f64) -> Result<Outcome> {
        let script = format!(
            "\\set n random(1, :tickets)\nSELECT status FROM tickets WHERE uuid = {};\n",
            TICKET_UUID.replace("{number}", "(:n)::text")
        );
        let tickets = format!("tickets={}", self.shop.to_reserve.len());
        let seconds = format!("{:.0}", seconds.max(1.0));
        self.run(&["--time", &seconds, "--define", &tickets], &script, &[]).await
    }

    /// Sells tickets as booking does, one in each transaction. It is an error when a transaction has sold none.
    pub(crate) async fn sell(&self) -> Result<Outcome> {
        let each = self.shop.to_sell.len() / self.clients;
        let statement = with_values(SELL, SELL_PARAMETERS)?;
        let script = format!("\\set n :first + :client_id * :each + :i\n\\set i :i + 1\n{statement};\n");
        let (transactions, first) = (each.to_string(), format!("first={}", self.shop.to_sell.start));
        let each = format!("each={each}");
        let arguments = ["--transactions", &transactions, "--define", &first, "--define", &each, "--define", "i=0"];
        let outcome = self.run(&arguments, &script, SESSION).await?;
        let sold = self.shop.sold_by_postgres().await?;
        ensure!(i64::try_from(outcome.transactions)? == sold, "pgbench: {outcome:?}, but {sold} tickets are sold");
        Ok(outcome)
    }

    async fn run(&self, arguments: &[&str], script: &str, session: &[(&str, &str)]) -> Result<Outcome> {
        let clients = self.clients.to_string();
        let always = ["--no-vacuum", "--protocol", "prepared", "--client", &clients, "--file", "-"];
        let database = [self.shop.database.name.as_str()];
        let arguments = always.iter().chain(arguments).chain(&database);
        let session: Vec<String> = session.iter().map(|(name, value)| format!("-c {name}={value}")).collect();
        let mut command = self.instance.postgres_program("pgbench").await?;
        command.args(arguments).env("PGOPTIONS", session.join(" "));
        let output = output_of(command, script).await?;
        parse(&output).with_context(|| format!("pgbench printed: {output}"))
    }
}

/// Runs pgbench with this script, and returns what it prints.
async fn output_of(mut pgbench: Command, script: &str) -> Result<String> {
    pgbench.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = pgbench.spawn().context("pgbench cannot be started")?;
    let mut input = child.stdin.take().context("pgbench has no input")?;
    input.write_all(script.as_bytes()).await?;
    drop(input);
    let output = timeout(ENDS_WITHIN, child.wait_with_output()).await.context("pgbench takes too long")??;
    ensure!(output.status.success(), "pgbench failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// The statement with each parameter replaced by an expression over pgbench's variable `n`.
fn with_values(statement: &str, parameters: &[&str]) -> Result<String> {
    let ticket = TICKET_UUID.replace("{number}", "(:n)::text");
    let mut text = statement.to_owned();
    // The last one first: `$1` is also the beginning of `$10`.
    for (index, parameter) in parameters.iter().enumerate().rev() {
        let value = match *parameter {
            "tickets" => format!("ARRAY[{ticket}]"),
            // Ascending, like booking's own, which begin with the time.
            "orders" | "their_orders" => "ARRAY['01900000-0000-7000-8000-' || lpad((:n)::text, 12, '0')]".to_owned(),
            "counts" => "ARRAY[1]".to_owned(),
            "users" => "ARRAY[md5('user' || (:n)::text)::uuid::text]".to_owned(),
            "payment_methods" => "ARRAY[md5('method' || (:n)::text)::uuid::text]".to_owned(),
            "events" => "ARRAY[md5('event' || (:n)::text)::uuid::text]".to_owned(),
            "holds" | "keys" | "fingerprints" => "ARRAY[NULL]".to_owned(),
            "currency" => "'eur'::text".to_owned(),
            unknown => bail!("the sale has a parameter that the benchmark does not know: {unknown}"),
        };
        text = text.replace(&format!("${}", index + 1), &value);
    }
    ensure!(!text.contains('$'), "the sale has more parameters than it names: {text}");
    Ok(text)
}

fn parse(output: &str) -> Option<Outcome> {
    let behind = |label: &str| output.lines().find_map(|line| line.strip_prefix(label));
    let failed: u64 = behind("number of failed transactions: ")?.split(' ').next()?.parse().ok()?;
    let transactions = behind("number of transactions actually processed: ")?.split('/').next()?.trim().parse().ok()?;
    let per_second = behind("tps = ")?.split(' ').next()?.parse().ok()?;
    (failed == 0).then_some(Outcome { per_second, transactions })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "pgbench (17.5)
transaction type: -
scaling factor: 1
query mode: prepared
number of clients: 64
number of threads: 1
maximum number of tries: 1
number of transactions per client: 400
number of transactions actually processed: 25600/25600
number of failed transactions: 0 (0.000%)
latency average = 8.991 ms
initial connection time = 312.443 ms
tps = 7118.260834 (without initial connection time)
";

    #[test]
    fn rate_and_count_are_read_and_failed_transactions_are_an_error() {
        assert_eq!(parse(OUTPUT), Some(Outcome { per_second: 7_118.260_834, transactions: 25_600 }));
        assert_eq!(parse(&OUTPUT.replace("transactions: 0 (", "transactions: 3 (")), None);
    }

    #[test]
    fn the_sale_of_booking_can_be_run_by_pgbench() {
        let statement = with_values(SELL, SELL_PARAMETERS).unwrap();
        assert!(statement.contains("ARRAY[md5((:n)::text)::uuid::text]"), "{statement}");
        assert!(with_values("SELECT $1, $2", &["tickets"]).is_err());
        assert!(with_values("SELECT $1", &["coupon"]).is_err());
    }
}
