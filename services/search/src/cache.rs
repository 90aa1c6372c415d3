//! Answers kept in Redis for a while. Redis makes answers faster and never worse: whatever is wrong with it is a miss.

use std::time::Duration;

use prometheus::{IntCounterVec, Opts, Registry};
use redis::{AsyncCommands, RedisResult, aio::ConnectionManager};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::query::Question;

/// How long an answer may be shown again.
pub const LIFETIME: Duration = Duration::from_mins(5);
/// The longest wait for Redis; Elasticsearch answers in about this time itself.
const PATIENCE: Duration = Duration::from_millis(100);

/// The cache of answers.
#[derive(Clone)]
pub struct Cache {
    redis: ConnectionManager,
    /// Answers of another index are not used: it may know other fields or other events.
    index: String,
    lookups: IntCounterVec,
}

#[derive(Serialize)]
struct Kept<'a, T> {
    index: &'a str,
    answer: &'a T,
}

#[derive(Deserialize)]
struct Found<T> {
    index: String,
    answer: T,
}

impl Cache {
    /// A cache of the answers of an index.
    ///
    /// # Errors
    /// When the metric's name is taken.
    pub fn new(redis: ConnectionManager, index: &str, registry: &Registry) -> prometheus::Result<Self> {
        let options = Opts::new("search_cache_lookups_total", "Looks into the cache of answers, by outcome.");
        let lookups = IntCounterVec::new(options, &["outcome"])?;
        registry.register(Box::new(lookups.clone()))?;
        Ok(Self { redis, index: index.to_owned(), lookups })
    }

    /// The answer to a question, if it is known.
    pub async fn get<T: DeserializeOwned>(&self, question: &Question) -> Option<T> {
        let (outcome, answer) = match self.read(&question.cache_key()).await {
            Err(problem) => {
                tracing::warn!(problem, "the cache is not read");
                ("fault", None)
            }
            Ok(None) => ("miss", None),
            // What another program wrote there is a miss too.
            Ok(Some(text)) => match serde_json::from_str::<Found<T>>(&text) {
                Ok(found) if found.index == self.index => ("hit", Some(found.answer)),
                Ok(_) => ("other_index", None),
                Err(_) => ("unreadable", None),
            },
        };
        self.lookups.with_label_values(&[outcome]).inc();
        answer
    }

    async fn read(&self, key: &str) -> Result<Option<String>, String> {
        let mut redis = self.redis.clone();
        let read: RedisResult<Option<String>> =
            tokio::time::timeout(PATIENCE, redis.get(key)).await.map_err(|_| "no answer in time".to_owned())?;
        read.map_err(|error| error.to_string())
    }

    /// Keeps an answer. Nobody waits for it.
    pub fn keep<T: Serialize>(&self, question: &Question, answer: &T) {
        let kept = Kept { index: &self.index, answer };
        let Ok(text) = serde_json::to_string(&kept) else { return };
        let (mut redis, key) = (self.redis.clone(), question.cache_key());
        tokio::spawn(async move {
            let kept: RedisResult<()> = redis.set_ex(key, text, LIFETIME.as_secs()).await;
            if let Err(error) = kept {
                tracing::warn!(%error, "an answer is not kept");
            }
        });
    }
}
