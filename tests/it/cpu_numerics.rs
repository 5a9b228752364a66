//! exp, tanh, sigmoid, softplus and logarithm of the `cpu` executor, through networks that show them, against `f64`.

use gpu_nn::cpu;
use gpu_nn::cpu_reference::{self, sigmoid};
use gpu_nn::network::{Activation, Loss, Network, Parameters};
use gpu_nn::schedule::Problem;

use crate::cpu_support::{LOSSES, hidden};
use crate::gpu_support::{ACTIVATIONS, WITH_Z, single};

/// Below it exp is clamped.
const FLOOR: f64 = 2e-38;

/// Relative: three roundings, and what the formulas' coefficients allow.
const RELATIVE: f64 = 4e-7;

/// z from -100 to 100, closer together around 0, and tiny ones.
fn points(count: i32) -> Vec<f64> {
    let spread = (-count..=count).map(|i| {
        let t = f64::from(i) / f64::from(count);
        single(100.0 * t * t * t)
    });
    spread.chain([1e-30, -1e-30, 1e-10, -1e-10, 0.0, -0.0]).collect()
}

/// A network that computes g(z) for each sample.
fn activated(g: Activation, z: &[f64]) -> Vec<f64> {
    let network = Network::new(1, hidden(&[1], g), 1, Loss::SquaredError).unwrap();
    let parameters = Parameters::from_values(&network, vec![1.0, 0.0, 1.0, 0.0]).unwrap();
    cpu::predict_samples(&network, &parameters, z, z.len()).unwrap()
}

#[track_caller]
fn assert_accurate(what: &str, z: &[f64], got: &[f64], want: impl Fn(f64) -> f64) {
    assert_eq!(z.len(), got.len());
    for (&z, &got) in z.iter().zip(got) {
        let want = want(z);
        // Written so that a NaN fails.
        assert!(
            (got - want).abs() <= RELATIVE * want.abs() + FLOOR,
            "{what}({z:e}) is {got:e}, expected {want:e}: off by {:e}",
            (got - want) / want
        );
    }
}

#[test]
fn tanh_and_sigmoid_are_accurate_and_bounded() {
    let z = points(100_000);
    let tanh = activated(Activation::Tanh, &z);
    assert_accurate("tanh", &z, &tanh, f64::tanh);
    assert!(tanh.iter().all(|a| a.abs() <= 1.0));
    assert_accurate("sigmoid", &z, &activated(Activation::Sigmoid, &z), sigmoid);
    let output = Network::new(1, vec![], 1, Loss::BinaryCrossEntropy).unwrap();
    let parameters = Parameters::from_values(&output, vec![1.0, 0.0]).unwrap();
    let a = cpu::predict_samples(&output, &parameters, &z, z.len()).unwrap();
    assert_accurate("output sigmoid", &z, &a, sigmoid);
}

#[test]
fn exp_is_accurate() {
    // Beside a logit of 0, that of z <= 0 has the softmax exp(z) / (1 + exp(z)): exp(z) itself when it is small.
    let z: Vec<f64> = points(100_000).into_iter().filter(|z| *z < 0.0).collect();
    let network = Network::new(1, vec![], 2, Loss::SoftmaxCrossEntropy).unwrap();
    let parameters = Parameters::from_values(&network, vec![1.0, 0.0, 0.0, 0.0]).unwrap();
    let a = cpu::predict_samples(&network, &parameters, &z, z.len()).unwrap();
    assert_accurate("exp through softmax", &z, &a[..z.len()], |z| z.exp() / (1.0 + z.exp()));
}

/// The cost of one sample.
fn cost(network: &Network, parameters: &[f64], x: &[f64], y: &[f64]) -> f64 {
    let parameters = Parameters::from_values(network, parameters.to_vec()).unwrap();
    cpu::Executor::new(&Problem::full_batch(network, &parameters, x, y, 1, 1.0)).unwrap().cost()
}

#[test]
fn softplus_is_accurate() {
    let network = Network::new(1, vec![], 1, Loss::BinaryCrossEntropy).unwrap();
    let z = points(2_000);
    let costs: Vec<f64> = z.iter().map(|&z| cost(&network, &[1.0, 0.0], &[z], &[0.0])).collect();
    assert_accurate("softplus", &z, &costs, |z| z.max(0.0) + (-z.abs()).exp().ln_1p());
}

#[test]
fn logarithms_are_accurate() {
    // n equal logits cost ln(n).
    for n in [2, 3, 4, 5, 7, 8, 100, 1023, 1024, 1025, 20_000] {
        let network = Network::new(1, vec![], n, Loss::SoftmaxCrossEntropy).unwrap();
        let cost = cost(&network, &vec![0.0; 2 * n], &[1.0], &[1.0]);
        assert_accurate("ln", &[n as f64], &[cost], f64::ln);
    }
}

/// Ten times this is infinite in f32.
const HUGE: f64 = 3e38;

/// Two features times ten, each in a unit of its own, then `units` units that add them.
fn overflowing(g: Activation, units: usize, n_outputs: usize, loss: Loss) -> (Network, Parameters) {
    let mut layers = hidden(&[2], Activation::Identity);
    layers.extend(hidden(&[units], g));
    let network = Network::new(2, layers, n_outputs, loss).unwrap();
    let mut values = vec![10.0, 0.0, 0.0, 10.0, 0.0, 0.0];
    values.extend((0..units).flat_map(|_| [1.0, 1.0]).chain(vec![0.0; units]));
    values.extend((0..n_outputs).flat_map(|_| vec![1.0; units]).chain(vec![0.0; n_outputs]));
    let parameters = Parameters::from_values(&network, values).unwrap();
    (network, parameters)
}

#[test]
fn activations_of_nan_and_infinities() {
    for g in ACTIVATIONS.into_iter().chain(WITH_Z) {
        // An infinity, the other, and their sum.
        let x = [HUGE, 0.0, HUGE, 0.0, -HUGE, -HUGE];
        let (network, parameters) = overflowing(g, 1, 1, Loss::SquaredError);
        let a = cpu::predict_samples(&network, &parameters, &x, 3).unwrap();
        let want = match g {
            Activation::Sigmoid => [1.0, 0.0],
            Activation::Tanh => [1.0, -1.0],
            Activation::Relu | Activation::Softplus | Activation::Gelu | Activation::Silu => {
                [f64::INFINITY, 0.0]
            }
            Activation::Elu => [f64::INFINITY, -1.0],
            Activation::LeakyRelu { .. } | Activation::Identity => [f64::INFINITY, f64::NEG_INFINITY],
        };
        for (got, want) in a.iter().zip(want) {
            assert!(*got == want || (got - want).abs() <= FLOOR, "{g} of an infinity is {got}, not {want}");
        }
        assert!(a[2].is_nan(), "{g} hides a NaN: {}", a[2]);
    }
}

#[test]
fn a_nan_reaches_cost_and_parameters() {
    for g in ACTIVATIONS.into_iter().chain(WITH_Z) {
        for (loss, n_outputs) in LOSSES {
            let (network, parameters) = overflowing(g, 3, n_outputs, loss);
            let (x, y) = ([0.5, HUGE, 0.25, -HUGE], vec![0.0; 2 * network.target_rows()]);
            let problem = Problem::full_batch(&network, &parameters, &x, &y, 2, 0.1);
            let mut executor = cpu::Executor::new(&problem).unwrap();
            assert_eq!(executor.run(1), 1);
            let cost = executor.take_costs()[0];
            assert!(cost.is_nan(), "{g}, {loss:?}: the cost is {cost}");
            let first = executor.parameters();
            assert!(first.weight(0).iter().all(|w| w.is_nan()), "{g}, {loss:?}: {:?}", first.weight(0));
        }
    }
}

#[test]
fn saturated_outputs_cost_what_they_do_in_the_reference() {
    for z in [90.0, -90.0, 1e4, -1e4, 1e30, -1e30] {
        for y in [0.0, 1.0] {
            let binary = Network::new(1, vec![], 1, Loss::BinaryCrossEntropy).unwrap();
            let softmax = Network::new(1, vec![], 2, Loss::SoftmaxCrossEntropy).unwrap();
            for (network, parameters) in [(binary, vec![1.0, 0.0]), (softmax, vec![1.0, 0.0, 0.0, 0.0])] {
                let z = single(z);
                let got = cost(&network, &parameters, &[z], &[y]);
                let parameters = Parameters::from_values(&network, parameters).unwrap();
                let (want, _) =
                    cpu_reference::cost_and_gradients(&network, &parameters, &[z], &[y], 1).unwrap();
                assert!((got - want).abs() <= RELATIVE * want + FLOOR, "{network}, {z}, {y}: {got} {want}");
            }
        }
    }
}
