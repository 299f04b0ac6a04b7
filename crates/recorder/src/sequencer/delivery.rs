//! How answers get from the sequencer's thread to those who wait.
//!
//! Waking a task from outside its runtime is dear, and a commit may have dozens of waiters. So the
//! sequencer wakes one and hands it the answers of the others, which it passes on from inside.
//!
//! INVARIANT (nobody is forgotten): answers are passed on when they are dropped, wherever that
//! happens, so that a waiter who has gone away or never looks takes nobody's answer along.

use annals_store::contract::UnitOutcome;
use tokio::sync::oneshot;

use crate::refusal::AppendRefusal;

/// What a waiter is told.
pub(super) type Answer = Result<Vec<UnitOutcome>, AppendRefusal>;

/// Where a waiter is told.
pub(super) type Reply = oneshot::Sender<Delivery>;

/// A waiter's answer, and perhaps those of others.
#[derive(Debug)]
pub(super) struct Delivery {
    own: Answer,
    others: Others,
}

impl Delivery {
    /// The waiter's own answer; the others are on their way when it returns.
    pub(super) fn take(self) -> Answer {
        drop(self.others);
        self.own
    }
}

#[derive(Debug, Default)]
struct Others(Vec<(Reply, Answer)>);

impl Drop for Others {
    fn drop(&mut self) {
        for (reply, own) in self.0.drain(..) {
            // Whoever hung up gets no answer; the events are kept all the same.
            let _ = reply.send(Delivery { own, others: Self::default() });
        }
    }
}

/// Answers all waiters of a commit.
pub(super) fn deliver(mut answers: Vec<(Reply, Answer)>) {
    let Some((first, own)) = answers.pop() else { return };
    // Where the first has gone away, the others are answered when this is dropped here.
    let _ = first.send(Delivery { own, others: Others(answers) });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiters(count: usize) -> (Vec<(Reply, Answer)>, Vec<oneshot::Receiver<Delivery>>) {
        (0..count)
            .map(|_| {
                let (reply, waiter) = oneshot::channel();
                ((reply, Ok(Vec::new())), waiter)
            })
            .unzip()
    }

    #[test]
    fn every_waiter_is_answered_whoever_has_gone_away() {
        for gone in 0..3 {
            let (answers, mut waiting) = waiters(3);
            drop(waiting.remove(gone));
            deliver(answers);
            // The last is the one who passes on; it may look after the others, or never.
            while let Some(mut waiter) = waiting.pop() {
                assert!(waiter.try_recv().unwrap().take().is_ok());
            }
        }
    }

    #[test]
    fn a_waiter_that_goes_away_with_its_answer_passes_the_others_on() {
        let (answers, mut waiting) = waiters(3);
        deliver(answers);
        drop(waiting.pop());
        for mut waiter in waiting {
            assert!(waiter.try_recv().unwrap().take().is_ok());
        }
    }
}
