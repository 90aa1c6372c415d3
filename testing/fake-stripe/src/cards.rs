//! What payment methods do. Their ids decide it, as with Stripe's own test cards.
//!
//! An id is one of the names, or a name with `_` and a suffix, so that every user can have their own method.

/// What a payment method does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Card {
    /// Pays for everything.
    Works,
    /// Is declined for every use. It cannot be saved either.
    Declined(&'static str),
    /// Can be saved, and is declined when it is charged.
    DeclinedWhenCharged,
    /// Requires the customer to act first.
    AuthenticationRequired,
    /// Is processed: the bank has not decided yet.
    Processing,
    /// Is authorized. The authorization has expired when it is captured.
    AuthorizationExpires,
    /// Is authorized. Every capture is refused.
    CaptureRefused,
}

/// Stripe's names first, then our own names for behaviour that no test card of Stripe has.
const CARDS: [(&str, Card); 13] = [
    ("pm_card_visa", Card::Works),
    ("pm_card_mastercard", Card::Works),
    ("pm_card_chargeDeclined", Card::Declined("generic_decline")),
    ("pm_card_visa_chargeDeclined", Card::Declined("generic_decline")),
    ("pm_card_chargeDeclinedInsufficientFunds", Card::Declined("insufficient_funds")),
    ("pm_card_visa_chargeDeclinedInsufficientFunds", Card::Declined("insufficient_funds")),
    ("pm_card_chargeDeclinedExpiredCard", Card::Declined("expired_card")),
    ("pm_card_chargeCustomerFail", Card::DeclinedWhenCharged),
    ("pm_card_authenticationRequired", Card::AuthenticationRequired),
    ("pm_card_threeDSecure2Required", Card::AuthenticationRequired),
    ("pm_fake_processing", Card::Processing),
    ("pm_fake_authorizationExpires", Card::AuthorizationExpires),
    ("pm_fake_captureRefused", Card::CaptureRefused),
];

impl Card {
    /// What the payment method with this id does. `None` when there is no such method.
    pub(crate) fn of(id: &str) -> Option<Self> {
        let fits = |name: &str| id.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
        let best = CARDS.iter().filter(|(name, _)| fits(name)).max_by_key(|(name, _)| name.len());
        best.map(|(_, card)| *card)
    }

    /// Whether the id is a name without a suffix. Saving it makes a payment method with a new id, as at Stripe.
    pub(crate) fn is_pattern(id: &str) -> bool {
        CARDS.iter().any(|(name, _)| *name == id)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_name("pm_card_visa", Some(Card::Works))]
    #[case::a_user_s_own("pm_card_visa_12ab", Some(Card::Works))]
    #[case::the_longest_name_counts("pm_card_visa_chargeDeclined_7", Some(Card::Declined("generic_decline")))]
    #[case::another_name("pm_card_chargeDeclinedInsufficientFunds", Some(Card::Declined("insufficient_funds")))]
    #[case::no_suffix_without_a_bar("pm_card_visas", None)]
    #[case::unknown("pm_1234", None)]
    fn the_id_decides_what_a_method_does(#[case] id: &str, #[case] card: Option<Card>) {
        assert_eq!(Card::of(id), card);
    }
}
