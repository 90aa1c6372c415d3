//! Which database the documents of an index come from.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A PostgreSQL database and its timeline. The index records the one that it was filled from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Different for each database cluster ever made. It is text in JSON: many programs lose the last digits of large
    /// numbers.
    #[serde(with = "as_text")]
    pub system_identifier: i64,
    /// The timeline grows with each failover.
    pub timeline: u32,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} timeline {}", self.system_identifier, self.timeline)
    }
}

mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(number: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_system_identifier_keeps_all_its_digits_in_json() {
        let origin = Origin { system_identifier: 7_592_384_756_123_456_789, timeline: 3 };
        let written = json!({"system_identifier": "7592384756123456789", "timeline": 3});
        assert_eq!(json!(origin), written);
        assert_eq!(serde_json::from_value::<Origin>(written).unwrap(), origin);
    }
}
