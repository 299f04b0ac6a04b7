//! Ctrl-C: the first asks to end cleanly, the second ends at once.

use tokio::sync::watch;

use crate::serve::asked_to_stop;

/// The exit code of a program that a second Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// Whether somebody wants it to end.
#[derive(Debug, Clone)]
pub(super) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Listens from now on.
    pub(super) fn listen() -> Self {
        let (sender, receiver) = watch::channel(false);
        let first = asked_to_stop();
        tokio::spawn(async move {
            first.await;
            let second = asked_to_stop();
            // Nobody listens any more when it has ended by itself.
            let _ = sender.send(true);
            second.await;
            std::process::exit(INTERRUPTED);
        });
        Self(receiver)
    }

    pub(super) fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Resolves when it is asked to end.
    pub(super) async fn asked(&mut self) {
        if self.0.wait_for(|is_asked| *is_asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
