//! Idempotency keys: a repeat under the same key gets the first answer.

use std::collections::HashMap;

use http::StatusCode;
use serde_json::Value;

use crate::{answer::ApiError, call::Call, form::Form};

/// A status and a body.
pub(crate) type Answer = (StatusCode, Value);

#[derive(Debug)]
struct Entry {
    request: (Call, String, Form),
    /// `None` while the request is being executed.
    answer: Option<Answer>,
}

/// The requests that came with a key, and their answers.
#[derive(Debug, Default)]
pub(crate) struct Keys(HashMap<String, Entry>);

impl Keys {
    /// Takes the key for a request. Returns the answer when the same request has one already.
    pub(crate) fn begin(&mut self, key: &str, request: (Call, String, Form)) -> Result<Option<Answer>, ApiError> {
        match self.0.get(key) {
            Some(entry) if entry.request != request => Err(ApiError::key_reused()),
            Some(Entry { answer: Some(answer), .. }) => Ok(Some(answer.clone())),
            Some(Entry { answer: None, .. }) => Err(ApiError::key_in_use()),
            None => {
                self.0.insert(key.to_owned(), Entry { request, answer: None });
                Ok(None)
            }
        }
    }

    /// Remembers the answer. Without an answer to remember, the key is free again.
    pub(crate) fn finish(&mut self, key: &str, answer: Option<Answer>) {
        match (answer, self.0.get_mut(key)) {
            (Some(answer), Some(entry)) => entry.answer = Some(answer),
            _ => drop(self.0.remove(key)),
        }
    }
}
