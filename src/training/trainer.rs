//! The loop: advances an executor, collects its costs, stops when they are no numbers any more.

use super::cancel::CancelToken;
use super::checkpoint::Checkpoint;
use super::executor::Executor;
use super::feed::Feed;
use super::plateau::Plateau;
use super::recovery::Recovery;
use super::watch::{Look, Stopped, Watch, WatchPlan};
use crate::error::{Error, Result};
use crate::network::Parameters;

/// How long to train and how often to look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// Gradient-descent steps over the whole data set.
    pub iterations: usize,
    /// The costs of iterations 0, `report_every`, 2 * `report_every`, ... are fetched as soon as they are there.
    pub report_every: usize,
    /// The learning rate, for the message of a training that diverges.
    pub learning_rate: f64,
}

/// What a callback gets to see.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Iterations done.
    pub done: usize,
    /// Iterations wanted.
    pub iterations: usize,
    /// The costs of all iterations that have been fetched, by iteration.
    pub costs: &'a [f64],
    /// The looks so far of a training under watch.
    pub looks: &'a [Look],
}

/// A training that is finished.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The last parameters, or the best where there was patience to wait for better ones.
    pub parameters: Parameters,
    /// The cost of each iteration, of the parameters before its update.
    pub costs: Vec<f64>,
    /// The cost of the parameters, over all samples; where a training on windows of samples is cancelled, the last batch's.
    pub cost_after_last: f64,
    /// Iterations after which the network had these parameters.
    pub iteration: usize,
    /// What a watched training looked like on its way.
    pub looks: Vec<Look>,
    /// Why it ended early, if it did.
    pub stopped: Option<Stopped>,
}

/// A training under way.
pub struct Trainer<'b> {
    pub(super) executor: Executor<'b>,
    plan: Plan,
    pub(super) done: usize,
    pub(super) costs: Vec<f64>,
    pub(super) plateau: Option<Plateau>,
    pub(super) watch: Option<Watch<'b>>,
    keeper: Option<Keeper<'b>>,
    cancel: CancelToken,
    pub(super) feed: Option<Feed>,
    pub(super) recovery: Option<Recovery<'b>>,
    /// Why it goes no further, once there is a reason.
    pub(super) stopped: Option<Stopped>,
    /// Iterations done and looks when somebody was called back last.
    shown: (usize, usize),
}

/// Keeps a checkpoint after every so many looks, and of a training that is cancelled.
struct Keeper<'b> {
    every: Option<usize>,
    keep: Box<dyn FnMut(Checkpoint) -> Result<()> + 'b>,
}

impl<'b> Trainer<'b> {
    /// A training that has not begun.
    pub fn new(executor: Executor<'b>, plan: Plan) -> Self {
        let (costs, cancel) = (Vec::new(), CancelToken::new());
        let (watch, plateau, keeper, recovery, feed) = (None, None, None, None, None);
        let (done, stopped, shown) = (0, None, (0, 0));
        Self { executor, plan, done, costs, watch, plateau, keeper, cancel, recovery, feed, stopped, shown }
    }

    /// The same with an executor made for windows of samples, which this hands over.
    pub fn fed(self, feed: Feed) -> Self {
        Self { feed: Some(feed), ..self }
    }

    /// The same under watch from now on.
    pub fn watched(self, plan: WatchPlan<'b>) -> Self {
        Self { watch: Some(Watch::new(plan)), ..self }
    }

    /// The same with a learning rate that falls when the looks of the watch say so; the executor's problem has the same rates.
    pub fn falling(self, plateau: impl Into<Option<Plateau>>) -> Self {
        Self { plateau: plateau.into(), ..self }
    }

    /// Calls `keep` with a checkpoint after every `every` looks of a training under watch, if that is given, and when it is
    /// cancelled; its error ends the training.
    pub fn kept(
        self,
        every: impl Into<Option<usize>>,
        keep: impl FnMut(Checkpoint) -> Result<()> + 'b,
    ) -> Self {
        Self { keeper: Some(Keeper { every: every.into(), keep: Box::new(keep) }), ..self }
    }

    /// Stops before the next submission once the token is cancelled.
    pub fn cancelled_by(self, cancel: CancelToken) -> Self {
        Self { cancel, ..self }
    }

    /// Goes on from a checkpoint, with an executor whose problem was given its parameters, state and iterations.
    pub fn taken_up(mut self, checkpoint: Checkpoint) -> Self {
        let Checkpoint { done, costs, looks, best, .. } = checkpoint;
        (self.done, self.costs) = (done, costs);
        self.rates_after(&looks);
        if let Some(watch) = &mut self.watch {
            watch.take_up(looks, best);
        }
        self.mark_seen();
        self
    }

    /// Sets the learning rate to what those looks make of it.
    pub(super) fn rates_after(&mut self, looks: &[Look]) {
        if let Some(plateau) = &mut self.plateau {
            *plateau = plateau.after(looks);
            self.executor.set_rates(plateau.rates());
        }
    }

    /// Lets the learning rate fall if a look is one too many.
    fn see(&mut self, look: &Look) {
        if let Some(plateau) = &mut self.plateau
            && plateau.see(look)
        {
            self.executor.set_rates(plateau.rates());
        }
    }

    /// The training as it is between two iterations.
    ///
    /// # Errors
    /// Failures of the device.
    pub async fn checkpoint(&mut self) -> Result<Checkpoint> {
        let at = self.done;
        loop {
            match self.try_checkpoint().await {
                Err(error) => self.repeat(error, at).await?,
                kept => return kept,
            }
        }
    }

    async fn try_checkpoint(&mut self) -> Result<Checkpoint> {
        self.fetch().await?;
        let looks = self.watch.as_ref().map_or_else(Vec::new, |watch| watch.looks().to_vec());
        Ok(Checkpoint {
            done: self.done,
            parameters: self.executor.parameters().await?,
            state: self.executor.state().await?,
            costs: self.costs.clone(),
            looks,
            best: self.watch.as_ref().and_then(Watch::best).cloned(),
        })
    }

    /// Keeps a checkpoint if it is time for one, or asked for.
    async fn keep(&mut self, asked_for: bool) -> Result<()> {
        let looks = self.watch.as_ref().map_or(0, |watch| watch.looks().len());
        let every = self.keeper.as_ref().and_then(|keeper| keeper.every);
        if asked_for || every.is_some_and(|every| looks.is_multiple_of(every)) {
            let checkpoint = self.try_checkpoint().await?;
            if let Some(keeper) = &mut self.keeper {
                (keeper.keep)(checkpoint)?;
            }
        }
        Ok(())
    }

    /// The parameters of the last look and its iteration, for a training that has failed since.
    pub fn last_good(&mut self) -> Option<(usize, Parameters)> {
        self.watch.as_mut()?.last_good()
    }

    /// How its executor runs the schedule.
    pub fn lowering(&self) -> &'static str {
        self.executor.lowering()
    }

    /// Iterations done.
    pub fn done(&self) -> usize {
        self.done
    }

    /// The cost of each iteration done.
    pub fn costs(&self) -> &[f64] {
        &self.costs
    }

    /// Whether somebody has cancelled it while there was something left to do.
    fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled() && self.done < self.plan.iterations
    }

    /// Trains until `until` iterations are done (at most the plan's), there is a reason to stop or it is cancelled; looks are
    /// taken on the way as they are due. Calls back after every piece of work.
    ///
    /// # Errors
    /// [`Error::Diverged`] at the first cost that is not finite; failures of the device.
    pub async fn advance(&mut self, until: usize, on_progress: &mut dyn FnMut(&Progress<'_>)) -> Result<()> {
        let until = until.min(self.plan.iterations);
        self.stopped = loop {
            match self.advance_watched(until, on_progress).await {
                Err(error) => self.recover(error).await?,
                Ok(stopped) => break stopped,
            }
        };
        Ok(())
    }

    async fn try_advance(&mut self, until: usize, on_progress: &mut dyn FnMut(&Progress<'_>)) -> Result<()> {
        let until = until.min(self.plan.iterations);
        while self.done < until && !self.cancel.is_cancelled() && !self.executor.has_converged() {
            let look = self.next_report().min(until);
            let ready = match &mut self.feed {
                Some(feed) => feed.prepare(&mut self.executor, self.done, look - self.done)?,
                None => look - self.done,
            };
            self.done += self.executor.run(ready).await?;
            if self.done == look {
                self.fetch().await?;
            }
            self.show(on_progress);
            // Not where a look may be due: what is gone back to lies behind all that was seen before it.
            if self.done < until {
                self.take_snapshot_if_due().await?;
            }
        }
        Ok(())
    }

    /// Calls back, but not for what is done again.
    fn show(&mut self, on_progress: &mut dyn FnMut(&Progress<'_>)) {
        let looks = self.watch.as_ref().map_or(&[][..], Watch::looks);
        let now = (self.done, looks.len());
        if now < self.shown {
            return;
        }
        self.shown = now;
        on_progress(&Progress {
            done: self.done,
            iterations: self.plan.iterations,
            costs: &self.costs,
            looks,
        });
    }

    /// Trains under watch until so many iterations are done, or until there is a reason to stop, which stays one.
    async fn advance_watched(
        &mut self,
        until: usize,
        on_progress: &mut dyn FnMut(&Progress<'_>),
    ) -> Result<Option<Stopped>> {
        if self.stopped.is_some() {
            return Ok(self.stopped);
        }
        while self.done < until && !self.executor.has_converged() {
            let next = self.watch.as_ref().map_or(self.plan.iterations, |watch| watch.next(self.done));
            let first = self.watch.as_ref().map_or(0, |watch| watch.last(self.done));
            self.try_advance(next.min(until), on_progress).await?;
            self.fetch().await?;
            // A look that is due comes first: the training that is taken up again goes on behind it.
            if self.is_cancelled() && self.done < next {
                self.keep(true).await?;
                return Ok(Some(Stopped::Cancelled));
            }
            if self.done < next && !self.executor.has_converged() {
                return Ok(None);
            }
            let stopped = match &mut self.watch {
                Some(watch) => {
                    let (executor, held_out) =
                        (&mut self.executor, self.feed.as_ref().and_then(Feed::held_out));
                    watch.look(executor, held_out, self.done, &self.costs[first..]).await?
                }
                None => None,
            };
            let stopped = stopped.or(self.executor.has_converged().then_some(Stopped::Converged));
            if self.watch.is_none() {
                return Ok(stopped);
            }
            if let Some(look) = self.watch.as_ref().and_then(|watch| watch.looks().last().cloned()) {
                self.see(&look);
            }
            self.show(on_progress);
            self.keep(false).await?;
            self.take_snapshot_if_due().await?;
            if stopped.is_some() {
                return Ok(stopped);
            }
        }
        Ok(self.executor.has_converged().then_some(Stopped::Converged))
    }

    /// Iterations after which the next report's cost is known.
    fn next_report(&self) -> usize {
        self.done.div_ceil(self.plan.report_every).saturating_mul(self.plan.report_every).saturating_add(1)
    }

    pub(super) async fn fetch(&mut self) -> Result<()> {
        let new = self.executor.take_costs().await?;
        let bad = new.iter().position(|cost| !cost.is_finite());
        let first = self.costs.len();
        self.costs.extend(new);
        match bad {
            Some(at) => Err(self.diverged(first + at, self.costs[first + at])),
            None => Ok(()),
        }
    }

    fn diverged(&self, iteration: usize, cost: f64) -> Error {
        Error::Diverged { iteration, cost, learning_rate: self.plan.learning_rate }
    }

    /// The output of the network as it is now; x (n_0, m) -> A_L (n_L, m).
    ///
    /// # Errors
    /// [`Error::Shape`] when x does not fit; failures of the device.
    pub async fn predict(&mut self, x: &[f64], m: usize) -> Result<Vec<f64>> {
        let at = self.done;
        loop {
            match self.executor.predict(x, m).await {
                Err(error) => self.repeat(error, at).await?,
                output => return output,
            }
        }
    }

    /// Trains to the end, and fetches what it ended with.
    async fn try_finish(
        &mut self,
        on_progress: &mut dyn FnMut(&Progress<'_>),
    ) -> Result<(Option<Stopped>, Parameters)> {
        let stopped = self.advance_watched(self.plan.iterations, on_progress).await?;
        if self.recovery.is_some() {
            self.take_snapshot().await?;
        }
        Ok((stopped, self.executor.parameters().await?))
    }

    /// The output for m samples that are not in memory, or their score; see [`streamed`](super::streamed).
    pub(super) fn executor(&mut self) -> &mut Executor<'b> {
        &mut self.executor
    }

    /// Trains to the plan's end and hands over the result; predictions are still to be had from the trainer.
    ///
    /// # Errors
    /// As [`Trainer::advance`].
    pub async fn finish(&mut self, on_progress: &mut dyn FnMut(&Progress<'_>)) -> Result<Trained> {
        let (stopped, mut parameters) = loop {
            match self.try_finish(on_progress).await {
                Err(error) => self.recover(error).await?,
                Ok(found) => break found,
            }
        };
        let mut iteration = self.done;
        if let Some((best, kept)) = self.watch.as_mut().and_then(Watch::take_back) {
            self.executor.set_parameters(&kept)?;
            (iteration, parameters) = (best, kept);
        }
        if let Some(recovery) = &mut self.recovery {
            recovery.snapshot().parameters = parameters.clone();
        }
        let cost_after_last = loop {
            let cost = match (&mut self.feed, self.costs.last()) {
                // Nobody waits for a pass over the file.
                (Some(_), Some(last)) if stopped == Some(Stopped::Cancelled) => Ok(*last),
                (Some(feed), _) => feed.cost(&mut self.executor).await,
                (None, _) => self.executor.cost().await,
            };
            match cost {
                Err(error) => self.recover(error).await?,
                Ok(cost) => break cost,
            }
        };
        if !cost_after_last.is_finite() {
            return Err(self.diverged(self.done, cost_after_last));
        }
        let looks = self.watch.as_ref().map_or_else(Vec::new, |watch| watch.looks().to_vec());
        let costs = std::mem::take(&mut self.costs);
        Ok(Trained { parameters, costs, cost_after_last, iteration, looks, stopped })
    }
}
