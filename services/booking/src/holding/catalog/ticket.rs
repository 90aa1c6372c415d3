//! A ticket, and whether it can be held.

use ids::EventId;

use crate::refusal::Refusal;

/// A ticket as it stands in PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) event: EventId,
    pub(crate) state: State,
}

/// Whether a ticket can be held, as far as PostgreSQL knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It can be held, unless somebody holds it already.
    Available,
    Sold,
    /// Its event has begun.
    Over,
    Cancelled,
    NotOnSale,
    SaleEnded,
}

impl State {
    /// Why the ticket cannot be held. The begin and the end of the sale do not concern a user who held it before: they
    /// may still pay.
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
