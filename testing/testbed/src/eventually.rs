//! Waiting for a condition.

use std::{fmt::Display, time::Duration};

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep, timeout_at};

/// Far longer than anything takes: the condition ends a wait, the limit only ends a test that would never end.
const PATIENCE: Duration = Duration::from_secs(60);
/// The pause between two looks is this part of the time waited so far, within the limits below: a long wait does not
/// load what it looks at, and a wait that is measured is at most this part too long.
const PAUSE_PART: u32 = 20;
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// What one look at a condition gives: `bool` says whether it holds, `Option` and `Result` bring a value once it does.
pub trait Answer {
    /// What the wait ends with.
    type Value;

    /// The value, or the complaint of this look; the last complaint is reported when the time is over.
    ///
    /// # Errors
    /// As long as the condition does not hold.
    fn settled(self) -> Result<Self::Value, Option<String>>;
}

impl Answer for bool {
    type Value = ();

    fn settled(self) -> Result<(), Option<String>> {
        if self { Ok(()) } else { Err(None) }
    }
}

impl<T> Answer for Option<T> {
    type Value = T;

    fn settled(self) -> Result<T, Option<String>> {
        self.ok_or(None)
    }
}

impl<T, E: Display> Answer for Result<T, E> {
    type Value = T;

    fn settled(self) -> Result<T, Option<String>> {
        self.map_err(|error| Some(format!("{error:#}")))
    }
}

/// Looks again and again until the condition holds, and returns what it brought. `what` completes the sentence
/// "still waiting for: …".
///
/// # Panics
/// When it does not hold within a minute.
pub async fn eventually<A: Answer>(what: &str, look: impl AsyncFnMut() -> A) -> A::Value {
    within(PATIENCE, what, look).await.unwrap_or_else(|error| panic!("{error}"))
}

/// Like [`eventually`], with another limit and without a panic. The limit also ends a look that is never answered.
///
/// # Errors
/// When the condition does not hold in time; the last complaint is part of the error.
pub async fn within<A: Answer>(limit: Duration, what: &str, mut look: impl AsyncFnMut() -> A) -> Result<A::Value> {
    let started = Instant::now();
    let mut complaint = String::new();
    while let Ok(answer) = timeout_at(started + limit, look()).await {
        match answer.settled() {
            Ok(value) => return Ok(value),
            Err(latest) => complaint = latest.map_or(String::new(), |text| format!(" ({text})")),
        }
        if started.elapsed() >= limit {
            break;
        }
        sleep((started.elapsed() / PAUSE_PART).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)).await;
    }
    bail!("still waiting after {limit:?} for: {what}{complaint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(50);

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_with_the_value_of_the_first_look_that_has_one() {
        let mut looks = 0;
        let found = eventually("the third look", async || {
            looks += 1;
            (looks == 3).then_some("found")
        });
        assert_eq!(found.await, "found");
        assert_eq!(looks, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_in_vain_says_what_for_and_repeats_the_last_complaint() {
        let waited: Result<()> = within(SHORT, "the seat is free", async || Err::<(), _>("it is held")).await;
        let error = waited.expect_err("it never is").to_string();
        assert_eq!(error, "still waiting after 50ms for: the seat is free (it is held)");
        assert!(within(SHORT, "never", async || false).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_is_never_answered_ends_the_wait_with_the_complaint_of_the_one_before() {
        let mut looks = 0;
        let waited: Result<()> = within(SHORT, "an answer", async || {
            looks += 1;
            if looks > 1 {
                std::future::pending::<()>().await;
            }
            Err::<(), _>("refused")
        })
        .await;
        let error = waited.expect_err("it never comes").to_string();
        assert_eq!(error, "still waiting after 50ms for: an answer (refused)");
    }
}
