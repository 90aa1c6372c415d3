//! What the scripts should do, written down without Redis.
//!
//! A hold ends at a moment that is only known within the time that its call took, so a ticket may for a short while be
//! held or not. The model allows both then, and exactly one thing at all other times.

use std::{collections::HashSet, time::Duration};

use ids::{OrderId, TicketId, UserId};
use seats::{BeginSale, Cancelled, HoldOutcome, NotSellable, Occupied, SaleAttempt};

/// Redis' time around a call, or around the moment when a hold ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub earliest: u64,
    pub latest: u64,
}

impl Window {
    fn after(self, length: Duration) -> Self {
        let ms = u64::try_from(length.as_millis()).expect("a short hold");
        Self { earliest: self.earliest + ms, latest: self.latest + ms }
    }
}

#[derive(Debug, Clone)]
pub(crate) enum State {
    Free,
    Held { user: UserId, ends: Window },
    Selling { user: UserId, order: OrderId, ends: Window },
    Booked,
}

impl State {
    pub(crate) fn may_be_held_by(&self, user: UserId, now: Window) -> bool {
        matches!(self, Self::Held { user: owner, ends } if *owner == user && now.earliest <= ends.latest)
    }

    fn may_be_held_by_another(&self, user: UserId, now: Window) -> bool {
        matches!(self, Self::Held { user: owner, ends } if *owner != user && now.earliest <= ends.latest)
    }

    fn may_be_free(&self, now: Window) -> bool {
        match self {
            Self::Free => true,
            Self::Held { ends, .. } => now.latest >= ends.earliest,
            Self::Selling { .. } | Self::Booked => false,
        }
    }

    fn is_sold_by(&self, user: UserId) -> bool {
        matches!(self, Self::Selling { user: owner, .. } if *owner == user)
    }
}

pub(crate) struct Model {
    pub tickets: Vec<(TicketId, State)>,
}

impl Model {
    pub(crate) fn new(tickets: usize) -> Self {
        Self { tickets: (0..tickets).map(|_| (TicketId::random(), State::Free)).collect() }
    }

    fn state(&self, ticket: TicketId) -> &State {
        &self.tickets.iter().find(|(id, _)| *id == ticket).expect("a ticket of the model").1
    }

    fn set(&mut self, ticket: TicketId, state: State) {
        self.tickets.iter_mut().find(|(id, _)| *id == ticket).expect("a ticket of the model").1 = state;
    }

    pub(crate) fn hold(
        &mut self,
        user: UserId,
        asked: &[TicketId],
        length: Duration,
        answer: &HoldOutcome,
        now: Window,
    ) {
        match answer {
            HoldOutcome::Refused { ticket, because, .. } => {
                let state = self.state(*ticket);
                let expected = match because {
                    Occupied::Held => state.may_be_held_by_another(user, now),
                    Occupied::Selling => matches!(state, State::Selling { user: owner, .. } if *owner != user),
                    Occupied::Booked => matches!(state, State::Booked),
                    Occupied::Limit => false,
                };
                assert!(expected, "refused because {because:?}, but the ticket is {state:?} at {now:?}");
            }
            HoldOutcome::Placed(placed) => {
                assert_eq!(placed.tickets.iter().map(|placed| placed.ticket).collect::<Vec<_>>(), asked);
                for placed in &placed.tickets {
                    let state = self.state(placed.ticket);
                    if placed.new {
                        assert!(state.may_be_free(now), "held anew, but the ticket is {state:?} at {now:?}");
                        self.set(placed.ticket, State::Held { user, ends: now.after(length) });
                    } else {
                        let own = state.may_be_held_by(user, now) || state.is_sold_by(user);
                        assert!(own, "held already, but the ticket is {state:?} at {now:?}");
                    }
                }
            }
        }
    }

    pub(crate) fn begin(&mut self, sale: &SaleAttempt, answer: BeginSale, now: Window) {
        match answer {
            BeginSale::Begun => {
                for ticket in &sale.tickets {
                    let state = self.state(*ticket).clone();
                    let State::Held { ends, .. } = state else { panic!("sold without a hold: {state:?}") };
                    assert!(state.may_be_held_by(sale.user, now), "sold to another, or too late: {state:?} at {now:?}");
                    self.set(*ticket, State::Selling { user: sale.user, order: sale.order, ends });
                }
            }
            BeginSale::Joined { order } => {
                assert!(self.is_exactly(sale, order), "joined a sale of other tickets or another user");
            }
            BeginSale::Refused { ticket, because: NotSellable::NotHeld } => {
                let state = self.state(ticket);
                let surely_held = state.may_be_held_by(sale.user, now) && !state.may_be_free(now);
                assert!(
                    !surely_held && !state.is_sold_by(sale.user),
                    "refused, but the ticket is {state:?} at {now:?}"
                );
                assert!(!matches!(state, State::Booked));
            }
            BeginSale::Refused { ticket, because: NotSellable::Booked } => {
                assert!(matches!(self.state(ticket), State::Booked));
            }
            BeginSale::Refused { because: NotSellable::OtherSale, .. } => {
                let of_user = sale.tickets.iter().filter(|ticket| self.state(**ticket).is_sold_by(sale.user));
                let mut orders = of_user.filter_map(|ticket| match self.state(*ticket) {
                    State::Selling { order, .. } => Some(*order),
                    _ => None,
                });
                let order = orders.next().expect("another sale of the user's");
                assert!(!self.is_exactly(sale, order), "refused to join the very same sale");
            }
        }
    }

    /// Whether the order's attempt sells exactly these tickets to this user.
    fn is_exactly(&self, sale: &SaleAttempt, order: OrderId) -> bool {
        let selling = self.tickets.iter().filter_map(|(ticket, state)| match state {
            State::Selling { user, order: other, .. } if *user == sale.user && *other == order => Some(*ticket),
            _ => None,
        });
        selling.collect::<HashSet<_>>() == sale.tickets.iter().copied().collect::<HashSet<_>>()
    }

    pub(crate) fn finish(&mut self, sale: &SaleAttempt) {
        for ticket in &sale.tickets {
            self.set(*ticket, State::Booked);
        }
    }

    pub(crate) fn cancel(&mut self, sale: &SaleAttempt, answer: Cancelled, now: Window) {
        let (mut surely, mut at_most) = (0, 0);
        for ticket in &sale.tickets {
            let State::Selling { user, order, ends } = *self.state(*ticket) else { continue };
            if order == sale.order {
                let held = State::Held { user, ends };
                at_most += usize::from(held.may_be_held_by(user, now));
                surely += usize::from(!held.may_be_free(now));
                self.set(*ticket, held);
            }
        }
        let restored = answer.restored;
        assert!(
            (surely..=at_most).contains(&restored),
            "{restored} holds restored of {surely} to {at_most} at {now:?}"
        );
    }

    pub(crate) fn release(&mut self, user: UserId, tickets: &[TicketId], now: Window) {
        for ticket in tickets {
            if self.state(*ticket).may_be_held_by(user, now) {
                self.set(*ticket, State::Free);
            }
        }
    }

    pub(crate) fn clear_booked(&mut self, ticket: TicketId) {
        if matches!(self.state(ticket), State::Booked) {
            self.set(ticket, State::Free);
        }
    }

    /// What a page may show as reserved at this moment: neither less nor more.
    pub(crate) fn check_shown(&self, shown: &HashSet<TicketId>, now: Window) {
        for (ticket, state) in &self.tickets {
            let is_shown = shown.contains(ticket);
            let expected = match state {
                State::Selling { .. } => is_shown,
                State::Free | State::Booked => !is_shown,
                State::Held { user, .. } if is_shown => state.may_be_held_by(*user, now),
                State::Held { .. } => state.may_be_free(now),
            };
            assert!(expected, "shown as reserved: {is_shown}, but the ticket is {state:?} at {now:?}");
        }
    }

    /// The latest end of a hold that is not being sold.
    pub(crate) fn last_end(&self) -> Option<u64> {
        let ends = self.tickets.iter().filter_map(|(_, state)| match state {
            State::Held { ends, .. } | State::Selling { ends, .. } => Some(ends.latest),
            _ => None,
        });
        ends.max()
    }
}
