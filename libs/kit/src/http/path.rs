//! Ids in paths and bodies.

use std::{convert::Infallible, str::FromStr};

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};

/// The length of a UUID as clients write it: `8-4-4-4-12` digits.
const UUID_LENGTH: usize = 36;

/// Reads the id that a client wrote. Upper and lower case are the same id. Other notations of a UUID (without hyphens,
/// in braces, as URN) are no ids: the API's contract does not know them.
#[must_use]
pub fn parse_id<T: FromStr>(text: &str) -> Option<T> {
    if text.len() == UUID_LENGTH { text.parse().ok() } else { None }
}

/// The id in a path with one parameter. It is `None` when the text there is no id, which names nothing: each service
/// answers with its own 404.
#[derive(Debug, Clone, Copy)]
pub struct PathId<T>(pub Option<T>);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for PathId<T> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        // A path that is no UTF-8 when it is decoded is refused here.
        let text = Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(text.ok().and_then(|Path(text)| parse_id(&text))))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_hyphenated_uuids_are_ids() {
        let text = "7d444840-9dc0-11d1-b245-5ffdce74fad2";
        assert!(parse_id::<Uuid>(text).is_some());
        assert_eq!(parse_id::<Uuid>(&text.to_uppercase()), parse_id(text));
        for wrong in ["", "7d444840", "7d4448409dc011d1b2455ffdce74fad2", "\0", &"é".repeat(18), &"x".repeat(36)] {
            assert_eq!(parse_id::<Uuid>(wrong), None, "{wrong}");
        }
    }
}
