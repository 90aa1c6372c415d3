//! Prometheus metrics.

use std::time::Duration;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder, core::Collector,
};

use crate::error::ApiError;

/// From 0.5 ms (an answer from memory) to 10 s (the longest that a handler may take by default).
const DURATION_BUCKETS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The registry of a service and the metrics that every service has.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    durations: HistogramVec,
}

impl Metrics {
    /// A registry that holds the metrics of the process and of the HTTP server.
    ///
    /// # Errors
    /// Never with the names used here; a registry refuses duplicates only.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let requests =
            IntCounterVec::new(Opts::new("http_requests_total", "Requests answered."), &["method", "route", "status"])?;
        let durations = HistogramVec::new(
            HistogramOpts::new("http_request_duration_seconds", "Time from the request's head to the answer's head.")
                .buckets(DURATION_BUCKETS.to_vec()),
            &["method", "route"],
        )?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(durations.clone()))?;
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        Ok(Self { registry, requests, durations })
    }

    /// Makes and registers a counter.
    ///
    /// # Errors
    /// When the name is malformed or taken, as with all the functions below.
    pub fn counter(&self, name: &str, help: &str) -> prometheus::Result<IntCounter> {
        self.registered(IntCounter::new(name, help)?)
    }

    /// Makes and registers a counter with labels.
    ///
    /// # Errors
    /// See [`Self::counter`].
    pub fn counters(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
        self.registered(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    /// Makes and registers a gauge.
    ///
    /// # Errors
    /// See [`Self::counter`].
    pub fn gauge(&self, name: &str, help: &str) -> prometheus::Result<IntGauge> {
        self.registered(IntGauge::new(name, help)?)
    }

    /// Makes and registers a gauge with labels.
    ///
    /// # Errors
    /// See [`Self::counter`].
    pub fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntGaugeVec> {
        self.registered(IntGaugeVec::new(Opts::new(name, help), labels)?)
    }

    /// Makes and registers a histogram with these upper bounds of its buckets.
    ///
    /// # Errors
    /// See [`Self::counter`].
    pub fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> prometheus::Result<Histogram> {
        self.registered(Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec()))?)
    }

    fn registered<M: Collector + Clone + 'static>(&self, metric: M) -> prometheus::Result<M> {
        self.registry.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    /// Counts and times a request under its route's template, never under its path: there are too many paths for
    /// labels.
    pub(crate) fn observe(&self, method: &str, route: &str, status: StatusCode, took: Duration) {
        self.requests.with_label_values(&[method, route, status.as_str()]).inc();
        self.durations.with_label_values(&[method, route]).observe(took.as_secs_f64());
    }

    pub(crate) fn routes(&self) -> Router {
        Router::new().route("/metrics", get(expose)).with_state(self.clone())
    }
}

async fn expose(State(metrics): State<Metrics>) -> Result<Response, ApiError> {
    let text = TextEncoder::new().encode_to_string(&metrics.registry.gather()).map_err(|error| {
        tracing::error!(%error, "metrics cannot be encoded");
        ApiError::internal()
    })?;
    Ok(([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response())
}
