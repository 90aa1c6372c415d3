//! Histories as JSON lines: one record on each line, in any order.

use std::io::{BufRead, Write};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::{Fault, History, Operation, Order, Payment, Run, Ticket};

#[derive(Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
enum Record {
    Run(Run),
    Operation(Operation),
    Fault(Fault),
    Order(Order),
    Ticket(Ticket),
    Payment(Payment),
}

/// Reads a history. The error names the first line that is not a record.
pub fn read(lines: impl BufRead) -> Result<History> {
    let mut history = History::default();
    for (number, line) in lines.lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str(&line).with_context(|| format!("line {}", number + 1))? {
            Record::Run(run) => history.run = run,
            Record::Operation(operation) => history.operations.push(operation),
            Record::Fault(fault) => history.faults.push(fault),
            Record::Order(order) => history.orders.push(order),
            Record::Ticket(ticket) => history.tickets.push(ticket),
            Record::Payment(payment) => history.payments.push(payment),
        }
    }
    Ok(history)
}

/// Writes a history so that [`read`] returns the same history.
pub fn write(history: History, mut to: impl Write) -> Result<()> {
    let records = std::iter::once(Record::Run(history.run))
        .chain(history.operations.into_iter().map(Record::Operation))
        .chain(history.faults.into_iter().map(Record::Fault))
        .chain(history.orders.into_iter().map(Record::Order))
        .chain(history.tickets.into_iter().map(Record::Ticket))
        .chain(history.payments.into_iter().map(Record::Payment));
    for record in records {
        serde_json::to_writer(&mut to, &record)?;
        to.write_all(b"\n")?;
    }
    Ok(to.flush()?)
}
