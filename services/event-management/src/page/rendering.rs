//! A page in the bytes that clients get. All requests for the same page share them.

use std::{io::Write, sync::Arc};

use axum::{body::Bytes, http::HeaderValue};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use crate::{
    metrics::EventMetrics,
    tickets::{TicketStatus, Tickets},
};

/// How many bytes of a digest name a state: enough that two states never have the same name by chance.
const NAME_BYTES: usize = 16;

/// The statuses of an event's tickets at some moment.
#[derive(Debug, Clone)]
pub(crate) struct SeatState {
    /// Names the state by its content: equal states have the same id in every process and at any time.
    pub(crate) id: Arc<str>,
    pub(crate) tickets: Arc<Tickets>,
    /// One for each ticket, in their order.
    pub(crate) statuses: Arc<[TicketStatus]>,
}

impl SeatState {
    pub(crate) fn new(tickets: Arc<Tickets>, statuses: Box<[TicketStatus]>) -> Self {
        let bytes: Vec<u8> = statuses.iter().map(|status| *status as u8).collect();
        let id = name(Sha256::new().chain_update(tickets.digest()).chain_update(bytes));
        Self { id: id.into(), tickets, statuses: statuses.into() }
    }
}

/// A page with its entity tags.
#[derive(Debug)]
pub(crate) struct Rendering {
    pub(crate) state: Arc<SeatState>,
    pub(crate) body: Bytes,
    /// The tag of the plain form. It follows from details and statuses, so replicas that show the same have the same
    /// tag.
    pub(crate) etag: HeaderValue,
    /// The tag of the packed form. Other bytes need another strong tag.
    pub(crate) gzip_etag: HeaderValue,
    gzip: OnceCell<Bytes>,
}

impl Rendering {
    pub(crate) fn new(body: Vec<u8>, template_digest: &[u8; 32], state: Arc<SeatState>) -> Self {
        let name = name(Sha256::new().chain_update(template_digest).chain_update(state.id.as_bytes()));
        Self {
            etag: tag(&name),
            gzip_etag: tag(&format!("{name}-gzip")),
            state,
            body: body.into(),
            gzip: OnceCell::new(),
        }
    }

    /// The packed form. It is made at the first request for it, on a thread of its own so that other requests do not
    /// wait.
    pub(crate) async fn gzip(&self, metrics: &EventMetrics) -> Result<Bytes, std::io::Error> {
        let packed = self.gzip.get_or_try_init(async || {
            metrics.renderings_gzip.inc();
            let body = self.body.clone();
            tokio::task::spawn_blocking(move || pack(&body)).await?
        });
        packed.await.cloned()
    }
}

fn pack(body: &[u8]) -> Result<Bytes, std::io::Error> {
    // Most of the packed form are the uuids of the tickets, at any level. So the fastest level costs the least.
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 2), Compression::fast());
    encoder.write_all(body)?;
    let mut packed = encoder.finish()?;
    packed.shrink_to_fit();
    Ok(packed.into())
}

fn name(digest: Sha256) -> String {
    hex::encode(&digest.finalize()[..NAME_BYTES])
}

fn tag(name: &str) -> HeaderValue {
    // Hexadecimal digits, letters and a hyphen are always a valid header.
    HeaderValue::try_from(format!("\"{name}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}
