//! Every operation on the device against its f64 twin, alone, at awkward sizes and with awkward numbers.
//!
//! Limits are derived, not chosen: a sum of n terms whose longest strand has d additions is off by at most
//! (d + 1) * ROUNDING * sum of |terms|, and at most SMALLEST_NORMAL for each term that a device flushed to zero.

use gpu_nn::cpu_reference::{activate, activation_derivative, output_delta, predict, sigmoid};
use gpu_nn::gpu::Device;
use gpu_nn::network::{Activation, Loss};
use gpu_nn::schedule::{Contents, Op, TensorId};

use crate::gpu_support::{
    ACTIVATIONS, Case, Numbers, ROUNDING, SIZES, SMALLEST_NORMAL, WITH_Z, assert_within, device, single,
};

/// What the device's own functions (exp, tanh, sigmoid, log1p, ln) may be off by, relative.
const FUNCTION: f64 = 8.0 * ROUNDING;

/// exp is clamped below -87: what should be smaller comes out as this.
const EXP_FLOOR: f64 = 1.7e-38;

/// (n_l, n_prev, m): each takes every size, alone and mixed with others.
fn shapes() -> Vec<(usize, usize, usize)> {
    let n = SIZES.len();
    let mixed = (0..n).map(|i| (SIZES[i], SIZES[(i + 2) % n], SIZES[(i + 4) % n]));
    let alone = SIZES.iter().flat_map(|&size| [(size, 7, 65), (3, size, 65), (3, 7, size)]);
    mixed.chain(alone).collect()
}

/// The longest strand of a product's sum: four run side by side.
fn product_strand(n: usize) -> f64 {
    (n / 4 + 6) as f64
}

/// The longest strand of a sum over samples: an invocation's own share, its workgroup's tree, and the chunks.
fn sample_strand(m: usize) -> f64 {
    (m.div_ceil(64).min(256) + 6 + m.div_ceil(1024)) as f64
}

/// The most that a sum may be off by, from the sum of its terms' sizes.
fn sum_limit(strand: f64, n: usize, sum_of_sizes: f64) -> f64 {
    (strand + 1.0) * ROUNDING * sum_of_sizes + n as f64 * SMALLEST_NORMAL
}

/// Runs a case and holds one of its matrices against the reference.
#[track_caller]
fn check(device: &Device, case: &Case, out: TensorId, limit: impl Fn(usize) -> f64) {
    let (got, want) = case.run(device);
    let tensor = case.schedule.tensor(out);
    let what = format!("{} ({} x {})", tensor.name, tensor.rows, tensor.cols);
    assert_within(&what, got.get(&case.schedule, out), want.get(&case.schedule, out), limit);
    assert_only_changes(case, &got, out);
}

/// Nothing but the output may change: no kernel writes beyond its matrix.
#[track_caller]
fn assert_only_changes(case: &Case, after: &Contents, out: TensorId) {
    let bits = |values: &[f64]| values.iter().map(|v| (*v as f32).to_bits()).collect::<Vec<_>>();
    for i in (0..case.schedule.tensors.len()).filter(|i| *i != out.0) {
        let name = &case.schedule.tensors[i].name;
        assert_eq!(bits(&after.tensors[i]), bits(&case.before.tensors[i]), "{name} has changed");
    }
    assert_eq!(bits(&after.parameters), bits(&case.before.parameters), "the parameters have changed");
}

#[test]
fn matmul_bias() {
    let Some(device) = device() else { return };
    for (n_l, n_prev, m) in shapes() {
        let mut numbers = Numbers::new(1);
        let (w, x, b) = (numbers.awkward(n_l * n_prev), numbers.awkward(n_prev * m), numbers.awkward(n_l));
        let mut case = Case::new(m);
        let op = Op::MatmulBias {
            w: case.parameter("W", (n_l, n_prev), &w),
            x: case.filled("X", x.clone()),
            b: case.parameter("b", (n_l, 1), &b),
            z: case.empty("Z", n_l),
        };
        case.op(op);
        check(device, &case, op.output().unwrap(), |index| {
            let (i, j) = (index / m, index % m);
            let terms = (0..n_prev).map(|k| (w[i * n_prev + k] * x[k * m + j]).abs());
            sum_limit(product_strand(n_prev), n_prev, terms.sum::<f64>() + b[i].abs())
        });
    }
}

#[test]
fn input_gradient() {
    let Some(device) = device() else { return };
    for (n_l, n_prev, m) in shapes() {
        let mut numbers = Numbers::new(2);
        let (w, dz) = (numbers.awkward(n_l * n_prev), numbers.awkward(n_l * m));
        let mut case = Case::new(m);
        let op = Op::InputGradient {
            w: case.parameter("W", (n_l, n_prev), &w),
            dz: case.filled("dZ", dz.clone()),
            da: case.empty("dA", n_prev),
        };
        case.op(op);
        check(device, &case, op.output().unwrap(), |index| {
            let (k, j) = (index / m, index % m);
            let terms = (0..n_l).map(|i| (w[i * n_prev + k] * dz[i * m + j]).abs());
            sum_limit(product_strand(n_l), n_l, terms.sum())
        });
    }
}

#[test]
fn weight_gradient() {
    let Some(device) = device() else { return };
    for (n_l, n_prev, m) in shapes() {
        let mut numbers = Numbers::new(3);
        let (dz, a_prev) = (numbers.awkward(n_l * m), numbers.awkward(n_prev * m));
        let mut case = Case::new(m);
        let op = Op::WeightGradient {
            dz: case.filled("dZ", dz.clone()),
            a_prev: case.filled("A", a_prev.clone()),
            dw: case.gradient("dW", (n_l, n_prev)),
        };
        case.op(op);
        check(device, &case, op.output().unwrap(), |index| {
            let (i, k) = (index / n_prev, index % n_prev);
            let terms = (0..m).map(|j| (dz[i * m + j] * a_prev[k * m + j]).abs());
            // Two more roundings: of 1 / m, and of the product with it.
            sum_limit(sample_strand(m) + 2.0, m, terms.sum::<f64>() / m as f64)
        });
    }
}

#[test]
fn row_sum() {
    let Some(device) = device() else { return };
    for (n_l, _, m) in shapes() {
        let dz = Numbers::new(4).awkward(n_l * m);
        let mut case = Case::new(m);
        let op = Op::RowSum { dz: case.filled("dZ", dz.clone()), db: case.gradient("db", (n_l, 1)) };
        case.op(op);
        check(device, &case, op.output().unwrap(), |i| {
            let terms = dz[i * m..(i + 1) * m].iter().map(|v| v.abs());
            sum_limit(sample_strand(m) + 2.0, m, terms.sum::<f64>() / m as f64)
        });
    }
}

/// z or a of an activation at (n_l, m), with both ends of each function.
fn activation_inputs(n_l: usize, m: usize) -> Vec<f64> {
    let mut z = Numbers::new(5).awkward(n_l * m);
    let ends = [1e4, -1e4, 1e-30, -1e-30, 0.0, -0.0, 88.5, -88.5, 0.625, -0.625, 1e-3, 20.0, -20.0];
    z.iter_mut().zip(ends).for_each(|(z, end)| *z = single(end));
    z
}

/// The w of an activation z sigmoid(w), and its derivative by z.
fn exponent(g: Activation, z: f64) -> (f64, f64) {
    let factor = 2.0 * (2.0 / std::f64::consts::PI).sqrt();
    match g {
        Activation::Gelu => (factor * (z + 0.044715 * z.powi(3)), factor * (1.0 + 3.0 * 0.044715 * z * z)),
        _ => (z, 1.0),
    }
}

/// The roundings of z sigmoid(w): those of w grow to so many times as many in exp(w), but where exp is clamped.
fn gated_roundings(w: f64) -> f64 {
    12.0 + 4.0 * w.abs().min(90.0)
}

/// What is left of z sigmoid(w) where exp(w) is clamped: at most 88 times that.
const GATED_FLOOR: f64 = 100.0 * EXP_FLOOR;

#[test]
fn activations() {
    let Some(device) = device() else { return };
    for g in ACTIVATIONS.into_iter().chain(WITH_Z) {
        for (n_l, _, m) in shapes() {
            let z = activation_inputs(n_l, m);
            let inputs = z.clone();
            let mut want = z.clone();
            activate(g, &z, &mut want);
            let mut case = Case::new(m);
            let op = Op::Activate { g, z: case.filled("Z", z), a: case.empty(&format!("{g} A"), n_l) };
            case.op(op);
            let limit = |i: usize| match g {
                Activation::Sigmoid | Activation::Softplus => FUNCTION * want[i].abs() + EXP_FLOOR,
                Activation::Tanh | Activation::Elu => FUNCTION * want[i].abs() + SMALLEST_NORMAL,
                Activation::LeakyRelu { .. } => ROUNDING * want[i].abs() + SMALLEST_NORMAL,
                Activation::Gelu | Activation::Silu => {
                    ROUNDING * gated_roundings(exponent(g, inputs[i]).0) * want[i].abs() + GATED_FLOOR
                }
                Activation::Relu | Activation::Identity => 0.0,
            };
            check(device, &case, op.output().unwrap(), limit);
        }
    }
}

#[test]
fn activation_derivatives() {
    let Some(device) = device() else { return };
    for g in ACTIVATIONS.into_iter().chain(WITH_Z) {
        for (n_l, _, m) in shapes() {
            let z = activation_inputs(n_l, m);
            let mut a = z.clone();
            if !g.needs_z() {
                activate(g, &z, &mut a);
                a.iter_mut().for_each(|a| *a = single(*a));
            }
            let da = Numbers::new(6).awkward(n_l * m);
            let mut want = da.clone();
            activation_derivative(g, &da, &a, &mut want);
            let mut case = Case::new(m);
            let op = Op::ActivationDerivative {
                g,
                da: case.filled("dA", da.clone()),
                a: case.filled("A", a),
                dz: case.empty(&format!("{g} dZ"), n_l),
            };
            case.op(op);
            // 1 - a^2 cancels: a^2 was rounded, or not where the device fuses the two.
            let cancelled = if g == Activation::Tanh { 1.0 } else { 0.0 };
            // Two functions and their product.
            let function = if g == Activation::Softplus { 2.0 * FUNCTION / ROUNDING } else { 0.0 };
            let limit = |i: usize| {
                if g.needs_z() {
                    // Two terms, s and z s (1 - s) w', which may cancel.
                    let (w, slope) = exponent(g, z[i]);
                    let s = sigmoid(w);
                    let size = s + (z[i] * s * (1.0 - s) * slope).abs();
                    return da[i].abs() * (ROUNDING * gated_roundings(w) * size + 10.0 * GATED_FLOOR)
                        + SMALLEST_NORMAL;
                }
                let size = want[i].abs() * (3.0 + function) + da[i].abs() * cancelled;
                ROUNDING * size + (1.0 + da[i].abs()) * SMALLEST_NORMAL
            };
            check(device, &case, op.output().unwrap(), limit);
        }
    }
}

/// Every loss with every size as m, and softmax and values with several numbers of outputs.
fn loss_shapes() -> impl Iterator<Item = (Loss, usize, usize)> {
    let outputs = [
        (Loss::BinaryCrossEntropy, 1),
        (Loss::SoftmaxCrossEntropy, 2),
        (Loss::SoftmaxCrossEntropy, 3),
        (Loss::SoftmaxCrossEntropy, 10),
        (Loss::SoftmaxCrossEntropy, 127),
        (Loss::SquaredError, 1),
        (Loss::SquaredError, 3),
        (Loss::SquaredError, 127),
        (Loss::AbsoluteError, 1),
        (Loss::AbsoluteError, 3),
        (Loss::Huber { delta: 0.75 }, 1),
        (Loss::Huber { delta: 0.75 }, 3),
    ];
    outputs.into_iter().flat_map(|(loss, n)| SIZES.into_iter().map(move |m| (loss, n, m)))
}

/// The spread of one sample's logits: rounding z - max changes exp by so many roundings.
fn spread(z: &[f64], j: usize, m: usize) -> f64 {
    let column = || z.iter().skip(j).step_by(m).copied();
    column().fold(f64::NEG_INFINITY, f64::max) - column().fold(f64::INFINITY, f64::min)
}

#[test]
fn costs() {
    let Some(device) = device() else { return };
    for (loss, n, m) in loss_shapes() {
        let mut numbers = Numbers::new(7);
        let (z, y) = (numbers.awkward(n * m), numbers.targets(loss, n, m));
        let mut case = Case::new(m);
        let op = Op::Cost {
            loss,
            smoothing: 0.0,
            z: case.filled("Z", z.clone()),
            y: case.target(y.clone()),
            j: case.costs(),
        };
        case.op(op);
        let (got, want) = case.run(device);
        // Of one sample: no terms cancel except in z_i - y_i and max - z_y, which round once.
        let own = match loss {
            Loss::BinaryCrossEntropy => 10.0,
            _ => n as f64 + 12.0,
        };
        // A softmax's ln(sum) may vanish beside a large sum's rounding: at most ln(n) a sample.
        let size =
            want.costs[0] + if loss == Loss::SoftmaxCrossEntropy { 1.0 + (n as f64).ln() } else { 0.0 };
        let limit = sum_limit(sample_strand(m) + own + 2.0, m, size);
        assert_within(&format!("{loss:?} of {n} x {m}"), &got.costs, &want.costs, |_| limit);
    }
}

/// How far one output of a sample may be off.
fn output_limit(loss: Loss, z: &[f64], a: f64, n: usize, j: usize, m: usize) -> f64 {
    match loss {
        Loss::BinaryCrossEntropy => FUNCTION * a + EXP_FLOOR,
        Loss::SoftmaxCrossEntropy => {
            // Only logits within 104 of the largest have an exp that is not 0 in f32.
            let roundings = n as f64 + 12.0 + 2.0 * spread(z, j, m).min(104.0);
            ROUNDING * roundings * a + EXP_FLOOR
        }
        _ => 0.0,
    }
}

#[test]
fn outputs() {
    let Some(device) = device() else { return };
    for (loss, n, m) in loss_shapes() {
        let z = Numbers::new(8).awkward(n * m);
        let mut want = z.clone();
        predict(loss, &z, &mut want, m);
        let mut case = Case::new(m);
        let op =
            Op::Predict { loss, z: case.filled("Z", z.clone()), a: case.empty(&format!("{loss:?} A"), n) };
        case.op(op);
        check(device, &case, op.output().unwrap(), |i| output_limit(loss, &z, want[i], n, i % m, m));
    }
}

#[test]
fn output_deltas() {
    let Some(device) = device() else { return };
    for (loss, n, m) in loss_shapes() {
        let mut numbers = Numbers::new(9);
        let (z, y) = (numbers.awkward(n * m), numbers.targets(loss, n, m));
        let (mut a, mut want) = (z.clone(), z.clone());
        predict(loss, &z, &mut a, m);
        output_delta(loss, 0.0, &z, &y, &mut want, m);
        let mut case = Case::new(m);
        let op = Op::OutputDelta {
            loss,
            smoothing: 0.0,
            z: case.filled("Z", z.clone()),
            y: case.target(y),
            dz: case.empty(&format!("{loss:?} dZ"), n),
        };
        case.op(op);
        check(device, &case, op.output().unwrap(), |i| {
            output_limit(loss, &z, a[i], n, i % m, m) + ROUNDING * want[i].abs()
        });
    }
}

#[test]
fn gradient_descent() {
    let Some(device) = device() else { return };
    for size in SIZES {
        let mut numbers = Numbers::new(10);
        let mut case = Case::new(1);
        case.grow(&numbers.awkward(size));
        case.before.gradients = numbers.awkward(size);
        let learning_rate = 0.3;
        case.op(Op::GradientDescent { learning_rate });
        let (got, want) = case.run(device);
        let (theta, gradient) = (&case.before.parameters, &case.before.gradients);
        // The learning rate is rounded, then the product, then the difference.
        let limit = |i: usize| {
            ROUNDING * (2.0 * (learning_rate * gradient[i]).abs() + want.parameters[i].abs())
                + SMALLEST_NORMAL
        };
        assert_within("theta", &got.parameters, &want.parameters, limit);
        assert_eq!(&got.gradients, gradient, "the gradients have changed");
        assert_ne!(&got.parameters, theta, "nothing has changed");
    }
}
