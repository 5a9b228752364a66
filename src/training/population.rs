//! Many networks trained on one data set, side by side where the backend can; each comes back, also those that diverge.

use std::cell::RefCell;

use super::backend::Backend;
use super::cancel::CancelToken;
use super::executor::Executor;
use super::planner::fastest_lowering;
use super::recovery::Recovered;
#[cfg(feature = "gpu")]
use super::together::Together;
use super::trainer::{Plan, Progress, Trained, Trainer};
use super::watch::Stopped;
use crate::error::{Error, Result};
#[cfg(feature = "gpu")]
use crate::gpu;
#[cfg(any(feature = "cpu", feature = "gpu"))]
use crate::network::Parameters;
use crate::schedule::{Lowering, Problem};

/// Networks to be trained on the same samples: layers, first parameters and learning rate are each one's own.
#[derive(Clone, Debug)]
pub struct Population<'p> {
    problems: Vec<Problem<'p>>,
    cancel: CancelToken,
}

/// What happens while a population is trained; iterations are those of all its networks together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PopulationEvent {
    /// So many iterations are done.
    Done(usize),
    /// Some of them were lost with the device, or had no room on it, and are done again.
    Recovered(Recovered),
}

/// Who is told.
pub(super) type OnEvent<'a> = &'a mut dyn FnMut(PopulationEvent);

impl PopulationEvent {
    /// The same in a population that had done `before` iterations.
    pub(super) fn after(self, before: usize) -> Self {
        match self {
            Self::Done(done) => Self::Done(before + done),
            Self::Recovered(Recovered { cause, at, from }) => {
                Self::Recovered(Recovered { cause, at: before + at, from: before + from })
            }
        }
    }
}

/// A population's networks, in their order: trained, or the reason why not ([`Error::Diverged`]).
pub type Outcomes = Vec<Result<Trained>>;

impl<'p> Population<'p> {
    /// The networks of these problems.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for none; [`Error::Shape`] for one whose parts do not fit each other.
    pub fn new(problems: Vec<Problem<'p>>) -> Result<Self> {
        if problems.is_empty() {
            return Err(Error::invalid("population", 0, "at least one network is needed"));
        }
        problems.iter().try_for_each(Problem::check)?;
        Ok(Self { problems, cancel: CancelToken::new() })
    }

    /// Stops between submissions once the token is cancelled.
    pub fn cancelled_by(self, cancel: CancelToken) -> Self {
        Self { cancel, ..self }
    }

    /// Ends the training, `done` of whose iterations are done in this group, once it is cancelled.
    fn go_on(&self, done: usize, iterations: usize) -> Result<()> {
        if !self.cancel.is_cancelled() {
            return Ok(());
        }
        let next = "nothing was kept; start it again".to_owned();
        Err(Error::Cancelled { what: "iterations", done, all: iterations * self.problems.len(), next })
    }

    /// Trains every network for `iterations` and calls back with what happens.
    ///
    /// On a device those of one shape run at once, one workgroup each, if the resident lowering is that shape's fastest; all
    /// at once if it is asked for; on the CPU side by side on its cores; elsewhere one after the other.
    ///
    /// # Errors
    /// [`Error::Cancelled`] once its token is; failures of the device. A network that diverges is no error: it has its place
    /// in the outcomes.
    pub async fn train(
        &self,
        backend: &Backend,
        lowering: Option<Lowering>,
        iterations: usize,
        on_event: OnEvent<'_>,
    ) -> Result<Outcomes> {
        #[cfg(feature = "gpu")]
        if let Backend::Gpu(device) = backend {
            if lowering.is_none() {
                return self.train_in_groups(backend, device, iterations, on_event).await;
            }
            if lowering == Some(Lowering::Resident) {
                return self.together(device, iterations, on_event).await;
            }
        }
        #[cfg(feature = "cpu")]
        if let Backend::Cpu = backend {
            return self.on_all_cores(iterations, on_event);
        }
        self.one_by_one(backend, lowering, iterations, on_event).await
    }

    /// Networks of one shape share a dispatch, which is faster for each than one with others; and only those whose shape
    /// trains fastest that way.
    #[cfg(feature = "gpu")]
    async fn train_in_groups(
        &self,
        backend: &Backend,
        device: &gpu::Device,
        iterations: usize,
        on_event: OnEvent<'_>,
    ) -> Result<Outcomes> {
        let mut outcomes: Vec<Option<Result<Trained>>> = self.problems.iter().map(|_| None).collect();
        let mut before = 0;
        while let Some(first) = outcomes.iter().position(Option::is_none) {
            let network = self.problems[first].network;
            let members: Vec<usize> =
                (first..self.problems.len()).filter(|&i| self.problems[i].network == network).collect();
            let problems = members.iter().map(|&i| self.problems[i]).collect();
            let group = Self { problems, cancel: self.cancel.clone() };
            let choice = fastest_lowering(backend, &group.problems[0], iterations).await?;
            let mut on_own = |event: PopulationEvent| on_event(event.after(before));
            let found = if choice.lowering == Lowering::Resident {
                group.together(device, iterations, &mut on_own).await?
            } else {
                group.one_by_one(backend, Some(choice.lowering), iterations, &mut on_own).await?
            };
            for (i, outcome) in members.iter().zip(found) {
                outcomes[*i] = Some(outcome);
            }
            before += members.len() * iterations;
        }
        Ok(outcomes.into_iter().flatten().collect())
    }

    /// All of them in one dispatch at a time, through losses of the device; fewer where it has no room for all.
    #[cfg(feature = "gpu")]
    async fn together(
        &self,
        device: &gpu::Device,
        iterations: usize,
        on_event: OnEvent<'_>,
    ) -> Result<Outcomes> {
        let mut most = 0;
        let mut shown = |event: PopulationEvent| {
            match event {
                // What is done again was seen before.
                PopulationEvent::Done(done) => {
                    most = most.max(done);
                    on_event(PopulationEvent::Done(most));
                }
                recovered => on_event(recovered),
            }
            self.go_on(most, iterations)
        };
        let found = Together { device, problems: &self.problems, iterations }.train(&mut shown).await?;
        let outcomes = self.problems.iter().zip(found);
        Ok(outcomes.map(|(problem, (costs, after, last))| outcome(problem, costs, after, last)).collect())
    }

    /// Networks side by side on the cores of the host, a few of them for each at a time; each is the same bits as alone.
    #[cfg(feature = "cpu")]
    fn on_all_cores(&self, iterations: usize, on_event: OnEvent<'_>) -> Result<Outcomes> {
        use rayon::prelude::*;
        let mut outcomes = Vec::with_capacity(self.problems.len());
        for problems in self.problems.chunks(4 * rayon::current_num_threads()) {
            let on_one_core = |problem| on_one_core(problem, iterations, &self.cancel);
            let trained = problems.par_iter().with_max_len(1).map(on_one_core);
            for outcome in trained.collect::<Vec<_>>() {
                match outcome {
                    Err(error) if !matches!(error, Error::Diverged { .. }) => return Err(error),
                    outcome => outcomes.push(outcome),
                }
            }
            let done = |outcome: &Result<Trained>| outcome.as_ref().map_or(iterations, |it| it.costs.len());
            self.go_on(outcomes.iter().map(done).sum(), iterations)?;
            on_event(PopulationEvent::Done(outcomes.len() * iterations));
        }
        Ok(outcomes)
    }

    async fn one_by_one(
        &self,
        backend: &Backend,
        lowering: Option<Lowering>,
        iterations: usize,
        on_event: OnEvent<'_>,
    ) -> Result<Outcomes> {
        let mut outcomes = Vec::with_capacity(self.problems.len());
        // Progress and recovery are told by two closures of one trainer.
        let events = RefCell::new(on_event);
        for (i, problem) in self.problems.iter().enumerate() {
            let before = i * iterations;
            let tell = |event: PopulationEvent| (events.borrow_mut())(event.after(before));
            let executor = open(backend, problem, lowering, iterations).await?;
            let plan =
                Plan { iterations, report_every: iterations, learning_rate: problem.descent.learning_rate };
            let mut trainer = Trainer::new(executor, plan).cancelled_by(self.cancel.clone()).surviving(
                backend,
                *problem,
                |it| tell(PopulationEvent::Recovered(it.clone())),
            );
            let mut report = |progress: &Progress<'_>| tell(PopulationEvent::Done(progress.done));
            match trainer.finish(&mut report).await {
                Err(error) if !matches!(error, Error::Diverged { .. }) => return Err(error),
                Ok(trained) if trained.stopped == Some(Stopped::Cancelled) => {
                    self.go_on(before + trained.iteration, iterations)?;
                }
                outcome => outcomes.push(outcome),
            }
            tell(PopulationEvent::Done(iterations));
        }
        Ok(outcomes)
    }
}

/// A training that is finished, or the first of its costs that is no number.
#[cfg(any(feature = "cpu", feature = "gpu"))]
fn outcome(
    problem: &Problem<'_>,
    costs: Vec<f64>,
    cost_after_last: f64,
    parameters: Parameters,
) -> Result<Trained> {
    let all = costs.iter().copied().chain([cost_after_last]);
    let bad = all.enumerate().find(|(_, cost)| !cost.is_finite());
    match bad {
        Some((iteration, cost)) => {
            Err(Error::Diverged { iteration, cost, learning_rate: problem.descent.learning_rate })
        }
        None => {
            let iteration = costs.len();
            Ok(Trained { parameters, costs, cost_after_last, iteration, looks: Vec::new(), stopped: None })
        }
    }
}

#[cfg(feature = "cpu")]
fn on_one_core(problem: &Problem<'_>, iterations: usize, cancel: &CancelToken) -> Result<Trained> {
    let mut executor = crate::cpu::Executor::new(problem)?;
    let mut costs: Vec<f64> = Vec::with_capacity(iterations);
    while costs.len() < iterations
        && !cancel.is_cancelled()
        && costs.last().is_none_or(|cost| cost.is_finite())
    {
        executor.run(iterations - costs.len());
        costs.extend(executor.take_costs());
    }
    outcome(problem, costs, executor.cost(), executor.parameters())
}

async fn open<'b>(
    backend: &'b Backend,
    problem: &Problem<'_>,
    lowering: Option<Lowering>,
    iterations: usize,
) -> Result<Executor<'b>> {
    let lowering = match lowering {
        Some(lowering) => lowering,
        None if backend.adapter().is_none() => Lowering::Layerwise,
        None => fastest_lowering(backend, problem, iterations).await?.lowering,
    };
    backend.executor(problem, lowering)
}
