//! How a program ends, as a number that other programs act on.

use std::process::ExitCode;

/// The exit code of a program of the platform. The operator decides by the code of a Job whether to run it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum JobExit {
    /// The program did all that was asked.
    Done = 0,
    /// The work itself failed or was refused. The same release fails again.
    Failed = 1,
    /// Settings or arguments are missing or malformed. Every program of the platform ends with this code then.
    BadSettings = 2,
    /// A store did not answer, or a lock was not free in time.
    Unreachable = 3,
}

impl JobExit {
    /// The number that the process ends with.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// What a process says that ended with this number. `None` for a number that no program of the platform uses, such
    /// as that of a process killed by a signal.
    #[must_use]
    pub fn of_code(code: i32) -> Option<Self> {
        let all = [Self::Done, Self::Failed, Self::BadSettings, Self::Unreachable];
        all.into_iter().find(|exit| i32::from(exit.code()) == code)
    }

    /// Whether the same program may succeed when it is run again with the same settings.
    #[must_use]
    pub const fn worth_a_retry(self) -> bool {
        !matches!(self, Self::Failed | Self::BadSettings)
    }
}

impl From<JobExit> for ExitCode {
    fn from(exit: JobExit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::JobExit;

    #[test]
    fn only_a_failure_and_bad_settings_are_final() {
        let worth_a_retry: Vec<Option<bool>> =
            (0..=4).map(|code| JobExit::of_code(code).map(JobExit::worth_a_retry)).collect();
        assert_eq!(worth_a_retry, [Some(true), Some(false), Some(false), Some(true), None]);
        assert_eq!(JobExit::of_code(137), None);
    }
}
