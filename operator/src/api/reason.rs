//! The closed list of condition types and reasons.

/// Conditions of a TicketPlatform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConditionType {
    /// Summary: the platform is as its resource says.
    Ready,
    /// The operator is at work on it.
    Reconciling,
    /// The operator cannot get on without somebody's help.
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
    /// All of them, in the order the status lists them.
    pub const ALL: [Self; 7] = [
        Self::Ready,
        Self::Reconciling,
        Self::Stalled,
        Self::MigrationsApplied,
        Self::IndexReady,
        Self::ConnectorReady,
        Self::ServicesAvailable,
    ];

    /// The name in the status.
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
        /// Why a condition is as it is. Public: alerts and scripts may rely on these words.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason {
            $(#[doc = $meaning] $name,)+
        }

        impl Reason {
            /// All of them, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word in the status.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// What it means, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)+ }
            }

            /// What to do about it, if anything.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)+ }
            }

            /// How much attention a change to this reason deserves.
            pub const fn attention(self) -> Attention {
                match self { $(Self::$name => Attention::$attention,)+ }
            }
        }
    };
}

/// How much attention a reason deserves when a condition takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attention {
    /// Not worth an event.
    None,
    /// Part of the story: a Normal event.
    Story,
    /// A Warning event.
    Warning,
}

reasons! {
    WaitingForEarlierGate: None, "A gate ahead of this one is not passed yet.", "Look at the conditions before it.";
    Progressing: None, "The operator is working towards what the resource says.", "Wait.";
    UpToDate: None, "Nothing is left to do.", "–";
    NotStalled: None, "Nothing needs help.", "–";
    AllGatesPassed: Story, "All four gates are passed and the services run the release of the resource.", "–";
    MigrationRunning: Story, "The migration Job of this release is running.", "Wait; `kubectl logs job/<name>` shows its progress.";
    MigrationRetrying: Warning, "The migration Job could not reach the database or wait for a lock; it is tried again after a pause.", "Look at the database and at long transactions.";
    MigrationFailed: Warning, "A migration failed. The message names file, statement and SQLSTATE. The version before keeps serving.", "Set `spec.version` back, or forward to a release with a mended migration.";
    AfterMigrationsPending: Story, "Migrations that must wait until no older pod runs are still to be applied.", "Wait for the rollout.";
    MigrationsApplied: Story, "All migrations of the release are applied.", "–";
    DowngradeRefused: Warning, "An `after` migration of a later release has been applied; the release asked for cannot work with it.", "Set `spec.version` to a release that knows this migration.";
    IndexFilling: Story, "The Job that creates and fills the release's search index is running.", "Wait.";
    IndexRetrying: Warning, "The Job that fills the search index failed; it is tried again after a pause.", "Read the message; `kubectl logs job/<name>` tells more.";
    IndexReady: Story, "The release's search index exists and is filled.", "–";
    ConnectorConfiguring: Story, "Publication or connector are being brought to what the release needs.", "Wait.";
    ConnectorStarting: None, "The connector is configured and its task is starting.", "Wait.";
    ConnectorRunning: Story, "The connector and its task run.", "–";
    ConnectorPaused: Story, "The connector is paused because the resource says so.", "Set `spec.connect.connector.state` to Running.";
    ConnectorStopped: Story, "The connector is stopped because the resource says so.", "Set `spec.connect.connector.state` to Running.";
    ConnectorFailed: Warning, "The connector or its task failed; it is restarted after growing pauses.", "Read the message, which carries Connect's own words.";
    ConnectorInvalid: Warning, "Connect refuses the connector's configuration, or PostgreSQL the publication.", "Mend what the message names. It is tried again when the resource or a Secret changes, and every five minutes.";
    RolloutRunning: Story, "A revision of the services is being rolled out.", "Wait.";
    RolloutComplete: Story, "All pods of all services run the revision and are ready.", "–";
    RolloutFailed: Warning, "A revision did not become ready in time; the last good one is back.", "Read the message, mend the cause, and change the resource.";
    ServicesUnavailable: Warning, "Pods of a service are not ready.", "`kubectl get pods` and their logs.";
    PostgresUnreachable: Warning, "The operator cannot reach PostgreSQL.", "Look at the database, its address and the secrets.";
    ConnectUnreachable: Warning, "The operator cannot reach Kafka Connect.", "Look at Kafka Connect and its address.";
    ElasticsearchUnreachable: Warning, "The operator cannot reach Elasticsearch.", "Look at Elasticsearch and its address.";
    SecretNotFound: Warning, "A Secret that the resource names is missing or lacks a key.", "Create it; the operator looks again every few seconds.";
    NameCollision: Warning, "An older TicketPlatform uses the same database, slot, connector, topics or index names.", "Give this one names of its own, or delete the other.";
    StepFailed: Warning, "A step failed for a reason of its own; it is tried again after a pause.", "Read the message.";
    Paused: Story, "The resource says `paused`; nothing is done until it does not.", "Set `spec.paused` to false.";
    Deleting: Story, "The resource is being deleted; what it made outside Kubernetes is removed first.", "Wait.";
    LeftBehind: Warning, "Something outside Kubernetes could not be removed before the deadline.", "Remove by hand what the message names.";
}

impl Reason {
    /// The table of the documentation, in Markdown.
    pub fn markdown() -> String {
        let mut table = String::from("| Reason | What it means | What to do |\n|---|---|---|\n");
        for reason in Self::ALL {
            table.push_str(&format!("| `{}` | {} | {} |\n", reason.as_str(), reason.meaning(), reason.remedy()));
        }
        table
    }
}
