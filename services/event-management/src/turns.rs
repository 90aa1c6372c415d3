//! Coalesces reads: requests share a read, and none gets an answer that is older than the request.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::FutureExt;
use tokio::sync::watch;

/// Reads one thing, one read at a time. All requests that arrive while a read runs are answered by the next one. So a
/// crowd costs at most two reads, and every answer was read after its request arrived.
///
/// A read runs in a task of its own. So it does not end when the first client that asked goes away, and all clients
/// that wait are woken at once instead of one after the other.
pub(crate) struct Turns<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    reading: bool,
    /// Answers the requests that arrived during this read.
    next: Option<Asked<T>>,
}

type Asked<T> = watch::Sender<Option<T>>;

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self { state: Mutex::new(State { reading: false, next: None }) }
    }
}

impl<T: Clone + Send + Sync + 'static> Turns<T> {
    /// The answer of a read that began after this call, and `None` when the read panicked. All callers must pass the
    /// same `read`, for its answer also goes to others.
    pub(crate) async fn take<F>(self: &Arc<Self>, read: impl Fn() -> F + Send + 'static) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut answer = self.ask(read);
        answer.wait_for(Option::is_some).await.ok()?.clone()
    }

    fn ask<F>(self: &Arc<Self>, read: impl Fn() -> F + Send + 'static) -> watch::Receiver<Option<T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut state = self.state();
        if state.reading {
            return state.next.get_or_insert_with(|| watch::Sender::new(None)).subscribe();
        }
        state.reading = true;
        let (asked, answer) = watch::channel(None);
        tokio::spawn(Arc::clone(self).read_until_nobody_asks(asked, read));
        answer
    }

    async fn read_until_nobody_asks<F>(self: Arc<Self>, first: Asked<T>, read: impl Fn() -> F + Send)
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut next = Some(first);
        while let Some(asked) = next {
            // All clients may have gone away meanwhile.
            if !asked.is_closed()
                && let Ok(answer) = AssertUnwindSafe(read()).catch_unwind().await
            {
                asked.send_replace(Some(answer));
            }
            next = self.next();
        }
    }

    fn next(&self) -> Option<Asked<T>> {
        let mut state = self.state();
        let next = state.next.take();
        state.reading = next.is_some();
        next
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicU64, Ordering},
        time::Duration,
    };

    use tokio::sync::Semaphore;

    use super::*;

    /// Reads that answer with their number. Each waits until it is let through.
    #[derive(Clone)]
    struct Reads {
        turns: Arc<Turns<u64>>,
        begun: Arc<AtomicU64>,
        gate: Arc<Semaphore>,
    }

    impl Reads {
        fn new() -> Self {
            Self { turns: Arc::default(), begun: Arc::default(), gate: Arc::new(Semaphore::new(0)) }
        }

        async fn ask(self) -> Option<u64> {
            let (begun, gate) = (self.begun, self.gate);
            let read = move || {
                let (number, gate) = (begun.fetch_add(1, Ordering::SeqCst) + 1, gate.clone());
                async move {
                    gate.acquire().await.unwrap().forget();
                    number
                }
            };
            self.turns.take(read).await
        }

        async fn begun(&self, reads: u64) {
            while self.begun.load(Ordering::SeqCst) < reads {
                tokio::task::yield_now().await;
            }
        }
    }

    #[tokio::test]
    async fn a_crowd_that_asks_during_a_read_shares_the_next_one() {
        let reads = Reads::new();
        let first = tokio::spawn(reads.clone().ask());
        reads.begun(1).await;
        let crowd: Vec<_> = (0..100).map(|_| tokio::spawn(reads.clone().ask())).collect();
        tokio::task::yield_now().await;
        reads.gate.add_permits(2);
        assert_eq!(first.await.unwrap(), Some(1));
        for one in crowd {
            assert_eq!(one.await.unwrap(), Some(2), "the first read began before this one asked");
        }
        reads.gate.add_permits(1);
        assert_eq!(reads.ask().await, Some(3));
    }

    #[tokio::test]
    async fn a_read_goes_on_when_the_first_who_asked_goes_away() {
        let reads = Reads::new();
        let first = tokio::spawn(reads.clone().ask());
        reads.begun(1).await;
        first.abort();
        let second = tokio::spawn(reads.clone().ask());
        tokio::task::yield_now().await;
        reads.gate.add_permits(2);
        assert_eq!(second.await.unwrap(), Some(2));
    }

    #[tokio::test]
    async fn nothing_is_read_for_clients_that_went_away() {
        let reads = Reads::new();
        let first = tokio::spawn(reads.clone().ask());
        reads.begun(1).await;
        let waits = tokio::time::timeout(Duration::from_millis(1), reads.clone().ask()).await;
        assert!(waits.is_err());
        reads.gate.add_permits(1);
        assert_eq!(first.await.unwrap(), Some(1));
        reads.gate.add_permits(1);
        assert_eq!(reads.ask().await, Some(2));
    }

    #[tokio::test]
    async fn a_read_that_panics_answers_nobody_and_the_next_one_works() {
        let turns = Arc::new(Turns::default());
        assert_eq!(turns.take(async || if true { panic!("on purpose") } else { 1 }).await, None);
        assert_eq!(turns.take(async || 7).await, Some(7));
    }
}
