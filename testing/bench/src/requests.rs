//! The requests of customers. They are written by hand, because generating load must cost little.

use ids::{TicketId, UserId};
use uuid::Uuid;

/// A user who wants a ticket.
#[derive(Debug, Clone)]
pub(crate) struct Buyer {
    pub ticket: TicketId,
    pub user: UserId,
}

impl Buyer {
    /// A new user, who wants the ticket.
    pub(crate) fn new(ticket: TicketId) -> Self {
        Self { ticket, user: UserId::random() }
    }

    /// Writes the request to reserve the ticket.
    pub(crate) fn reserve(&self, request: &mut Vec<u8>) {
        post(request, "/api/v1/booking/tickets/reserve", &[("ticket_uuid", self.ticket.0), ("user_uuid", self.user.0)]);
    }

    /// Writes the request to confirm the reservation.
    pub(crate) fn confirm(&self, request: &mut Vec<u8>) {
        let members =
            [("ticket_uuid", self.ticket.0), ("user_uuid", self.user.0), ("payment_method_uuid", self.user.0)];
        post(request, "/api/v1/booking/tickets/confirm", &members);
    }

    /// Writes a request to the route that does nothing. It is as large as the request to reserve.
    pub(crate) fn nothing(&self, request: &mut Vec<u8>) {
        post(request, crate::parts::NOTHING, &[("ticket_uuid", self.ticket.0), ("user_uuid", self.user.0)]);
    }
}

/// The length of a UUID as text.
const UUID_LENGTH: usize = uuid::fmt::Hyphenated::LENGTH;

fn post(request: &mut Vec<u8>, path: &str, members: &[(&str, Uuid)]) {
    // `{"` or `,"` before the name, `":"` between, `"` behind the value; the last brace.
    let length = members.iter().map(|(name, _)| 2 + name.len() + 3 + UUID_LENGTH + 1).sum::<usize>() + 1;
    request.extend_from_slice(b"POST ");
    request.extend_from_slice(path.as_bytes());
    request.extend_from_slice(b" HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: ");
    request.extend_from_slice(length.to_string().as_bytes());
    request.extend_from_slice(b"\r\n\r\n");
    let mut separator = b"{\"";
    let mut spelling = [0; UUID_LENGTH];
    for (name, uuid) in members {
        request.extend_from_slice(separator);
        request.extend_from_slice(name.as_bytes());
        request.extend_from_slice(b"\":\"");
        request.extend_from_slice(uuid.hyphenated().encode_lower(&mut spelling).as_bytes());
        request.push(b'"');
        separator = b",\"";
    }
    request.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_length_is_that_of_the_body_and_the_body_is_json() {
        let buyer = Buyer::new(TicketId::random());
        for write in [Buyer::reserve, Buyer::confirm] {
            let mut request = Vec::new();
            write(&buyer, &mut request);
            let text = String::from_utf8(request).expect("text");
            let (head, body) = text.split_once("\r\n\r\n").expect("head and body");
            assert!(head.ends_with(&format!("content-length: {}", body.len())), "{text}");
            let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
            assert_eq!(body["ticket_uuid"], buyer.ticket.to_string());
        }
    }
}
