//! Who takes the money.

/// The payment provider. Free tickets need none: nothing is asked, nothing can be declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payments {
    /// Every ticket costs the customer nothing, whatever its price says.
    Free,
}

impl Payments {
    /// The provider's name in orders and payment attempts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
        }
    }
}
