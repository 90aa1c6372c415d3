//! A page as it goes out, shared by all to whom it goes.

use std::{io::Write, sync::Arc};

use axum::{body::Bytes, http::HeaderValue};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use crate::{
    metrics::EventMetrics,
    tickets::{TicketStatus, Tickets},
};

/// Bytes of a digest that are used: enough that two states never share them by chance.
const NAME_BYTES: usize = 16;

/// The statuses of an event's seats at some moment.
#[derive(Debug, Clone)]
pub(crate) struct SeatState {
    /// Names the state by its content: the same in every process, and when the seats come back to it.
    pub(crate) id: Arc<str>,
    pub(crate) tickets: Arc<Tickets>,
    /// One for each ticket.
    pub(crate) statuses: Arc<[TicketStatus]>,
}

impl SeatState {
    pub(crate) fn new(tickets: Arc<Tickets>, statuses: Box<[TicketStatus]>) -> Self {
        let bytes: Vec<u8> = statuses.iter().map(|status| *status as u8).collect();
        let id = name(Sha256::new().chain_update(tickets.digest()).chain_update(bytes));
        Self { id: id.into(), tickets, statuses: statuses.into() }
    }
}

/// A page: its bytes, and what names them.
#[derive(Debug)]
pub(crate) struct Rendering {
    pub(crate) state: Arc<SeatState>,
    pub(crate) body: Bytes,
    /// Names the plain form. It follows from details and statuses, so replicas that show the same give it the same name.
    pub(crate) etag: HeaderValue,
    /// Names the packed form: other bytes, hence another strong tag.
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

    /// The packed form, made when it is first asked for, beside the threads that answer.
    ///
    /// # Errors
    /// When packing failed; memory is all that it needs.
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
    // The uuids of the tickets make up most of what is left, at any level: the fastest costs the least.
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 2), Compression::fast());
    encoder.write_all(body)?;
    let mut packed = encoder.finish()?;
    packed.shrink_to_fit();
    Ok(packed.into())
}

fn name(digest: Sha256) -> String {
    digest.finalize()[..NAME_BYTES].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn tag(name: &str) -> HeaderValue {
    // Hexadecimal digits and letters: always a valid header.
    HeaderValue::try_from(format!("\"{name}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}
