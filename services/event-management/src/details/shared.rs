//! The details in Redis, shared by all replicas.
//!
//! | key | holds |
//! |---|---|
//! | `event:{uuid}` | the details, with the epoch in which they were stored; one hour |
//! | `event_version:{uuid}` | a token that changes with each change of the event |
//! | `event_epoch:{database}` | a token that changes whenever changes may have been missed: what another epoch stored is absent |
//!
//! The rule that makes it safe: this process reads Redis only while, since it last began an epoch, it has applied there
//! every change it heard of (it is *in step*). Whoever fills Redis names the version and epoch it saw before it read the
//! database; when one of them has moved since, nothing is stored. So what one slow replica read before a change cannot be
//! stored after it, and what changed while nobody listened, or while Redis was away, ends with the next epoch.
//!
//! Each start of a replica begins an epoch, and so costs every event one load.

use std::{
    future::Future,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
};

use redis::{RedisResult, Script, aio::ConnectionManager};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::EventDetails;
use crate::{metrics::EventMetrics, settings::REDIS_TIMEOUT};

/// The contract's life of an entry.
const LIFE_SECONDS: u64 = 3600;
/// A version must outlive every load that saw it; loads take seconds.
const VERSION_LIFE_SECONDS: u64 = 2 * LIFE_SECONDS;
/// Raised with each change of the stored form, so that two releases side by side do not misread each other.
const FORM: u32 = 2;

/// Stores details unless the event or the epoch has moved since the ticket was issued.
static STORE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local seen = redis.call('MGET', KEYS[2], KEYS[3])
          if (seen[1] or '') ~= ARGV[1] or seen[2] ~= ARGV[2] then return 0 end
          redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4])
          return 1",
    )
});

/// What stands under `event:{uuid}`.
#[derive(Serialize, Deserialize)]
struct Entry<D> {
    form: u32,
    epoch: String,
    details: D,
}

/// The right to store what is read from the database after this was issued.
pub(crate) struct Ticket {
    version: String,
    epoch: String,
}

/// What a look into Redis brought.
pub(crate) enum LookUp {
    Found(Box<EventDetails>),
    Absent(Ticket),
    /// Redis does not answer, or is not trusted now.
    Unusable,
}

/// The cache in Redis.
#[derive(Clone)]
pub(crate) struct SharedCache {
    redis: ConnectionManager,
    epoch_key: Arc<str>,
    in_step: Arc<AtomicBool>,
    metrics: Arc<EventMetrics>,
}

impl SharedCache {
    /// Out of step until an epoch has begun. The epoch is the database's: two platforms may share a Redis.
    pub(crate) fn new(redis: ConnectionManager, database: &str, metrics: Arc<EventMetrics>) -> Self {
        Self { redis, epoch_key: format!("event_epoch:{database}").into(), in_step: Arc::default(), metrics }
    }

    /// Looks for an event's details. One call.
    pub(crate) async fn look_up(&self, event: Uuid) -> LookUp {
        if !self.in_step.load(Ordering::Acquire) {
            return LookUp::Unusable;
        }
        let mut redis = self.redis.clone();
        let keys = [entry_key(event), version_key(event), self.epoch_key.to_string()];
        let read = async move { redis::cmd("MGET").arg(&keys).query_async(&mut redis).await };
        let Some((entry, version, epoch)) = in_time::<(Option<Vec<u8>>, Option<String>, Option<String>)>(read).await
        else {
            return LookUp::Unusable;
        };
        let Some(epoch) = epoch else {
            // Redis lost its memory, and with it the changes that were applied to it.
            self.set_in_step(false);
            return LookUp::Unusable;
        };
        // An entry that cannot be read is another release's.
        let entry = entry.and_then(|bytes| serde_json::from_slice::<Entry<EventDetails>>(&bytes).ok());
        match entry {
            Some(entry) if entry.form == FORM && entry.epoch == epoch => LookUp::Found(Box::new(entry.details)),
            _ => LookUp::Absent(Ticket { version: version.unwrap_or_default(), epoch }),
        }
    }

    /// Stores details that were read after the ticket was issued. A failure costs another replica a read.
    pub(crate) async fn store(&self, event: Uuid, details: &EventDetails, ticket: Ticket) {
        let entry = Entry { form: FORM, epoch: ticket.epoch, details };
        let Ok(bytes) = serde_json::to_vec(&entry) else { return };
        let mut redis = self.redis.clone();
        let mut call = STORE.key(entry_key(event));
        call.key(version_key(event)).key(&*self.epoch_key);
        call.arg(ticket.version).arg(entry.epoch).arg(bytes).arg(LIFE_SECONDS);
        in_time::<i64>(async move { call.invoke_async(&mut redis).await }).await;
    }

    /// Drops the details of these events. When that fails, Redis is not used until a new epoch has begun.
    pub(crate) async fn drop_events(&self, events: &[Uuid]) {
        if events.is_empty() || !self.in_step.load(Ordering::Acquire) {
            return;
        }
        let mut pipeline = redis::pipe();
        for event in events {
            let token = Uuid::new_v4().to_string();
            // The version first: a store between the two is removed, one after them is refused.
            pipeline.cmd("SET").arg(version_key(*event)).arg(token).arg("EX").arg(VERSION_LIFE_SECONDS).ignore();
            pipeline.cmd("DEL").arg(entry_key(*event)).ignore();
        }
        let mut redis = self.redis.clone();
        if in_time::<()>(async move { pipeline.query_async(&mut redis).await }).await.is_none() {
            self.set_in_step(false);
        }
    }

    /// Drops everything by beginning a new epoch.
    pub(crate) async fn drop_all(&self) {
        self.set_in_step(false);
        self.mend().await;
    }

    /// Begins a new epoch if changes may have been missed in Redis.
    pub(crate) async fn mend(&self) {
        if self.in_step.load(Ordering::Acquire) {
            return;
        }
        let mut redis = self.redis.clone();
        let mut begin = redis::cmd("SET");
        begin.arg(&*self.epoch_key).arg(Uuid::new_v4().to_string());
        if in_time::<()>(async move { begin.query_async(&mut redis).await }).await.is_some() {
            self.set_in_step(true);
        }
    }

    fn set_in_step(&self, in_step: bool) {
        self.in_step.store(in_step, Ordering::Release);
        self.metrics.shared_cache_in_use.set(in_step.into());
    }
}

fn entry_key(event: Uuid) -> String {
    format!("event:{event}")
}

fn version_key(event: Uuid) -> String {
    format!("event_version:{event}")
}

/// The answer, or nothing when Redis failed or was too slow. The page that needs it says so once (see `seats`).
async fn in_time<T>(call: impl Future<Output = RedisResult<T>>) -> Option<T> {
    let answer = kit::redis::within(REDIS_TIMEOUT, call).await;
    answer.inspect_err(|error| tracing::debug!(%error, "the shared cache is not used")).ok()
}
