//! Asking a store in batches: those who come while others are being answered are answered together.
//!
//! In a rush a few connections then serve any number of customers, and each of them costs a fraction of a query. Alone, a
//! customer waits for nobody.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt;
use tokio::sync::{Mutex, mpsc, oneshot};

struct Request<Q, A> {
    question: Q,
    answer: oneshot::Sender<A>,
}

type Waiting<Q, A> = Arc<Mutex<mpsc::UnboundedReceiver<Request<Q, A>>>>;

/// Answers questions in batches. Cloning shares the tasks behind it, which end with the last clone.
pub(crate) struct Batching<Q, A> {
    requests: mpsc::UnboundedSender<Request<Q, A>>,
}

impl<Q, A> Clone for Batching<Q, A> {
    fn clone(&self) -> Self {
        Self { requests: self.requests.clone() }
    }
}

impl<Q: Send + 'static, A: Send + 'static> Batching<Q, A> {
    /// Starts the tasks, to be called within a runtime. So many batches are under way `at_once`, each of `largest` questions at
    /// most; `serve` has one answer for each question, in their order.
    pub(crate) fn start<F>(at_once: usize, largest: usize, serve: impl Fn(Vec<Q>) -> F + Clone + Send + 'static) -> Self
    where
        F: Future<Output = Vec<A>> + Send + 'static,
    {
        let (requests, waiting) = mpsc::unbounded_channel();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..at_once {
            tokio::spawn(answer_all(Arc::clone(&waiting), largest, serve.clone()));
        }
        Self { requests }
    }

    /// The answer; `None` when serving it panicked, or the runtime ends.
    pub(crate) async fn ask(&self, question: Q) -> Option<A> {
        let (answer, answered) = oneshot::channel();
        self.requests.send(Request { question, answer }).ok()?;
        answered.await.ok()
    }
}

async fn answer_all<Q, A, F>(waiting: Waiting<Q, A>, largest: usize, serve: impl Fn(Vec<Q>) -> F)
where
    F: Future<Output = Vec<A>>,
{
    let mut batch = Vec::with_capacity(largest);
    while waiting.lock().await.recv_many(&mut batch, largest).await > 0 {
        // Whoever has gone away needs no answer.
        batch.retain(|request| !request.answer.is_closed());
        if batch.is_empty() {
            continue;
        }
        let (questions, waiting): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|Request { question, answer }| (question, answer)).unzip();
        // A panic costs this batch its answers, and the next one nothing.
        let answers = AssertUnwindSafe(serve(questions)).catch_unwind().await.unwrap_or_default();
        for (to, answer) in waiting.into_iter().zip(answers) {
            let _ = to.send(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::future::join_all;
    use tokio::time::sleep;

    use super::*;

    /// Answers each number with itself and the size of its batch.
    fn numbers(at_once: usize, largest: usize) -> Batching<u32, (u32, usize)> {
        Batching::start(at_once, largest, async |batch: Vec<u32>| {
            sleep(Duration::from_secs(1)).await;
            batch.iter().map(|number| (*number, batch.len())).collect()
        })
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_come_meanwhile_are_answered_together_and_each_with_its_own() {
        let numbers = numbers(1, 3);
        let (first, others) = tokio::join!(numbers.ask(0), async {
            sleep(Duration::from_millis(500)).await;
            join_all((1..=4).map(|number| numbers.ask(number))).await
        });
        assert_eq!(first, Some((0, 1)));
        assert_eq!(others, [Some((1, 3)), Some((2, 3)), Some((3, 3)), Some((4, 1))]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_batch_does_not_wait_for_the_first() {
        let numbers = numbers(2, 3);
        let (first, second) = tokio::join!(numbers.ask(0), async {
            sleep(Duration::from_millis(500)).await;
            tokio::time::timeout(Duration::from_millis(1001), numbers.ask(1)).await
        });
        assert_eq!((first, second), (Some((0, 1)), Ok(Some((1, 1)))));
    }

    #[tokio::test]
    async fn a_panic_leaves_the_next_batch_alone() {
        let halves = Batching::start(1, 1, async |batch: Vec<u32>| {
            batch.iter().map(|number| number.is_multiple_of(2).then_some(number / 2).expect("an even number")).collect()
        });
        assert_eq!((halves.ask(3).await, halves.ask(4).await), (None, Some(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_gone_away_is_not_served() {
        let numbers = numbers(1, 3);
        let (_, gone, last) =
            tokio::join!(numbers.ask(0), tokio::time::timeout(Duration::from_millis(500), numbers.ask(1)), async {
                sleep(Duration::from_millis(700)).await;
                numbers.ask(2).await
            });
        assert!(gone.is_err());
        assert_eq!(last, Some((2, 1)));
    }
}
