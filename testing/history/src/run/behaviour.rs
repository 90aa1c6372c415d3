//! How customers differ: how they behave while they hold a seat, and which card they show.

use std::time::Duration;

use rand::{Rng, rngs::StdRng};

use super::HOLD;

/// What a customer does after getting a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Buys at once.
    Quick,
    /// Buys later, while the hold lasts.
    Slow,
    /// Buys at about the moment when the hold ends. Both outcomes are right.
    LastMoment,
    /// Tries to buy after the hold has ended, when another customer wants the seat.
    TooLate,
    /// Never buys, and another customer wants the seat.
    Leaves,
}

impl Behaviour {
    pub(crate) fn any(random: &mut StdRng) -> Self {
        match random.random_range(0..100) {
            0..68 => Self::Quick,
            68..78 => Self::Slow,
            78..86 => Self::LastMoment,
            86..94 => Self::TooLate,
            _ => Self::Leaves,
        }
    }

    /// The time between getting the seat and buying it.
    pub(crate) fn pause(self, random: &mut StdRng) -> Duration {
        let share_of_the_hold = match self {
            Self::Quick => random.random_range(0.0..0.02),
            Self::Slow => random.random_range(0.1..0.9),
            Self::LastMoment => random.random_range(0.93..1.03),
            Self::TooLate | Self::Leaves => random.random_range(1.02..1.4),
        };
        HOLD.mul_f64(share_of_the_hold)
    }

    pub(crate) fn lets_the_hold_expire(self) -> bool {
        matches!(self, Self::TooLate | Self::Leaves)
    }
}

/// The card that a customer shows first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Card {
    Good,
    Declined,
    NeedsAction,
    /// The authorization succeeds; the capture is refused.
    CaptureRefused,
    /// The authorization succeeds; it has expired before the capture.
    AuthorizationExpires,
}

impl Card {
    pub(crate) const ALL: [Self; 5] =
        [Self::Good, Self::Declined, Self::NeedsAction, Self::CaptureRefused, Self::AuthorizationExpires];

    /// The id of Stripe's test payment method, or of the fake's own where Stripe has none.
    pub(crate) fn provider_reference(self) -> &'static str {
        match self {
            Self::Good => "pm_card_visa",
            Self::Declined => "pm_card_chargeCustomerFail",
            Self::NeedsAction => "pm_card_authenticationRequired",
            Self::CaptureRefused => "pm_fake_captureRefused",
            Self::AuthorizationExpires => "pm_fake_authorizationExpires",
        }
    }

    pub(crate) fn any(random: &mut StdRng) -> Self {
        match random.random_range(0..100) {
            0..78 => Self::Good,
            78..92 => Self::Declined,
            92..96 => Self::NeedsAction,
            96..98 => Self::CaptureRefused,
            _ => Self::AuthorizationExpires,
        }
    }
}

/// Returns true in `chance` of 100 cases.
pub(crate) fn percent(random: &mut StdRng, chance: u32) -> bool {
    random.random_ratio(chance, 100)
}
