//! What may happen only once every pod of every service runs the release: the alias moves, and the `after` migrations
//! are applied.

use super::{
    Input,
    gate::{Gate, StepMaker},
    migrations,
    step::{Action, GateKind, Step},
};
use crate::{api::MigrationsStatus, observed::Fact, resources::Target};

/// Points the alias, which people and tools use, at the index that the pods use.
pub(crate) fn alias(input: &Input<'_>, target: &Target) -> Vec<Step> {
    let Fact::Known(view) = &input.observed.elasticsearch else { return Vec::new() };
    let index = target.index();
    if !view.indexes.contains_key(&index) || view.alias.iter().eq([&index]) {
        return Vec::new();
    }
    let maker = StepMaker { input, gate: GateKind::AfterRollout, content: &target.release.job_key };
    vec![maker.step(Action::PointAlias { index, from: view.alias.clone() })]
}

/// Runs the `after` migrations once no pod of another release is left.
pub(crate) fn migrations(
    input: &Input<'_>,
    status: MigrationsStatus,
    target: &Target,
) -> (Option<Gate>, MigrationsStatus) {
    let Some(pending) = migrations::after_is_pending(input, &status, &target.release) else { return (None, status) };
    let older = input.observed.pods.iter().find(|pod| pod.version != target.spec.version);
    if let Some(pod) = older {
        let mut draft = pending;
        draft.message = format!("{} Pod {} still runs {}.", draft.message, pod.name, pod.version);
        return (Some(Gate::working(draft, Vec::new(), super::gate::DRIFT_LOOK)), status);
    }
    migrations::after(input, status, &target.release)
}
