//! Kubernetes events, so that `kubectl describe tp` shows what happened and in which order.

use kube::{
    Client, Resource,
    runtime::events::{Event, EventType, Recorder, Reporter},
};

use crate::{
    api::{Attention, ConditionType, Reason, TicketPlatform, TicketPlatformStatus},
    hash, names,
};

/// Publishes events about platforms.
#[derive(Clone)]
pub(crate) struct EventRecorder {
    recorder: Recorder,
}

/// One change of a status that deserves an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatusEvent {
    pub reason: Reason,
    pub message: String,
}

impl EventRecorder {
    /// Publishes in the name of one replica of the operator.
    pub(crate) fn new(client: Client, identity: &str) -> Self {
        let reporter = Reporter { controller: names::FIELD_MANAGER.to_owned(), instance: Some(identity.to_owned()) };
        Self { recorder: Recorder::new(client, reporter) }
    }

    /// Publishes what changed between two statuses.
    pub(crate) async fn status_changed(
        &self,
        platform: &TicketPlatform,
        before: Option<&TicketPlatformStatus>,
        after: &TicketPlatformStatus,
    ) {
        for status_event in status_events(before, after) {
            self.publish(platform, &status_event).await;
        }
    }

    /// Publishes what could not be removed.
    pub(crate) async fn left_behind(&self, platform: &TicketPlatform, things: &[String]) {
        let message = format!("Left behind: {}.", things.join("; "));
        self.publish(platform, &StatusEvent { reason: Reason::LeftBehind, message }).await;
    }

    /// Publishes one event. An event that cannot be published does not stop the work.
    async fn publish(&self, platform: &TicketPlatform, status_event: &StatusEvent) {
        /// The API server refuses longer notes.
        const LONGEST_NOTE_BYTES: usize = 1024;
        let mut note = status_event.message.clone();
        note.truncate(note.floor_char_boundary(LONGEST_NOTE_BYTES));
        let event = Event {
            type_: if status_event.reason.attention() == Attention::Warning {
                EventType::Warning
            } else {
                EventType::Normal
            },
            reason: status_event.reason.as_str().to_owned(),
            // The recorder joins events of equal reason and action and keeps the first note, so the action names the
            // note.
            action: format!("Reconcile-{}", hash::of([note.as_str()])),
            note: Some(note),
            secondary: None,
        };
        if let Err(error) = self.recorder.publish(&event, &platform.object_ref(&())).await {
            tracing::warn!(%error, reason = status_event.reason.as_str(), "cannot publish an event");
        }
    }
}

/// What changed between two statuses, gates first. A summary condition repeats a gate's reason, so it gets an event
/// only when it says something of its own.
pub(crate) fn status_events(before: Option<&TicketPlatformStatus>, after: &TicketPlatformStatus) -> Vec<StatusEvent> {
    let mut kinds = ConditionType::ALL.to_vec();
    kinds.rotate_left(1);
    let changes = kinds.into_iter().filter_map(|kind| {
        let new = after.condition(kind)?;
        let old = before.and_then(|status| status.condition(kind));
        if old.is_some_and(|old| old.status == new.status && old.reason == new.reason) {
            return None;
        }
        let reason = Reason::ALL.iter().copied().find(|reason| reason.as_str() == new.reason)?;
        let deserves_event = match kind {
            ConditionType::Ready => {
                matches!(reason, Reason::AllGatesPassed | Reason::NameCollision | Reason::Paused | Reason::Deleting)
            }
            ConditionType::Reconciling | ConditionType::Stalled => false,
            _ => reason.attention() != Attention::None,
        };
        deserves_event.then(|| StatusEvent { reason, message: new.message.clone() })
    });
    changes.collect()
}
