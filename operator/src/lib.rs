//! The operator of the ticket sales platform: it keeps each `TicketPlatform` as its resource says.
//!
//! A reconcile has three parts. `observe` reads everything that matters into plain values. `decide` turns them into a
//! plan and does nothing else. `execute` carries the plan out.

#[expect(unreachable_pub, reason = "KubeSchema derives a hidden copy of each type, as public as the type")]
pub mod api;
pub mod backends;
mod caches;
mod component;
mod controller;
mod decide;
mod events;
mod execute;
mod failures;
mod hash;
mod health;
mod leader;
mod metrics;
mod names;
mod observe;
mod observed;
mod reconcile;
pub mod resources;
mod run;

pub use component::Component;
pub use failures::ErrorClass;
pub use observed::{ConnectView, JobKind};
pub use run::{RunError, Settings, run};
