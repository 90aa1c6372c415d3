//! Questions that a store answers once it is ready.

use anyhow::{Result, ensure};
use reqwest::Client;
use serde_json::Value;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::net::TcpStream;

use super::Store;

/// Asks a store on this port of the loopback address.
pub(super) async fn answers(store: Store, port: u16) -> Result<()> {
    match store {
        Store::Postgres => postgres(port).await,
        Store::Redis => redis(port).await,
        Store::Elasticsearch => elasticsearch(port).await,
        Store::Kafka => kafka(port).await,
        Store::Connect => connect(port).await,
    }
}

async fn postgres(port: u16) -> Result<()> {
    let superuser = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(port).username("postgres");
    let connection = PgConnection::connect_with(&superuser.password("postgres").database("postgres")).await?;
    Ok(connection.close().await?)
}

async fn redis(port: u16) -> Result<()> {
    let client = redis::Client::open(("127.0.0.1", port))?;
    Ok(redis::cmd("PING").exec_async(&mut client.get_multiplexed_async_connection().await?).await?)
}

async fn elasticsearch(port: u16) -> Result<()> {
    let url = format!("http://127.0.0.1:{port}/_cluster/health?wait_for_status=yellow&timeout=1s");
    let health: Value = Client::new().get(url).send().await?.error_for_status()?.json().await?;
    ensure!(health["timed_out"] == false, "the cluster is not yellow: {health}");
    Ok(())
}

async fn kafka(port: u16) -> Result<()> {
    TcpStream::connect(("127.0.0.1", port)).await?;
    Ok(())
}

async fn connect(port: u16) -> Result<()> {
    Client::new().get(format!("http://127.0.0.1:{port}/health")).send().await?.error_for_status()?;
    Ok(())
}
