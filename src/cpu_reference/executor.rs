//! Runs a schedule with the functions of this module, one operation after the other.

use super::{
    activate, activation_derivative, clip_norm, cost, dropout, gradient_descent, input_gradient, matmul_bias,
    optimize, output_delta, predict, row_sum, weight_gradient,
};
use crate::error::Result;
use crate::network::{Network, Parameters};
use crate::schedule::{
    self, Batches, Contents, Descent, Op, Problem, RateSchedule, Schedule, Storage, TensorId, Variant,
    evaluation_with, training_step_with,
};

/// Samples predicted at a time, so that large sets need little memory.
const PREDICT_BLOCK: usize = 16_384;

/// Multiply-adds after which [`Executor::run`] returns to its caller, about a twentieth of a second.
const WORK_BUDGET: u64 = 40_000_000;

/// A network in training on the host, in double precision.
pub struct Executor {
    network: Network,
    parameters: Parameters,
    x: Vec<f64>,
    y: Vec<f64>,
    batches: Batches,
    descent: Descent,
    variant: Variant,
    state: Vec<f64>,
    step: Step,
    done: usize,
    costs: Vec<f64>,
}

/// The schedule for a number of samples, with its matrices.
struct Step {
    schedule: Schedule,
    workspace: Workspace,
}

impl Step {
    fn new(schedule: Schedule) -> Self {
        let workspace = Workspace::new(&schedule);
        Self { schedule, workspace }
    }
}

/// What an iteration changes.
struct Learnt<'a> {
    parameters: &'a mut [f64],
    /// What the optimiser remembers.
    state: &'a mut [f64],
    /// Iterations done.
    step: usize,
}

impl<'a> Learnt<'a> {
    /// For schedules that change nothing.
    fn only(parameters: &'a mut [f64]) -> Self {
        Self { parameters, state: &mut [], step: 0 }
    }
}

/// The matrices of one schedule.
struct Workspace {
    values: Vec<Vec<f64>>,
    gradients: Vec<f64>,
    costs: Vec<f64>,
    /// What penalties apply to.
    mask: Vec<f64>,
}

impl Executor {
    /// Copies the data and the first parameters.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] or [`crate::Error::InvalidArgument`] when the parts of the problem do not fit each other.
    pub fn new(problem: &Problem<'_>) -> Result<Self> {
        problem.check()?;
        Ok(Self {
            network: problem.network.clone(),
            parameters: problem.parameters.clone(),
            x: problem.x.to_vec(),
            y: problem.targets().into_owned(),
            batches: problem.batches(),
            descent: problem.descent,
            variant: problem.variant(),
            state: problem.first_state(),
            step: Step::new(problem.schedule(problem.batch_size)),
            done: problem.done,
            costs: Vec::new(),
        })
    }

    /// Runs at most `iterations` training steps, fewer where they are long, and says how many: the caller comes back
    /// for the rest, and can report or stop in between.
    pub fn run(&mut self, iterations: usize) -> usize {
        let work = self.step.schedule.product_flops().max(1);
        let affordable = usize::try_from(WORK_BUDGET / work).unwrap_or(usize::MAX).max(1);
        let iterations = iterations.min(affordable);
        for _ in 0..iterations {
            self.train_batch();
            self.done += 1;
        }
        iterations
    }

    fn train_batch(&mut self) {
        let samples = self.batches.samples(self.done);
        if samples.len() != self.step.schedule.m {
            // The last batch of an epoch, or the first after it.
            let (network, descent) = (&self.network, &self.descent);
            self.step = Step::new(training_step_with(network, samples.len(), descent, self.variant));
        }
        let Step { schedule, workspace } = &mut self.step;
        let mut learnt =
            Learnt { parameters: self.parameters.values_mut(), state: &mut self.state, step: self.done };
        if samples.len() == self.batches.m {
            workspace.run(schedule, &self.x, &self.y, &mut learnt);
        } else {
            let samples: Vec<usize> = samples.collect();
            let x = columns(&self.x, self.batches.m, &samples);
            let y = columns(&self.y, self.batches.m, &samples);
            workspace.run(schedule, &x, &y, &mut learnt);
        }
        self.costs.append(&mut workspace.costs);
    }

    /// The costs of all iterations since the last call, each of the parameters before its update and of its batch.
    pub fn take_costs(&mut self) -> Vec<f64> {
        std::mem::take(&mut self.costs)
    }

    /// The current parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Replaces the parameters.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] for parameters of another network.
    pub fn set_parameters(&mut self, parameters: &Parameters) -> Result<()> {
        parameters.check_for(&self.network)?;
        self.parameters = parameters.clone();
        Ok(())
    }

    /// Replaces what becomes of the learning rate from the next iteration on; for a training whose rate is not constant, as
    /// one that is compiled into kernels cannot change.
    pub fn set_rates(&mut self, rates: RateSchedule) {
        self.descent.rates = rates;
        self.step.schedule.set_rates(rates);
    }

    /// What the optimiser remembers, (states, parameters).
    pub fn state(&self) -> &[f64] {
        &self.state
    }

    /// The cost of `parameters` over all samples, without dropout, and its derivative by each of them, in their layout; for a
    /// training on all samples at once.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] for parameters of another network.
    pub fn cost_and_gradient(&mut self, parameters: &Parameters) -> Result<(f64, Vec<f64>)> {
        parameters.check_for(&self.network)?;
        let variant = Variant { dropout: None, ..self.variant };
        let schedule = schedule::gradients_with(&self.network, self.batches.m, variant);
        let mut workspace = Workspace::new(&schedule);
        let mut values = parameters.values().to_vec();
        workspace.run(&schedule, &self.x, &self.y, &mut Learnt::only(&mut values));
        Ok((workspace.costs[0], workspace.gradients))
    }

    /// The cost of the current parameters over all samples.
    pub fn cost(&mut self) -> f64 {
        let schedule = evaluation_with(&self.network, self.batches.m, self.variant);
        let mut workspace = Workspace::new(&schedule);
        let mut parameters = self.parameters.values().to_vec();
        workspace.run(&schedule, &self.x, &self.y, &mut Learnt::only(&mut parameters));
        workspace.costs[0]
    }

    /// The network's output for other samples; x (n_0, m) -> A_L (n_L, m).
    ///
    /// # Errors
    /// [`crate::Error::Shape`] when x is not (n_0, m).
    pub fn predict(&self, x: &[f64], m: usize) -> Result<Vec<f64>> {
        predict_samples(&self.network, &self.parameters, x, m)
    }
}

/// Some columns of a matrix (rows, m).
fn columns(matrix: &[f64], m: usize, samples: &[usize]) -> Vec<f64> {
    matrix.chunks_exact(m).flat_map(|row| samples.iter().map(|&j| row[j])).collect()
}

/// The cost of `parameters` on x (n_0, m), y (target_rows, m), and its derivative by each of them, in their layout.
///
/// # Errors
/// [`crate::Error::Shape`] when x, y or the parameters do not have the shape the network needs.
pub fn cost_and_gradients(
    network: &Network,
    parameters: &Parameters,
    x: &[f64],
    y: &[f64],
    m: usize,
) -> Result<(f64, Parameters)> {
    schedule::check_data(network, x.len(), y.len(), m)?;
    parameters.check_for(network)?;
    let schedule = schedule::gradients(network, m);
    let mut workspace = Workspace::new(&schedule);
    workspace.run(&schedule, x, y, &mut Learnt::only(&mut parameters.values().to_vec()));
    Ok((workspace.costs[0], Parameters::from_values(network, workspace.gradients)?))
}

/// The network's output; x (n_0, m) -> A_L (n_L, m).
///
/// # Errors
/// [`crate::Error::Shape`] when x is not (n_0, m).
pub fn predict_samples(network: &Network, parameters: &Parameters, x: &[f64], m: usize) -> Result<Vec<f64>> {
    schedule::check_features(network, x.len(), m)?;
    parameters.check_for(network)?;
    let mut output = vec![0.0; network.n_outputs() * m];
    let mut parameters = parameters.values().to_vec();
    for start in (0..m).step_by(PREDICT_BLOCK) {
        let width = PREDICT_BLOCK.min(m - start);
        let block = columns(x, m, &(start..start + width).collect::<Vec<_>>());
        let schedule = schedule::prediction(network, width);
        let mut workspace = Workspace::new(&schedule);
        workspace.run(&schedule, &block, &[], &mut Learnt::only(&mut parameters));
        let result = workspace.values.last().expect("a prediction ends with its output matrix");
        for (row, values) in output.chunks_exact_mut(m).zip(result.chunks_exact(width)) {
            row[start..start + width].copy_from_slice(values);
        }
    }
    Ok(output)
}

/// Runs `schedule` once from `before` and returns everything as it is afterwards.
///
/// # Errors
/// [`crate::Error::Shape`] when the contents are not those of the schedule.
pub fn run_once(schedule: &Schedule, before: &Contents) -> Result<Contents> {
    before.check_for(schedule)?;
    let mut after = before.clone();
    let of = |storage| {
        let position = schedule.tensors.iter().position(|tensor| tensor.storage == storage);
        position.map_or(&[][..], |position| &before.tensors[position])
    };
    let (x, y) = (of(Storage::Input), of(Storage::Target));
    let values = std::mem::take(&mut after.tensors);
    let gradients = std::mem::take(&mut after.gradients);
    let mut workspace = Workspace { values, gradients, costs: Vec::new(), mask: schedule.weight_mask() };
    let mut learnt = Learnt { parameters: &mut after.parameters, state: &mut after.state, step: before.step };
    workspace.run(schedule, x, y, &mut learnt);
    let Workspace { values, gradients, costs, .. } = workspace;
    Ok(Contents { tensors: values, gradients, costs, ..after })
}

impl Workspace {
    fn new(schedule: &Schedule) -> Self {
        let values = schedule.tensors.iter().map(|tensor| match tensor.storage {
            Storage::Value => vec![0.0; tensor.len()],
            _ => Vec::new(),
        });
        Self {
            values: values.collect(),
            gradients: vec![0.0; schedule.n_parameters],
            costs: Vec::new(),
            mask: schedule.weight_mask(),
        }
    }

    fn run(&mut self, schedule: &Schedule, x: &[f64], y: &[f64], learnt: &mut Learnt<'_>) {
        let Learnt { parameters, state, step } = learnt;
        for op in &schedule.ops {
            match *op {
                Op::ClipNorm { most, l1, l2 } => {
                    clip_norm(most, l1, l2, parameters, &mut self.gradients, &self.mask);
                }
                Op::GradientDescent { learning_rate } => {
                    gradient_descent(parameters, &self.gradients, learning_rate);
                }
                Op::Optimize { descent } => {
                    optimize(&descent, *step, parameters, &self.gradients, state, &self.mask);
                }
                Op::Cost { loss, smoothing, z, y: target, .. } => {
                    let inputs = Inputs { schedule, x, y, parameters, values: &self.values };
                    let j = cost(loss, smoothing, inputs.get(z), inputs.get(target), schedule.m);
                    self.costs.push(j);
                }
                _ => self.run_into(*op, schedule, x, y, parameters, *step),
            }
        }
    }

    /// Runs an operation that fills one matrix.
    fn run_into(
        &mut self,
        op: Op,
        schedule: &Schedule,
        x: &[f64],
        y: &[f64],
        parameters: &[f64],
        step: usize,
    ) {
        let Some(out_id) = op.output() else { return };
        let tensor = schedule.tensor(out_id);
        // The output leaves the workspace while the inputs are borrowed from it.
        let mut value = std::mem::take(&mut self.values[out_id.0]);
        let out = match tensor.storage {
            Storage::Gradients { offset } => &mut self.gradients[offset..offset + tensor.len()],
            _ => &mut value[..],
        };
        let inputs = Inputs { schedule, x, y, parameters, values: &self.values };
        let get = |id| inputs.get(id);
        let m = schedule.m;
        match op {
            Op::MatmulBias { w, x, b, .. } => matmul_bias(get(w), get(x), get(b), out, m),
            Op::Activate { g, z, .. } => activate(g, get(z), out),
            Op::OutputDelta { loss, smoothing, z, y, .. } => {
                output_delta(loss, smoothing, get(z), get(y), out, m);
            }
            Op::WeightGradient { dz, a_prev, .. } => weight_gradient(get(dz), get(a_prev), out, m),
            Op::RowSum { dz, .. } => row_sum(get(dz), out, m),
            Op::InputGradient { w, dz, .. } => input_gradient(get(w), get(dz), out, m),
            Op::ActivationDerivative { g, da, a, .. } => activation_derivative(g, get(da), get(a), out),
            Op::Predict { loss, z, .. } => predict(loss, get(z), out, m),
            Op::Dropout { dropout: rate, layer, x, .. } => dropout(&rate.mask(layer, step), get(x), out, m),
            Op::Cost { .. } | Op::ClipNorm { .. } | Op::GradientDescent { .. } | Op::Optimize { .. } => {
                unreachable!("these fill no matrix")
            }
        }
        self.values[out_id.0] = value;
    }
}

/// Everything an operation may read.
struct Inputs<'a> {
    schedule: &'a Schedule,
    x: &'a [f64],
    y: &'a [f64],
    parameters: &'a [f64],
    values: &'a [Vec<f64>],
}

impl<'a> Inputs<'a> {
    fn get(&self, id: TensorId) -> &'a [f64] {
        let tensor = self.schedule.tensor(id);
        match tensor.storage {
            Storage::Input => self.x,
            Storage::Target => self.y,
            Storage::Parameters { offset } => &self.parameters[offset..offset + tensor.len()],
            Storage::Value => &self.values[id.0],
            Storage::Gradients { .. } | Storage::Costs => {
                unreachable!("no operation reads gradients or costs as a matrix")
            }
        }
    }
}
