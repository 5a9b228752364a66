//! The backward pass against central differences of the cost: every activation, every loss, depths 1 to 7, odd sizes.

use gpu_nn::cpu_reference::{Executor, cost_and_gradients, predict_samples};
use gpu_nn::data::NumpyRandom;
use gpu_nn::network::{Activation, Initializer, Layer, Loss, Network, Parameters, initialize};
use gpu_nn::schedule::Problem;

/// Rounding in the cost costs 1e-16 / STEP, the third derivative STEP^2: both about 1e-10 here.
const STEP: f64 = 1e-5;

/// ||g - g_fd|| / (||g|| + ||g_fd||): a wrong factor or sign anywhere is far above, rounding far below.
const LIMIT: f64 = 1e-7;

/// No unit with a kink may have its Z so near 0 that a step of one parameter crosses it.
const KINK_DISTANCE: f64 = 1e-3;

const LEAKY: Activation = Activation::LeakyRelu { slope: 0.2 };

/// Parameters and samples of one seed.
struct Case {
    parameters: Parameters,
    x: Vec<f64>,
    y: Vec<f64>,
    m: usize,
}

fn problem(network: &Network, m: usize, seed: u32) -> Case {
    let mut random = NumpyRandom::new(1000 + seed);
    let mut parameters = initialize(network, Initializer::Lecun, seed);
    // Non-zero biases too: their gradients must not be tested at a special point.
    parameters.values_mut().iter_mut().for_each(|p| *p += 0.1 * random.standard_normal());
    let x = (0..network.n_features() * m).map(|_| random.standard_normal()).collect();
    let target = |j: usize, random: &mut NumpyRandom| match network.loss() {
        Loss::BinaryCrossEntropy => f64::from(u8::from(random.uniform() > 0.5)),
        Loss::SoftmaxCrossEntropy => (j % network.n_outputs()) as f64,
        _ => random.standard_normal(),
    };
    let y = (0..network.target_rows() * m).map(|j| target(j, &mut random)).collect();
    Case { parameters, x, y, m }
}

/// Whether every Z of a unit with a kink keeps its distance: the layers up to each one, read as an identity output.
fn is_away_from_kinks(network: &Network, problem: &Case) -> bool {
    let has_kink = |g| matches!(g, Activation::Relu | Activation::LeakyRelu { .. });
    network.hidden().iter().enumerate().filter(|(_, layer)| has_kink(layer.activation)).all(|(l, layer)| {
        let below = network.hidden()[..l].to_vec();
        let part = Network::new(network.n_features(), below, layer.units, Loss::SquaredError).unwrap();
        let n_values = Parameters::zeros(&part).values().len();
        let values = problem.parameters.values()[..n_values].to_vec();
        let parameters = Parameters::from_values(&part, values).unwrap();
        let y = vec![0.0; layer.units * problem.m];
        let executor =
            Executor::new(&Problem::full_batch(&part, &parameters, &problem.x, &y, problem.m, 1.0)).unwrap();
        executor.predict(&problem.x, problem.m).unwrap().iter().all(|z| z.abs() > KINK_DISTANCE)
    }) && is_away_from_kinks_of_the_loss(network, problem)
}

/// The same of a loss with a kink, in itself or in its derivative.
fn is_away_from_kinks_of_the_loss(network: &Network, problem: &Case) -> bool {
    let kink = match network.loss() {
        Loss::AbsoluteError => 0.0,
        Loss::Huber { delta } => delta,
        _ => return true,
    };
    let Case { parameters, x, y, m } = problem;
    let z = predict_samples(network, parameters, x, *m).unwrap();
    z.iter().zip(y).all(|(z, y)| ((z - y).abs() - kink).abs() > KINK_DISTANCE)
}

fn check(n_features: usize, hidden: &[(usize, Activation)], n_outputs: usize, loss: Loss, m: usize) {
    let hidden = hidden.iter().map(|&(units, activation)| Layer { units, activation }).collect();
    let network = Network::new(n_features, hidden, n_outputs, loss).unwrap();
    let problem = (1..500).map(|seed| problem(&network, m, seed)).find(|p| is_away_from_kinks(&network, p));
    let Case { parameters, x, y, m } = problem.expect("a seed away from all kinks");
    let cost = |values: &[f64]| {
        let parameters = Parameters::from_values(&network, values.to_vec()).unwrap();
        cost_and_gradients(&network, &parameters, &x, &y, m).unwrap().0
    };

    let (_, gradients) = cost_and_gradients(&network, &parameters, &x, &y, m).unwrap();
    let mut values = parameters.values().to_vec();
    let differences: Vec<f64> = (0..values.len())
        .map(|i| {
            let at = values[i];
            values[i] = at + STEP;
            let above = cost(&values);
            values[i] = at - STEP;
            let below = cost(&values);
            values[i] = at;
            (above - below) / (2.0 * STEP)
        })
        .collect();
    let error = relative_error(gradients.values(), &differences);
    assert!(error < LIMIT, "{network}, m = {m}: relative error {error:e}, limit {LIMIT:e}");
}

/// ||a - b|| / (||a|| + ||b||); NaN when anything is NaN, which no limit accepts.
fn relative_error(a: &[f64], b: &[f64]) -> f64 {
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let difference = norm(&mut a.iter().zip(b).map(|(a, b)| a - b));
    let (a, b) = (norm(&mut a.iter().copied()), norm(&mut b.iter().copied()));
    assert!(a > 1e-6, "the gradient vanishes: nothing would be tested");
    difference / (a + b)
}

const ACTIVATIONS: [Activation; 9] = [
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Relu,
    LEAKY,
    Activation::Identity,
    Activation::Elu,
    Activation::Softplus,
    Activation::Gelu,
    Activation::Silu,
];

const LOSSES: [(Loss, usize); 8] = [
    (Loss::BinaryCrossEntropy, 1),
    (Loss::SoftmaxCrossEntropy, 2),
    (Loss::SoftmaxCrossEntropy, 3),
    (Loss::SoftmaxCrossEntropy, 5),
    (Loss::SquaredError, 1),
    (Loss::SquaredError, 3),
    (Loss::AbsoluteError, 3),
    (Loss::Huber { delta: 0.75 }, 2),
];

#[test]
fn every_activation_with_every_loss() {
    for activation in ACTIVATIONS {
        for (loss, n_outputs) in LOSSES {
            check(3, &[(5, activation)], n_outputs, loss, 7);
        }
    }
}

#[test]
fn every_loss_without_hidden_layers() {
    for (loss, n_outputs) in LOSSES {
        check(3, &[], n_outputs, loss, 7);
    }
}

#[test]
fn mixed_activations_at_every_depth() {
    let layers = [
        (7, Activation::Tanh),
        (6, LEAKY),
        (5, Activation::Sigmoid),
        (6, Activation::Relu),
        (4, Activation::Identity),
        (3, Activation::Tanh),
    ];
    for depth in 1..=layers.len() {
        for (loss, n_outputs) in LOSSES {
            check(3, &layers[..depth], n_outputs, loss, 6);
        }
    }
}

#[test]
fn the_same_activation_at_every_depth() {
    for activation in ACTIVATIONS {
        for depth in 1..=6 {
            check(2, &vec![(4, activation); depth], 1, Loss::BinaryCrossEntropy, 5);
        }
    }
}

#[test]
fn odd_sizes() {
    for (n_features, n_h, m) in [(1, 1, 1), (1, 17, 3), (13, 1, 11), (17, 31, 33), (2, 3, 129)] {
        for (loss, n_outputs) in LOSSES {
            check(n_features, &[(n_h, Activation::Tanh), (3, Activation::Sigmoid)], n_outputs, loss, m);
        }
    }
}

#[test]
fn gradients_need_parameters_of_the_network() {
    let network = Network::new(2, vec![], 1, Loss::BinaryCrossEntropy).unwrap();
    let wider = Network::new(3, vec![], 1, Loss::BinaryCrossEntropy).unwrap();
    let (right, wrong) = (Parameters::zeros(&network), Parameters::zeros(&wider));
    let call = |p, x: &[f64]| cost_and_gradients(&network, p, x, &[1.0], 1).map(|(cost, _)| cost);
    assert!(call(&right, &[1.0, 2.0]).is_ok());
    assert!(matches!(call(&wrong, &[1.0, 2.0]), Err(gpu_nn::Error::Shape { .. })));
    assert!(matches!(call(&right, &[1.0]), Err(gpu_nn::Error::Shape { .. })));
}

/// An epoch in batches is the same as training on each batch by itself, one after the other; the last is shorter.
#[test]
fn batches_train_one_after_the_other() {
    let network =
        Network::new(2, vec![Layer { units: 3, activation: Activation::Tanh }], 1, Loss::SquaredError)
            .unwrap();
    let parameters = initialize(&network, Initializer::Xavier, 5);
    let (m, batch_size, learning_rate) = (7, 3, 0.3);
    let mut random = NumpyRandom::new(6);
    let mut draw = |n: usize| (0..n).map(|_| random.standard_normal()).collect::<Vec<f64>>();
    let (x, y) = (draw(2 * m), draw(m));
    let problem =
        Problem { batch_size, ..Problem::full_batch(&network, &parameters, &x, &y, m, learning_rate) };
    let mut batched = Executor::new(&problem).unwrap();
    assert_eq!(batched.run(4), 4);

    let mut current = parameters.clone();
    let mut costs = Vec::new();
    for range in [0..3, 3..6, 6..7, 0..3] {
        let of = |matrix: &[f64]| -> Vec<f64> {
            matrix.chunks(m).flat_map(|row| row[range.clone()].to_vec()).collect()
        };
        let (x, y) = (of(&x), of(&y));
        let mut alone =
            Executor::new(&Problem::full_batch(&network, &current, &x, &y, range.len(), learning_rate))
                .unwrap();
        alone.run(1);
        costs.append(&mut alone.take_costs());
        current = alone.parameters().clone();
    }
    assert_eq!(batched.parameters(), &current);
    assert_eq!(batched.take_costs(), costs);
    for wrong in [0, m + 1] {
        let error = Executor::new(&Problem { batch_size: wrong, ..problem }).err().unwrap();
        assert!(error.to_string().contains("batch size"), "{error}");
    }
}
