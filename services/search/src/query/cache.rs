//! Answers cached in Redis. Every error of Redis counts as a miss, so Redis can make answers faster and never wrong.

use std::time::Duration;

use kit::metrics::Metrics;
use prometheus::IntCounterVec;
use redis::{AsyncCommands, RedisResult, aio::ConnectionManager};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::question::Question;

/// How long an answer is kept.
const LIFETIME: Duration = Duration::from_mins(5);
/// The longest wait for Redis. Elasticsearch itself answers in about this time.
const READ_TIMEOUT: Duration = Duration::from_millis(100);

#[derive(Clone)]
pub(crate) struct Cache {
    redis: ConnectionManager,
    /// The index of this release. Cached answers from another index are not used: they may have other fields or events.
    index: String,
    lookups: IntCounterVec,
}

#[derive(Serialize)]
struct Written<'a, T> {
    index: &'a str,
    answer: &'a T,
}

#[derive(Deserialize)]
struct Cached<T> {
    index: String,
    answer: T,
}

impl Cache {
    pub(crate) fn new(redis: ConnectionManager, index: &str, metrics: &Metrics) -> prometheus::Result<Self> {
        let help = "Looks into the cache of answers, by outcome.";
        let lookups = metrics.counters("search_cache_lookups_total", help, &["outcome"])?;
        Ok(Self { redis, index: index.to_owned(), lookups })
    }

    /// The cached answer to a question.
    pub(crate) async fn get<T: DeserializeOwned>(&self, question: &Question) -> Option<T> {
        let (outcome, answer) = match self.read(&question.cache_key()).await {
            Err(error) => {
                tracing::warn!(%error, "the cache could not be read");
                ("fault", None)
            }
            Ok(None) => ("miss", None),
            // A value that another program wrote is a miss too.
            Ok(Some(text)) => match serde_json::from_str::<Cached<T>>(&text) {
                Ok(cached) if cached.index == self.index => ("hit", Some(cached.answer)),
                Ok(_) => ("other_index", None),
                Err(_) => ("unreadable", None),
            },
        };
        self.lookups.with_label_values(&[outcome]).inc();
        answer
    }

    async fn read(&self, key: &str) -> RedisResult<Option<String>> {
        let mut redis = self.redis.clone();
        kit::redis::within(READ_TIMEOUT, redis.get(key)).await
    }

    /// Writes an answer in the background, so that no request waits for it.
    pub(crate) fn put<T: Serialize>(&self, question: &Question, answer: &T) {
        let written = Written { index: &self.index, answer };
        let Ok(text) = serde_json::to_string(&written) else { return };
        let (mut redis, key) = (self.redis.clone(), question.cache_key());
        tokio::spawn(async move {
            let written: RedisResult<()> = redis.set_ex(key, text, LIFETIME.as_secs()).await;
            if let Err(error) = written {
                tracing::warn!(%error, "an answer could not be cached");
            }
        });
    }
}
