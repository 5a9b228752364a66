//! Networks that train side by side on one device, whole iterations in one or two dispatches: the fused and the resident
//! lowering. What does not fit them is `executor`'s.

use web_time::Instant;

use super::arrays::{array, download, single, write_at};
use super::blocks::Blocks;
use super::device::Device;
use super::lowering::Whole;
use super::pace::Pace;
use super::poll::submitted_work_done;
use super::predictor::predict_on;
use super::program::Program;
use super::revival::Held;
use super::tables::Shape;
use crate::error::{Error, Result};
use crate::network::{Network, Parameters};
use crate::schedule::{Clip, Descent, Lowering, Problem, RateSchedule, training_step};

/// Costs that the device keeps, of all networks together: 16 MiB.
const HISTORY: usize = 1 << 22;

/// Costs that it keeps of one network, at most.
const MAX_HISTORY: usize = 1 << 16;

/// One or more networks in training on the same samples on a device, in single precision.
pub struct Population<'d> {
    device: Held<'d>,
    networks: Vec<Network>,
    buffers: Buffers,
    whole: Whole,
    step: Program,
    params: wgpu::Buffer,
    pace: Pace,
    /// Iterations done, and those whose costs the host has fetched.
    done: usize,
    fetched: usize,
    /// By network.
    costs: Vec<Vec<f64>>,
}

/// What lives on the device for all networks.
pub(super) struct Buffers {
    pub(super) x: wgpu::Buffer,
    pub(super) y: wgpu::Buffer,
    pub(super) tables: wgpu::Buffer,
    /// (networks, parameters of the largest)
    pub(super) parameters: wgpu::Buffer,
    /// (networks): iterations done; of a fused step before and after the last one
    pub(super) steps: wgpu::Buffer,
    /// (networks, history + 1)
    pub(super) costs: wgpu::Buffer,
    /// (networks, 1 + states, parameters of the largest)
    pub(super) state: wgpu::Buffer,
}

impl<'d> Population<'d> {
    /// Uploads the data once and the first parameters of each network, rounded to f32. The problems share their samples and
    /// batches, and their networks' features, outputs and loss; layers, parameters and learning rates are each one's own.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::InvalidArgument`] for problems that do not fit together or a fused step of several;
    /// [`Error::DeviceLimit`] when a network or the data is too large for the lowering; [`Error::Data`] for a value beyond
    /// f32.
    pub fn new(device: &'d Device, problems: &[Problem<'_>], lowering: Lowering) -> Result<Self> {
        let first = check(problems)?;
        let held = device.living();
        let device = &*held;
        device.check("building the training step")?;
        let whole = whole(device, problems, lowering)?;
        let buffers = Buffers::new(device, problems, &whole)?;
        let (step, params) = whole.program(device, &buffers, false);
        device.check("building the training step")?;
        let networks: Vec<Network> = problems.iter().map(|problem| problem.network.clone()).collect();
        let costs = vec![Vec::new(); networks.len()];
        let pace = Pace::new(step.len());
        Ok(Self {
            device: held,
            networks,
            buffers,
            whole,
            step,
            params,
            pace,
            done: first.done,
            fetched: first.done,
            costs,
        })
    }

    /// How it trains.
    pub fn lowering(&self) -> Lowering {
        self.whole.lowering
    }

    /// Its networks.
    pub fn networks(&self) -> &[Network] {
        &self.networks
    }

    /// Runs at most `iterations` training steps of every network in one submission within [`super::TIME_BUDGET`], and says
    /// how many: the caller comes back for the rest, and can report or stop in between.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] or [`Error::Gpu`] when the device fails.
    pub async fn run(&mut self, iterations: usize) -> Result<usize> {
        if self.done - self.fetched == self.whole.history {
            self.fetch_costs().await?;
        }
        let room = self.whole.history - (self.done - self.fetched);
        let wanted = iterations.min(self.pace.iterations()).min(room);
        if wanted == 0 {
            return Ok(0);
        }
        let each = wanted.min(self.whole.iterations_a_dispatch);
        let runs = wanted / each;
        let start = Instant::now();
        let count = runs * each;
        self.whole.set_iterations(&self.device, &self.params, each);
        self.whole.set_step_sizes(&self.device, &self.buffers, self.done..self.done + count);
        self.step.submit(&self.device, runs, self.pace.dispatches());
        let waited = submitted_work_done(&self.device.device, &self.device.queue).await;
        self.device.check("training")?;
        waited?;
        self.pace.learn(count, start.elapsed());
        self.done += count;
        Ok(count)
    }

    /// Runs one iteration with a clock around each dispatch: the kernels' names and seconds in order, or `None` where the
    /// adapter has no clock.
    ///
    /// # Errors
    /// As [`Population::run`].
    pub async fn profile(&mut self) -> Result<Option<Vec<(&'static str, f64)>>> {
        self.fetch_costs().await?;
        self.whole.set_iterations(&self.device, &self.params, 1);
        self.whole.set_step_sizes(&self.device, &self.buffers, self.done..self.done + 1);
        let profile = self.step.profile(&self.device).await?;
        self.done += usize::from(profile.is_some());
        Ok(profile)
    }

    /// The costs of all iterations since the last call, by network; each of the parameters before its update.
    ///
    /// # Errors
    /// As [`Population::run`].
    pub async fn take_costs(&mut self) -> Result<Vec<Vec<f64>>> {
        self.fetch_costs().await?;
        Ok(self.costs.iter_mut().map(std::mem::take).collect())
    }

    async fn fetch_costs(&mut self) -> Result<()> {
        if self.fetched == self.done {
            return Ok(());
        }
        let history = self.whole.history;
        let rows = self.cost_rows().await?;
        for (row, costs) in rows.chunks_exact(history + 1).zip(&mut self.costs) {
            costs.extend((self.fetched..self.done).map(|t| f64::from(row[t % history])));
        }
        self.fetched = self.done;
        Ok(())
    }

    async fn cost_rows(&self) -> Result<Vec<f32>> {
        let count = self.networks.len() * (self.whole.history + 1);
        download(&self.device, &self.buffers.costs, count).await
    }

    /// The current parameters of each network.
    ///
    /// # Errors
    /// As [`Population::run`].
    pub async fn parameters(&self) -> Result<Vec<Parameters>> {
        let each = self.whole.shape.n_parameters as usize;
        let words: Vec<f32> =
            download(&self.device, &self.buffers.parameters, self.networks.len() * each).await?;
        let rows = words.chunks_exact(each).zip(&self.networks);
        rows.map(|(row, network)| {
            let n = Parameters::zeros(network).values().len();
            Parameters::from_values(network, row[..n].iter().map(|&value| f64::from(value)).collect())
        })
        .collect()
    }

    /// Replaces the parameters of one of the networks.
    ///
    /// # Errors
    /// [`Error::Shape`] for parameters of another network; [`Error::Data`] for a value beyond f32.
    pub fn set_parameters(&mut self, network: usize, parameters: &Parameters) -> Result<()> {
        parameters.check_for(&self.networks[network])?;
        let values = single("parameters", parameters.values())?;
        let each = self.whole.shape.n_parameters as usize;
        write_at(&self.device, &self.buffers.parameters, network * each, &values);
        Ok(())
    }

    /// Replaces what becomes of the learning rate from the next iteration on; for a training whose rate is not constant, as
    /// one that is compiled into kernels cannot change.
    pub fn set_rates(&mut self, rates: RateSchedule) {
        self.whole.set_rates(rates);
    }

    /// What the optimiser remembers of each network, (states, its parameters).
    ///
    /// # Errors
    /// As [`Population::run`].
    pub async fn states(&self) -> Result<Vec<Vec<f64>>> {
        let n_states = self.whole.n_states();
        let each = self.whole.shape.n_parameters as usize;
        if n_states == 0 {
            return Ok(vec![Vec::new(); self.networks.len()]);
        }
        let rows = 1 + n_states;
        let words: Vec<f32> =
            download(&self.device, &self.buffers.state, self.networks.len() * rows * each).await?;
        let own = |(all, network): (&[f32], &Network)| {
            let n = Parameters::zeros(network).values().len();
            let states = all.chunks_exact(each).skip(1);
            states.flat_map(|state| state[..n].iter().map(|&value| f64::from(value))).collect()
        };
        Ok(words.chunks_exact(rows * each).zip(&self.networks).map(own).collect())
    }

    /// The cost of the current parameters of each network over all samples.
    ///
    /// # Errors
    /// As [`Population::run`].
    pub async fn cost(&mut self) -> Result<Vec<f64>> {
        let (evaluation, _) = self.whole.program(&self.device, &self.buffers, true);
        evaluation.submit(&self.device, 1, usize::MAX);
        self.device.check("computing the cost")?;
        let history = self.whole.history;
        let rows = self.cost_rows().await?;
        Ok(rows.chunks_exact(history + 1).map(|row| f64::from(row[history])).collect())
    }

    /// The output of one of the networks for other samples; x (n_0, m) -> A_L (n_L, m).
    ///
    /// # Errors
    /// [`Error::Shape`] when x is not (n_0, m), else as [`Population::run`].
    pub async fn predict(&self, member: usize, x: &[f64], m: usize) -> Result<Vec<f64>> {
        let parameters = self.parameters().await?.swap_remove(member);
        predict_on(&self.device, &self.networks[member], &parameters, x, m).await
    }
}

/// The lowered training step of problems that train side by side.
///
/// # Errors
/// [`Error::DeviceLimit`] when a network or the data is too large for it; those of problems that do not fit together.
pub(super) fn whole(device: &Device, problems: &[Problem<'_>], lowering: Lowering) -> Result<Whole> {
    let first = check(problems)?;
    let networks: Vec<&Network> = problems.iter().map(|problem| problem.network).collect();
    let blocks = Blocks { batches: first.batches() };
    let shape = Shape::of(&networks, blocks.batches.shuffled(), first.variant())?;
    let history = (HISTORY / problems.len()).clamp(1, MAX_HISTORY);
    Whole::new(device.summary(), shape, blocks, lowering, problems.len(), history, first.descent)
}

/// Refuses problems that cannot train side by side; the first stands for what they share.
fn check<'a, 'p>(problems: &'a [Problem<'p>]) -> Result<&'a Problem<'p>> {
    let Some(first) = problems.first() else {
        return Err(Error::invalid("population", 0, "at least one network is needed"));
    };
    for (i, problem) in problems.iter().enumerate() {
        problem.check()?;
        if let Some(what) = of_layerwise_alone(problem) {
            return Err(Error::DeviceLimit {
                what: what.into(),
                needed: "a dispatch of its own".into(),
                device: "this lowering".into(),
                limit: "none".into(),
                hint: "use --lowering layerwise".into(),
            });
        }
        let shared = |problem: &Problem<'_>| {
            let network = problem.network;
            let rule = Descent { learning_rate: 0.0, ..problem.descent };
            (
                (network.n_features(), network.n_outputs(), network.loss()),
                problem.batches(),
                (rule, problem.label_smoothing),
                problem.done,
            )
        };
        // Mostly the very same slices: only others are read through.
        let same = |a: &[f64], b: &[f64]| std::ptr::eq(a, b) || a == b;
        let same_weights = match (problem.weights, first.weights) {
            (Some(a), Some(b)) => same(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        let same_data = same(problem.x, first.x) && same(problem.y, first.y) && same_weights;
        if shared(problem) != shared(first) || !same_data {
            return Err(Error::Shape {
                what: format!("network {i} of the population"),
                expected: format!(
                    "the samples, batches, optimiser, features and outputs of {}",
                    first.network
                ),
                found: format!("others, of {}", problem.network),
                hint: "train it by itself".into(),
            });
        }
    }
    Ok(first)
}

/// What a problem asks for that whole iterations in a dispatch do not have.
fn of_layerwise_alone(problem: &Problem<'_>) -> Option<&'static str> {
    let clips = matches!(problem.descent.clip, Some(Clip::Norm(_)));
    let keeps = problem.network.hidden().iter().any(|layer| layer.activation.needs_z());
    [
        (problem.dropout.is_some(), "dropout"),
        (clips, "clipping the norm of the gradients"),
        (keeps, "the Z that gelu and silu keep"),
    ]
    .into_iter()
    .find_map(|(asked, what)| asked.then_some(what))
}

/// What penalties apply to in each network, and room for what the descent remembers, with `each` parameters a row; nothing for
/// a plain descent.
fn state(device: &Device, problems: &[Problem<'_>], each: usize) -> Result<wgpu::Buffer> {
    let descent = problems[0].descent;
    let rows = if descent.is_plain() { 0 } else { 1 + descent.optimizer.n_states() };
    device.check_array("the state of the optimiser", problems.len() * rows * each)?;
    let buffer = array(device, "state of the optimiser", problems.len() * rows * each);
    if rows > 0 {
        for (i, problem) in problems.iter().enumerate() {
            let mask = training_step(problem.network, 1, &descent).weight_mask();
            let mask: Vec<f32> = mask.into_iter().map(|weight| weight as f32).collect();
            write_at(device, &buffer, i * rows * each, &mask);
            let n = problem.parameters.values().len();
            for (row, state) in single("state of the optimiser", problem.state)?.chunks_exact(n).enumerate() {
                write_at(device, &buffer, (i * rows + 1 + row) * each, state);
            }
        }
    }
    Ok(buffer)
}

impl Buffers {
    fn new(device: &Device, problems: &[Problem<'_>], whole: &Whole) -> Result<Self> {
        let (first, n) = (&problems[0], problems.len());
        let Whole { shape, blocks, history, .. } = whole;
        let each = shape.n_parameters as usize;
        device.check_array("the parameters", n * each)?;
        device.check_array("the history of costs", n * (history + 1))?;
        let buffers = Self {
            x: blocks.upload(device, "features", first.x)?,
            y: blocks.upload(device, "targets", &first.targets())?,
            tables: array(device, "tables", whole.tables_len()),
            parameters: array(device, "parameters", n * each),
            steps: array(device, "steps", n.max(2)),
            costs: array(device, "costs", n * (history + 1)),
            state: state(device, problems, each)?,
        };
        let mut tables = Vec::new();
        for (i, problem) in problems.iter().enumerate() {
            tables.extend(shape.table(problem.network, problem.descent.learning_rate));
            let values = single("parameters", problem.parameters.values())?;
            write_at(device, &buffers.parameters, i * each, &values);
        }
        device.queue.write_buffer(&buffers.tables, 0, bytemuck::cast_slice(&tables));
        let done = vec![first.done as u32; n.max(2)];
        device.queue.write_buffer(&buffers.steps, 0, bytemuck::cast_slice(&done));
        Ok(buffers)
    }
}
