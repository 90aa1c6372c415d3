use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{Affinity, Toleration, TopologySpreadConstraint},
    apimachinery::pkg::api::resource::Quantity,
};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;

/// How one service runs.
#[derive(KubeSchema, Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadSpec {
    /// The number of pods. Default 2. With more than one pod, a PodDisruptionBudget keeps all but one of them.
    #[serde(default = "default_replicas")]
    #[schemars(range(min = 0, max = 1000))]
    pub replicas: i32,
    /// The Kubernetes Service in front of the pods.
    #[serde(default)]
    pub service: HttpServiceSpec,
    /// CPU and memory of each pod. Default: requests of 50m and 64Mi, a limit of 256Mi of memory.
    #[serde(default)]
    pub resources: Resources,
    /// Further settings of the pods.
    #[serde(default)]
    pub pod_template: PodTemplateSpec,
    /// Further settings of the program, such as `POSTGRES_MAX_OPEN_CONNS`. Settings that have a field in this resource
    /// are refused here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 50))]
    #[x_kube(validation = ("self.all(name, !(name in ['POSTGRES_HOST', 'POSTGRES_PORT', 'POSTGRES_DBNAME', 'POSTGRES_SSLMODE', 'POSTGRES_USER', 'POSTGRES_PASSWORD', 'REDIS_ADDR', 'REDIS_PASSWORD', 'KAFKA_LISTENERS', 'KAFKA_TOPIC_PREFIX', 'KAFKA_TOPIC_PARTITIONS', 'KAFKA_TOPIC_REPLICATION_FACTOR', 'ELASTICSEARCH_ADDR', 'ELASTICSEARCH_INDEX_PREFIX', 'INDEX_DEFINITION_PATH', 'HOLD_SECONDS', 'HOLD_LIFETIME_SECONDS', 'MAX_TICKETS_PER_USER', 'CURRENCY', 'PAYMENT_PROVIDER', 'PAYMENT_SECONDS', 'STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET', 'STRIPE_API_URL', 'SERVER_ADDR']))", "env must not name a setting that the TicketPlatform has a field for"))]
    pub env: BTreeMap<String, String>,
}

const fn default_replicas() -> i32 {
    2
}

impl Default for WorkloadSpec {
    fn default() -> Self {
        Self {
            replicas: default_replicas(),
            service: HttpServiceSpec::default(),
            resources: Resources::default(),
            pod_template: PodTemplateSpec::default(),
            env: BTreeMap::new(),
        }
    }
}

/// The Kubernetes Service in front of a service's pods.
#[derive(KubeSchema, Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("!has(self.nodePort) || self.type != 'ClusterIP'", "nodePort needs type NodePort or LoadBalancer"))]
pub struct HttpServiceSpec {
    /// From where it can be reached. Default `ClusterIP`.
    #[serde(rename = "type", default)]
    pub type_: ServiceType,
    /// The Service's port. Default: the port of the service itself, 8080, 8081 or 8082.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65_535))]
    pub port: Option<i32>,
    /// The port on every node, for the types `NodePort` and `LoadBalancer`. Default: chosen by Kubernetes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65_535))]
    pub node_port: Option<i32>,
}

/// From where a Service can be reached.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
pub enum ServiceType {
    /// From pods of the cluster.
    #[default]
    ClusterIP,
    /// Also through every node of the cluster.
    NodePort,
    /// Also through a load balancer, which the cluster's provider sets up.
    LoadBalancer,
}

impl ServiceType {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClusterIP => "ClusterIP",
            Self::NodePort => "NodePort",
            Self::LoadBalancer => "LoadBalancer",
        }
    }
}

/// CPU and memory of a pod, as in a container's `resources`.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, JsonSchema)]
pub struct Resources {
    /// What the scheduler reserves for the pod.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::quantities")]
    pub requests: BTreeMap<String, Quantity>,
    /// The most that the pod may use.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::quantities")]
    pub limits: BTreeMap<String, Quantity>,
}

impl Default for Resources {
    fn default() -> Self {
        let quantity = |name: &str, amount: &str| (name.to_owned(), Quantity(amount.to_owned()));
        Self {
            requests: [quantity("cpu", "50m"), quantity("memory", "64Mi")].into(),
            limits: [quantity("memory", "256Mi")].into(),
        }
    }
}

/// Settings that are added to the pods that the operator builds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodTemplateSpec {
    /// Further labels. The operator's own labels take precedence.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Further annotations. The operator's own annotations take precedence.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Labels that a node must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Taints that the pods tolerate, as in a pod's `spec.tolerations`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::objects_of_pod_spec")]
    pub tolerations: Vec<Toleration>,
    /// Affinity to nodes and pods, as in a pod's `spec.affinity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::object_of_pod_spec")]
    pub affinity: Option<Affinity>,
    /// How pods spread over the cluster, as in a pod's `spec.topologySpreadConstraints`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::objects_of_pod_spec")]
    pub topology_spread_constraints: Vec<TopologySpreadConstraint>,
    /// The PriorityClass, which says which pods are evicted first when resources are short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority_class_name: Option<String>,
}
