//! The Lua scripts, each with the preludes that it shares with others.

use std::sync::LazyLock;

use redis::{ErrorKind, RedisError, Script};

macro_rules! script {
    ($($file:literal),+) => {
        LazyLock::new(|| Script::new(concat!(include_str!("scripts/prelude.lua"), $(include_str!(concat!("scripts/", $file, ".lua"))),+)))
    };
}

pub(crate) static HOLD: LazyLock<Script> = script!("whole_hold", "hold");
pub(crate) static RELEASE: LazyLock<Script> = script!("release");
pub(crate) static CLEAR_BOOKED: LazyLock<Script> = script!("clear_booked");
pub(crate) static SHOW_HOLD: LazyLock<Script> = script!("whole_hold", "show_hold");
pub(crate) static EXTEND_HOLD: LazyLock<Script> = script!("whole_hold", "extend_hold");
pub(crate) static RELEASE_HOLD: LazyLock<Script> = script!("whole_hold", "release_hold");
pub(crate) static BEGIN_SALE: LazyLock<Script> = script!("begin_sale");
pub(crate) static FINISH_SALE: LazyLock<Script> = script!("finish_sale");
pub(crate) static CANCEL_SALE: LazyLock<Script> = script!("cancel_sale");
pub(crate) static TOUCH_SALE: LazyLock<Script> = script!("touch_sale");
pub(crate) static STALE_SALES: LazyLock<Script> = script!("stale_sales");

/// The error for an answer that none of these scripts gives: another program wrote the script or the keys.
pub(crate) fn unexpected(answer: &[String]) -> RedisError {
    RedisError::from((ErrorKind::UnexpectedReturnType, "unexpected answer of a seat script", format!("{answer:?}")))
}
