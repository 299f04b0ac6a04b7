//! The thread that signs a checkpoint soon after each commit, so that no event stays unsigned
//! because nobody asks.
//!
//! It decides nothing: `Trust::checkpoint` does. What fails is tried again while the log grows.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use annals_store::contract::Head;
use tokio::sync::watch;

use super::Trust;

/// How long events gather before they are signed together: with the signing itself less than the
/// second that is promised.
const GATHER: Duration = Duration::from_millis(500);

/// How long nothing is tried after a failure, so that it does not fill the server's own log.
const RETRY: Duration = Duration::from_secs(5);

/// The thread's handle.
#[derive(Debug)]
pub(crate) struct Notary {
    is_stopping: watch::Sender<bool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Notary {
    /// Starts the thread.
    pub(crate) fn start(trust: Arc<Trust>, head: watch::Receiver<Head>) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let (is_stopping, stops) = watch::channel(false);
        let thread = std::thread::Builder::new()
            .name("annals-notary".to_owned())
            .spawn(move || runtime.block_on(follow(&trust, head, stops)))?;
        Ok(Self { is_stopping, thread: Mutex::new(Some(thread)) })
    }

    /// Ends the thread and waits for it. An error means that it panicked.
    pub(crate) fn close(&self) -> Result<(), ()> {
        self.is_stopping.send_replace(true);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        thread.map_or(Ok(()), |thread| thread.join().map_err(|_| ()))
    }
}

async fn follow(trust: &Trust, mut head: watch::Receiver<Head>, mut stops: watch::Receiver<bool>) {
    let mut pause = GATHER;
    loop {
        let is_unsigned = |head: &Head| head.position.get() > signed_size(trust);
        tokio::select! {
            grown = head.wait_for(is_unsigned) => if grown.is_err() { return },
            _ = stops.wait_for(|is_stopping| *is_stopping) => return,
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stops.wait_for(|is_stopping| *is_stopping) => return,
        }
        pause = GATHER;
        if let Err(failure) = trust.checkpoint() {
            tracing::error!(error = &failure as &dyn std::error::Error, "no checkpoint is signed");
            pause = RETRY;
        }
    }
}

fn signed_size(trust: &Trust) -> u64 {
    trust.latest().map_or(0, |newest| newest.checkpoint().size)
}
