//! The three services.

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
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::EventManagement, Self::Booking, Self::Search];

    /// The name of program, image and label.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::EventManagement => "event-management",
            Self::Booking => "booking",
            Self::Search => "search",
        }
    }

    /// The service of that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|component| component.as_str() == name)
    }

    /// The port it listens on.
    pub(crate) const fn port(self) -> i32 {
        match self {
            Self::EventManagement => 8080,
            Self::Booking => 8081,
            Self::Search => 8082,
        }
    }

    /// How it runs, as the resource says.
    pub(crate) const fn workload(self, spec: &TicketPlatformSpec) -> &WorkloadSpec {
        match self {
            Self::EventManagement => &spec.services.event_management,
            Self::Booking => &spec.services.booking.workload,
            Self::Search => &spec.services.search,
        }
    }
}
