//! The Elasticsearch index of events.

mod bulk;
mod definition;
mod documents;
mod life;

use std::{fmt, time::Duration};

use elasticsearch::{
    Elasticsearch,
    auth::Credentials,
    cert::{Certificate, CertificateValidation},
    http::{
        Method, Url,
        headers::{CONTENT_TYPE, HeaderMap, HeaderValue},
        transport::{SingleNodeConnectionPool, TransportBuilder},
    },
};
use serde_json::Value;
use thiserror::Error;

pub use bulk::{BulkOutcome, Write};
pub use definition::{Definition, DefinitionError};
pub use documents::Found;
pub use life::{IndexOrigin, IndexState};

/// The longest that one request may take. It bounds how late a stale write can arrive, far below the time for which
/// the index remembers deletes.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Where Elasticsearch is and how to log in.
#[derive(Clone)]
pub struct ElasticsearchSettings {
    /// Its URL.
    pub url: Url,
    /// User name and password, when it asks for them.
    pub credentials: Option<(String, String)>,
    /// PEM of the authorities to trust, when they are not the usual ones.
    pub authorities: Option<Vec<u8>>,
}

/// What Elasticsearch did not do.
#[derive(Debug, Error)]
pub enum IndexError {
    /// No answer, or one that says: not now.
    #[error("{0}")]
    Unreachable(String),
    /// The index does not exist.
    #[error("index {0} does not exist")]
    Missing(String),
    /// The request was understood and refused.
    #[error("refused with {status} {kind}: {reason}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Elasticsearch's name for the error.
        kind: String,
        /// Its explanation.
        reason: String,
    },
    /// The client could not be made.
    #[error("client: {0}")]
    Client(String),
}

/// One concrete index.
#[derive(Clone)]
pub struct Index {
    client: Elasticsearch,
    name: String,
}

impl fmt::Debug for Index {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Index").field(&self.name).finish()
    }
}

impl Index {
    /// A client for an index; nothing is asked yet.
    ///
    /// # Errors
    /// When the settings make no client.
    pub fn new(settings: &ElasticsearchSettings, name: String) -> Result<Self, IndexError> {
        let pool = SingleNodeConnectionPool::new(settings.url.clone());
        let mut transport = TransportBuilder::new(pool).timeout(REQUEST_TIMEOUT).disable_proxy();
        if let Some((user, password)) = &settings.credentials {
            transport = transport.auth(Credentials::Basic(user.clone(), password.clone()));
        }
        if let Some(authorities) = &settings.authorities {
            let certificate =
                Certificate::from_pem(authorities).map_err(|error| IndexError::Client(error.to_string()))?;
            transport = transport.cert_validation(CertificateValidation::Full(certificate));
        }
        let transport = transport.build().map_err(|error| IndexError::Client(error.to_string()))?;
        Ok(Self { client: Elasticsearch::new(transport), name })
    }

    /// The index' name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks Elasticsearch about this index; `path` is what follows the index' name.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Payload,
    ) -> Result<Value, IndexError> {
        let mut headers = HeaderMap::new();
        let body = match body {
            Payload::None => None,
            Payload::Json(value) => Some(value.to_string()),
            Payload::Lines(lines) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
                Some(lines)
            }
        };
        let path = format!("/{}{path}", self.name);
        let response = self.client.send(method, &path, headers, Some(&query), body, None).await;
        let response = response.map_err(|error| IndexError::Unreachable(error.to_string()))?;
        let status = response.status_code().as_u16();
        let text = response.text().await.map_err(|error| IndexError::Unreachable(error.to_string()))?;
        if (200..300).contains(&status) {
            return serde_json::from_str(&text).map_err(|error| IndexError::Unreachable(format!("no JSON: {error}")));
        }
        // Whatever stands in front of Elasticsearch may answer something else than JSON.
        let answer = serde_json::from_str(&text).unwrap_or(Value::Null);
        Err(self.error(status, &answer["error"]))
    }

    /// An error of a request, or of one item of a bulk request.
    fn error(&self, status: u16, error: &Value) -> IndexError {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (kind, reason) = (text(&error["type"]), text(&error["reason"]));
        match (status, kind.as_str()) {
            (404, "index_not_found_exception") => IndexError::Missing(self.name.clone()),
            // A full disk blocks writes until there is room again.
            (429 | 500.., _) | (_, "cluster_block_exception") => {
                IndexError::Unreachable(format!("answered {status} {kind}: {reason}"))
            }
            _ => IndexError::Refused { status, kind, reason },
        }
    }
}

enum Payload {
    None,
    Json(Value),
    Lines(String),
}
