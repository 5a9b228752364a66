//! The `cpu` executor against `cpu_reference`: every activation with every loss, depth, number of samples and size of
//! batch; wide layers, deep networks, random shapes.

use gpu_nn::cpu_reference;
use gpu_nn::data::NumpyRandom;
use gpu_nn::network::{Activation, Layer, Loss, Network};

use crate::cpu_support::{Case, LOSSES, hidden, largest, run_all};
use crate::gpu_support::{ACTIVATIONS, ROUNDING, SIZES, WITH_Z, assert_within};

/// A gradient, relative to its largest: a rounding a layer and operation.
const GRADIENT: f64 = 1e-5;

/// A cost of order 1 after some steps, relative to the largest.
const COST: f64 = 1e-5;

/// Holds the parameters after one step, the costs of `iterations`, the last cost and the outputs against the reference.
#[track_caller]
fn assert_agrees(case: &Case, iterations: usize) {
    let what = format!("{}, m = {}, batches of {}", case.network, case.m, case.batch_size);
    let (mut executor, mut reference) = (case.executor(), case.reference());
    run_all(&mut executor, 1);
    assert_eq!(reference.run(1), 1);
    let (got, want) = (executor.parameters(), reference.parameters().clone());
    let start = case.parameters.values();
    let steps: Vec<f64> = want.values().iter().zip(start).map(|(after, before)| after - before).collect();
    // The step within the precision of gradients, and the parameter itself rounded when it takes it.
    let step = GRADIENT * largest(&steps);
    assert_within(&format!("{what}: parameters"), got.values(), want.values(), |i| {
        step + 2.0 * ROUNDING * want.values()[i].abs()
    });
    run_all(&mut executor, iterations - 1);
    let mut left = iterations - 1;
    while left > 0 {
        left -= reference.run(left);
    }
    let (costs, want) = (executor.take_costs(), reference.take_costs());
    let scale = largest(&want).max(1.0);
    assert_within(&format!("{what}: costs"), &costs, &want, |_| COST * scale);
    let (cost, want) = (executor.cost(), reference.cost());
    assert_within(&format!("{what}: last cost"), &[cost], &[want], |_| COST * scale);
    let (a, want) = (executor.predict(&case.x, case.m).unwrap(), reference.predict(&case.x, case.m).unwrap());
    let scale = largest(&want).max(1.0);
    assert_within(&format!("{what}: outputs"), &a, &want, |_| COST * scale);
}

#[test]
fn every_activation_loss_depth_and_number_of_samples() {
    for g in ACTIVATIONS.into_iter().chain(WITH_Z) {
        for (loss, n_outputs) in LOSSES {
            for depth in 0..=5 {
                let network = Network::new(3, hidden(&[9, 4, 7, 2, 5][..depth], g), n_outputs, loss).unwrap();
                for (seed, m) in (0..).zip(SIZES) {
                    let mut case = Case::new(network.clone(), m, 41 + seed);
                    // Six linear layers on one sample overshoot with more.
                    case.learning_rate = 0.01;
                    assert_agrees(&case, 4);
                }
            }
        }
    }
}

#[test]
fn every_size_of_batch() {
    for (loss, n_outputs) in LOSSES {
        let network = Network::new(3, hidden(&[6, 5], Activation::Tanh), n_outputs, loss).unwrap();
        for batch_size in [1, 2, 15, 16, 17, 63, 64, 100, 126, 127] {
            // Beyond the end of the first epoch.
            let iterations = 127_usize.div_ceil(batch_size) + 2;
            assert_agrees(&Case::new(network.clone(), 127, 51).in_batches(batch_size), iterations);
        }
    }
}

#[test]
fn wide_layers_with_every_activation_and_loss() {
    for g in ACTIVATIONS.into_iter().chain(WITH_Z) {
        for (loss, n_outputs) in LOSSES {
            let network = Network::new(70, hidden(&[130, 200], g), n_outputs, loss).unwrap();
            for (m, batch_size) in [(40, 40), (130, 65), (1100, 1100)] {
                assert_agrees(&Case::new(network.clone(), m, 61).in_batches(batch_size), 3);
            }
        }
    }
}

#[test]
fn wide_next_to_narrow_layers() {
    // Fewer parameters than a wide network has, but layers beyond the kernels for narrow ones.
    for units in [&[40, 30][..], &[1, 100, 1], &[200, 2], &[33, 33, 33]] {
        let network =
            Network::new(40, hidden(units, Activation::Tanh), 3, Loss::SoftmaxCrossEntropy).unwrap();
        for m in [33, 500] {
            assert_agrees(&Case::new(network.clone(), m, 71), 3);
        }
    }
}

#[test]
fn many_classes_and_many_features() {
    let network =
        Network::new(3000, hidden(&[5], Activation::Sigmoid), 500, Loss::SoftmaxCrossEntropy).unwrap();
    assert_agrees(&Case::new(network, 90, 81), 3);
}

#[test]
fn fifty_layers_and_four_thousand_units() {
    let network = Network::new(2, hidden(&[4; 49], Activation::Tanh), 1, Loss::BinaryCrossEntropy).unwrap();
    assert_agrees(&Case::new(network, 50, 91), 3);
    let units = [4096, 16];
    let network = Network::new(16, hidden(&units, Activation::Relu), 2, Loss::SoftmaxCrossEntropy).unwrap();
    assert_agrees(&Case::new(network, 21, 92), 2);
}

#[test]
fn random_networks() {
    let mut random = NumpyRandom::new(101);
    let mut below = |count: u64| random.bounded(count - 1) as usize;
    for seed in 0..60 {
        let depth = below(5);
        let layers = (0..depth).map(|_| Layer { units: 1 + below(60), activation: ACTIVATIONS[below(5)] });
        let layers = layers.collect();
        let (loss, n_outputs) = LOSSES[below(4)];
        let network = Network::new(1 + below(40), layers, n_outputs, loss).unwrap();
        let m = 1 + below(3000);
        let batch_size = 1 + below(m as u64);
        let mut case = Case::new(network, m, 200 + seed).in_batches(batch_size);
        case.learning_rate = 0.02;
        assert_agrees(&case, 3);
    }
}

#[test]
fn sums_over_a_million_samples() {
    let network = Network::new(2, hidden(&[4], Activation::Tanh), 1, Loss::BinaryCrossEntropy).unwrap();
    for m in [99_999, 1_000_003] {
        let case = Case::new(network.clone(), m, 111);
        assert_agrees(&case, 2);
        let (cost, _) =
            cpu_reference::cost_and_gradients(&network, &case.parameters, &case.x, &case.y, m).unwrap();
        assert_within("cost", &[case.executor().cost()], &[cost], |_| 1e-6);
    }
}
