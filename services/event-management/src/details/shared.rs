//! The details in Redis, shared by all replicas.
//!
//! | key | holds |
//! |---|---|
//! | `event:{uuid}` | the details, with the epoch in which they were stored; expires after one hour |
//! | `event_version:{uuid}` | a token that changes with each change of the event |
//! | `event_epoch:{database}` | a token that changes when changes may have been missed; older entries count as absent |
//!
//! Two rules keep it from serving old details:
//!
//! 1. A process reads Redis only while it is *in step*: since it last began an epoch, it has applied there every change
//!    that it received. Changes that were missed, by a process or while Redis was away, end with the next epoch.
//! 2. A process that stores details names the version and the epoch that it saw before it read the database. When one
//!    of them has moved since, nothing is stored. So a slow replica cannot store after a change what it read before it.
//!
//! Each start of a replica begins an epoch, and so costs every event one load.

use std::{
    future::Future,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
};

use ids::EventId;
use redis::{RedisResult, Script, aio::ConnectionManager};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{event::EventDetails, metrics::EventMetrics, settings::REDIS_TIMEOUT};

/// How long an entry lives, by the contract.
const LIFE_SECONDS: u64 = 3600;
/// How long a version lives. It must outlive every load that saw it, and loads take seconds.
const VERSION_LIFE_SECONDS: u64 = 2 * LIFE_SECONDS;
/// The version of the stored form. It must rise with each change of the form, so that two releases that run side by
/// side do not misread each other.
const FORM: u32 = 2;

/// Stores details unless the version or the epoch has moved since the fill token was issued.
static STORE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local seen = redis.call('MGET', KEYS[2], KEYS[3])
          if (seen[1] or '') ~= ARGV[1] or seen[2] ~= ARGV[2] then return 0 end
          redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4])
          return 1",
    )
});

/// The value of `event:{uuid}`.
#[derive(Serialize, Deserialize)]
struct Entry<D> {
    form: u32,
    epoch: String,
    details: D,
}

/// The right to store what is read from the database after the token was issued.
pub(crate) struct FillToken {
    version: String,
    epoch: String,
}

/// What was found in Redis.
pub(crate) enum LookUp {
    Found(Box<EventDetails>),
    Absent(FillToken),
    /// Redis does not answer, or this process is not in step.
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
    /// Is out of step until an epoch has begun. Two platforms may share a Redis, so each database has an epoch of its
    /// own.
    pub(crate) fn new(redis: ConnectionManager, database: &str, metrics: Arc<EventMetrics>) -> Self {
        Self { redis, epoch_key: format!("event_epoch:{database}").into(), in_step: Arc::default(), metrics }
    }

    /// Looks for an event's details by one call.
    pub(crate) async fn look_up(&self, event: EventId) -> LookUp {
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
            // Redis lost its data, and with it the changes that were applied to it.
            self.set_in_step(false);
            return LookUp::Unusable;
        };
        // An entry that cannot be read comes from another release.
        let entry = entry.and_then(|bytes| serde_json::from_slice::<Entry<EventDetails>>(&bytes).ok());
        match entry {
            Some(entry) if entry.form == FORM && entry.epoch == epoch => LookUp::Found(Box::new(entry.details)),
            _ => LookUp::Absent(FillToken { version: version.unwrap_or_default(), epoch }),
        }
    }

    /// Stores details that were read after the token was issued. When it fails, another replica reads the database once
    /// more.
    pub(crate) async fn store(&self, event: EventId, details: &EventDetails, token: FillToken) {
        let entry = Entry { form: FORM, epoch: token.epoch, details };
        let Ok(bytes) = serde_json::to_vec(&entry) else { return };
        let mut redis = self.redis.clone();
        let mut call = STORE.key(entry_key(event));
        call.key(version_key(event)).key(&*self.epoch_key);
        call.arg(token.version).arg(entry.epoch).arg(bytes).arg(LIFE_SECONDS);
        in_time::<i64>(async move { call.invoke_async(&mut redis).await }).await;
    }

    /// Drops the details of these events. When it fails, this process is out of step until it begins an epoch.
    pub(crate) async fn drop_events(&self, events: &[EventId]) {
        if events.is_empty() || !self.in_step.load(Ordering::Acquire) {
            return;
        }
        let mut pipeline = redis::pipe();
        for event in events {
            let version = Uuid::new_v4().to_string();
            // The version comes first: details stored between the two commands are removed, later ones are refused.
            pipeline.cmd("SET").arg(version_key(*event)).arg(version).arg("EX").arg(VERSION_LIFE_SECONDS).ignore();
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
        self.begin_epoch_if_needed().await;
    }

    /// Begins a new epoch when this process is out of step.
    pub(crate) async fn begin_epoch_if_needed(&self) {
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

fn entry_key(event: EventId) -> String {
    format!("event:{event}")
}

fn version_key(event: EventId) -> String {
    format!("event_version:{event}")
}

/// The answer, or `None` when Redis failed or was too slow. A warning about it comes from [`crate::seats`], once.
async fn in_time<T>(call: impl Future<Output = RedisResult<T>>) -> Option<T> {
    let answer = kit::redis::within(REDIS_TIMEOUT, call).await;
    answer.inspect_err(|error| tracing::debug!(%error, "the shared cache is not used")).ok()
}
