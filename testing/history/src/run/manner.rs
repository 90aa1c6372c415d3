//! How customers differ.

use std::time::Duration;

use rand::{Rng, rngs::StdRng};

use super::HOLD;

/// What somebody does who holds a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Buys at once.
    Quick,
    /// Takes his time, within the hold.
    Slow,
    /// Buys just about when the hold ends: either side may win.
    CutsItFine,
    /// Comes back when the hold has ended, and somebody waits for the seat.
    Dawdles,
    /// Never comes back, and somebody waits for the seat.
    Leaves,
}

impl Manner {
    pub(crate) fn any(random: &mut StdRng) -> Self {
        match random.random_range(0..100) {
            0..68 => Self::Quick,
            68..78 => Self::Slow,
            78..86 => Self::CutsItFine,
            86..94 => Self::Dawdles,
            _ => Self::Leaves,
        }
    }

    /// How long he thinks, from when he was given the seat.
    pub(crate) fn pause(self, random: &mut StdRng) -> Duration {
        let share_of_the_hold = match self {
            Self::Quick => random.random_range(0.0..0.02),
            Self::Slow => random.random_range(0.1..0.9),
            Self::CutsItFine => random.random_range(0.93..1.03),
            Self::Dawdles | Self::Leaves => random.random_range(1.02..1.4),
        };
        HOLD.mul_f64(share_of_the_hold)
    }

    pub(crate) fn lets_it_run_out(self) -> bool {
        matches!(self, Self::Dawdles | Self::Leaves)
    }
}

/// The card that somebody shows first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Card {
    Good,
    Declined,
    NeedsAction,
    /// Has the money set aside, and refuses it when it is to be taken.
    CaptureRefused,
    /// Has the money set aside, but no longer when it is to be taken.
    AuthorizationExpires,
}

impl Card {
    pub(crate) const ALL: [Self; 5] =
        [Self::Good, Self::Declined, Self::NeedsAction, Self::CaptureRefused, Self::AuthorizationExpires];

    /// A payment method of Stripe's, or of the fake's where Stripe has none for it.
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

/// Whether something happens that happens so many times in a hundred.
pub(crate) fn percent(random: &mut StdRng, chance: u32) -> bool {
    random.random_ratio(chance, 100)
}
