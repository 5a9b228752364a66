//! Trains on a device: many iterations a submission, costs and parameters stay there until somebody asks.

use std::time::Duration;
use web_time::Instant;

use super::arrays::{ArrayId, HISTORY_CAPACITY, Shared, array, download, upload};
use super::batched::Batched;
use super::device::Device;
use super::poll::submitted_work_done;
use super::predictor::Predictor;
use super::windows::Evaluation;
use crate::error::Result;
use crate::network::{Network, Parameters};
use crate::schedule::{self, Batches, Problem};

/// How long one submission may keep the device: Windows resets a GPU after two seconds, and a screen wants its frames.
pub const TIME_BUDGET: Duration = Duration::from_millis(50);

/// The most dispatches of a submission: bounds the memory of its commands.
const MAX_DISPATCHES: usize = 50_000;

/// Samples an evaluation takes at a time, unless the batches are larger: its matrices stay small.
const EVALUATION_BLOCK: usize = 1 << 13;

/// A network in training on a device, in single precision.
pub struct Executor<'d> {
    device: &'d Device,
    network: Network,
    batches: Batches,
    /// Samples that the device has room for.
    held: usize,
    weighted: bool,
    shared: Shared,
    step: Batched,
    /// Forward and cost, made when first needed.
    evaluation: Option<Batched>,
    /// The same for samples that are handed over.
    block_evaluation: Option<Evaluation>,
    pace: Pace,
    /// Iterations done, and those of them whose costs the host has fetched.
    done: usize,
    fetched: usize,
    costs: Vec<f64>,
    predictor: Option<Predictor<'d>>,
}

/// How many iterations fit the time budget, learnt from one submission to the next.
pub(super) struct Pace {
    iterations: usize,
    most: usize,
}

impl Pace {
    /// The first submissions are short: they also compile.
    const FIRST: usize = 4;

    /// So much longer or shorter may the next submission be at most.
    const STEP: f64 = 4.0;

    pub(super) fn new(dispatches: usize) -> Self {
        let most = (MAX_DISPATCHES / dispatches.max(1)).clamp(1, HISTORY_CAPACITY);
        Self { iterations: Self::FIRST.min(most), most }
    }

    /// Iterations of the next submission.
    pub(super) fn iterations(&self) -> usize {
        self.iterations
    }

    pub(super) fn learn(&mut self, done: usize, elapsed: Duration) {
        let factor = TIME_BUDGET.as_secs_f64() / elapsed.as_secs_f64().max(1e-6);
        let next = done as f64 * factor.clamp(1.0 / Self::STEP, Self::STEP);
        self.iterations = (next as usize).clamp(1, self.most);
    }
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
        Ok(Self {
            device,
            network,
            batches,
            held: problem.m,
            weighted: problem.weights.is_some(),
            shared,
            step,
            evaluation: None,
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

    /// Runs at most `iterations` training steps in one submission within [`TIME_BUDGET`], and says how many: the
    /// caller comes back for the rest, and can report or stop in between.
    ///
    /// # Errors
    /// [`crate::Error::DeviceLost`] or [`crate::Error::Gpu`] when the device fails.
    pub async fn run(&mut self, iterations: usize) -> Result<usize> {
        if self.done - self.fetched == HISTORY_CAPACITY {
            self.fetch_costs().await?;
        }
        let room = HISTORY_CAPACITY - (self.done - self.fetched);
        let iterations = iterations.min(self.pace.iterations).min(room);
        if iterations == 0 {
            return Ok(0);
        }
        let start = Instant::now();
        self.step.set_step_sizes(self.device, self.done, self.done - self.fetched, iterations);
        self.step.submit(self.device, self.done, iterations);
        submitted_work_done(&self.device.device, &self.device.queue).await?;
        self.device.check("training")?;
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
        self.step.set_step_sizes(self.device, self.done, 0, 1);
        let profile = self.step.profile(self.device, self.done).await?;
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
            self.costs.extend(self.step.take_costs(self.device, self.done - self.fetched).await?);
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
        upload(self.device, &self.shared.parameters, "parameters", parameters.values())
    }

    /// What the optimiser remembers, (states, parameters).
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub async fn state(&self) -> Result<Vec<f64>> {
        self.step.state(self.device).await
    }

    /// The gradients that the last iteration left behind, in the layout of the parameters.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub async fn gradients(&self) -> Result<Parameters> {
        self.arena(self.step.arrays.get(ArrayId::Gradients)).await
    }

    async fn arena(&self, buffer: &wgpu::Buffer) -> Result<Parameters> {
        let words: Vec<f32> = download(self.device, buffer, self.step.schedule().n_parameters).await?;
        Parameters::from_values(&self.network, words.into_iter().map(f64::from).collect())
    }

    /// The cost of the current parameters over all samples.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub async fn cost(&mut self) -> Result<f64> {
        let evaluation = match self.evaluation.take() {
            Some(evaluation) => evaluation,
            None => {
                let batches = Batches::in_order(self.batches.m, self.evaluation_block());
                let schedule = |m| schedule::evaluation_with(&self.network, m, self.weighted);
                Batched::new(self.device, self.shared.clone(), batches, schedule)?
            }
        };
        self.evaluation.insert(evaluation).mean_cost(self.device).await
    }

    /// Samples that an evaluation takes at a time.
    pub fn evaluation_block(&self) -> usize {
        let Batches { m, size, .. } = self.batches;
        size.max(EVALUATION_BLOCK).max(m.div_ceil(HISTORY_CAPACITY)).min(m)
    }

    /// The network's output for other samples; x (n_0, m) -> A_L (n_L, m).
    ///
    /// # Errors
    /// [`crate::Error::Shape`] when x is not (n_0, m), else as [`Executor::run`].
    pub async fn predict(&mut self, x: &[f64], m: usize) -> Result<Vec<f64>> {
        let predictor = match self.predictor.take() {
            Some(predictor) if predictor.fits(m) => predictor,
            _ => Predictor::sharing(self.device, &self.network, self.shared.parameters.clone(), m)?,
        };
        self.predictor.insert(predictor).predict(x, m).await
    }
}

/// What the windows of `windows` see.
impl<'d> Executor<'d> {
    pub(super) fn device(&self) -> &'d Device {
        self.device
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

    /// What an evaluation needs to know: network, whether samples have weights, the parameters.
    pub(super) fn evaluated(&self) -> (&Network, bool, wgpu::Buffer) {
        (&self.network, self.weighted, self.shared.parameters.clone())
    }

    /// The evaluation of the last block, if that had so many samples.
    pub(super) fn kept_evaluation(&mut self, m: usize) -> Option<Evaluation> {
        self.block_evaluation.take().filter(|kept| kept.m == m)
    }

    pub(super) fn keep_evaluation(&mut self, evaluation: Evaluation) {
        self.block_evaluation = Some(evaluation);
    }
}
