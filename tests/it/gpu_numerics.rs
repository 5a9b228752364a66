//! The device's own functions point by point, and what becomes of NaN and infinities: the probes of `verify`, in full; and
//! softplus by way of the costs.

use gpu_nn::network::Loss;
use gpu_nn::schedule::Op;

use crate::gpu_support::{Case, RunCase, SMALLEST_NORMAL, assert_probes_pass, device, single};

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

#[test]
fn functions_are_accurate() {
    let Some(device) = device() else { return };
    assert_probes_pass(device, |name| name.starts_with("large and small "));
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

#[test]
fn activations_and_losses_of_nan_and_infinities() {
    let Some(device) = device() else { return };
    assert_probes_pass(device, |name| name.contains(" of NaN"));
}

#[test]
fn a_nan_reaches_activations_cost_and_gradients() {
    let Some(device) = device() else { return };
    assert_probes_pass(device, |name| name.starts_with("a NaN "));
}
