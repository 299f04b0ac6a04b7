//! The threads on which policies are evaluated, so that a decision is never later than its limit.
//!
//! The engine looks at its timer between steps of a policy, but one step can be long (a large comparison, a
//! pattern over a large text), and a panic in it must not take the caller along. So an evaluation runs on a
//! thread of its own; who waits for it stops waiting at the limit. A late thread goes on until its step is
//! over and is then used again; there are never more than `THREADS_MAX`.
//!
//! Shared state: the idle list and the count are owned by one lock.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use regorus::Engine;
use regorus::utils::limits::ExecutionTimerConfig;
use serde_json::Value;

use crate::clock;

/// Evaluations at one time, those included that nobody waits for any more.
const THREADS_MAX: usize = 16;
/// Policies are at most 32 expressions deep, but chains of them recurse too.
const STACK_BYTES: usize = 16 << 20;
/// Steps of a policy between two looks at the timer.
const STEPS_BETWEEN_LOOKS: u32 = 64;

/// One evaluation.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) input: String,
    pub(crate) now: i64,
    pub(crate) rule: Arc<str>,
    pub(crate) wall: Duration,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Evaluated {
    /// The rule's value, sets as arrays; null if it is undefined.
    Value(Value, Vec<String>),
    /// The engine could not.
    Failed(String),
    /// It took longer than it may.
    Late,
    /// All threads are taken.
    Busy,
}

/// The threads of one policy.
#[derive(Debug)]
pub(crate) struct Workers {
    engine: Engine,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<SyncSender<Job>>,
    count: usize,
}

#[derive(Debug)]
struct Job {
    question: Question,
    answer: SyncSender<Evaluated>,
    /// The thread's own door, which it puts among the idle ones when it is done.
    worker: SyncSender<Job>,
}

impl Workers {
    pub(crate) fn new(engine: Engine) -> Arc<Self> {
        Arc::new(Self { engine, state: Mutex::default(), freed: Condvar::new() })
    }

    /// Evaluates, and answers not much later than the question's limit whatever happens.
    pub(crate) fn evaluate(self: &Arc<Self>, question: Question) -> Evaluated {
        let wall = question.wall;
        let Some(worker) = self.take(wall) else { return Evaluated::Busy };
        let (answer, answered) = sync_channel(1);
        if worker.send(Job { question, answer, worker: worker.clone() }).is_err() {
            return Evaluated::Failed("the evaluator ended".to_owned());
        }
        match answered.recv_timeout(wall) {
            Ok(evaluated) => evaluated,
            Err(RecvTimeoutError::Timeout) => Evaluated::Late,
            Err(RecvTimeoutError::Disconnected) => {
                Evaluated::Failed("the engine panicked over this policy and input".to_owned())
            }
        }
    }

    /// An idle thread, a new one, or the next that becomes idle in time.
    fn take(self: &Arc<Self>, wall: Duration) -> Option<SyncSender<Job>> {
        let mut state = self.lock();
        if state.idle.is_empty() && state.count >= THREADS_MAX {
            let waited = self.freed.wait_timeout_while(state, wall, |state| {
                state.idle.is_empty() && state.count >= THREADS_MAX
            });
            state = waited.map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
        }
        if let Some(worker) = state.idle.pop() {
            return Some(worker);
        }
        if state.count >= THREADS_MAX {
            return None;
        }
        let worker = self.start()?;
        state.count += 1;
        Some(worker)
    }

    fn start(self: &Arc<Self>) -> Option<SyncSender<Job>> {
        let (sender, jobs) = sync_channel(1);
        let (pool, engine) = (Arc::downgrade(self), self.engine.clone());
        thread::Builder::new()
            .name("annals-policy".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || work(engine, &jobs, &pool))
            .ok()?;
        Some(sender)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a thread out when it ends, also by a panic.
struct Leaving<'a>(&'a Weak<Workers>);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if let Some(pool) = self.0.upgrade() {
            pool.lock().count -= 1;
            pool.freed.notify_one();
        }
    }
}

/// Answers one question after the other, until the pool is gone and with it the last sender of jobs.
fn work(mut engine: Engine, jobs: &Receiver<Job>, pool: &Weak<Workers>) {
    let _leaving = Leaving(pool);
    while let Ok(Job { question, answer, worker }) = jobs.recv() {
        let evaluated = evaluate(&mut engine, question);
        // Idle before answered: who was answered and asks again finds this thread.
        if let Some(pool) = pool.upgrade() {
            pool.lock().idle.push(worker);
            pool.freed.notify_one();
        }
        // Who asked may have stopped waiting; then there is nobody to tell.
        let _ = answer.send(evaluated);
    }
}

fn evaluate(engine: &mut Engine, question: Question) -> Evaluated {
    let input = match regorus::Value::from_json_str(&question.input) {
        Ok(input) => input,
        Err(error) => return Evaluated::Failed(format!("the input: {error}")),
    };
    engine.set_execution_timer_config(ExecutionTimerConfig {
        limit: question.wall,
        check_interval: STEPS_BETWEEN_LOOKS.try_into().unwrap_or(std::num::NonZeroU32::MIN),
    });
    engine.set_input(input);
    let result = clock::with_now(question.now, || engine.eval_rule(question.rule.to_string()));
    engine.set_input(regorus::Value::Undefined);
    let printed = engine.take_prints().unwrap_or_default();
    match result {
        Ok(regorus::Value::Undefined) => Evaluated::Value(Value::Null, printed),
        Ok(value) => match value.to_json_str().map(|text| serde_json::from_str(&text)) {
            Ok(Ok(value)) => Evaluated::Value(value, printed),
            Ok(Err(error)) => Evaluated::Failed(format!("the result: {error}")),
            Err(error) => Evaluated::Failed(format!("the result: {error}")),
        },
        Err(error) if is_late(&error) => Evaluated::Late,
        Err(error) => Evaluated::Failed(format!("{error:#}").trim().to_owned()),
    }
}

fn is_late(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref::<regorus::LimitError>(),
        Some(regorus::LimitError::TimeLimitExceeded { .. })
    )
}
