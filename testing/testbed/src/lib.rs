//! What all tests share: the stores and an instance of them that can be killed and paused, a database per test, rows to
//! start from, a program as a process, a replica inside the test, connections that can be cut, and waiting for a
//! condition.

#![expect(clippy::expect_used, clippy::panic, reason = "test support: a broken set-up ends the test")]

mod database;
mod eventually;
pub mod given;
mod instance;
mod notification_proxy;
mod ports;
mod process;
mod programs;
mod proxy;
mod redis_database;
mod replica;
mod repository;
mod signal;
mod stores;
mod stripe_mock;

pub use database::TestDatabase;
pub use eventually::{Answer, eventually, within};
pub use instance::{Instance, OwnInstance, Store};
pub use notification_proxy::NotificationProxy;
pub use ports::free_replica_port;
pub use process::{Process, Program};
pub use programs::programs_folder;
pub use proxy::Proxy;
pub use redis_database::RedisDatabase;
pub use replica::Replica;
pub use repository::repository;
pub use stores::Stores;
pub use stripe_mock::StripeMock;
