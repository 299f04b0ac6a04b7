//! How many live tails are open, in all and per token.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use annals_api::reason;
use annals_core::id::TokenId;
use annals_core::limits::{TAIL_COUNT_MAX, TAIL_COUNT_PER_TOKEN_MAX};

use crate::problem::ApiProblem;

/// Counts of open tails. Owned by its lock.
#[derive(Debug, Default)]
pub(crate) struct TailCounts {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    by_token: HashMap<TokenId, usize>,
}

impl TailCounts {
    /// Live tails that are open.
    pub(crate) fn total(&self) -> usize {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).total
    }

    /// Opens a tail, if there may be one more.
    pub(crate) fn open(self: &Arc<Self>, token_id: &TokenId) -> Result<TailPermit, ApiProblem> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.total >= TAIL_COUNT_MAX {
            return Err(too_many("the server", TAIL_COUNT_MAX));
        }
        let of_token = counts.by_token.get(token_id).copied().unwrap_or_default();
        if of_token >= TAIL_COUNT_PER_TOKEN_MAX {
            return Err(too_many("the token", TAIL_COUNT_PER_TOKEN_MAX));
        }
        counts.by_token.insert(token_id.clone(), of_token + 1);
        counts.total += 1;
        Ok(TailPermit { tails: Arc::clone(self), token_id: token_id.clone() })
    }
}

fn too_many(who: &str, tail_count_max: usize) -> ApiProblem {
    let detail = format!("{who} has {tail_count_max} live tails open, which is the limit");
    ApiProblem::new(reason::TOO_MANY_TAILS, detail).with("tail_count_max", tail_count_max)
}

/// One open tail; dropping it closes it.
#[derive(Debug)]
pub(crate) struct TailPermit {
    tails: Arc<TailCounts>,
    token_id: TokenId,
}

impl Drop for TailPermit {
    fn drop(&mut self) {
        let mut counts = self.tails.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.total -= 1;
        match counts.by_token.get_mut(&self.token_id) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => {
                counts.by_token.remove(&self.token_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_cannot_take_all_tails_and_closed_ones_come_back() {
        let tails = Arc::new(TailCounts::default());
        let token = TokenId::parse("one").unwrap();
        let open: Vec<_> =
            (0..TAIL_COUNT_PER_TOKEN_MAX).map(|_| tails.open(&token).unwrap()).collect();
        assert_eq!(tails.open(&token).unwrap_err().reason().code, "too_many_tails");
        assert!(tails.open(&TokenId::parse("two").unwrap()).is_ok());
        drop(open);
        assert_eq!(tails.total(), 0);
        assert!(tails.open(&token).is_ok());
    }
}
