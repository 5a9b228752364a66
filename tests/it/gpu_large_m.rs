//! Long sums, long inner dimensions and many classes.
//!
//! Mesa 22's software driver silently ends all loops of an invocation after 65,535 rounds and goes on with wrong
//! numbers; a dimension of a grid ends at 65,535 workgroups; sums over samples are cut at multiples of 1,024. Hence
//! these sizes.

use gpu_nn::cpu_reference;
use gpu_nn::gpu::{self, Device};
use gpu_nn::network::{Activation, Layer, Loss, Network, Parameters};
use gpu_nn::schedule::{Op, Problem};
use gpu_nn::{Error, Result};

use crate::gpu_support::{
    Case, Numbers, ROUNDING, RunCase, assert_probes_pass, assert_within, device, run_all,
};

const LARGE: [usize; 5] = [65_534, 65_535, 65_536, 65_537, 200_000];

/// The most classes whose three loops fit below the limit.
const MAX_CLASSES: usize = 21_666;

/// Absolute, for gradients and costs of order 1: a sum of chunks has strands of at most 256 + 6 + 200 additions, and
/// rounding goes either way.
const MEAN: f64 = 4e-6;

/// The mean of m ones as the kernels form it: an exact sum times the rounded 1 / m.
fn mean_of_ones(m: usize) -> f64 {
    f64::from(m as f32 * (1.0 / m as f32))
}

/// Loops, sums, products and classes up to what kernels allow themselves: the probes of `verify`, in full.
#[test]
fn nothing_is_cut_short_up_to_the_limits() {
    let Some(device) = device() else { return };
    assert_probes_pass(device, |name| {
        ["long loops", "long sums", "products over 60,000 units", "softmax of many classes"].contains(&name)
    });
}

#[test]
fn a_sum_too_long_for_one_workgroup() {
    let Some(device) = device() else { return };
    // Of an undivided sum each of 64 invocations would take more rounds than the driver allows; still exact in f32.
    let m = 64 * 65_536 + 1;
    let mut case = Case::new(m);
    let (dz, y) = (case.filled("dZ", vec![1.0; m]), case.target(vec![3.0; m]));
    let (db, j) = (case.gradient("db", (1, 1)), case.costs());
    case.op(Op::RowSum { dz, db });
    case.op(Op::Cost { loss: Loss::SquaredError, smoothing: 0.0, z: dz, y, j });
    let after = case.run_on(device).unwrap();
    assert_eq!(after.get(&case.schedule, db), [mean_of_ones(m)]);
    assert_eq!(after.costs, [2.0 * mean_of_ones(m)]);
}

#[test]
fn a_single_odd_sample_is_found_wherever_it_is() {
    let Some(device) = device() else { return };
    for m in LARGE {
        for at in [0, 1_023, 1_024, 65_533, m / 2, m - 1] {
            let mut dz = vec![0.0; m];
            dz[at] = m as f64;
            let mut case = Case::new(m);
            let op = Op::RowSum { dz: case.filled("dZ", dz), db: case.gradient("db", (1, 1)) };
            case.op(op);
            let after = case.run_on(device).unwrap();
            let db = after.get(&case.schedule, op.output().unwrap());
            assert_eq!(db, [mean_of_ones(m)], "m = {m}, sample {at}");
        }
    }
}

/// Three training steps on both sides: gradients, costs, parameters and predictions agree.
#[track_caller]
fn assert_training_agrees(device: &Device, network: &Network, m: usize) {
    let mut numbers = Numbers::new(21);
    let parameters = numbers.parameters(network);
    let x = numbers.normals(network.n_features() * m);
    let y = numbers.targets(network.loss(), network.n_outputs(), m);
    let (_, gradients) = cpu_reference::cost_and_gradients(network, &parameters, &x, &y, m).unwrap();
    let mut reference =
        cpu_reference::Executor::new(&Problem::full_batch(network, &parameters, &x, &y, m, 0.5)).unwrap();
    (0..3).for_each(|_| assert_eq!(reference.run(1), 1));

    let what = |quantity: &str| format!("{network}, m = {m}: {quantity}");
    let mut executor =
        gpu::Executor::new(device, &Problem::full_batch(network, &parameters, &x, &y, m, 0.5)).unwrap();
    run_all(&mut executor, 1);
    let first = pollster::block_on(executor.gradients()).unwrap();
    assert_within(&what("gradients"), first.values(), gradients.values(), |_| MEAN);
    run_all(&mut executor, 2);
    let costs = pollster::block_on(executor.take_costs()).unwrap();
    assert_within(&what("costs"), &costs, &reference.take_costs(), |_| MEAN);
    let cost = pollster::block_on(executor.cost()).unwrap();
    assert_within(&what("cost after the last step"), &[cost], &[reference.cost()], |_| MEAN);
    let parameters = pollster::block_on(executor.parameters()).unwrap();
    assert_within(&what("parameters"), parameters.values(), reference.parameters().values(), |_| 3.0 * MEAN);
    let predicted = pollster::block_on(executor.predict(&x, m)).unwrap();
    assert_within(&what("outputs"), &predicted, &reference.predict(&x, m).unwrap(), |_| 10.0 * MEAN);
}

fn network(n_features: usize, hidden: &[(usize, Activation)], n_outputs: usize, loss: Loss) -> Network {
    let hidden = hidden.iter().map(|&(units, activation)| Layer { units, activation }).collect();
    Network::new(n_features, hidden, n_outputs, loss).unwrap()
}

#[test]
fn training_with_many_samples() {
    let Some(device) = device() else { return };
    for m in LARGE {
        let tanh = network(2, &[(4, Activation::Tanh)], 1, Loss::BinaryCrossEntropy);
        assert_training_agrees(device, &tanh, m);
        let softmax = network(3, &[(5, Activation::Sigmoid)], 3, Loss::SoftmaxCrossEntropy);
        assert_training_agrees(device, &softmax, m);
        let squared = network(2, &[], 2, Loss::SquaredError);
        assert_training_agrees(device, &squared, m);
    }
}

#[test]
fn training_with_many_classes() {
    let Some(device) = device() else { return };
    let softmax = network(2, &[(3, Activation::Tanh)], 1_000, Loss::SoftmaxCrossEntropy);
    assert_training_agrees(device, &softmax, 2_000);
}

#[test]
fn products_over_60_000_units() {
    let Some(device) = device() else { return };
    let (n, few, m) = (60_000, 2, 3);
    let mut numbers = Numbers::new(22);
    let (w, x) = (numbers.normals(few * n), numbers.normals(n * m));
    let mut case = Case::new(m);
    let x = case.filled("X", x);
    let (wide, b) = (case.parameter("W1", (few, n), &w), case.parameter("b1", (few, 1), &[0.5, -0.5]));
    let tall = case.parameter("W2", (n, few), &w);
    let (z, da) = (case.empty("Z1", few), case.empty("dA1", few));
    // 120,000 sums, a workgroup each: more than a dimension of a grid holds.
    let dw = case.gradient("dW1", (few, n));
    case.op(Op::MatmulBias { w: wide, x, b, z });
    case.op(Op::InputGradient { w: tall, dz: x, da });
    case.op(Op::WeightGradient { dz: z, a_prev: x, dw });
    let (got, want) = case.run(device);
    // Terms of size 0.64 in the mean, in strands of a quarter.
    let sum = (n / 4) as f64 * ROUNDING * 0.64 * n as f64;
    for (id, limit) in [(z, sum), (da, sum), (dw, 3.0 * sum)] {
        let name = &case.schedule.tensor(id).name;
        assert_within(name, got.get(&case.schedule, id), want.get(&case.schedule, id), |_| limit);
    }
}

/// Cost, derivatives and outputs of m samples with equal logits; sample j is of class j, modulo the classes.
fn equal_classes(device: &Device, n_classes: usize, m: usize) -> Result<[Vec<f64>; 3]> {
    let loss = Loss::SoftmaxCrossEntropy;
    let mut case = Case::new(m);
    let (z, j) = (case.filled("Z", vec![2.0; n_classes * m]), case.costs());
    let y = case.target((0..m).map(|j| (j % n_classes) as f64).collect());
    let (dz, a) = (case.empty("dZ", n_classes), case.empty("A", n_classes));
    case.op(Op::Cost { loss, smoothing: 0.0, z, y, j });
    case.op(Op::OutputDelta { loss, smoothing: 0.0, z, y, dz });
    case.op(Op::Predict { loss, z, a });
    let after = case.run_on(device)?;
    Ok([j, dz, a].map(|id| after.get(&case.schedule, id).to_vec()))
}

#[test]
fn more_classes_are_refused() {
    let Some(device) = device() else { return };
    let error = equal_classes(device, MAX_CLASSES + 1, 3).unwrap_err();
    assert!(matches!(error, Error::DeviceLimit { .. }), "{error}");
    let message = error.to_string();
    assert!(message.contains("21667 units") && message.contains("21666"), "{message}");

    let network = network(1, &[], MAX_CLASSES + 1, Loss::SoftmaxCrossEntropy);
    let parameters = Parameters::zeros(&network);
    let executor =
        gpu::Executor::new(device, &Problem::full_batch(&network, &parameters, &[1.0], &[0.0], 1, 0.1));
    assert!(matches!(executor.err(), Some(Error::DeviceLimit { .. })));
}
