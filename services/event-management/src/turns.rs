//! Sharing a read among those who wait for it, without giving anybody an answer older than the question.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

/// Reads of one thing, one at a time. Whoever asks while a read runs is answered by the next one, together with all others
/// who wait: a crowd costs two reads at most, and every answer was read after it was asked for.
pub(crate) struct Turns<T> {
    begun: AtomicU64,
    last: Mutex<Last<T>>,
}

struct Last<T> {
    number: u64,
    answer: Option<T>,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self { begun: AtomicU64::default(), last: Mutex::new(Last { number: 0, answer: None }) }
    }
}

impl<T: Clone> Turns<T> {
    /// The answer of a read that began after this call.
    pub(crate) async fn take<F: Future<Output = T>>(&self, read: impl FnOnce() -> F) -> T {
        let begun_before = self.begun.load(Ordering::SeqCst);
        let mut last = self.last.lock().await;
        match &last.answer {
            Some(answer) if last.number > begun_before => answer.clone(),
            _ => {
                // Counted before it begins: should it be given up half way, nobody takes it for finished.
                let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
                let answer = read().await;
                *last = Last { number, answer: Some(answer.clone()) };
                answer
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    /// A read that answers with its number, once it is let through.
    async fn read(reads: Arc<AtomicU64>, gate: Arc<Semaphore>) -> u64 {
        let number = reads.fetch_add(1, Ordering::SeqCst) + 1;
        gate.acquire().await.unwrap().forget();
        number
    }

    #[tokio::test]
    async fn a_crowd_that_asks_during_a_read_shares_the_next_one() {
        let (turns, reads, gate) =
            (Arc::new(Turns::default()), Arc::<AtomicU64>::default(), Arc::new(Semaphore::new(0)));
        let ask = || {
            let (turns, reads, gate) = (turns.clone(), reads.clone(), gate.clone());
            tokio::spawn(async move { turns.take(|| read(reads, gate)).await })
        };
        let first = ask();
        while reads.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let crowd: Vec<_> = (0..100).map(|_| ask()).collect();
        tokio::task::yield_now().await;
        gate.add_permits(2);
        assert_eq!(first.await.unwrap(), 1);
        for one in crowd {
            assert_eq!(one.await.unwrap(), 2, "the first read began before this one asked");
        }
        gate.add_permits(1);
        assert_eq!(ask().await.unwrap(), 3);
    }

    #[tokio::test]
    async fn a_read_that_is_given_up_answers_nobody() {
        let turns = Turns::default();
        let given_up = tokio::time::timeout(std::time::Duration::ZERO, turns.take(std::future::pending)).await;
        assert!(given_up.is_err());
        assert_eq!(turns.take(async || 7).await, 7);
    }
}
