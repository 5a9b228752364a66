//! Networks, data and descents to check whole steps and trainings with.

use super::numbers::{ACTIVATIONS, Numbers, SIZES};
use super::probe::Effort;
use crate::network::{Activation, Layer, Loss, Network, Parameters, parse_hidden};
use crate::schedule::{self, Contents, Optimizer, Problem, Schedule, Storage};

/// The optimiser with a large epsilon: with a small one, a gradient near 0 takes a whole step to one side or the other, as its
/// rounding will have it.
pub(super) fn well_conditioned(optimizer: Optimizer) -> Optimizer {
    let large = 1e-2;
    match optimizer {
        Optimizer::RmsProp { decay, .. } => Optimizer::RmsProp { decay, epsilon: large },
        Optimizer::Adam { beta_1, beta_2, .. } => Optimizer::Adam { beta_1, beta_2, epsilon: large },
        Optimizer::AdamW { beta_1, beta_2, weight_decay, .. } => {
            Optimizer::AdamW { beta_1, beta_2, epsilon: large, weight_decay }
        }
        optimizer => optimizer,
    }
}

/// A network whose sizes are constants of this room.
pub(super) fn network(features: usize, hidden: Vec<Layer>, n_outputs: usize, loss: Loss) -> Network {
    Network::new(features, hidden, n_outputs, loss).expect("the sizes are constants that fit each other")
}

/// Hidden layers in the notation of the command line.
pub(super) fn layers(text: &str) -> Vec<Layer> {
    parse_hidden(text, Activation::Tanh).expect("the layers are constants")
}

/// The gradients of a network with one hidden layer of 3, and numbers to start from.
pub(super) fn small(
    g: Activation,
    loss: Loss,
    n_outputs: usize,
    m: usize,
    numbers: &mut Numbers,
) -> (Schedule, Contents) {
    let network = network(2, vec![Layer { units: 3, activation: g }], n_outputs, loss);
    let schedule = schedule::gradients(&network, m);
    let before = contents(&schedule, &network, numbers, 0.0);
    (schedule, before)
}

/// Numbers for the samples and the parameters of a schedule, and `rest` everywhere else.
pub(super) fn contents(schedule: &Schedule, network: &Network, numbers: &mut Numbers, rest: f64) -> Contents {
    let mut before = Contents::zeros(schedule);
    for (tensor, values) in schedule.tensors.iter().zip(&mut before.tensors) {
        match tensor.storage {
            Storage::Input => *values = numbers.normals(values.len()),
            Storage::Target => *values = numbers.targets(network.loss(), network.n_outputs(), schedule.m),
            _ => values.fill(rest),
        }
    }
    before.parameters = numbers.parameters(network).values().to_vec();
    before.gradients.fill(rest);
    before
}

/// The layers of whole networks, in registers and in workgroup memory.
const WHOLE: [&[usize]; 7] = [&[], &[4], &[20], &[3, 2], &[5, 3, 6], &[2, 4, 3, 2], &[2, 3, 4, 3, 2]];

/// Networks of one to six layers for the fused and the resident lowering, in registers and in workgroup memory: each size with
/// each loss, each activation three times at least.
pub fn whole_networks() -> Vec<Network> {
    let losses = [(Loss::BinaryCrossEntropy, 1), (Loss::SoftmaxCrossEntropy, 3), (Loss::SquaredError, 2)];
    let mut networks = Vec::new();
    for (i, (loss, n_outputs)) in losses.into_iter().enumerate() {
        for (j, sizes) in WHOLE.into_iter().enumerate() {
            let activation = |l: usize| ACTIVATIONS[(i + j + l) % ACTIVATIONS.len()];
            let layer = |(l, &units): (usize, &usize)| Layer { units, activation: activation(l) };
            networks.push(network(2, sizes.iter().enumerate().map(layer).collect(), n_outputs, loss));
        }
    }
    networks
}

/// Some of them. Each is a kernel of its own, which takes software drivers their time to compile and which probes share: each
/// loss in both homes, or with every other size.
pub(super) fn small_networks(effort: Effort) -> impl Iterator<Item = Network> {
    let chosen = move |at: usize| match effort {
        Effort::Quick => [1, 4].contains(&(at % WHOLE.len())),
        Effort::Full => (at / WHOLE.len() + at % WHOLE.len()).is_multiple_of(2),
    };
    whole_networks().into_iter().enumerate().filter(move |(at, _)| chosen(*at)).map(|(_, network)| network)
}

/// Networks to train in every way, each loss once: one in registers, two in workgroup memory. Always the same, since each
/// combination of loss, order, weights and optimiser is a kernel of its own.
pub fn home_networks() -> [Network; 3] {
    [
        network(2, layers("4"), 1, Loss::BinaryCrossEntropy),
        network(3, layers("12,5:relu"), 4, Loss::SoftmaxCrossEntropy),
        network(3, layers("12:relu,5"), 2, Loss::SquaredError),
    ]
}

/// Two hidden layers of every size, with each activation and loss among them, and m.
pub(super) fn mixed_networks() -> impl Iterator<Item = (Network, usize)> {
    let losses = [(Loss::BinaryCrossEntropy, 1), (Loss::SoftmaxCrossEntropy, 5), (Loss::SquaredError, 3)];
    SIZES.into_iter().enumerate().flat_map(move |(i, size)| {
        let layer = |units, i: usize| Layer { units, activation: ACTIVATIONS[i % ACTIVATIONS.len()] };
        let (loss, n_outputs) = losses[i % losses.len()];
        let wide = network(3, vec![layer(size, i), layer(6, i + 1)], n_outputs, loss);
        let (loss, n_outputs) = losses[(i + 1) % losses.len()];
        let long = network(2, vec![layer(5, i + 2), layer(4, i + 3)], n_outputs, loss);
        [(wide, 65), (long, size)]
    })
}

/// A network with first parameters and samples, owned.
pub(super) struct Work {
    pub(super) network: Network,
    pub(super) parameters: Parameters,
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    pub(super) m: usize,
}

impl Work {
    /// Random ones of a network.
    pub(super) fn new(network: Network, m: usize) -> Self {
        let mut numbers = Numbers::new(m as u32 + 17);
        let parameters = numbers.parameters(&network);
        let x = numbers.normals(network.n_features() * m);
        let y = numbers.targets(network.loss(), network.n_outputs(), m);
        Self { network, parameters, x, y, m }
    }

    /// Gradient descent on all samples at once.
    pub(super) fn problem(&self, learning_rate: f64) -> Problem<'_> {
        let Self { network, parameters, x, y, m } = self;
        Problem::full_batch(network, parameters, x, y, *m, learning_rate)
    }
}

/// One network in registers and one in workgroup memory, each with another number of samples.
pub(super) fn both_homes() -> [Work; 2] {
    let [small, large, _] = home_networks();
    [Work::new(small, 65), Work::new(large, 127)]
}
