//! A fake of the part of Stripe's API that booking uses. Tests use it because Stripe itself cannot run here.
//!
//! It behaves as Stripe documents: form-encoded requests with a bearer key, idempotency keys, the life of a payment intent,
//! refunds, errors and signed webhooks. The id of a payment method decides what it does. With `_` and a suffix behind the
//! name, every user can have their own:
//!
//! | id | saving it | paying with it |
//! |---|---|---|
//! | `pm_card_visa`, `pm_card_mastercard` | works | works |
//! | `pm_card_chargeDeclined`, `…InsufficientFunds`, `…ExpiredCard` | 402 `card_declined`: the bank is asked | 402 `card_declined` |
//! | `pm_card_chargeCustomerFail` | works | 402 `card_declined` |
//! | `pm_card_authenticationRequired`, `pm_card_threeDSecure2Required` | works | `requires_action` until [`FakeStripe::complete_action`] or [`FakeStripe::fail_action`] |
//! | `pm_fake_processing` | works | `processing` until [`FakeStripe::complete_action`] or [`FakeStripe::fail_action`] |
//! | `pm_fake_authorizationExpires` | works | authorized; the capture finds it `canceled` |
//! | `pm_fake_captureRefused` | works | authorized; every capture answers 400 `charge_expired_for_capture` |
//! | anything else | 404 `resource_missing` | 404 `resource_missing` |
//!
//! Saving a name without a suffix makes a method with a new id, as at Stripe.

#![expect(clippy::expect_used, clippy::panic, reason = "test support: a broken set-up ends the test")]

mod account;
mod answer;
mod call;
mod cards;
mod event;
mod fake;
mod faults;
mod form;
mod keys;
mod payment;
mod server;
mod webhooks;

pub use account::Status;
pub use call::Call;
pub use event::{Event, SignedEvent};
pub use fake::{FakeStripe, SECRET_KEY, WEBHOOK_SECRET};
pub use faults::{Fault, When};
pub use payment::Payment;
pub use webhooks::Delivery;
