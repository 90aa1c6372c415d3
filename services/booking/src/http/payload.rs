//! What request bodies hold.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer, de::Error, de::IgnoredAny};
use utoipa::ToSchema;
use uuid::Uuid;

/// Length of a UUID's usual spelling, `8-4-4-4-12`. Others (without hyphens, in braces, as URN) are not what a client of the
/// contract sends.
const UUID_LENGTH: usize = 36;

/// Members that the contract does not name. They are tolerated: the contract grows by additions, and a client that
/// speaks a later version of it must not be refused by an earlier one. (That they are collected at all also makes the body
/// an object: a plain structure would be read from an array too.)
pub(super) type Additions = HashMap<String, IgnoredAny>;

/// A ticket and the user who wants it.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Reservation {
    /// The ticket.
    #[serde(deserialize_with = "uuid")]
    pub ticket_uuid: Uuid,
    /// The user.
    #[serde(deserialize_with = "uuid")]
    pub user_uuid: Uuid,
    #[serde(flatten)]
    #[schema(ignore)]
    _additions: Additions,
}

/// A reserved ticket, its user, and how he pays.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Confirmation {
    /// The ticket.
    #[serde(deserialize_with = "uuid")]
    pub ticket_uuid: Uuid,
    /// The user who reserved it.
    #[serde(deserialize_with = "uuid")]
    pub user_uuid: Uuid,
    /// How he pays.
    #[serde(deserialize_with = "uuid")]
    pub payment_method_uuid: Uuid,
    #[serde(flatten)]
    #[schema(ignore)]
    _additions: Additions,
}

fn uuid<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.len() != UUID_LENGTH {
        return Err(D::Error::custom("not a UUID"));
    }
    text.parse().map_err(D::Error::custom)
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
    fn what_is_not_an_object_of_uuids_is_refused(#[case] body: &str) {
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
