//! The device's own functions point by point, and what becomes of NaN and infinities.

use gpu_nn::cpu_reference::sigmoid;
use gpu_nn::gpu::Device;
use gpu_nn::network::{Activation, Layer, Loss, Network};
use gpu_nn::schedule::{self, Contents, Op, Schedule};

use crate::gpu_support::{ACTIVATIONS, Case, Numbers, SMALLEST_NORMAL, WITH_Z, device, single};

/// The largest relative error of tanh, sigmoid, exp and softplus: not quite seven roundings.
const LIMIT: f64 = 4e-7;

/// Smaller results count as zero: exp is clamped at exp(-87) = 1.6e-38, and a device that flushes subnormal numbers
/// loses half of it on the way through log1p.
const FLOOR: f64 = 2.0 * SMALLEST_NORMAL;

/// `count` points evenly from -100 to 100, and as many of either sign towards 0 down to 1e-37.
fn points(count: usize) -> Vec<f64> {
    let fraction = |i: usize| i as f64 / (count - 1) as f64;
    let even = (0..count).map(|i| 200.0 * fraction(i) - 100.0);
    let near = (0..count).map(|i| 10f64.powf(-37.0 * fraction(i)) * if i % 2 == 0 { 1.0 } else { -1.0 });
    even.chain(near).map(single).collect()
}

/// Asserts and prints the largest relative error over the points whose result counts.
#[track_caller]
fn assert_accurate(what: &str, z: &[f64], got: &[f64], want: impl Fn(f64) -> f64) {
    let (mut worst, mut at) = (0.0, 0.0);
    for (&z, &got) in z.iter().zip(got) {
        let want = want(z);
        let error = (got - want).abs();
        if want.abs() < FLOOR {
            assert!(error <= FLOOR, "{what}({z}) is {got:e}, not {want:e}");
        } else {
            let relative = error / want.abs();
            assert!(relative <= LIMIT, "{what}({z:e}) is {got:e}, not {want:e}: off by {relative:.2e}");
            if relative > worst {
                (worst, at) = (relative, z);
            }
        }
    }
    println!("{what}: at most {worst:.2e} off, at {at:e}");
}

fn activated(device: &Device, g: Activation, z: &[f64]) -> Vec<f64> {
    let mut case = Case::new(z.len());
    let op = Op::Activate { g, z: case.filled("Z", z.to_vec()), a: case.empty("A", 1) };
    case.op(op);
    let after = case.run_on(device).unwrap();
    after.get(&case.schedule, op.output().unwrap()).to_vec()
}

#[test]
fn tanh_and_sigmoid_are_accurate() {
    let Some(device) = device() else { return };
    let z = points(100_000);
    assert_accurate("tanh", &z, &activated(device, Activation::Tanh, &z), f64::tanh);
    assert_accurate("sigmoid", &z, &activated(device, Activation::Sigmoid, &z), sigmoid);
}

#[test]
fn exp_is_accurate() {
    let Some(device) = device() else { return };
    // Beside a logit of 0, that of z <= 0 has the softmax exp(z) / (1 + exp(z)): exp(z) itself when it is small.
    let z: Vec<f64> = points(100_000).into_iter().filter(|z| *z < 0.0).collect();
    let mut case = Case::new(z.len());
    let logits = [z.clone(), vec![0.0; z.len()]].concat();
    let loss = Loss::SoftmaxCrossEntropy;
    let op = Op::Predict { loss, z: case.filled("Z", logits), a: case.empty("A", 2) };
    case.op(op);
    let after = case.run_on(device).unwrap();
    let got = &after.get(&case.schedule, op.output().unwrap())[..z.len()];
    assert_accurate("exp through softmax", &z, got, |z| z.exp() / (1.0 + z.exp()));
}

#[test]
fn softplus_is_accurate() {
    let Some(device) = device() else { return };
    // One sample of class 0 costs softplus(z): a run of many operations, each on a sample of its own.
    let z = points(1_000);
    let mut case = Case::new(1);
    let (y, j) = (case.target(vec![0.0]), case.costs());
    for &z in &z {
        let z = case.filled("Z", vec![z]);
        case.op(Op::Cost { loss: Loss::BinaryCrossEntropy, smoothing: 0.0, z, y, j });
    }
    let softplus = |z: f64| z.max(0.0) + (-z.abs()).exp().ln_1p();
    assert_accurate("softplus", &z, &case.run_on(device).unwrap().costs, softplus);
}

/// Equal, both NaN, or both so small that exp was clamped.
fn agree(got: f64, want: f64) -> bool {
    got == want || (got.is_nan() && want.is_nan()) || (got - want).abs() <= FLOOR
}

#[test]
fn activations_of_nan_and_infinities() {
    let Some(device) = device() else { return };
    let z = [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    for g in ACTIVATIONS.into_iter().chain(WITH_Z) {
        let a = activated(device, g, &z);
        assert!(a[0].is_nan() && a[1].is_nan(), "{g} hides a NaN: {a:?}");
        let want = match g {
            Activation::Sigmoid => [1.0, 0.0],
            Activation::Tanh => [1.0, -1.0],
            Activation::Relu | Activation::Softplus | Activation::Gelu | Activation::Silu => {
                [f64::INFINITY, 0.0]
            }
            Activation::Elu => [f64::INFINITY, -1.0],
            Activation::LeakyRelu { .. } | Activation::Identity => [f64::INFINITY, f64::NEG_INFINITY],
        };
        for (got, want) in a[2..].iter().zip(want) {
            assert!(agree(*got, want), "{g} of an infinity is {got}, not {want}");
        }
    }
}

/// Costs, derivatives and outputs for one sample with these logits on the device, each the same as the twin's.
#[track_caller]
fn assert_loss_agrees(device: &Device, loss: Loss, logits: &[f64], y: &[f64]) {
    let mut case = Case::new(1);
    let (z, y, j) = (case.filled("Z", logits.to_vec()), case.target(y.to_vec()), case.costs());
    let (dz, a) = (case.empty("dZ", logits.len()), case.empty("A", logits.len()));
    case.op(Op::Cost { loss, smoothing: 0.0, z, y, j });
    case.op(Op::OutputDelta { loss, smoothing: 0.0, z, y, dz });
    case.op(Op::Predict { loss, z, a });
    let (got, want) = case.run(device);
    for id in [j, dz, a] {
        let (got, want) = (got.get(&case.schedule, id), want.get(&case.schedule, id));
        let same = got.iter().zip(want).all(|(got, want)| agree(*got, *want));
        assert!(same, "{loss:?} of {logits:?}: {} is {got:?}, not {want:?}", case.schedule.tensor(id).name);
    }
}

#[test]
fn losses_of_nan_and_infinities() {
    let Some(device) = device() else { return };
    let special = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    for z in special {
        for y in [0.0, 1.0] {
            assert_loss_agrees(device, Loss::BinaryCrossEntropy, &[z], &[y]);
            assert_loss_agrees(device, Loss::SoftmaxCrossEntropy, &[z, 0.0], &[y]);
            assert_loss_agrees(device, Loss::SoftmaxCrossEntropy, &[0.0, z], &[y]);
            assert_loss_agrees(device, Loss::SquaredError, &[z, 0.0], &[y, 1.0]);
            special.iter().for_each(|other| {
                assert_loss_agrees(device, Loss::SoftmaxCrossEntropy, &[z, *other], &[y]);
            });
        }
    }
}

/// One hidden layer of 3 and the gradients of 5 samples.
fn small(g: Activation, loss: Loss, n_outputs: usize) -> (Schedule, Contents) {
    let hidden = vec![Layer { units: 3, activation: g }];
    let network = Network::new(2, hidden, n_outputs, loss).unwrap();
    let schedule = schedule::gradients(&network, 5);
    let mut numbers = Numbers::new(11);
    let mut contents = Contents::zeros(&schedule);
    contents.parameters = numbers.parameters(&network).values().to_vec();
    for (tensor, values) in schedule.tensors.iter().zip(&mut contents.tensors) {
        match tensor.name.as_str() {
            "X" => *values = numbers.normals(values.len()),
            "Y" => *values = numbers.targets(loss, n_outputs, 5),
            _ => {}
        }
    }
    (schedule, contents)
}

#[test]
fn a_nan_reaches_activations_cost_and_gradients() {
    let Some(device) = device() else { return };
    let losses = [(Loss::BinaryCrossEntropy, 1), (Loss::SoftmaxCrossEntropy, 3), (Loss::SquaredError, 2)];
    for g in ACTIVATIONS.into_iter().chain(WITH_Z) {
        for (loss, n_outputs) in losses {
            let (schedule, mut before) = small(g, loss, n_outputs);
            // X (2, 5): a feature of sample 3.
            before.tensors[0][3] = f64::NAN;
            let after = pollster::block_on(gpu_nn::gpu::run_once(device, &schedule, &before)).unwrap();
            let a1 = schedule.tensors.iter().position(|tensor| tensor.name == "A1").unwrap();
            for (i, a) in after.tensors[a1].iter().enumerate() {
                assert_eq!(a.is_nan(), i % 5 == 3, "{g}, {loss:?}: A1[{i}] is {a}");
            }
            assert!(after.costs[0].is_nan(), "{g}, {loss:?}: the cost is {}", after.costs[0]);
            let hidden = after.gradients.iter().position(|gradient| !gradient.is_nan());
            assert_eq!(hidden, None, "{g}, {loss:?}: gradients {:?}", after.gradients);
        }
    }
}
