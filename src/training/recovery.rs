//! A training that outlives its device: snapshots of it on the host, and a new executor made of the last one.

use std::time::Duration;

use web_time::Instant;

use super::backend::Backend;
use super::executor::Executor;
use super::feed::Feed;
use super::trainer::Trainer;
use super::watch::Best;
use crate::error::{Error, Result};
use crate::network::Parameters;
use crate::schedule::{Lowering, Problem};

/// So long is the shortest time between two snapshots.
const SHORTEST: Duration = Duration::from_secs(1);

/// So many times what a snapshot takes lie at least between two: they cost half a percent at most.
const RARITY: u32 = 200;

/// Failures in a row, without a step further than ever before, after which a training gives up.
const MOST_FAILURES: u32 = 5;

/// After a failure to open the device again it is waited so long, then twice as long, and so on: a driver that was reset takes
/// a moment.
#[cfg(not(target_arch = "wasm32"))]
const PAUSE: Duration = Duration::from_millis(100);

/// A training that goes on after its device was lost, or had no room for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// What happened, in the words of [`Error::DeviceLost`] or [`Error::OutOfMemory`].
    pub cause: String,
    /// Iterations that were done when it did.
    pub at: usize,
    /// Iterations after which the training goes on: those in between are done again.
    pub from: usize,
}

/// What a training is made of again.
pub(super) struct Recovery<'b> {
    backend: &'b Backend,
    problem: Problem<'b>,
    lowering: Lowering,
    /// All samples, where the executor gets a window of them at a time.
    samples: Option<usize>,
    /// Steps that L-BFGS remembers, if it is that.
    lbfgs: Option<usize>,
    on_recovery: Box<dyn FnMut(&Recovered) + 'b>,
    snapshot: Snapshot,
    rhythm: Rhythm,
    failures: Failures,
}

/// When snapshots are taken.
pub(super) struct Rhythm {
    /// When the last one was, and how long that took.
    last: Instant,
    took: Duration,
    shortest: Duration,
    rarity: u32,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self { last: Instant::now(), took: Duration::ZERO, shortest: SHORTEST, rarity: RARITY }
    }
}

impl Rhythm {
    /// Whether it is time for another.
    pub(super) fn is_due(&self) -> bool {
        self.last.elapsed() >= self.shortest.max(self.took * self.rarity)
    }

    /// One was taken; `begin` is when it was begun.
    pub(super) fn taken(&mut self, begin: Instant) {
        self.last = Instant::now();
        self.took = self.last - begin;
    }
}

/// How often something has failed in a row.
#[derive(Debug, Default)]
pub(super) struct Failures {
    /// The most iterations done at a failure, and failures since it was more than before.
    furthest: usize,
    count: u32,
}

impl Failures {
    /// Counts a failure after `at` iterations.
    ///
    /// # Errors
    /// The failure itself, when it is no passing one or comes too often.
    pub(super) fn bear(&mut self, error: Error, at: usize) -> Result<Error> {
        if at > self.furthest {
            (self.furthest, self.count) = (at, 0);
        }
        if !error.is_passing() || self.count == MOST_FAILURES {
            return Err(error);
        }
        self.count += 1;
        Ok(error)
    }

    /// Waits before the next attempt, longer after each.
    pub(super) fn pause(&self) {
        // A browser must not be blocked; it opens devices when it can.
        #[cfg(not(target_arch = "wasm32"))]
        std::thread::sleep(PAUSE * (1 << self.count));
    }
}

/// A training between two iterations. Its costs and looks are the first of those that the trainer has.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) done: usize,
    pub(super) parameters: Parameters,
    pub(super) state: Vec<f64>,
    pub(super) looks: usize,
    pub(super) best: Option<Best>,
}

impl<'b> Recovery<'b> {
    /// The recovery of a training of `problem` as it is now.
    pub(super) fn new(
        backend: &'b Backend,
        problem: Problem<'b>,
        lowering: Lowering,
        samples: Option<usize>,
        on_recovery: Box<dyn FnMut(&Recovered) + 'b>,
    ) -> Self {
        let snapshot = Snapshot {
            done: problem.done,
            parameters: problem.parameters.clone(),
            state: problem.first_state(),
            looks: 0,
            best: None,
        };
        let (rhythm, failures) = Default::default();
        let lbfgs = None;
        Self { backend, problem, lowering, samples, lbfgs, on_recovery, snapshot, rhythm, failures }
    }

    /// Whether it is time for another snapshot.
    pub(super) fn is_due(&self) -> bool {
        self.rhythm.is_due()
    }

    /// Takes the place of the last snapshot; `begin` is when it was begun.
    pub(super) fn keep(&mut self, snapshot: Snapshot, begin: Instant) {
        self.snapshot = snapshot;
        self.rhythm.taken(begin);
    }

    pub(super) fn snapshot(&mut self) -> &mut Snapshot {
        &mut self.snapshot
    }

    /// A new executor, made of the last snapshot.
    ///
    /// # Errors
    /// `error` itself, when it is of another kind or comes too often; those of opening the device again.
    pub(super) async fn executor(&mut self, mut error: Error, at: usize) -> Result<Executor<'b>> {
        loop {
            error = self.failures.bear(error, at)?;
            match self.try_executor(&error).await {
                Ok(executor) => {
                    let from = self.snapshot.done;
                    (self.on_recovery)(&Recovered { cause: error.to_string(), at, from });
                    return Ok(executor);
                }
                Err(another) if another.is_passing() => error = another,
                // The adapter does not answer, or not yet: what was lost is still the cause.
                Err(Error::NoAdapter { .. } | Error::Gpu { .. }) => self.failures.pause(),
                Err(another) => return Err(another),
            }
        }
    }

    async fn try_executor(&self, error: &Error) -> Result<Executor<'b>> {
        if let Error::DeviceLost { .. } = error {
            self.backend.revive().await?;
        }
        let Snapshot { done, parameters, state, .. } = &self.snapshot;
        let problem = Problem { parameters, state, done: *done, ..self.problem };
        if let Some(history) = self.lbfgs {
            let problem = Problem { state: &[], ..problem };
            let executor = self.backend.executor_with_room(&problem, self.lowering)?;
            return executor.with_lbfgs(&problem, history, state);
        }
        match self.samples {
            Some(samples) => self.backend.window_executor(&problem, samples),
            None => self.backend.executor_with_room(&problem, self.lowering),
        }
    }
}

impl<'b> Trainer<'b> {
    /// Goes on when its device is lost: opened again, from a snapshot that is taken of it every second or less often, to the
    /// same bits. When the device has no room for something, in another lowering if need be. What it was made of is given once
    /// more, after it was [`fed`](Self::fed) if it is; `on_recovery` is told. A training on the host needs none of it.
    pub fn surviving(
        mut self,
        backend: &'b Backend,
        problem: Problem<'b>,
        on_recovery: impl FnMut(&Recovered) + 'b,
    ) -> Self {
        if let Ok(lowering) = self.lowering().parse::<Lowering>() {
            let samples = self.feed.as_ref().map(Feed::samples);
            let mut recovery = Recovery::new(backend, problem, lowering, samples, Box::new(on_recovery));
            if let Executor::Lbfgs(lbfgs) = &self.executor {
                recovery.lbfgs = Some(lbfgs.history());
                recovery.snapshot.state = lbfgs.saved();
            }
            self.recovery = Some(recovery);
            self.mark_seen();
        }
        self
    }

    /// Snapshots after so long and no sooner, however long they take: for tests of going back to one.
    #[doc(hidden)]
    pub fn snapshot_every(mut self, shortest: Duration) -> Self {
        if let Some(recovery) = &mut self.recovery {
            (recovery.rhythm.shortest, recovery.rhythm.rarity) = (shortest, 0);
        }
        self
    }

    /// The number of looks so far, and the best of them.
    fn seen(&self) -> (usize, Option<Best>) {
        self.watch.as_ref().map_or((0, None), |watch| (watch.looks().len(), watch.best().cloned()))
    }

    /// What was seen before the training was taken up belongs to its first snapshot.
    pub(super) fn mark_seen(&mut self) {
        let (looks, best) = self.seen();
        if let Some(recovery) = &mut self.recovery {
            (recovery.snapshot.looks, recovery.snapshot.best) = (looks, best);
        }
    }

    pub(super) async fn take_snapshot(&mut self) -> Result<()> {
        let begin = Instant::now();
        self.fetch().await?;
        let (looks, best) = self.seen();
        let (parameters, state) = (self.executor.parameters().await?, self.executor.state().await?);
        if let Some(recovery) = &mut self.recovery {
            recovery.keep(Snapshot { done: self.done, parameters, state, looks, best }, begin);
        }
        Ok(())
    }

    pub(super) async fn take_snapshot_if_due(&mut self) -> Result<()> {
        match &self.recovery {
            Some(recovery) if recovery.is_due() => self.take_snapshot().await,
            _ => Ok(()),
        }
    }

    /// Goes back to the last snapshot, on a device that is there.
    ///
    /// # Errors
    /// `error` itself, when nothing helps against it.
    pub(super) async fn recover(&mut self, error: Error) -> Result<()> {
        let Some(recovery) = &mut self.recovery else { return Err(error) };
        self.executor = recovery.executor(error, self.done).await?;
        let Snapshot { done, looks, best, .. } = recovery.snapshot();
        self.done = *done;
        // It is met again.
        self.stopped = None;
        self.costs.truncate(*done);
        if let Some(feed) = &mut self.feed {
            feed.begin_again();
        }
        if let Some(watch) = &mut self.watch {
            watch.go_back(*looks, best.clone());
            let looks = watch.looks().to_vec();
            self.rates_after(&looks);
        }
        Ok(())
    }

    /// Goes back to the last snapshot, and on from there to `at`.
    pub(super) async fn repeat(&mut self, error: Error, at: usize) -> Result<()> {
        self.recover(error).await?;
        self.advance(at, &mut |_| {}).await
    }
}
