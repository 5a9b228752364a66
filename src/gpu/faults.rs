//! Failures met on purpose, and what has been submitted and made so far: how a test sees that a training survives a device
//! that is lost or has no room. A device has none unless it was given some; then they cost a load and an addition.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What a device and those that took its place were asked for since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Submissions to its queue.
    pub submissions: u64,
    /// Buffers made.
    pub buffers: u64,
    /// Bytes of those that hold a training or a prediction, readbacks and parameters of kernels aside.
    pub bytes: u64,
}

/// The failures that are still to come, and the counts that tell when.
#[derive(Debug, Default)]
pub(super) struct Faults {
    submissions: Countdown,
    buffers: Countdown,
    bytes: AtomicU64,
}

impl Faults {
    /// Plans losses and shortages of memory, each so many submissions or buffers after the one before.
    pub(super) fn plan(&self, losses: &[u64], shortages: &[u64]) {
        self.submissions.plan(losses);
        self.buffers.plan(shortages);
    }

    /// Counts a submission; whether the device is to be lost before it.
    pub(super) fn loses(&self) -> bool {
        self.submissions.count()
    }

    /// Counts a buffer; whether there is to be no room for it.
    pub(super) fn lacks_room(&self) -> bool {
        self.buffers.count()
    }

    pub(super) fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn asked(&self) -> Asked {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Asked {
            submissions: of(&self.submissions.done),
            buffers: of(&self.buffers.done),
            bytes: of(&self.bytes),
        }
    }
}

/// Events counted, some of which are to fail.
#[derive(Debug, Default)]
struct Countdown {
    done: AtomicU64,
    /// The event that fails next, counted from 1; 0 for none.
    next: AtomicU64,
    /// The distances of those after it.
    then: Mutex<VecDeque<u64>>,
}

impl Countdown {
    fn plan(&self, distances: &[u64]) {
        let mut then = self.then.lock().unwrap_or_else(PoisonError::into_inner);
        *then = distances.iter().copied().collect();
        let first =
            then.pop_front().map_or(0, |distance| self.done.load(Ordering::Relaxed) + distance.max(1));
        self.next.store(first, Ordering::Relaxed);
    }

    fn count(&self) -> bool {
        let now = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if self.next.load(Ordering::Relaxed) != now {
            return false;
        }
        let mut then = self.then.lock().unwrap_or_else(PoisonError::into_inner);
        self.next.store(then.pop_front().map_or(0, |distance| now + distance.max(1)), Ordering::Relaxed);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Faults;

    #[test]
    fn failures_come_at_their_distances_and_then_no_more() {
        let faults = Faults::default();
        assert!((0..5).all(|_| !faults.loses()));
        faults.plan(&[1, 3, 0], &[2]);
        let losses: Vec<bool> = (0..7).map(|_| faults.loses()).collect();
        assert_eq!(losses, [true, false, false, true, true, false, false]);
        let shortages: Vec<bool> = (0..4).map(|_| faults.lacks_room()).collect();
        assert_eq!(shortages, [false, true, false, false]);
        assert_eq!((faults.asked().submissions, faults.asked().buffers), (12, 4));
    }
}
