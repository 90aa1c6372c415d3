//! Writing many documents at once. Elasticsearch takes a write only if no newer one was there first.

use std::fmt::Write as _;

use elasticsearch::http::Method;
use serde_json::{Value, json};

use super::{
    client::{Index, IndexError, Payload},
    document::EventDocument,
};

/// The size limit of a request: a twentieth of Elasticsearch's default limit.
const MAX_REQUEST_BYTES: usize = 5 << 20;

/// The external version of a write. Elasticsearch refuses a write whose document has a larger version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u64);

/// A change of one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    Put(Box<EventDocument>),
    /// Deletes the document if it exists. The version stays behind as a tombstone in any case.
    Remove(i64),
}

/// How many writes ended in which way.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct BulkOutcome {
    /// Documents created or replaced.
    pub written: u64,
    /// Documents deleted, or absent already.
    pub removed: u64,
    /// Writes that a newer read had overtaken. They count as done.
    pub superseded: u64,
    /// Ids of documents that do not fit the mapping, each with Elasticsearch's reason.
    pub refused: Vec<(String, String)>,
}

impl Index {
    /// Applies writes, all with the version of the read that they come from.
    ///
    /// # Errors
    /// When a request, or any item of one, failed. All writes may then be repeated.
    pub async fn write(&self, version: Version, writes: &[Write]) -> Result<BulkOutcome, IndexError> {
        let mut outcome = BulkOutcome::default();
        for (lines, count) in requests(version, writes) {
            let query = [("filter_path", "items.*.status,items.*.error,items.*._id")];
            let answer = self.request(Method::Post, "/_bulk", &query, Payload::Lines(lines)).await?;
            let items = answer["items"].as_array().map_or(&[][..], Vec::as_slice);
            if items.len() != count {
                return Err(IndexError::Unreachable(format!(
                    "{count} writes were answered with {} items",
                    items.len()
                )));
            }
            items.iter().try_for_each(|item| self.count(item, &mut outcome))?;
        }
        Ok(outcome)
    }

    /// Adds the result of one item to the outcome.
    fn count(&self, item: &Value, outcome: &mut BulkOutcome) -> Result<(), IndexError> {
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
    let target = |id: i64| json!({"_id": id.to_string(), "version": version.0, "version_type": "external_gte"});
    let mut lines = String::new();
    // Writing to a string cannot fail.
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
        Write::Put(Box::new(EventDocument::named(id, name)))
    }

    const VERSION: Version = Version(281_474_976_710_665);

    #[test]
    fn each_write_carries_its_version() {
        let requests = requests(VERSION, &[put(1, "A"), Write::Remove(2)]);
        let expected = r#"{"index":{"_id":"1","version":281474976710665,"version_type":"external_gte"}}
{"id":1,"name":"A","uuid":"00000000-0000-0000-0000-000000000000"}
{"delete":{"_id":"2","version":281474976710665,"version_type":"external_gte"}}
"#;
        assert_eq!(requests, [(expected.to_owned(), 2)]);
    }

    #[test]
    fn large_documents_are_spread_over_several_requests() {
        let large = "x".repeat(MAX_REQUEST_BYTES / 2);
        let writes = [put(1, &large), put(2, &large), put(3, "small")];
        let counts: Vec<usize> = requests(VERSION, &writes).into_iter().map(|(_, count)| count).collect();
        assert_eq!(counts, [1, 2]);
        assert!(requests(VERSION, &[]).is_empty());
    }
}
