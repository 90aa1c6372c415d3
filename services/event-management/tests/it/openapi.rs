//! The committed OpenAPI document is the served one.

use std::path::Path;

#[test]
fn the_committed_document_is_the_one_that_is_served() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    kit::openapi::assert_committed(&path, &event_management::document());
}
