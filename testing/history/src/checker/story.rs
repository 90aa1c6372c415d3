//! A history sorted by tickets.

use std::collections::BTreeMap;

use crate::history::{Call, Fault, FaultKind, History, Operation, Order, Outcome, Run, Ticket};

/// Everything about one ticket, except the pages that show it.
#[derive(Default)]
pub(crate) struct Story<'a> {
    pub ticket: &'a str,
    /// Sorted by start.
    pub operations: Vec<&'a Operation>,
    /// Orders that have or had the ticket.
    pub orders: Vec<&'a Order>,
    pub stored: Option<&'a Ticket>,
}

/// The stories of all tickets of a history.
pub(crate) struct Stories<'a> {
    pub run: &'a Run,
    pub history: &'a History,
    by_ticket: BTreeMap<&'a str, Story<'a>>,
    /// Faults after which Redis certainly has no key of before.
    flushes: Vec<&'a Fault>,
    /// Faults after which Redis may lack a write of before.
    losses: Vec<&'a Fault>,
}

impl<'a> Stories<'a> {
    pub(crate) fn of(history: &'a History) -> Self {
        let mut by_ticket: BTreeMap<&str, Story> = BTreeMap::new();
        let mut sorted: Vec<_> = history.operations.iter().filter(|operation| operation.call != Call::Page).collect();
        sorted.sort_by_key(|operation| operation.start_us);
        for operation in sorted {
            for ticket in &operation.tickets {
                by_ticket.entry(ticket).or_default().operations.push(operation);
            }
        }
        for order in &history.orders {
            for ticket in &order.tickets {
                by_ticket.entry(ticket).or_default().orders.push(order);
            }
        }
        for ticket in &history.tickets {
            by_ticket.entry(&ticket.ticket).or_default().stored = Some(ticket);
        }
        for (ticket, story) in &mut by_ticket {
            story.ticket = ticket;
        }
        let flushes: Vec<_> = history.faults.iter().filter(|fault| fault.what == FaultKind::Flushed).collect();
        let losses = history.faults.iter().filter(|fault| empties_redis(fault)).collect();
        Self { run: &history.run, history, by_ticket, flushes, losses }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Story<'a>> {
        self.by_ticket.values()
    }

    pub(crate) fn get(&self, ticket: &str) -> Option<&Story<'a>> {
        self.by_ticket.get(ticket)
    }

    /// Whether Redis was certainly flushed between these moments, both excluded.
    pub(crate) fn flushed_between(&self, after: u64, before: u64) -> bool {
        self.flushes.iter().any(|flush| after < flush.start_us && flush.end_us < before)
    }

    /// Whether Redis may have lost a write at some moment from `from` to `to`.
    pub(crate) fn loss_possible(&self, from: u64, to: u64) -> bool {
        self.losses.iter().any(|loss| loss.start_us <= to && from <= loss.end_us)
    }

    /// The last moment at which the operation can have had its effect in Redis.
    pub(crate) fn latest(&self, operation: &Operation) -> u64 {
        match operation.outcome {
            Outcome::Unknown => operation.end_us.saturating_add(self.run.late_effect_us),
            _ => operation.end_us,
        }
    }
}

impl<'a> Story<'a> {
    /// One customer's requests about the ticket.
    pub(crate) fn of(&self, customer: &str) -> impl Iterator<Item = &'a Operation> {
        self.operations.iter().copied().filter(move |operation| operation.customer == customer)
    }

    /// Requests of all other customers about the ticket.
    pub(crate) fn others(&self, customer: &str) -> impl Iterator<Item = &'a Operation> {
        self.operations.iter().copied().filter(move |operation| operation.customer != customer)
    }

    /// Whether the customer gave the ticket back before that moment, or may have done so.
    pub(crate) fn given_back(&self, customer: &str, before: u64) -> bool {
        self.of(customer).any(|operation| {
            operation.call == Call::Refund && operation.may_have_happened() && operation.start_us < before
        })
    }
}

/// Whether Redis may have forgotten everything.
fn empties_redis(fault: &Fault) -> bool {
    match fault.what {
        FaultKind::Flushed => true,
        FaultKind::Killed => fault.part == "redis",
        FaultKind::Stopped | FaultKind::Cut => false,
    }
}
