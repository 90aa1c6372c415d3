//! The requests of customers. Ticket and user are spelled beforehand: generating load must cost little.

use uuid::Uuid;

/// A ticket and the user who wants it.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// The ticket.
    pub ticket: Uuid,
    /// The user.
    pub user: Uuid,
}

impl Wish {
    /// A new user wants the ticket.
    pub(crate) fn of_somebody(ticket: Uuid) -> Self {
        Self { ticket, user: Uuid::new_v4() }
    }

    /// Writes the request to reserve the ticket.
    pub(crate) fn reserve(&self, request: &mut Vec<u8>) {
        post(request, "/api/v1/booking/tickets/reserve", &[("ticket_uuid", self.ticket), ("user_uuid", self.user)]);
    }

    /// Writes the request to confirm the reservation.
    pub(crate) fn confirm(&self, request: &mut Vec<u8>) {
        let members = [("ticket_uuid", self.ticket), ("user_uuid", self.user), ("payment_method_uuid", self.user)];
        post(request, "/api/v1/booking/tickets/confirm", &members);
    }

    /// Writes a request as large as that to reserve, to the route that does nothing.
    pub(crate) fn nothing(&self, request: &mut Vec<u8>) {
        post(request, crate::parts::NOTHING, &[("ticket_uuid", self.ticket), ("user_uuid", self.user)]);
    }
}

/// Length of a UUID's usual spelling.
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
    fn the_length_named_is_that_of_the_body_and_the_body_is_json() {
        let wish = Wish::of_somebody(Uuid::new_v4());
        for write in [Wish::reserve, Wish::confirm] {
            let mut request = Vec::new();
            write(&wish, &mut request);
            let text = String::from_utf8(request).expect("text");
            let (head, body) = text.split_once("\r\n\r\n").expect("head and body");
            assert!(head.ends_with(&format!("content-length: {}", body.len())), "{text}");
            let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
            assert_eq!(body["ticket_uuid"], wish.ticket.to_string());
        }
    }
}
