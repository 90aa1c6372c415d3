//! The closed list of condition types and reasons.

/// Conditions of a TicketPlatform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConditionType {
    /// Summary: the platform is as its resource says.
    Ready,
    /// The operator is working on the platform.
    Reconciling,
    /// The operator cannot continue without a person's help.
    Stalled,
    /// Gate 1.
    MigrationsApplied,
    /// Gate 2.
    IndexReady,
    /// Gate 3.
    ConnectorReady,
    /// Gate 4.
    ServicesAvailable,
}

impl ConditionType {
    /// All types, in the order of the status.
    pub const ALL: [Self; 7] = [
        Self::Ready,
        Self::Reconciling,
        Self::Stalled,
        Self::MigrationsApplied,
        Self::IndexReady,
        Self::ConnectorReady,
        Self::ServicesAvailable,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
            Self::MigrationsApplied => "MigrationsApplied",
            Self::IndexReady => "IndexReady",
            Self::ConnectorReady => "ConnectorReady",
            Self::ServicesAvailable => "ServicesAvailable",
        }
    }
}

/// Declares [`Reason`] with each variant's meaning next to its name, so that the table in the documentation cannot
/// differ from the code.
macro_rules! reasons {
    ($($name:ident: $attention:ident, $meaning:literal, $remedy:literal;)+) => {
        /// Why a condition is as it is. Alerts and scripts may rely on these words.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason {
            $(#[doc = $meaning] $name,)+
        }

        impl Reason {
            /// All reasons, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// What the reason means, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)+ }
            }

            /// What a person can do about it.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)+ }
            }

            pub const fn attention(self) -> Attention {
                match self { $(Self::$name => Attention::$attention,)+ }
            }
        }
    };
}

/// Whether a reason gets an event when a condition takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attention {
    /// No event.
    None,
    /// A Normal event.
    Normal,
    /// A Warning event.
    Warning,
}

reasons! {
    WaitingForEarlierGate: None, "An earlier gate is not passed yet.", "Read the conditions of the earlier gates.";
    Progressing: None, "The operator is making the platform what the resource says.", "Wait.";
    UpToDate: None, "All work is done, or the platform is stalled: see `Stalled`.", "–";
    NotStalled: None, "No gate needs help.", "–";
    AllGatesPassed: Normal, "All four gates are passed and the services run the release of the resource.", "–";
    MigrationRunning: Normal, "The migration Job of this release is running.", "Wait; `kubectl logs job/<name>` shows its progress.";
    MigrationRetrying: Warning, "The migration Job could not reach the database or did not get a lock. It is tried again after a pause.", "Check the database, and look for long transactions.";
    MigrationFailed: Warning, "A migration failed. The message names file, statement and SQLSTATE. The last version goes on serving.", "Set `spec.version` back, or forward to a release with a corrected migration.";
    AfterMigrationsPending: Normal, "Some migrations must wait until no older pod runs. They are still to be applied.", "Wait for the rollout.";
    MigrationsApplied: Normal, "All migrations of the release are applied.", "–";
    DowngradeRefused: Warning, "An `after` migration of a later release has been applied. The wanted release cannot work with that schema.", "Set `spec.version` to a release that knows this migration.";
    IndexFilling: Normal, "The Job that creates and fills the release's search index is running.", "Wait.";
    IndexRetrying: Warning, "The Job that fills the search index failed. It is tried again after a pause.", "Read the message; `kubectl logs job/<name>` shows more.";
    IndexReady: Normal, "The release's search index exists and is filled.", "–";
    ConnectorConfiguring: Normal, "The publication or the connector is being changed to what the release needs.", "Wait.";
    ConnectorStarting: None, "The connector is configured and its task is starting.", "Wait.";
    ConnectorRunning: Normal, "The connector and its task run.", "–";
    ConnectorPaused: Normal, "The connector is paused because the resource says so.", "Set `spec.connect.connector.state` to Running.";
    ConnectorStopped: Normal, "The connector is stopped because the resource says so.", "Set `spec.connect.connector.state` to Running.";
    ConnectorFailed: Warning, "The connector or its task failed. It is restarted after growing pauses.", "Read the message, which quotes Kafka Connect.";
    ConnectorInvalid: Warning, "Kafka Connect refuses the connector's configuration, or PostgreSQL refuses the publication.", "Correct what the message names. The step is tried again when the resource or a Secret changes, and every five minutes.";
    RolloutRunning: Normal, "A revision of the services is being rolled out.", "Wait.";
    RolloutComplete: Normal, "All pods of all services run the revision and are ready.", "–";
    RolloutFailed: Warning, "A revision did not become ready in time. The operator goes back to the last good revision, if there is one.", "Read the message, remove the cause, and change the resource.";
    ServicesUnavailable: Warning, "Pods of a service are not ready.", "Look at `kubectl get pods` and at the pods' logs.";
    PostgresUnreachable: Warning, "The operator cannot reach PostgreSQL.", "Check the database, its address and the Secrets.";
    ConnectUnreachable: Warning, "The operator cannot reach Kafka Connect.", "Check Kafka Connect and its address.";
    ElasticsearchUnreachable: Warning, "The operator cannot reach Elasticsearch.", "Check Elasticsearch and its address.";
    SecretNotFound: Warning, "A Secret that the resource names is missing or lacks a key.", "Create it. The operator looks again every few seconds.";
    NameCollision: Warning, "An older TicketPlatform uses the same database, slot, connector, topics or index names.", "Give this platform its own names, or delete the other one.";
    StepFailed: Warning, "A step failed. It is tried again after a pause.", "Read the message.";
    Paused: Normal, "The resource says `paused`. The operator does nothing for the platform.", "Set `spec.paused` to false.";
    Deleting: Normal, "The resource is being deleted. What it made outside Kubernetes is removed first.", "Wait.";
    LeftBehind: Warning, "Something outside Kubernetes could not be removed before the deadline.", "Remove by hand what the message names.";
}

impl Reason {
    /// The table for the documentation, in Markdown.
    pub fn markdown() -> String {
        let mut table = String::from("| Reason | What it means | What to do |\n|---|---|---|\n");
        for reason in Self::ALL {
            table.push_str(&format!("| `{}` | {} | {} |\n", reason.as_str(), reason.meaning(), reason.remedy()));
        }
        table
    }
}
