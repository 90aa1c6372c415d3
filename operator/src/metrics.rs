//! Metrics, under the names that dashboards for controller-runtime use.

use std::time::Duration;

use kube::ResourceExt;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};

use crate::api::{ConditionType, TicketPlatform, TicketPlatformStatus};

const CONTROLLER: &str = "ticketplatform";
const STATUSES: [&str; 3] = ["True", "False", "Unknown"];

pub(crate) struct Metrics {
    registry: Registry,
    reconciles: IntCounterVec,
    errors: IntCounterVec,
    seconds: HistogramVec,
    conditions: IntGaugeVec,
    is_leader: IntGauge,
}

impl Metrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// When two metrics have the same name. A test would have found that.
    pub(crate) fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let counter = |name: &str, help: &str, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let metrics = Self {
            reconciles: counter(
                "controller_runtime_reconcile_total",
                "Reconciles, by how they ended.",
                &["controller", "result"],
            )?,
            errors: counter("controller_runtime_reconcile_errors_total", "Reconciles that failed.", &["controller"])?,
            seconds: HistogramVec::new(
                HistogramOpts::new("controller_runtime_reconcile_time_seconds", "How long reconciles took.")
                    .buckets(vec![0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]),
                &["controller"],
            )?,
            conditions: IntGaugeVec::new(
                Opts::new("ticket_platform_condition", "1 for the status each condition has, 0 for the others."),
                &["namespace", "name", "type", "status"],
            )?,
            is_leader: IntGauge::with_opts(
                Opts::new("leader_election_master_status", "1 while this replica leads.")
                    .const_label("name", crate::names::FIELD_MANAGER),
            )?,
            registry,
        };
        metrics.registry.register(Box::new(metrics.reconciles.clone()))?;
        metrics.registry.register(Box::new(metrics.errors.clone()))?;
        metrics.registry.register(Box::new(metrics.seconds.clone()))?;
        metrics.registry.register(Box::new(metrics.conditions.clone()))?;
        metrics.registry.register(Box::new(metrics.is_leader.clone()))?;
        metrics.registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        Ok(metrics)
    }

    /// Counts a reconcile.
    pub(crate) fn reconciled(&self, took: Duration, succeeded: bool) {
        let result = if succeeded { "success" } else { "error" };
        self.reconciles.with_label_values(&[CONTROLLER, result]).inc();
        self.seconds.with_label_values(&[CONTROLLER]).observe(took.as_secs_f64());
        if !succeeded {
            self.errors.with_label_values(&[CONTROLLER]).inc();
        }
    }

    /// Sets the metrics of a platform's conditions.
    pub(crate) fn conditions(&self, platform: &TicketPlatform, status: &TicketPlatformStatus) {
        let (namespace, name) = (platform.namespace().unwrap_or_default(), platform.name_any());
        for condition in &status.conditions {
            for value in STATUSES {
                let labels = [namespace.as_str(), &name, &condition.type_, value];
                self.conditions.with_label_values(&labels).set(i64::from(condition.status == value));
            }
        }
    }

    /// Removes the metrics of a platform that is gone. Otherwise an alert would fire for it for ever.
    pub(crate) fn forget(&self, namespace: &str, name: &str) {
        for kind in ConditionType::ALL {
            for value in STATUSES {
                // An error means that the platform never had this condition.
                let _ = self.conditions.remove_label_values(&[namespace, name, kind.as_str(), value]);
            }
        }
    }

    pub(crate) fn leads(&self, leads: bool) {
        self.is_leader.set(i64::from(leads));
    }

    /// Writes all metrics in Prometheus' text format.
    pub(crate) fn render(&self) -> prometheus::Result<String> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}
