//! What the tests of the `cpu` executor share: problems with their data, and both executors on them.

use gpu_nn::network::{Activation, Layer, Loss, Network, Parameters};
use gpu_nn::schedule::Problem;
use gpu_nn::{cpu, cpu_reference};

use crate::gpu_support::Numbers;

/// Each loss with a number of outputs.
pub const LOSSES: [(Loss, usize); 6] = [
    (Loss::BinaryCrossEntropy, 1),
    (Loss::SoftmaxCrossEntropy, 4),
    (Loss::SquaredError, 1),
    (Loss::SquaredError, 3),
    (Loss::AbsoluteError, 2),
    (Loss::Huber { delta: 0.75 }, 1),
];

/// A training that owns its data.
pub struct Case {
    pub network: Network,
    pub parameters: Parameters,
    pub x: Vec<f64>,
    pub y: Vec<f64>,
    pub m: usize,
    pub batch_size: usize,
    pub learning_rate: f64,
}

impl Case {
    /// Normal features and targets, all samples at once.
    pub fn new(network: Network, m: usize, seed: u32) -> Self {
        let mut numbers = Numbers::new(seed);
        let parameters = numbers.parameters(&network);
        let x = numbers.normals(network.n_features() * m);
        let y = numbers.targets(network.loss(), network.n_outputs(), m);
        Self { network, parameters, x, y, m, batch_size: m, learning_rate: 0.1 }
    }

    pub fn in_batches(self, batch_size: usize) -> Self {
        Self { batch_size, ..self }
    }

    pub fn problem(&self) -> Problem<'_> {
        let Self { network, parameters, x, y, m, batch_size, learning_rate } = self;
        let (m, batch_size, learning_rate) = (*m, *batch_size, *learning_rate);
        Problem { batch_size, ..Problem::full_batch(network, parameters, x, y, m, learning_rate) }
    }

    pub fn executor(&self) -> cpu::Executor {
        cpu::Executor::new(&self.problem()).unwrap()
    }

    pub fn reference(&self) -> cpu_reference::Executor {
        cpu_reference::Executor::new(&self.problem()).unwrap()
    }

    /// Costs and parameters after so many iterations, as bits.
    pub fn bits_after(&self, iterations: usize) -> (Vec<u64>, Vec<u64>) {
        let mut executor = self.executor();
        run_all(&mut executor, iterations);
        let mut costs = executor.take_costs();
        costs.push(executor.cost());
        (bits(&costs), bits(executor.parameters().values()))
    }
}

/// Runs exactly `iterations` steps: the executor may stop earlier and be called again.
pub fn run_all(executor: &mut cpu::Executor, iterations: usize) {
    let mut left = iterations;
    while left > 0 {
        left -= executor.run(left);
    }
}

pub fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Hidden layers of these sizes, all with the same activation.
pub fn hidden(units: &[usize], activation: Activation) -> Vec<Layer> {
    units.iter().map(|&units| Layer { units, activation }).collect()
}

/// The largest magnitude.
pub fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()))
}
