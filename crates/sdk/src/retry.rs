//! How often and how long to wait before a call is tried again.
//!
//! It waits with a jitter that grows, and obeys the server's `Retry-After`. It does not know what
//! is being called: appends are safe to repeat because their identities are fixed before the
//! first try (see `append`).

use std::time::Duration;

use crate::error::ClientError;

/// The longest `Retry-After` that is obeyed; a server that asks for more gets another try then.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// Bounds on trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries in all, the first included.
    pub attempts_max: u32,
    /// The longest wait before the second try.
    pub first_delay: Duration,
    /// The longest wait before any try.
    pub delay_max: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts_max: 8,
            first_delay: Duration::from_millis(100),
            delay_max: Duration::from_secs(5),
        }
    }
}

impl RetryPolicy {
    /// One try.
    #[must_use]
    pub const fn never() -> Self {
        Self { attempts_max: 1, first_delay: Duration::ZERO, delay_max: Duration::ZERO }
    }

    /// The wait after a number of failed tries: half of it fixed, half random.
    ///
    /// Half is fixed so that a server that just came back is not met at once by everybody.
    pub(crate) fn delay(&self, failed_attempts: u32, random: u16) -> Duration {
        let doublings = failed_attempts.saturating_sub(1).min(16);
        let ceiling = self.first_delay.saturating_mul(1 << doublings).min(self.delay_max);
        ceiling / 2 + ceiling / 2 * u32::from(random) / u32::from(u16::MAX)
    }

    /// Whether to try again after a failure, and how long to wait before.
    pub(crate) fn next_delay(
        &self,
        failed_attempts: u32,
        error: &ClientError,
        retry_after: Option<Duration>,
    ) -> Option<Duration> {
        if failed_attempts >= self.attempts_max || !error.is_retryable() {
            return None;
        }
        let own = self.delay(failed_attempts, random_u16());
        Some(retry_after.map_or(own, |asked| asked.min(RETRY_AFTER_MAX).max(own)))
    }
}

/// A random number for jitter; without a source of randomness, no jitter.
pub(crate) fn random_u16() -> u16 {
    let mut bytes = [0; 2];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u16::from_ne_bytes(bytes),
        Err(_) => u16::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::problem_of_status;

    const POLICY: RetryPolicy = RetryPolicy {
        attempts_max: 4,
        first_delay: Duration::from_millis(100),
        delay_max: Duration::from_millis(300),
    };

    fn refused(status: u16) -> ClientError {
        ClientError::Refused(Box::new(problem_of_status(status, "")))
    }

    #[test]
    fn waits_double_up_to_the_bound_and_keep_half_fixed() {
        let millis = |failed, random| POLICY.delay(failed, random).as_millis();
        assert_eq!((millis(1, 0), millis(1, u16::MAX)), (50, 100));
        assert_eq!((millis(2, 0), millis(2, u16::MAX)), (100, 200));
        assert_eq!((millis(3, 0), millis(3, u16::MAX)), (150, 300));
        assert_eq!((millis(60, 0), millis(60, u16::MAX)), (150, 300));
    }

    #[test]
    fn gives_up_after_the_last_attempt_and_on_refusals_that_stay() {
        assert!(POLICY.next_delay(3, &refused(503), None).is_some());
        assert!(POLICY.next_delay(4, &refused(503), None).is_none());
        assert!(POLICY.next_delay(1, &refused(409), None).is_none());
    }

    #[test]
    fn obeys_the_server_within_reason() {
        let asked =
            |seconds| POLICY.next_delay(1, &refused(503), Some(Duration::from_secs(seconds)));
        assert_eq!(asked(2), Some(Duration::from_secs(2)));
        assert_eq!(asked(3_600), Some(RETRY_AFTER_MAX));
        assert!(asked(0).is_some_and(|delay| delay >= Duration::from_millis(50)));
    }
}
