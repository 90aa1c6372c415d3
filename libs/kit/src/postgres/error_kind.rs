//! Kinds of PostgreSQL errors.

/// What kind of error the server reported, by its SQLSTATE (PostgreSQL manual, appendix A).
///
/// This is the only list of SQLSTATEs. A program that must know whether an error passes by itself matches on the kind
/// and says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The connection failed (class 08).
    ConnectionLost,
    /// The server ended the session or does not accept one now: it shuts down, has crashed, starts up, dropped the
    /// database, or the session was idle for too long (57P).
    SessionEnded,
    /// The server is read-only, as a standby is during a failover (25006).
    ReadOnly,
    /// The server has too little memory, disk or connections (class 53).
    Resources,
    /// The transaction lost against others: a deadlock, a serialization failure (class 40), or a lock that was not free
    /// in time (55P03).
    Conflict,
    /// Somebody cancelled the statement, or its `statement_timeout` did (57014, 57000).
    Cancelled,
    /// The transaction ran into its `transaction_timeout` (25P04). The server ends the session with it.
    TookTooLong,
    /// An object is in use by another session (55006), such as a replication slot.
    ObjectInUse,
    /// The server refuses the login (class 28).
    LoginRefused,
    /// The role lacks a privilege (42501).
    PrivilegeMissing,
    /// There is no such database (3D000).
    DatabaseMissing,
    /// The server or its machine failed inside (classes 58 and XX).
    Internal,
    /// Any other error: the statement, its data or the schema is wrong.
    Other,
}

impl ErrorKind {
    /// The kind of an error that the server reported, and `None` for an error of the driver or the network.
    #[must_use]
    pub fn of(error: &sqlx::Error) -> Option<Self> {
        let reported = error.as_database_error()?;
        Some(reported.code().map_or(Self::Other, |sqlstate| Self::of_sqlstate(&sqlstate)))
    }

    /// The kind that an SQLSTATE stands for.
    #[must_use]
    pub fn of_sqlstate(sqlstate: &str) -> Self {
        match sqlstate {
            "25006" => Self::ReadOnly,
            "25P04" => Self::TookTooLong,
            "3D000" => Self::DatabaseMissing,
            "42501" => Self::PrivilegeMissing,
            "55006" => Self::ObjectInUse,
            "55P03" => Self::Conflict,
            _ if sqlstate.starts_with("57P") => Self::SessionEnded,
            _ => match sqlstate.get(..2) {
                Some("08") => Self::ConnectionLost,
                Some("28") => Self::LoginRefused,
                Some("40") => Self::Conflict,
                Some("53") => Self::Resources,
                Some("57") => Self::Cancelled,
                Some("58" | "XX") => Self::Internal,
                _ => Self::Other,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{ErrorKind::*, *};

    #[rstest]
    #[case::connection_failure("08006", ConnectionLost)]
    #[case::protocol_violation("08P01", ConnectionLost)]
    #[case::read_only_sql_transaction("25006", ReadOnly)]
    #[case::idle_in_transaction_session_timeout("25P03", Other)]
    #[case::transaction_timeout("25P04", TookTooLong)]
    #[case::invalid_authorization_specification("28000", LoginRefused)]
    #[case::invalid_password("28P01", LoginRefused)]
    #[case::invalid_catalog_name("3D000", DatabaseMissing)]
    #[case::unique_violation("23505", Other)]
    #[case::serialization_failure("40001", Conflict)]
    #[case::statement_completion_unknown("40003", Conflict)]
    #[case::deadlock_detected("40P01", Conflict)]
    #[case::insufficient_privilege("42501", PrivilegeMissing)]
    #[case::undefined_table("42P01", Other)]
    #[case::out_of_memory("53200", Resources)]
    #[case::too_many_connections("53300", Resources)]
    #[case::object_not_in_prerequisite_state("55000", Other)]
    #[case::object_in_use("55006", ObjectInUse)]
    #[case::lock_not_available("55P03", Conflict)]
    #[case::operator_intervention("57000", Cancelled)]
    #[case::query_canceled("57014", Cancelled)]
    #[case::admin_shutdown("57P01", SessionEnded)]
    #[case::crash_shutdown("57P02", SessionEnded)]
    #[case::cannot_connect_now("57P03", SessionEnded)]
    #[case::database_dropped("57P04", SessionEnded)]
    #[case::idle_session_timeout("57P05", SessionEnded)]
    #[case::io_error("58030", Internal)]
    #[case::internal_error("XX000", Internal)]
    #[case::empty("", Other)]
    #[case::not_ascii("éé", Other)]
    fn each_sqlstate_has_its_kind(#[case] sqlstate: &str, #[case] expected: ErrorKind) {
        assert_eq!(ErrorKind::of_sqlstate(sqlstate), expected);
    }
}
