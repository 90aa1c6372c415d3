//! A Redis database per test: the sweeper looks at all sales of a database, and must not meet those of another test.

use redis::{Client, Connection, aio::MultiplexedConnection};
use testbed::Stores;

/// A test that hangs for longer than this loses its database to another.
const CLAIMED_SECONDS: u64 = 600;

pub(crate) struct RedisDatabase {
    pub number: i64,
    addr: String,
}

impl RedisDatabase {
    /// Claims a database that no other test uses, and empties it. Database 0 keeps the claims.
    pub(crate) async fn claim() -> Self {
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

    pub(crate) async fn connect(&self) -> MultiplexedConnection {
        client(&self.addr, self.number).get_multiplexed_async_connection().await.expect("Redis answers")
    }

    pub(crate) fn addr(&self) -> &str {
        &self.addr
    }
}

impl Drop for RedisDatabase {
    fn drop(&mut self) {
        let connected: redis::RedisResult<Connection> = client(&self.addr, 0).get_connection();
        // What cannot be given back now is given back by its end.
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
