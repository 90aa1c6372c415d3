//! Noticing that Redis lost its memory, or part of it.
//!
//! An epoch is a token that lives in Redis, together with the server that keeps it. When the token is gone, everything was
//! lost: a flush, or a restart without persistence. When the server is another (a restart, a failover), it may have come back
//! without its last writes: which holds those were cannot be known. Nothing follows from it for the sale, which PostgreSQL
//! decides in any case; people learn why customers lost their holds.

use redis::{RedisResult, aio::ConnectionManager};
use uuid::Uuid;

const EPOCH_KEY: &str = "booking_epoch";

/// A memory of Redis, as far as it can be told apart from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Epoch {
    token: String,
    server: String,
}

/// What happened to Redis since the last look.
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
    /// The epoch of now; begins one where there is none.
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
    fn another_token_is_a_loss_of_everything_and_another_server_one_of_the_last_writes() {
        let before = epoch("one", "a");
        assert_eq!(epoch("one", "a").loss_since(&before), None);
        assert_eq!(epoch("two", "a").loss_since(&before), Some(Loss::All));
        assert_eq!(epoch("two", "b").loss_since(&before), Some(Loss::All));
        assert_eq!(epoch("one", "b").loss_since(&before), Some(Loss::LastWrites));
    }
}
