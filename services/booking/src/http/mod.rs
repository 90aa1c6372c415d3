//! The routes under `/api/v1/booking`.

mod answer;
mod holds;
mod order_body;
mod orders;
mod payload;
mod payments;
mod request;
mod tickets;

use std::sync::Arc;

use axum::extract::FromRef;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    holding::Holds,
    orders::Orders,
    selling::{Checkout, PaymentMethods},
};

#[derive(OpenApi)]
#[openapi(info(title = "Booking", description = "Holds tickets and sells them."))]
struct Document;

/// What the handlers work with. Each takes the part that it needs.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>);

struct Parts {
    holds: Arc<Holds>,
    checkout: Arc<Checkout>,
    orders: Orders,
    methods: PaymentMethods,
}

impl App {
    pub(crate) fn new(holds: Arc<Holds>, checkout: Arc<Checkout>, orders: Orders, methods: PaymentMethods) -> Self {
        Self(Arc::new(Parts { holds, checkout, orders, methods }))
    }
}

impl FromRef<App> for Arc<Holds> {
    fn from_ref(app: &App) -> Self {
        Self::clone(&app.0.holds)
    }
}

impl FromRef<App> for Arc<Checkout> {
    fn from_ref(app: &App) -> Self {
        Self::clone(&app.0.checkout)
    }
}

impl FromRef<App> for Orders {
    fn from_ref(app: &App) -> Self {
        app.0.orders.clone()
    }
}

impl FromRef<App> for PaymentMethods {
    fn from_ref(app: &App) -> Self {
        app.0.methods.clone()
    }
}

pub(crate) fn routes(app: App) -> OpenApiRouter {
    OpenApiRouter::with_openapi(Document::openapi())
        .nest(
            "/api/v1/booking",
            OpenApiRouter::new()
                .routes(routes!(tickets::reserve))
                .routes(routes!(tickets::confirm))
                .routes(routes!(holds::create))
                .routes(routes!(holds::show, holds::release))
                .routes(routes!(holds::extend))
                .routes(routes!(orders::create, orders::list))
                .routes(routes!(orders::show))
                .routes(routes!(orders::cancel))
                .routes(routes!(orders::refund))
                .routes(routes!(payments::save_method))
                .routes(routes!(payments::stripe_webhook)),
        )
        .with_state(app)
}
