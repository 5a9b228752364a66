//! Trains on a device: many iterations a submission, costs and parameters stay there until somebody asks.

use std::time::Duration;
use web_time::Instant;

use super::arrays::{Arrays, HISTORY_CAPACITY, array, download, upload};
use super::device::Device;
use super::lowering::layerwise;
use super::poll::submitted_work_done;
use super::predictor::Predictor;
use super::program::Program;
use crate::error::{Error, Result};
use crate::network::{Network, Parameters};
use crate::schedule::{self, Problem, Schedule, Storage};

/// How long one submission may keep the device: Windows resets a GPU after two seconds, and a screen wants its frames.
pub const TIME_BUDGET: Duration = Duration::from_millis(50);

/// The most dispatches of a submission: bounds the memory of its commands.
const MAX_DISPATCHES: usize = 50_000;

/// A network in training on a device, in single precision.
pub struct Executor<'d> {
    device: &'d Device,
    network: Network,
    m: usize,
    schedule: Schedule,
    arrays: Arrays,
    step: Program,
    pace: Pace,
    /// Costs on the device that the host has not fetched.
    pending: usize,
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
        problem.check()?;
        let Problem { network, parameters, x, y, m, batch_size, learning_rate } = *problem;
        if batch_size != m {
            return Err(Error::invalid(
                "batch size",
                batch_size,
                format!("a device trains on all {m} samples at once"),
            ));
        }
        let schedule = schedule::training_step(network, m, learning_rate);
        let lowered = layerwise(&schedule, device.geometry())?;
        let arena = array(device, "parameters", schedule.n_parameters);
        let arrays = Arrays::new(device, &schedule, arena, lowered.scratch)?;
        upload(device, &arrays.parameters, "parameters", parameters.values())?;
        for (storage, what, values) in [(Storage::Input, "features", x), (Storage::Target, "targets", y)] {
            let buffer = arrays.of(&schedule, storage).expect("a training step has input and target");
            upload(device, buffer, what, values)?;
        }
        let step = Program::new(device, &lowered.dispatches, &arrays);
        device.check("building the training step")?;
        let pace = Pace::new(step.len());
        let network = network.clone();
        let costs = Vec::new();
        Ok(Self { device, network, m, schedule, arrays, step, pace, pending: 0, costs, predictor: None })
    }

    /// Dispatches of one training step.
    pub fn dispatches_per_iteration(&self) -> usize {
        self.step.len()
    }

    /// Runs at most `iterations` training steps in one submission within [`TIME_BUDGET`], and says how many: the
    /// caller comes back for the rest, and can report or stop in between.
    ///
    /// # Errors
    /// [`crate::Error::DeviceLost`] or [`crate::Error::Gpu`] when the device fails.
    pub async fn run(&mut self, iterations: usize) -> Result<usize> {
        if self.pending == HISTORY_CAPACITY {
            self.fetch_costs().await?;
        }
        let room = HISTORY_CAPACITY - self.pending;
        let iterations = iterations.min(self.pace.iterations).min(room);
        if iterations == 0 {
            return Ok(0);
        }
        let start = Instant::now();
        self.step.submit(self.device, iterations);
        submitted_work_done(&self.device.device, &self.device.queue).await?;
        self.device.check("training")?;
        self.pace.learn(iterations, start.elapsed());
        self.pending += iterations;
        Ok(iterations)
    }

    /// Runs one iteration with a clock around each dispatch: the kernels' names and seconds in order, or `None` where the
    /// adapter has no clock.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub async fn profile(&mut self) -> Result<Option<Vec<(&'static str, f64)>>> {
        self.fetch_costs().await?;
        let profile = self.step.profile(self.device).await?;
        self.pending += usize::from(profile.is_some());
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
        if self.pending > 0 {
            let words: Vec<f32> = download(self.device, &self.arrays.history, 1 + self.pending).await?;
            self.costs.extend(words[1..].iter().map(|&cost| f64::from(cost)));
            self.reset_history();
        }
        Ok(())
    }

    fn reset_history(&mut self) {
        self.device.queue.write_buffer(&self.arrays.history, 0, bytemuck::bytes_of(&0u32));
        self.pending = 0;
    }

    /// The current parameters.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub async fn parameters(&self) -> Result<Parameters> {
        let words: Vec<f32> =
            download(self.device, &self.arrays.parameters, self.schedule.n_parameters).await?;
        Parameters::from_values(&self.network, words.into_iter().map(f64::from).collect())
    }

    /// The gradients that the last iteration left behind, in the layout of the parameters.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub async fn gradients(&self) -> Result<Parameters> {
        let buffer = self.arrays.get(super::arrays::ArrayId::Gradients);
        let words: Vec<f32> = download(self.device, buffer, self.schedule.n_parameters).await?;
        Parameters::from_values(&self.network, words.into_iter().map(f64::from).collect())
    }

    /// The cost of the current parameters.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub async fn cost(&mut self) -> Result<f64> {
        self.fetch_costs().await?;
        let schedule = schedule::evaluation(&self.network, self.m);
        // The evaluation is the beginning of the training step, with the same matrices under the same names.
        let lowered = layerwise(&schedule, self.device.geometry())?;
        Program::new(self.device, &lowered.dispatches, &self.arrays).submit(self.device, 1);
        let words: Vec<f32> = download(self.device, &self.arrays.history, 2).await?;
        self.reset_history();
        Ok(f64::from(words[1]))
    }

    /// The network's output for other samples; x (n_0, m) -> A_L (n_L, m).
    ///
    /// # Errors
    /// [`crate::Error::Shape`] when x is not (n_0, m), else as [`Executor::run`].
    pub async fn predict(&mut self, x: &[f64], m: usize) -> Result<Vec<f64>> {
        let predictor = match self.predictor.take() {
            Some(predictor) if predictor.fits(m) => predictor,
            _ => Predictor::sharing(self.device, &self.network, self.arrays.parameters.clone(), m)?,
        };
        self.predictor.insert(predictor).predict(x, m).await
    }
}
