//! The bodies of requests.

use std::{
    collections::{HashMap, HashSet},
    str::FromStr,
};

use ids::{EventId, HoldId, PaymentMethodId, TicketId, UserId};
use kit::http::parse_id;
use serde::{Deserialize, Deserializer, de::Error, de::IgnoredAny};
use utoipa::{IntoParams, ToSchema};

/// More tickets than anybody takes at once, and few enough for one script in Redis.
const MOST_TICKETS: usize = 50;
/// Longer than any name that Stripe gives.
const LONGEST_REFERENCE: usize = 255;

/// Members that the contract does not name. They are tolerated: the contract grows by additions, and an earlier version
/// must not refuse a client of a later one. Collecting them also requires the body to be an object; without them, a
/// plain structure would be read from an array too.
pub(crate) type Additions = HashMap<String, IgnoredAny>;

/// A ticket and the user who wants it.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Reservation {
    /// The ticket.
    #[serde(deserialize_with = "uuid")]
    #[schema(value_type = Uuid)]
    pub ticket_uuid: TicketId,
    /// The user.
    #[serde(deserialize_with = "uuid")]
    #[schema(value_type = Uuid)]
    pub user_uuid: UserId,
    #[serde(flatten)]
    #[schema(ignore)]
    _additions: Additions,
}

/// A reserved ticket, its user, and how the user pays.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Confirmation {
    /// The ticket.
    #[serde(deserialize_with = "uuid")]
    #[schema(value_type = Uuid)]
    pub ticket_uuid: TicketId,
    /// The user who reserved it.
    #[serde(deserialize_with = "uuid")]
    #[schema(value_type = Uuid)]
    pub user_uuid: UserId,
    /// How the user pays.
    #[serde(deserialize_with = "uuid")]
    #[schema(value_type = Uuid)]
    pub payment_method_uuid: PaymentMethodId,
    #[serde(flatten)]
    #[schema(ignore)]
    _additions: Additions,
}

/// Tickets of one event and the user who wants all of them.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct HoldRequest {
    /// The event of all tickets.
    #[serde(deserialize_with = "uuid")]
    #[schema(value_type = Uuid)]
    pub event_uuid: EventId,
    /// The user.
    #[serde(deserialize_with = "uuid")]
    #[schema(value_type = Uuid)]
    pub user_uuid: UserId,
    /// The tickets, 1 to 50, each named once.
    #[serde(deserialize_with = "tickets")]
    #[schema(value_type = Vec<Uuid>, min_items = 1, max_items = 50)]
    pub ticket_uuids: Vec<TicketId>,
    #[serde(flatten)]
    #[schema(ignore)]
    _additions: Additions,
}

/// The user that a call is for.
#[derive(Debug, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfUser {
    /// The user.
    #[serde(deserialize_with = "uuid")]
    #[schema(value_type = Uuid)]
    #[param(value_type = Uuid)]
    pub user_uuid: UserId,
    #[serde(flatten)]
    #[schema(ignore)]
    #[param(ignore)]
    _additions: Additions,
}

/// A hold, its user, and how the user pays.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct OrderRequest {
    /// The hold whose tickets are bought.
    #[serde(deserialize_with = "uuid")]
    #[schema(value_type = Uuid)]
    pub hold_uuid: HoldId,
    /// The user who has it.
    #[serde(deserialize_with = "uuid")]
    #[schema(value_type = Uuid)]
    pub user_uuid: UserId,
    /// How the user pays.
    #[serde(deserialize_with = "uuid")]
    #[schema(value_type = Uuid)]
    pub payment_method_uuid: PaymentMethodId,
    #[serde(flatten)]
    #[schema(ignore)]
    _additions: Additions,
}

/// A payment method to be saved.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct PaymentMethodRequest {
    /// The user who pays with it.
    #[serde(deserialize_with = "uuid")]
    #[schema(value_type = Uuid)]
    pub user_uuid: UserId,
    /// The provider's name of it.
    #[serde(deserialize_with = "reference")]
    #[schema(example = "pm_1MqLiJLkdIwHu7ixUEgbFdYF", max_length = 255)]
    pub provider_reference: String,
    #[serde(flatten)]
    #[schema(ignore)]
    _additions: Additions,
}

fn uuid<'de, D: Deserializer<'de>, Id: FromStr>(deserializer: D) -> Result<Id, D::Error> {
    parse_id(&String::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("not a UUID"))
}

fn tickets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<TicketId>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    if texts.is_empty() || texts.len() > MOST_TICKETS {
        return Err(D::Error::custom("not 1 to 50 tickets"));
    }
    let tickets: Option<Vec<TicketId>> = texts.iter().map(|text| parse_id(text)).collect();
    let tickets = tickets.ok_or_else(|| D::Error::custom("not a UUID"))?;
    if tickets.iter().collect::<HashSet<_>>().len() < tickets.len() {
        return Err(D::Error::custom("a ticket is named twice"));
    }
    Ok(tickets)
}

/// A name that becomes a part of a URL: only letters, digits and underscores, so that it cannot lead to another URL.
fn reference<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let good = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if good && (1..=LONGEST_REFERENCE).contains(&text.len()) {
        Ok(text)
    } else {
        Err(D::Error::custom("not the name of a payment method"))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const TICKET: &str = "0b6a52f5-2d4c-4a57-8a4f-3f8f7f5f0001";
    const USER: &str = "0b6a52f5-2d4c-4a57-8a4f-3f8f7f5f0002";

    #[rstest]
    #[case::empty("")]
    #[case::not_json("ticket")]
    #[case::null("null")]
    #[case::an_array(r#"["0b6a52f5-2d4c-4a57-8a4f-3f8f7f5f0001", "0b6a52f5-2d4c-4a57-8a4f-3f8f7f5f0002"]"#)]
    #[case::no_members("{}")]
    #[case::no_user(r#"{"ticket_uuid": "0b6a52f5-2d4c-4a57-8a4f-3f8f7f5f0001"}"#)]
    #[case::a_number(r#"{"ticket_uuid": 1, "user_uuid": "0b6a52f5-2d4c-4a57-8a4f-3f8f7f5f0002"}"#)]
    #[case::null_member(r#"{"ticket_uuid": null, "user_uuid": "0b6a52f5-2d4c-4a57-8a4f-3f8f7f5f0002"}"#)]
    #[case::not_a_uuid(r#"{"ticket_uuid": "A1", "user_uuid": "0b6a52f5-2d4c-4a57-8a4f-3f8f7f5f0002"}"#)]
    #[case::not_hexadecimal(r#"{"ticket_uuid": "0b6a52f5-2d4c-4a57-8a4f-3f8f7f5f000g", "user_uuid": "0b6a52f5-2d4c-4a57-8a4f-3f8f7f5f0002"}"#)]
    #[case::no_hyphens(
        r#"{"ticket_uuid": "0b6a52f52d4c4a578a4f3f8f7f5f0001", "user_uuid": "0b6a52f5-2d4c-4a57-8a4f-3f8f7f5f0002"}"#
    )]
    #[case::in_braces(r#"{"ticket_uuid": "{0b6a52f5-2d4c-4a57-8a4f-3f8f7f5f0001}", "user_uuid": "0b6a52f5-2d4c-4a57-8a4f-3f8f7f5f0002"}"#)]
    #[case::twice(r#"{"ticket_uuid": "0b6a52f5-2d4c-4a57-8a4f-3f8f7f5f0001", "ticket_uuid": "0b6a52f5-2d4c-4a57-8a4f-3f8f7f5f0003", "user_uuid": "0b6a52f5-2d4c-4a57-8a4f-3f8f7f5f0002"}"#)]
    fn a_body_that_is_not_an_object_of_uuids_is_refused(#[case] body: &str) {
        assert!(serde_json::from_str::<Reservation>(body).is_err());
    }

    #[test]
    fn upper_case_is_the_same_uuid() {
        let body = format!(r#"{{"ticket_uuid": "{}", "user_uuid": "{USER}"}}"#, TICKET.to_uppercase());
        let reservation: Reservation = serde_json::from_str(&body).expect("a reservation");
        assert_eq!(reservation.ticket_uuid.to_string(), TICKET);
    }

    #[test]
    fn members_that_the_contract_does_not_name_are_tolerated() {
        let body = format!(r#"{{"ticket_uuid": "{TICKET}", "user_uuid": "{USER}", "channel": {{"name": "app"}}}}"#);
        assert!(serde_json::from_str::<Reservation>(&body).is_ok());
    }
}
