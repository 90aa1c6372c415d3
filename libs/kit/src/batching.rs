//! Asks a store in batches: requests that arrive while a batch runs form the next one.
//!
//! Under load a few connections then serve any number of callers, and each caller costs a fraction of a query. A caller
//! who comes alone waits for nobody.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt;
use tokio::sync::{Mutex, mpsc, oneshot};

struct Request<Q, A> {
    question: Q,
    answer: oneshot::Sender<A>,
}

type Queue<Q, A> = Arc<Mutex<mpsc::UnboundedReceiver<Request<Q, A>>>>;

/// Answers questions in batches. Clones share the tasks that do it, which end with the last clone.
pub struct Batching<Q, A> {
    requests: mpsc::UnboundedSender<Request<Q, A>>,
}

impl<Q, A> Clone for Batching<Q, A> {
    fn clone(&self) -> Self {
        Self { requests: self.requests.clone() }
    }
}

impl<Q: Send + 'static, A: Send + 'static> Batching<Q, A> {
    /// Starts the tasks; to be called within a runtime. At most `concurrency` batches run at a time, each of at most
    /// `max_batch` questions. `serve` must return one answer for each question, in their order.
    pub fn start<F>(concurrency: usize, max_batch: usize, serve: impl Fn(Vec<Q>) -> F + Clone + Send + 'static) -> Self
    where
        F: Future<Output = Vec<A>> + Send + 'static,
    {
        let (requests, queue) = mpsc::unbounded_channel();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..concurrency {
            tokio::spawn(serve_batches(Arc::clone(&queue), max_batch, serve.clone()));
        }
        Self { requests }
    }

    /// The answer to this question. It is `None` when `serve` panicked or the runtime ends.
    pub async fn ask(&self, question: Q) -> Option<A> {
        let (answer, answered) = oneshot::channel();
        self.requests.send(Request { question, answer }).ok()?;
        answered.await.ok()
    }
}

async fn serve_batches<Q, A, F>(queue: Queue<Q, A>, max_batch: usize, serve: impl Fn(Vec<Q>) -> F)
where
    F: Future<Output = Vec<A>>,
{
    let mut batch = Vec::with_capacity(max_batch);
    while queue.lock().await.recv_many(&mut batch, max_batch).await > 0 {
        // A caller who has gone away needs no answer.
        batch.retain(|request| !request.answer.is_closed());
        if batch.is_empty() {
            continue;
        }
        let (questions, callers): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|Request { question, answer }| (question, answer)).unzip();
        // A panic leaves this batch without answers. It must not end the task, which serves the next batch.
        let answers = AssertUnwindSafe(serve(questions)).catch_unwind().await.unwrap_or_default();
        for (caller, answer) in callers.into_iter().zip(answers) {
            let _ = caller.send(answer);
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
    fn numbers(concurrency: usize, max_batch: usize) -> Batching<u32, (u32, usize)> {
        Batching::start(concurrency, max_batch, async |batch: Vec<u32>| {
            sleep(Duration::from_secs(1)).await;
            batch.iter().map(|number| (*number, batch.len())).collect()
        })
    }

    #[tokio::test(start_paused = true)]
    async fn questions_asked_during_a_batch_share_the_next_and_each_gets_its_own_answer() {
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
    async fn a_panic_does_not_harm_the_next_batch() {
        let halves = Batching::start(1, 1, async |batch: Vec<u32>| {
            batch.iter().map(|number| number.is_multiple_of(2).then_some(number / 2).expect("an even number")).collect()
        });
        assert_eq!((halves.ask(3).await, halves.ask(4).await), (None, Some(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_who_has_gone_away_is_not_served() {
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
