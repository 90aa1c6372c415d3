//! The operator of the ticket sales platform: keeps each `TicketPlatform` as its resource says.
//!
//! A reconcile has three parts: [`observe`] reads everything that matters into plain values, [`decide`] turns them
//! into a plan without doing anything, [`execute`] carries the plan out.

#[expect(unreachable_pub, reason = "KubeSchema derives a hidden copy of each type, as public as the type")]
pub mod api;
pub mod backends;
pub mod caches;
pub mod component;
pub mod controller;
pub mod decide;
pub mod events;
pub mod execute;
pub mod failures;
pub mod hash;
pub mod health;
pub mod leader;
pub mod metrics;
pub mod names;
pub mod observe;
pub mod observed;
pub mod reconcile;
pub mod resources;
pub mod run;
