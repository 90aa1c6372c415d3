//! Validation of resources by the API server, before the operator sees them.

use anyhow::{Context, Result, ensure};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use testbed::repository;

use crate::platform::{NAME, Platform};

pub(crate) async fn every_example_is_accepted(platform: &Platform) -> Result<()> {
    let mut seen = 0;
    for file in std::fs::read_dir(repository().join("examples"))? {
        let path = file?.path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let resource: Value = serde_yaml::from_str(&std::fs::read_to_string(&path)?)?;
        let parameters = PatchParams::apply("platform-test").force().dry_run();
        let accepted = platform.resources.patch(NAME, &parameters, &Patch::Apply(&resource)).await;
        accepted.with_context(|| path.display().to_string())?;
        seen += 1;
    }
    ensure!(seen >= 3, "only {seen} examples were found");
    Ok(())
}

pub(crate) async fn moving_a_store_is_refused_with_the_fields_name(platform: &Platform) -> Result<()> {
    let moves = [
        ("postgres.host", json!({"postgres": {"host": "elsewhere"}})),
        ("connect.url", json!({"connect": {"url": "http://elsewhere:8083"}})),
        ("elasticsearch.url", json!({"elasticsearch": {"url": "http://elsewhere:9200"}})),
        ("kafka.bootstrapServers", json!({"kafka": {"bootstrapServers": "elsewhere:9092"}})),
    ];
    for (field, spec) in moves {
        let change = Patch::Merge(json!({"spec": spec}));
        let answer = platform.resources.patch(NAME, &PatchParams::default(), &change).await;
        let refusal = answer.err().with_context(|| format!("{field} was changed"))?.to_string();
        ensure!(refusal.contains(field), "the refusal does not name {field}: {refusal}");
    }
    Ok(())
}
