//! A Redis database per test: a service's sweeper looks at everything in its database, and must not meet another
//! test's data.

use redis::{Client, Connection, aio::MultiplexedConnection};

use crate::Stores;

/// A claim ends after this, so that a test that was killed does not keep its database for ever.
const CLAIMED_SECONDS: u64 = 600;

/// One of the server's numbered databases, which no other test uses.
#[derive(Debug)]
pub struct RedisDatabase {
    pub number: i64,
    addr: String,
}

impl RedisDatabase {
    /// Claims a database that no other test uses, and empties it. Database 0 keeps the claims.
    ///
    /// # Panics
    /// When Redis does not answer.
    pub async fn claim() -> Self {
        let addr = Stores::from_environment().redis_addr;
        let mut claims = client(&addr, 0).get_multiplexed_async_connection().await.expect("Redis answers");
        let (_, databases): (String, i64) = redis::cmd("CONFIG")
            .arg("GET")
            .arg("databases")
            .query_async::<Vec<(String, i64)>>(&mut claims)
            .await
            .expect("Redis tells its settings")
            .remove(0);
        loop {
            for number in 1..databases {
                let claimed: bool = redis::cmd("SET")
                    .arg(claim_key(number))
                    .arg("claimed")
                    .arg("NX")
                    .arg("EX")
                    .arg(CLAIMED_SECONDS)
                    .query_async(&mut claims)
                    .await
                    .expect("Redis answers");
                if claimed {
                    let database = Self { number, addr };
                    let _: () =
                        redis::cmd("FLUSHDB").query_async(&mut database.connect().await).await.expect("emptied");
                    return database;
                }
            }
            // All are taken: another test ends soon.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    /// A new connection to it.
    ///
    /// # Panics
    /// When Redis does not answer.
    pub async fn connect(&self) -> MultiplexedConnection {
        client(&self.addr, self.number).get_multiplexed_async_connection().await.expect("Redis answers")
    }

    /// `host:port` of the server.
    #[must_use]
    pub fn addr(&self) -> &str {
        &self.addr
    }
}

impl Drop for RedisDatabase {
    fn drop(&mut self) {
        let connected: redis::RedisResult<Connection> = client(&self.addr, 0).get_connection();
        // A claim that cannot be given back now ends by itself.
        if let Ok(mut claims) = connected {
            let _ = redis::cmd("DEL").arg(claim_key(self.number)).exec(&mut claims);
        }
    }
}

fn client(addr: &str, number: i64) -> Client {
    Client::open(format!("redis://{addr}/{number}")).expect("an address")
}

fn claim_key(number: i64) -> String {
    format!("test_database:{number}")
}
