//! Notices that Redis lost its memory, or part of it.
//!
//! An epoch is a token in Redis together with the server that keeps it. When the token is gone, everything was lost: by
//! a flush, or a restart without persistence. When the server is another one (after a restart or a failover), its last
//! writes may be missing; which holds those were cannot be known. Sales do not depend on this, because PostgreSQL
//! decides them. It tells operators why customers lost their holds.

use redis::{RedisResult, aio::ConnectionManager};
use uuid::Uuid;

const EPOCH_KEY: &str = "booking_epoch";

/// The identity of Redis' memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Epoch {
    token: String,
    server: String,
}

/// What Redis lost since the last look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Every hold is gone.
    All,
    /// Holds of the last seconds may be gone.
    LastWrites,
}

impl Loss {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::LastWrites => "last_writes",
        }
    }
}

impl Epoch {
    /// The current epoch. Begins one if there is none.
    pub(crate) async fn read(redis: &mut ConnectionManager) -> RedisResult<Self> {
        let new = Uuid::new_v4().to_string();
        let (token, server): (Option<String>, String) = redis::pipe()
            .cmd("SET")
            .arg(EPOCH_KEY)
            .arg(&new)
            .arg("NX")
            .arg("GET")
            .cmd("INFO")
            .arg("server")
            .query_async(redis)
            .await?;
        let server = server.lines().find_map(|line| line.strip_prefix("run_id:")).unwrap_or_default().to_owned();
        Ok(Self { token: token.unwrap_or(new), server })
    }

    /// What was lost since an earlier epoch.
    pub(crate) fn loss_since(&self, earlier: &Self) -> Option<Loss> {
        if self.token != earlier.token {
            Some(Loss::All)
        } else if self.server != earlier.server {
            Some(Loss::LastWrites)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(token: &str, server: &str) -> Epoch {
        Epoch { token: token.to_owned(), server: server.to_owned() }
    }

    #[test]
    fn another_token_means_that_all_is_lost_and_another_server_that_the_last_writes_may_be() {
        let before = epoch("one", "a");
        assert_eq!(epoch("one", "a").loss_since(&before), None);
        assert_eq!(epoch("two", "a").loss_since(&before), Some(Loss::All));
        assert_eq!(epoch("two", "b").loss_since(&before), Some(Loss::All));
        assert_eq!(epoch("one", "b").loss_since(&before), Some(Loss::LastWrites));
    }
}
