//! Idempotency keys: a repeat under the same key gets the first answer.

use std::collections::HashMap;

use http::StatusCode;
use serde_json::Value;

use crate::{answer::Refusal, call::Call, form::Form};

/// A status and a body.
pub(crate) type Answer = (StatusCode, Value);

#[derive(Debug)]
struct Entry {
    request: (Call, String, Form),
    /// `None` while the request is being executed.
    answer: Option<Answer>,
}

/// What is known under each key.
#[derive(Debug, Default)]
pub(crate) struct Keys(HashMap<String, Entry>);

impl Keys {
    /// Takes the key for a request; returns the answer when there is one already.
    pub(crate) fn begin(&mut self, key: &str, request: (Call, String, Form)) -> Result<Option<Answer>, Refusal> {
        match self.0.get(key) {
            Some(entry) if entry.request != request => Err(Refusal::key_reused()),
            Some(Entry { answer: Some(answer), .. }) => Ok(Some(answer.clone())),
            Some(Entry { answer: None, .. }) => Err(Refusal::key_in_use()),
            None => {
                self.0.insert(key.to_owned(), Entry { request, answer: None });
                Ok(None)
            }
        }
    }

    /// Remembers the answer, or gives the key free when there is none to remember.
    pub(crate) fn finish(&mut self, key: &str, answer: Option<Answer>) {
        match (answer, self.0.get_mut(key)) {
            (Some(answer), Some(entry)) => entry.answer = Some(answer),
            _ => drop(self.0.remove(key)),
        }
    }
}
