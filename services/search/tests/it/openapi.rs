//! The committed OpenAPI document.

use std::path::Path;

use kit::openapi::assert_committed;

#[test]
fn the_committed_openapi_document_is_the_one_that_is_served() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    assert_committed(&path, &search::openapi());
}
