//! The three services of a platform.

use crate::api::{TicketPlatformSpec, WorkloadSpec};

/// One of the three services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Component {
    /// Shows events.
    EventManagement,
    /// Holds and sells seats.
    Booking,
    /// Finds events.
    Search,
}

impl Component {
    pub(crate) const ALL: [Self; 3] = [Self::EventManagement, Self::Booking, Self::Search];

    /// The name of the program, of its image and of the label.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::EventManagement => "event-management",
            Self::Booking => "booking",
            Self::Search => "search",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|component| component.as_str() == name)
    }

    pub(crate) const fn port(self) -> i32 {
        match self {
            Self::EventManagement => 8080,
            Self::Booking => 8081,
            Self::Search => 8082,
        }
    }

    /// What the resource says about how the service runs.
    pub(crate) const fn workload(self, spec: &TicketPlatformSpec) -> &WorkloadSpec {
        match self {
            Self::EventManagement => &spec.services.event_management,
            Self::Booking => &spec.services.booking.workload,
            Self::Search => &spec.services.search,
        }
    }
}
