//! Orders as JSON.

use ids::{EventId, OrderId, TicketId, UserId};
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::orders;

/// A page of orders.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Orders)]
pub(crate) struct OrderPage {
    pub orders: Vec<Order>,
    /// How many orders the buyer has in all.
    pub total: i64,
    pub page: u32,
    pub size: u32,
}

/// An order. Members without a value are left out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Order {
    #[schema(value_type = Uuid)]
    order_uuid: OrderId,
    #[schema(value_type = Uuid)]
    user_uuid: UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    event_uuid: Option<EventId>,
    /// `pending`, `paying`, `booked`, `cancelled`, `stuck` or `refunded`.
    state: &'static str,
    /// Why it is in this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// In minor units of the currency.
    amount: i64,
    /// ISO 4217, lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    tickets: Vec<OrderTicket>,
    payment: Payment,
    /// What the customer must do so that the payment goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_action: Option<NextAction>,
    /// All its states, oldest first.
    history: Vec<HistoryEntry>,
}

/// A ticket of an order.
#[derive(Debug, Serialize, ToSchema)]
struct OrderTicket {
    #[schema(value_type = Uuid)]
    ticket_uuid: TicketId,
    seat: String,
    /// In minor units of the currency.
    price: i64,
}

/// How an order is paid.
#[derive(Debug, Serialize, ToSchema)]
struct Payment {
    /// `free` or `stripe`.
    provider: String,
    /// How far the payment has come. Left out where nothing is paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
}

/// What the customer must do so that the payment goes on.
#[derive(Debug, Serialize, ToSchema)]
struct NextAction {
    /// Whose client in the browser goes on with the payment: `stripe`.
    r#type: &'static str,
    /// For that client.
    client_secret: String,
}

/// A state that an order came into.
#[derive(Debug, Serialize, ToSchema)]
struct HistoryEntry {
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Order {
    /// An order; `client_secret` is what its customer needs to go on with the payment.
    pub(crate) fn new(order: orders::Order, client_secret: Option<String>) -> Self {
        let tickets = order.tickets.into_iter();
        let history = order.history.into_iter();
        Self {
            order_uuid: order.id,
            user_uuid: order.user,
            event_uuid: order.event,
            state: order.state.as_str(),
            reason: order.reason,
            amount: order.amount,
            currency: order.currency,
            created_at: order.created_at,
            tickets: tickets
                .map(|ticket| OrderTicket { ticket_uuid: ticket.ticket, seat: ticket.seat, price: ticket.price })
                .collect(),
            payment: Payment { provider: order.provider, state: order.payment_state },
            next_action: client_secret.map(|client_secret| NextAction { r#type: "stripe", client_secret }),
            history: history
                .map(|entry| HistoryEntry { at: entry.at, state: entry.state, reason: entry.reason })
                .collect(),
        }
    }
}
