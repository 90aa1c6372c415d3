//! HTTP and Redis' protocol by hand. The generator shares the machine with what it measures, so it reads no more of an answer
//! than it needs.

mod connection;
pub(crate) mod http;
pub(crate) mod resp;

use anyhow::{Result, bail};

pub(crate) use connection::Connection;

/// This much of an unexpected answer's body is shown.
const SHOWN_BYTES: usize = 200;

/// The expected answer. Any other one ends the run, because a figure about failed requests would mean nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expected {
    /// An HTTP answer with this status.
    Status(u16),
    /// The hold script's answer that the ticket is held.
    Held,
}

impl Expected {
    /// Reads one answer to its end. It is an error when it is not the expected one.
    pub(crate) async fn read(self, connection: &mut Connection) -> Result<()> {
        match self {
            Self::Status(expected) => {
                let mut shown = Vec::new();
                let head = http::read(connection, |part| {
                    let room = SHOWN_BYTES - shown.len();
                    shown.extend_from_slice(&part[..part.len().min(room)]);
                })
                .await?;
                if head.status != expected {
                    let shown = String::from_utf8_lossy(&shown);
                    bail!("answer {} where {expected} was expected: {shown}", head.status);
                }
            }
            Self::Held => {
                let verdict = resp::read_verdict(connection).await?;
                if verdict != b"held" {
                    bail!("the hold script answered {}", String::from_utf8_lossy(&verdict));
                }
            }
        }
        Ok(())
    }
}
