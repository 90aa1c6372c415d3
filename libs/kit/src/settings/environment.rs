//! Reads single settings, and collects what is wrong with them.

use std::{collections::HashMap, fmt::Display, ops::RangeInclusive, str::FromStr, time::Duration};

use thiserror::Error;

/// All settings that are missing or malformed, by name.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("settings are missing or malformed:\n  {}", problems.join("\n  "))]
pub struct SettingsError {
    problems: Vec<String>,
}

/// The environment of the process, and the problems found in it so far.
///
/// A read that fails records the problem and returns `None`, so that the other reads still take place.
/// [`Environment::finish`] turns the recorded problems into one error. An empty value counts as missing.
#[derive(Debug, Default)]
pub struct Environment {
    values: HashMap<String, String>,
    problems: Vec<String>,
}

impl Environment {
    /// The environment of this process.
    #[must_use]
    pub fn from_process() -> Self {
        Self::from_pairs(std::env::vars_os().filter_map(|(name, value)| {
            // No setting has a name or value that is not UTF-8.
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }))
    }

    /// An environment with exactly these values.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let values = pairs.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self { values: values.filter(|(_, value)| !value.is_empty()).collect(), problems: Vec::new() }
    }

    /// Reads a required setting.
    pub fn required<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        let value = self.optional(name)?;
        if value.is_none() {
            self.reject(name, "is required and missing");
        }
        value
    }

    /// Reads a setting that has a default.
    pub fn or<T: FromStr<Err: Display>>(&mut self, name: &str, default: T) -> Option<T> {
        Some(self.optional(name)?.unwrap_or(default))
    }

    /// Reads a setting that may be missing, which is `Some(None)`.
    pub fn optional<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<Option<T>> {
        let Some(value) = self.values.get(name) else { return Some(None) };
        match value.parse() {
            Ok(value) => Some(Some(value)),
            Err(error) => {
                // The message does not repeat the value, which may be a secret.
                self.reject(name, format!("is malformed: {error}"));
                None
            }
        }
    }

    /// Reads a setting that must lie in a range.
    pub fn in_range<T>(&mut self, name: &str, default: T, range: RangeInclusive<T>) -> Option<T>
    where
        T: FromStr<Err: Display> + PartialOrd + Display,
    {
        let value = self.or(name, default)?;
        if range.contains(&value) {
            return Some(value);
        }
        self.reject(name, format!("is {value}, outside {} to {}", range.start(), range.end()));
        None
    }

    /// Reads a time in whole seconds that must lie in a range.
    pub fn seconds(&mut self, name: &str, default: u64, range: RangeInclusive<u64>) -> Option<Duration> {
        self.in_range(name, default, range).map(Duration::from_secs)
    }

    /// Reads a required choice.
    pub fn one_of<T: Clone>(&mut self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        let value: String = self.required(name)?;
        self.choose(name, &value, choices)
    }

    /// Reads a choice that has a default.
    pub fn one_of_or<T: Clone>(&mut self, name: &str, default: &str, choices: &[(&str, T)]) -> Option<T> {
        let value: String = self.or(name, default.to_owned())?;
        self.choose(name, &value, choices)
    }

    fn choose<T: Clone>(&mut self, name: &str, value: &str, choices: &[(&str, T)]) -> Option<T> {
        let chosen = choices.iter().find(|(choice, _)| *choice == value).map(|(_, chosen)| chosen.clone());
        if chosen.is_none() {
            let known: Vec<&str> = choices.iter().map(|(choice, _)| *choice).collect();
            self.reject(name, format!("must be one of: {}", known.join(", ")));
        }
        chosen
    }

    /// Records a problem that the caller found.
    pub fn reject(&mut self, name: &str, problem: impl Display) {
        self.problems.push(format!("{name} {problem}"));
    }

    /// The settings, or an error with all problems that were recorded.
    pub fn finish<S>(self, settings: Option<S>) -> Result<S, SettingsError> {
        match settings {
            Some(settings) if self.problems.is_empty() => Ok(settings),
            _ => Err(SettingsError { problems: self.problems }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_wrong_is_reported_at_once_by_name() {
        let mut env = Environment::from_pairs([("PORT", "many"), ("SIZE", "0"), ("KIND", "green"), ("EMPTY", "")]);
        let (host, empty) = (env.required::<String>("HOST"), env.required::<String>("EMPTY"));
        let (port, size) = (env.or::<u16>("PORT", 1), env.in_range("SIZE", 5, 1..=9));
        let kind = env.one_of("KIND", &[("red", 1), ("blue", 2)]);
        assert_eq!((host, empty, port, size, kind), (None, None, None, None, None));
        let message = env.finish(Some(())).unwrap_err().to_string();
        for expected in [
            "HOST is required and missing",
            "EMPTY is required and missing",
            "PORT is malformed",
            "SIZE is 0, outside 1 to 9",
            "KIND must be one of: red, blue",
        ] {
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_malformed_secret_is_not_repeated() {
        let mut env = Environment::from_pairs([("KEY", "hunter2")]);
        assert_eq!(env.required::<u16>("KEY"), None);
        assert!(!env.finish(Some(())).unwrap_err().to_string().contains("hunter2"));
    }

    #[test]
    fn a_missing_setting_takes_its_default() {
        let mut env = Environment::from_pairs([("SET", "7")]);
        assert_eq!(env.or("UNSET", 3), Some(3));
        assert_eq!(env.seconds("SET", 1, 1..=10), Some(Duration::from_secs(7)));
        assert_eq!(env.optional::<u8>("UNSET"), Some(None));
        assert_eq!(env.finish(Some("ok")), Ok("ok"));
    }
}
