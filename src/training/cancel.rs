//! The word that ends a training from outside: another thread, or a signal handler, gives it; trainings look for it between
//! submissions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that its clones share. Whoever holds one can cancel; a training that was given one stops before its next submission.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// A token that nobody has cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks everything that holds a clone to stop; there is no way back.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has asked.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl From<Arc<AtomicBool>> for CancelToken {
    /// A token that is cancelled by setting the flag: what a signal handler can do.
    fn from(flag: Arc<AtomicBool>) -> Self {
        Self(flag)
    }
}
