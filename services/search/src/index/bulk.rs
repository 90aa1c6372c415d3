//! Writing many documents at once, each only where it is newer than what is there.

use std::fmt::Write as _;

use elasticsearch::http::Method;
use serde_json::{Value, json};

use super::{Index, IndexError, Payload};
use crate::{documents::EventDocument, versions::Version};

/// One request stays below this, a twentieth of what Elasticsearch takes by default.
const MAX_REQUEST_BYTES: usize = 5 << 20;

/// What to do to a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Create or replace it.
    Put(Box<EventDocument>),
    /// Delete it, if it is there. The version stays behind as a tombstone either way.
    Remove(i64),
}

/// What became of the writes.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct BulkOutcome {
    /// Documents created or replaced.
    pub written: u64,
    /// Documents deleted, or not there to delete.
    pub removed: u64,
    /// Writes for which a newer read had been there first: as good as done.
    pub superseded: u64,
    /// Ids and reasons of documents that the mapping does not take.
    pub refused: Vec<(String, String)>,
}

impl Index {
    /// Applies writes with the version of the read that they come from.
    ///
    /// # Errors
    /// When a request, or any item of it, could not be carried out now. All of it may be repeated.
    pub async fn write(&self, version: Version, writes: &[Write]) -> Result<BulkOutcome, IndexError> {
        let mut outcome = BulkOutcome::default();
        for (lines, count) in requests(version, writes) {
            let query = [("filter_path", "items.*.status,items.*.error,items.*._id")];
            let answer = self.ask(Method::Post, "/_bulk", &query, Payload::Lines(lines)).await?;
            let items = answer["items"].as_array().map_or(&[][..], Vec::as_slice);
            if items.len() != count {
                return Err(IndexError::Unreachable(format!(
                    "{count} writes were answered with {} items",
                    items.len()
                )));
            }
            items.iter().try_for_each(|item| self.judge(item, &mut outcome))?;
        }
        Ok(outcome)
    }

    fn judge(&self, item: &Value, outcome: &mut BulkOutcome) -> Result<(), IndexError> {
        let Some((action, item)) = item.as_object().and_then(|item| item.iter().next()) else {
            return Err(IndexError::Unreachable("a bulk item without an action".to_owned()));
        };
        let status = item["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(500);
        match (action.as_str(), status) {
            (_, 409) => outcome.superseded += 1,
            ("index", 200 | 201) => outcome.written += 1,
            ("delete", 200) => outcome.removed += 1,
            ("delete", 404) if item["error"].is_null() => outcome.removed += 1,
            _ => match self.error(status, &item["error"]) {
                IndexError::Refused { status: 400, kind, reason } => {
                    let id = item["_id"].as_str().unwrap_or_default().to_owned();
                    outcome.refused.push((id, format!("{kind}: {reason}")));
                }
                error => return Err(error),
            },
        }
        Ok(())
    }
}

/// The bodies of bulk requests, each with the number of writes in it.
fn requests(version: Version, writes: &[Write]) -> Vec<(String, usize)> {
    let mut requests = vec![(String::new(), 0)];
    for write in writes {
        let lines = lines(version, write);
        if requests.last().is_none_or(|(body, count)| *count > 0 && body.len() + lines.len() > MAX_REQUEST_BYTES) {
            requests.push((String::new(), 0));
        }
        if let Some((body, count)) = requests.last_mut() {
            body.push_str(&lines);
            *count += 1;
        }
    }
    requests.retain(|(_, count)| *count > 0);
    requests
}

fn lines(version: Version, write: &Write) -> String {
    let target = |id: i64| json!({"_id": id.to_string(), "version": version.number(), "version_type": "external_gte"});
    let mut lines = String::new();
    // Writing to a string does not fail.
    let _ = match write {
        Write::Put(document) => writeln!(lines, "{}\n{}", json!({"index": target(document.id)}), json!(document)),
        Write::Remove(id) => writeln!(lines, "{}", json!({"delete": target(*id)})),
    };
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(id: i64, name: &str) -> Write {
        Write::Put(Box::new(EventDocument {
            id,
            uuid: "u".to_owned(),
            name: name.to_owned(),
            description: None,
            date: None,
            location: None,
            venue_id: None,
        }))
    }

    fn version() -> Version {
        Version::of(1, &"5:9:".parse().unwrap()).unwrap()
    }

    #[test]
    fn each_write_carries_the_version_of_its_read() {
        let requests = requests(version(), &[put(1, "A"), Write::Remove(2)]);
        let expected = r#"{"index":{"_id":"1","version":281474976710665,"version_type":"external_gte"}}
{"id":1,"name":"A","uuid":"u"}
{"delete":{"_id":"2","version":281474976710665,"version_type":"external_gte"}}
"#;
        assert_eq!(requests, [(expected.to_owned(), 2)]);
    }

    #[test]
    fn large_documents_are_spread_over_requests() {
        let large = "x".repeat(MAX_REQUEST_BYTES / 2);
        let writes = [put(1, &large), put(2, &large), put(3, "small")];
        let counts: Vec<usize> = requests(version(), &writes).into_iter().map(|(_, count)| count).collect();
        assert_eq!(counts, [1, 2]);
        assert!(requests(version(), &[]).is_empty());
    }
}
