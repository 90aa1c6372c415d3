//! The committed OpenAPI document.

use std::path::Path;

use crate::service::Service;

#[tokio::test]
async fn the_committed_openapi_document_is_what_the_program_serves() {
    let service = Service::start().await;
    let text = service.get("/openapi.json").await.text().await.expect("a body");
    let document = serde_json::from_str(&text).expect("an OpenAPI document");
    kit::openapi::assert_committed(&Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json"), &document);
}
