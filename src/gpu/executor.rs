//! Trains on a device: many iterations a submission, costs and parameters stay there until somebody asks.

use web_time::Instant;

use super::arrays::{ArrayId, HISTORY_CAPACITY, Shared, array, download, upload};
use super::batched::Batched;
use super::device::Device;
use super::pace::Pace;
use super::poll::submitted_work_done;
use super::predictor::{Kept, predict_in_blocks};
use super::revival::Held;
use super::room::in_blocks_that_fit;
use super::windows::Evaluation;
use crate::error::Result;
use crate::network::{Network, Parameters};
use crate::schedule::{self, Batches, EVALUATION_BLOCK, Problem, RateSchedule, Variant};

/// A network in training on a device, in single precision.
pub struct Executor<'d> {
    device: Held<'d>,
    network: Network,
    batches: Batches,
    /// Samples that the device has room for.
    held: usize,
    variant: Variant,
    shared: Shared,
    step: Batched,
    /// Forward and cost, made when first needed, on so many samples at a time.
    evaluation: Option<Batched>,
    /// Forward, cost and backward, likewise.
    objective: Option<Batched>,
    most_at_once: usize,
    /// The same for samples that are handed over.
    block_evaluation: Option<Evaluation>,
    pace: Pace,
    /// Iterations done, and those of them whose costs the host has fetched.
    done: usize,
    fetched: usize,
    costs: Vec<f64>,
    predictor: Option<Kept<'d>>,
}

impl<'d> Executor<'d> {
    /// Uploads the data and the first parameters, rounded to f32.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] or [`crate::Error::InvalidArgument`] when the parts of the problem do not fit each other;
    /// [`crate::Error::DeviceLimit`] when a matrix is too large for the device; [`crate::Error::Data`] for a value
    /// beyond f32.
    pub fn new(device: &'d Device, problem: &Problem<'_>) -> Result<Self> {
        Self::of_batches(device, problem, problem.batches(), None)
    }

    /// For `samples` samples of which the device holds a window at a time: as many as the problem has at most, two batches or
    /// more. What they are, [`set_samples`](Self::set_samples) says before each of its iterations.
    ///
    /// # Errors
    /// As [`Executor::new`].
    pub fn over_windows(device: &'d Device, problem: &Problem<'_>, samples: usize) -> Result<Self> {
        let batches = Batches::in_order(samples, problem.batch_size);
        Self::of_batches(device, problem, batches, Some(problem.batches()))
    }

    fn of_batches(
        device: &'d Device,
        problem: &Problem<'_>,
        batches: Batches,
        window: Option<Batches>,
    ) -> Result<Self> {
        problem.check()?;
        let Problem { network, parameters, x, .. } = *problem;
        let living = device.living();
        let device = &*living;
        device.check("building the training step")?;
        let uploaded = |what: &str, values: &[f64]| -> Result<wgpu::Buffer> {
            device.check_array(what, values.len())?;
            let buffer = array(device, what, values.len());
            upload(device, &buffer, what, values)?;
            Ok(buffer)
        };
        let shared = Shared {
            parameters: uploaded("parameters", parameters.values())?,
            samples: Some((uploaded("features", x)?, uploaded("targets", &problem.targets())?)),
        };
        let schedule = |m| problem.schedule(m);
        let step = Batched::over_windows(device, shared.clone(), batches, window, schedule)?;
        step.start_at(device, problem.done);
        step.set_state(device, problem.state)?;
        device.check("building the training step")?;
        let pace = Pace::new(step.dispatches());
        let network = network.clone();
        let most_at_once = batches.size.max(EVALUATION_BLOCK).min(batches.m);
        Ok(Self {
            device: living,
            network,
            batches,
            held: problem.m,
            variant: problem.variant(),
            shared,
            step,
            evaluation: None,
            objective: None,
            most_at_once,
            block_evaluation: None,
            pace,
            done: problem.done,
            fetched: problem.done,
            costs: Vec::new(),
            predictor: None,
        })
    }

    /// Dispatches of one training step.
    pub fn dispatches_per_iteration(&self) -> usize {
        self.step.dispatches()
    }

    /// Runs at most `iterations` training steps in one submission within [`super::TIME_BUDGET`], and says how many: the
    /// caller comes back for the rest, and can report or stop in between.
    ///
    /// # Errors
    /// [`crate::Error::DeviceLost`] or [`crate::Error::Gpu`] when the device fails.
    pub async fn run(&mut self, iterations: usize) -> Result<usize> {
        if self.done - self.fetched == HISTORY_CAPACITY {
            self.fetch_costs().await?;
        }
        let room = HISTORY_CAPACITY - (self.done - self.fetched);
        let iterations = iterations.min(self.pace.iterations()).min(room);
        if iterations == 0 {
            return Ok(0);
        }
        let start = Instant::now();
        self.step.set_step_sizes(&self.device, self.done, self.done - self.fetched, iterations);
        self.step.submit(&self.device, self.done, iterations, self.pace.dispatches());
        let waited = submitted_work_done(&self.device.device, &self.device.queue).await;
        self.device.check("training")?;
        waited?;
        self.pace.learn(iterations, start.elapsed());
        self.done += iterations;
        Ok(iterations)
    }

    /// Runs one iteration with a clock around each dispatch: the kernels' names and seconds in order, or `None` where the
    /// adapter has no clock.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub async fn profile(&mut self) -> Result<Option<Vec<(&'static str, f64)>>> {
        self.fetch_costs().await?;
        self.step.set_step_sizes(&self.device, self.done, 0, 1);
        let profile = self.step.profile(&self.device, self.done).await?;
        self.done += usize::from(profile.is_some());
        Ok(profile)
    }

    /// The costs of all iterations since the last call, each of the parameters before its update.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub async fn take_costs(&mut self) -> Result<Vec<f64>> {
        self.fetch_costs().await?;
        Ok(std::mem::take(&mut self.costs))
    }

    async fn fetch_costs(&mut self) -> Result<()> {
        if self.done > self.fetched {
            self.costs.extend(self.step.take_costs(&self.device, self.done - self.fetched).await?);
            self.fetched = self.done;
        }
        Ok(())
    }

    /// The current parameters.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub async fn parameters(&self) -> Result<Parameters> {
        self.arena(&self.shared.parameters).await
    }

    /// Replaces the parameters.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] for parameters of another network; [`crate::Error::Data`] for a value beyond f32.
    pub fn set_parameters(&mut self, parameters: &Parameters) -> Result<()> {
        parameters.check_for(&self.network)?;
        upload(&self.device, &self.shared.parameters, "parameters", parameters.values())
    }

    /// Replaces what becomes of the learning rate from the next iteration on; for a training whose rate is not constant, as
    /// one that is compiled into kernels cannot change.
    pub fn set_rates(&mut self, rates: RateSchedule) {
        self.step.set_rates(rates);
    }

    /// What the optimiser remembers, (states, parameters).
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub async fn state(&self) -> Result<Vec<f64>> {
        self.step.state(&self.device).await
    }

    /// The gradients that the last iteration left behind, in the layout of the parameters.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub async fn gradients(&self) -> Result<Parameters> {
        self.arena(self.step.arrays.get(ArrayId::Gradients)).await
    }

    async fn arena(&self, buffer: &wgpu::Buffer) -> Result<Parameters> {
        let words: Vec<f32> = download(&self.device, buffer, self.step.schedule().n_parameters).await?;
        Parameters::from_values(&self.network, words.into_iter().map(f64::from).collect())
    }

    /// The cost of `parameters` over all samples, without dropout, and its derivative by each of them, in their layout; for a
    /// training on all samples at once.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] for parameters of another network; [`crate::Error::Data`] for a value beyond f32; else as
    /// [`Executor::run`].
    pub async fn cost_and_gradient(&mut self, parameters: &Parameters) -> Result<(f64, Vec<f64>)> {
        self.set_parameters(parameters)?;
        let objective = match self.objective.take() {
            Some(objective) => objective,
            None => {
                let variant = Variant { dropout: None, ..self.variant };
                let schedule = |m| schedule::gradients_with(&self.network, m, variant);
                let batches = Batches::in_order(self.batches.m, self.batches.m);
                Batched::new(&self.device, self.shared.clone(), batches, schedule)?
            }
        };
        let objective = self.objective.insert(objective);
        let cost = objective.mean_cost(&self.device).await?;
        let gradients = objective.arrays.get(ArrayId::Gradients);
        let words: Vec<f32> = download(&self.device, gradients, objective.schedule().n_parameters).await?;
        Ok((cost, words.into_iter().map(f64::from).collect()))
    }

    /// The cost of the current parameters over all samples; in smaller blocks of them where the device has no room for large
    /// ones.
    ///
    /// # Errors
    /// As [`Executor::run`]; [`crate::Error::OutOfMemory`] when there is no room for a small block either.
    pub async fn cost(&mut self) -> Result<f64> {
        let Self { device, network, batches, variant, shared, evaluation, .. } = self;
        let m = batches.m;
        // The history has to hold a cost of each.
        let least = m.div_ceil(HISTORY_CAPACITY);
        let mut block = self.most_at_once.max(least);
        let cost = in_blocks_that_fit(&mut block, least, async |size| {
            let made = match evaluation.take() {
                Some(made) => made,
                None => {
                    let schedule = |m| schedule::evaluation_with(network, m, *variant);
                    Batched::new(device, shared.clone(), Batches::in_order(m, size), schedule)?
                }
            };
            device.check("computing the cost")?;
            let cost = made.mean_cost(device).await?;
            *evaluation = Some(made);
            Ok(cost)
        });
        let cost = cost.await;
        self.most_at_once = block;
        cost
    }

    /// Samples that an evaluation takes at a time.
    pub fn evaluation_block(&self) -> usize {
        let Batches { m, size, .. } = self.batches;
        size.max(EVALUATION_BLOCK).max(m.div_ceil(HISTORY_CAPACITY)).min(m)
    }

    /// The network's output for other samples; x (n_0, m) -> A_L (n_L, m).
    ///
    /// # Errors
    /// [`crate::Error::Shape`] when x is not (n_0, m), else as [`Executor::cost`].
    pub async fn predict(&mut self, x: &[f64], m: usize) -> Result<Vec<f64>> {
        let Self { device, network, shared, predictor, .. } = self;
        predict_in_blocks(predictor, device, network, &shared.parameters, x, m).await
    }
}

/// What the windows of `windows` see.
impl Executor<'_> {
    pub(super) fn device(&self) -> &Device {
        &self.device
    }

    pub(super) fn samples(&self) -> &(wgpu::Buffer, wgpu::Buffer) {
        self.shared.samples.as_ref().expect("a training has samples")
    }

    /// Samples that there is room for.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    pub(super) fn step(&self) -> &Batched {
        &self.step
    }

    pub(super) fn done(&self) -> usize {
        self.done
    }

    /// What an evaluation needs to know: network, weights and labels of samples, the parameters.
    pub(super) fn evaluated(&self) -> (&Network, Variant, wgpu::Buffer) {
        (&self.network, self.variant, self.shared.parameters.clone())
    }

    /// The evaluation of the last block, if that had so many samples.
    pub(super) fn kept_evaluation(&mut self, m: usize) -> Option<Evaluation> {
        self.block_evaluation.take().filter(|kept| kept.m == m)
    }

    pub(super) fn keep_evaluation(&mut self, evaluation: Evaluation) {
        self.block_evaluation = Some(evaluation);
    }
}
