//! The connection to Elasticsearch and its errors.

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

/// The time limit of one request. It bounds how late a stale write can arrive. It is far below `gc_deletes`, the time
/// for which the index remembers deletes.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The address of Elasticsearch and how to log in.
#[derive(Clone)]
pub struct ElasticsearchSettings {
    pub url: Url,
    /// User name and password, when Elasticsearch asks for them.
    pub credentials: Option<(String, String)>,
    /// PEM of the certificate authorities to trust instead of the usual ones.
    pub authorities: Option<Vec<u8>>,
}

/// A request to Elasticsearch failed.
#[derive(Debug, Error)]
pub enum IndexError {
    /// Elasticsearch did not answer, or answered in a way that a retry may change.
    #[error("{0}")]
    Unreachable(String),
    #[error("index {0} does not exist")]
    Missing(String),
    /// Elasticsearch understood the request and refused it.
    #[error("refused with {status} {kind}: {reason}")]
    Refused {
        status: u16,
        /// Elasticsearch's name for the error.
        kind: String,
        reason: String,
    },
    /// The settings do not make a client.
    #[error("client: {0}")]
    Client(String),
}

/// A client for one index.
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
    /// Makes a client. No request is sent yet.
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

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sends a request about this index. `path` follows the index' name in the URL.
    pub(super) async fn request(
        &self,
        method: Method,
        path: &str,
        parameters: &[(&str, &str)],
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
        let response = self.client.send(method, &path, headers, Some(&parameters), body, None).await;
        let response = response.map_err(|error| IndexError::Unreachable(error.to_string()))?;
        let status = response.status_code().as_u16();
        let text = response.text().await.map_err(|error| IndexError::Unreachable(error.to_string()))?;
        if (200..300).contains(&status) {
            return serde_json::from_str(&text)
                .map_err(|error| IndexError::Unreachable(format!("the answer is not JSON: {error}")));
        }
        // A proxy in front of Elasticsearch may answer something else than JSON.
        let answer = serde_json::from_str(&text).unwrap_or(Value::Null);
        Err(self.error(status, &answer["error"]))
    }

    /// The error of a request, or of one item of a bulk request.
    pub(super) fn error(&self, status: u16, error: &Value) -> IndexError {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (kind, reason) = (text(&error["type"]), text(&error["reason"]));
        match (status, kind.as_str()) {
            (404, "index_not_found_exception") => IndexError::Missing(self.name.clone()),
            // A full disk blocks writes until there is room again, so `cluster_block_exception` is worth a retry.
            (429 | 500.., _) | (_, "cluster_block_exception") => {
                IndexError::Unreachable(format!("answered {status} {kind}: {reason}"))
            }
            _ => IndexError::Refused { status, kind, reason },
        }
    }
}

pub(super) enum Payload {
    None,
    Json(Value),
    Lines(String),
}
