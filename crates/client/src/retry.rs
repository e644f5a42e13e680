//! Repeating calls: UNAVAILABLE only, after the server's delay or a growing one, with jitter, within a budget.
//!
//! UNAVAILABLE says that nothing was done, or that the outcome waits under the same request id; so a repeat is safe if it
//! carries the same request id. Everything else is an answer, or needs its caller to think.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep};
use tonic::Status;

/// How long one call is repeated at most.
const TIME_MAX: Duration = Duration::from_secs(60);

/// The longest pause between two tries that the server did not ask for.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Repeats that may be made in a row, and how many successes earn one back. A server that pushes everybody back is not
/// helped by everybody's repeats: at most a tenth of the calls are repeats for long.
const BUDGET: u32 = 100;
const CALLS_PER_REPEAT: u32 = 10;

/// Repeats calls. Clones share one budget.
#[derive(Debug, Clone)]
pub struct Retry {
    /// What is left of the budget, in calls' worth.
    left: Arc<Mutex<u32>>,
}

impl Default for Retry {
    fn default() -> Self {
        Self::new()
    }
}

impl Retry {
    /// With a full budget.
    #[must_use]
    pub fn new() -> Self {
        Self { left: Arc::new(Mutex::new(BUDGET * CALLS_PER_REPEAT)) }
    }

    /// Runs `call` until it is answered. Each try must send the same request, request id included. Errors with the last
    /// failure when it is not UNAVAILABLE, when a minute has passed, or when the budget is spent.
    pub async fn run<T, C, F>(&self, mut call: C) -> Result<T, Status>
    where
        C: FnMut() -> F,
        F: Future<Output = Result<T, Status>>,
    {
        let began = Instant::now();
        let mut growing = Duration::from_millis(20);
        loop {
            let status = match call().await {
                Ok(answer) => {
                    self.earn();
                    return Ok(answer);
                }
                Err(status) => status,
            };
            let Some(asked) = wire::status::retry_after(&status) else { return Err(status) };
            let pause = jittered(asked.max(growing));
            if began.elapsed().saturating_add(pause) > TIME_MAX || !self.spend() {
                return Err(status);
            }
            sleep(pause).await;
            growing = growing.saturating_mul(2).min(PAUSE_MAX);
        }
    }

    fn earn(&self) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        *left = left.saturating_add(1).min(BUDGET * CALLS_PER_REPEAT);
    }

    fn spend(&self) -> bool {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = left.checked_sub(CALLS_PER_REPEAT);
        *left = rest.unwrap_or(*left);
        rest.is_some()
    }
}

/// `pause` and up to half of it more: never earlier than the server asked, and not all callers at once.
fn jittered(pause: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or(0);
    pause.saturating_add((pause / 2).saturating_mul(random >> 16) / (1 << 16))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use wire::Pushback;

    async fn tries(
        retry: &Retry,
        mut answers: Vec<Result<u8, Status>>,
    ) -> (Result<u8, Status>, usize, Duration) {
        let (began, count) = (Instant::now(), Cell::new(0));
        answers.reverse();
        let result = retry
            .run(|| {
                count.set(count.get() + 1);
                let answer = if answers.len() > 1 { answers.pop().unwrap() } else { answers[0].clone() };
                async move { answer }
            })
            .await;
        (result, count.get(), began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn unavailable_is_repeated_after_the_servers_delay() {
        let retry = Retry::new();
        let busy = || Err(Pushback::Draining.into());
        let (result, count, time) = tries(&retry, vec![busy(), busy(), Ok(7)]).await;
        assert_eq!((result.unwrap(), count), (7, 3));
        assert!((Duration::from_secs(2)..=Duration::from_millis(3_100)).contains(&time), "{time:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn other_failures_are_answers() {
        let retry = Retry::new();
        for status in
            [wire::status::deadline_exceeded(), Status::unknown(""), wire::status::method_not_allowed()]
        {
            let (result, count, _) = tries(&retry, vec![Err(status), Ok(1)]).await;
            assert!(result.is_err() && count == 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_minute_is_enough_and_the_budget_runs_out() {
        let retry = Retry::new();
        let (result, count, time) = tries(&retry, vec![Err(Pushback::Busy.into())]).await;
        assert!(result.is_err() && count > 5 && time <= TIME_MAX, "{count} {time:?}");
        while retry.spend() {}
        let (result, count, _) = tries(&retry, vec![Err(Pushback::Busy.into()), Ok(1)]).await;
        assert!(result.is_err() && count == 1);
        for _ in 0..CALLS_PER_REPEAT {
            retry.earn();
        }
        let (result, count, _) = tries(&retry, vec![Err(Pushback::Busy.into()), Ok(1)]).await;
        assert!(result.is_ok() && count == 2);
    }
}
