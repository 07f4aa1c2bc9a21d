//! When to ask again.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::{Duration, SystemTime};

use skvm_core::llm::LlmError;

/// How often, how soon and how long a backend asks again after an error that may pass
/// ([`LlmError::is_retryable`]).
///
/// The wait before retry `n` (from 0) is `min(cap, base · 2ⁿ)` and up to a quarter more, so that many
/// callers that failed together do not come back together. A provider that says how long it wants to be
/// left alone is obeyed instead, up to a cap of its own.
///
/// ```
/// use std::time::Duration;
/// use skvm_runtime::backend::RetryPolicy;
///
/// let patient = RetryPolicy::default().with_retries(6).with_total_deadline(Duration::from_secs(900));
/// assert_ne!(patient, RetryPolicy::default());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    retries: u32,
    base: Duration,
    cap: Duration,
    retry_after_cap: Duration,
    total_deadline: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            retries: 3,
            base: Duration::from_secs(1),
            cap: Duration::from_secs(30),
            retry_after_cap: Duration::from_secs(60),
            total_deadline: Duration::from_secs(300),
        }
    }
}

impl RetryPolicy {
    /// Asks once. The total deadline is the default one.
    #[must_use]
    pub fn never() -> Self {
        Self::default().with_retries(0)
    }

    /// Most retries after the first try. Default 3.
    #[must_use]
    pub fn with_retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// The wait before the first retry; it doubles with each one. Default 1 second.
    #[must_use]
    pub fn with_base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// The longest wait of our own choice, before up to a quarter is added. Default 30 seconds.
    #[must_use]
    pub fn with_cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }

    /// The longest wait that a provider can ask for; a longer one is cut to this. Default 1 minute.
    #[must_use]
    pub fn with_retry_after_cap(mut self, cap: Duration) -> Self {
        self.retry_after_cap = cap;
        self
    }

    /// The time for all tries and the waits between them: a try is ended by it, and a wait that would
    /// pass it is not begun. Default 5 minutes.
    #[must_use]
    pub fn with_total_deadline(mut self, deadline: Duration) -> Self {
        self.total_deadline = deadline;
        self
    }

    /// The time left after some has passed.
    pub(super) fn left(&self, elapsed: Duration) -> Duration {
        self.total_deadline.saturating_sub(elapsed)
    }

    /// How long to wait before asking again after `retries` retries; `None` when the error stands.
    pub(super) fn next_delay(
        &self,
        retries: u32,
        error: &LlmError,
        elapsed: Duration,
    ) -> Option<Duration> {
        if retries >= self.retries || !error.is_retryable() {
            return None;
        }
        let delay = match error.retry_after() {
            Some(wanted) => wanted.min(self.retry_after_cap),
            None => self.backoff(retries),
        };
        (delay < self.left(elapsed)).then_some(delay)
    }

    fn backoff(&self, retries: u32) -> Duration {
        let delay = self.base.saturating_mul(2_u32.saturating_pow(retries)).min(self.cap);
        // The standard library's hasher is seeded anew each time, which is all the randomness needed.
        let draw = RandomState::new().hash_one(retries) % 1024;
        let jitter = delay.as_secs_f64() / 4.0 * (draw as f64 / 1024.0);
        delay.saturating_add(Duration::try_from_secs_f64(jitter).unwrap_or_default())
    }
}

/// Reads a `Retry-After` header: seconds from now, or the date until which to wait.
pub(super) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        let wait = || Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        return (seconds >= 0.0).then(wait);
    }
    let date = httpdate::parse_http_date(value).ok()?;
    // A date in the past means that the wait is over.
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use skvm_core::llm::LlmErrorKind;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn limited(retry_after: Option<Duration>) -> LlmError {
        LlmError::new(LlmErrorKind::RateLimited { retry_after })
    }

    fn delay(policy: RetryPolicy, retries: u32, error: &LlmError) -> Option<Duration> {
        policy.next_delay(retries, error, Duration::ZERO)
    }

    #[test]
    fn the_defaults_are_those_of_the_documentation() {
        let written_out = RetryPolicy::never()
            .with_retries(3)
            .with_base(SECOND)
            .with_cap(30 * SECOND)
            .with_retry_after_cap(60 * SECOND)
            .with_total_deadline(300 * SECOND);
        assert_eq!(RetryPolicy::default(), written_out);
    }

    #[test]
    fn waits_double_up_to_the_cap_with_a_quarter_of_jitter_at_most() {
        let policy = RetryPolicy::default().with_retries(u32::MAX);
        for (retries, seconds) in
            [(0, 1), (1, 2), (2, 4), (4, 16), (5, 30), (40, 30), (u32::MAX - 1, 30)]
        {
            let base = seconds * SECOND;
            let waited = delay(policy, retries, &limited(None)).unwrap();
            assert!(waited >= base && waited <= base + base / 4, "retry {retries}: {waited:?}");
        }
    }

    #[test]
    fn jitter_differs_between_callers() {
        let draw = || delay(RetryPolicy::default(), 0, &limited(None));
        let first = draw();
        assert!((0..64).any(|_| draw() != first));
    }

    #[test]
    fn no_duration_overflows() {
        let policy = RetryPolicy::default()
            .with_base(Duration::MAX)
            .with_cap(Duration::MAX)
            .with_total_deadline(Duration::MAX);
        assert_eq!(delay(policy, 2, &limited(None)), None);
    }

    #[test]
    fn the_wish_of_the_provider_wins_and_is_capped() {
        let policy = RetryPolicy::default();
        assert_eq!(delay(policy, 0, &limited(Some(7 * SECOND))), Some(7 * SECOND));
        assert_eq!(delay(policy, 0, &limited(Some(Duration::ZERO))), Some(Duration::ZERO));
        assert_eq!(delay(policy, 0, &limited(Some(3600 * SECOND))), Some(60 * SECOND));
    }

    #[test]
    fn a_wait_that_would_pass_the_total_deadline_is_not_begun() {
        let policy = RetryPolicy::default();
        let error = limited(Some(10 * SECOND));
        assert_eq!(policy.next_delay(0, &error, 289 * SECOND), Some(10 * SECOND));
        assert_eq!(policy.next_delay(0, &error, 290 * SECOND), None);
        assert_eq!(policy.next_delay(0, &error, 900 * SECOND), None);
    }

    #[test]
    fn only_errors_that_may_pass_are_retried_and_only_so_often() {
        let policy = RetryPolicy::default();
        let refused = LlmError::new(LlmErrorKind::Refused { status: 400 });
        assert_eq!(delay(policy, 0, &refused), None);
        assert!(delay(policy, 2, &limited(None)).is_some());
        assert_eq!(delay(policy, 3, &limited(None)), None);
        assert_eq!(delay(RetryPolicy::never(), 0, &limited(None)), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Wed, 21 Oct 2015 07:28:00 GMT").unwrap();
        let read = |value| retry_after(value, now);
        assert_eq!(read("0"), Some(Duration::ZERO));
        assert_eq!(read(" 120 "), Some(120 * SECOND));
        assert_eq!(read("1.5"), Some(Duration::from_millis(1500)));
        assert_eq!(read("99999999999999999999"), Some(Duration::MAX));
        assert_eq!(read("Wed, 21 Oct 2015 07:28:30 GMT"), Some(30 * SECOND));
        assert_eq!(read("Wed, 21 Oct 2015 07:00:00 GMT"), Some(Duration::ZERO));
        for nonsense in ["", "-1", "NaN", "soon"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
    }
}
