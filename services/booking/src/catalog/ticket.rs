//! A ticket, and whether it can be had.

use ids::EventId;

use crate::failure::Refusal;

/// A ticket as it stands in PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// Its event.
    pub event: EventId,
    /// Whether it can be had.
    pub state: State,
}

/// Whether a ticket can be had, as far as PostgreSQL knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Unless somebody holds it.
    Available,
    /// It was sold.
    Sold,
    /// Its event has begun.
    Over,
    /// Its event was cancelled.
    Cancelled,
    /// The sale has not begun.
    NotOnSale,
    /// The sale has ended.
    SaleEnded,
}

impl State {
    /// Why the ticket cannot be had. A sale's begin and end concern those who do not hold it yet: who has it may pay.
    #[must_use]
    pub(crate) fn refusal(self, held_before: bool) -> Option<Refusal> {
        match self {
            Self::Available => None,
            Self::Sold => Some(Refusal::Sold),
            Self::Over => Some(Refusal::Over),
            Self::Cancelled => Some(Refusal::Cancelled),
            Self::NotOnSale | Self::SaleEnded if held_before => None,
            Self::NotOnSale => Some(Refusal::NotOnSale),
            Self::SaleEnded => Some(Refusal::SaleEnded),
        }
    }

    pub(crate) fn read(status: &str, sale: &str) -> Self {
        match (status, sale) {
            ("available", "cancelled") => Self::Cancelled,
            ("available", "over") => Self::Over,
            ("available", "not_on_sale") => Self::NotOnSale,
            ("available", "sale_ended") => Self::SaleEnded,
            ("available", _) => Self::Available,
            _ => Self::Sold,
        }
    }
}
