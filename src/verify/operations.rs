//! Single operations on a device against their f64 twins, at awkward sizes and with awkward numbers; losses are in `losses`.
//!
//! Limits are derived, not chosen: a sum of n terms whose longest strand has d additions is off by at most
//! (d + 1) * ROUNDING * sum of |terms|, and at most SMALLEST_NORMAL for each term that a device flushed to zero.

use super::case::Case;
use super::comparison::Comparison;
use super::numbers::{Numbers, ROUNDING, SIZES, SMALLEST_NORMAL, single};
use super::probe::Effort;
use super::work::well_conditioned;
use crate::cpu_reference::{activate, activation_derivative, sigmoid};
use crate::error::Result;
use crate::gpu::Device;
use crate::network::{Activation, Loss};
use crate::schedule::{Clip, Contents, Descent, Dropout, Op, Optimizer, TensorId};

/// What the device's own functions (exp, tanh, sigmoid, log1p, ln) may be off by, relative.
pub(super) const FUNCTION: f64 = 8.0 * ROUNDING;

/// exp is clamped below -87: what should be smaller comes out as this.
pub(super) const EXP_FLOOR: f64 = 1.7e-38;

/// (n_l, n_prev, m): each takes every size mixed with others, and in a full check alone too.
fn shapes(effort: Effort) -> Vec<(usize, usize, usize)> {
    let n = SIZES.len();
    let mixed = (0..n).map(|i| (SIZES[i], SIZES[(i + 2) % n], SIZES[(i + 4) % n]));
    let alone = SIZES.iter().flat_map(|&size| [(size, 7, 65), (3, size, 65), (3, 7, size)]);
    match effort {
        Effort::Quick => mixed.collect(),
        Effort::Full => mixed.chain(alone).collect(),
    }
}

/// The longest strand of a product's sum: four run side by side.
fn product_strand(n: usize) -> f64 {
    (n / 4 + 6) as f64
}

/// The longest strand of a sum over samples: an invocation's own share, its workgroup's tree, and the chunks.
pub(super) fn sample_strand(m: usize) -> f64 {
    (m.div_ceil(64).min(256) + 6 + m.div_ceil(1024)) as f64
}

/// The most that a sum may be off by, from the sum of its terms' sizes.
pub(super) fn sum_limit(strand: f64, n: usize, sum_of_sizes: f64) -> f64 {
    (strand + 1.0) * ROUNDING * sum_of_sizes + n as f64 * SMALLEST_NORMAL
}

/// Runs a case and holds one of its matrices against the reference; nothing else may have changed.
pub(super) async fn hold(
    device: &Device,
    case: &Case,
    out: TensorId,
    limit: impl Fn(usize) -> f64,
    to: &mut Comparison,
) -> Result<()> {
    let (got, want) = (case.on_device(device).await?, case.on_reference()?);
    let tensor = case.schedule.tensor(out);
    let what = format!("{} ({} x {})", tensor.name, tensor.rows, tensor.cols);
    to.within(&what, got.get(&case.schedule, out), want.get(&case.schedule, out), limit);
    only_changes(case, &got, out, to);
    Ok(())
}

/// No kernel writes beyond its matrix.
fn only_changes(case: &Case, after: &Contents, out: TensorId, to: &mut Comparison) {
    let bits = |values: &[f64]| values.iter().map(|v| (*v as f32).to_bits()).collect::<Vec<_>>();
    for i in (0..case.schedule.tensors.len()).filter(|i| *i != out.0) {
        let same = bits(&after.tensors[i]) == bits(&case.before.tensors[i]);
        to.require(same, || format!("{} has changed", case.schedule.tensors[i].name));
    }
    let same = bits(&after.parameters) == bits(&case.before.parameters);
    to.require(same, || "the parameters have changed".into());
}

pub(super) async fn matmul_bias(device: &Device, effort: Effort, to: &mut Comparison) -> Result<()> {
    for (n_l, n_prev, m) in shapes(effort) {
        let mut numbers = Numbers::new(1);
        let (w, x, b) = (numbers.awkward(n_l * n_prev), numbers.awkward(n_prev * m), numbers.awkward(n_l));
        let mut case = Case::new(m);
        let (w_id, x_id) = (case.parameter("W", (n_l, n_prev), &w), case.filled("X", x.clone()));
        let (b_id, z) = (case.parameter("b", (n_l, 1), &b), case.empty("Z", n_l));
        case.op(Op::MatmulBias { w: w_id, x: x_id, b: b_id, z });
        let limit = |index: usize| {
            let (i, j) = (index / m, index % m);
            let terms = (0..n_prev).map(|k| (w[i * n_prev + k] * x[k * m + j]).abs());
            sum_limit(product_strand(n_prev), n_prev, terms.sum::<f64>() + b[i].abs())
        };
        hold(device, &case, z, limit, to).await?;
    }
    Ok(())
}

pub(super) async fn input_gradient(device: &Device, effort: Effort, to: &mut Comparison) -> Result<()> {
    for (n_l, n_prev, m) in shapes(effort) {
        let mut numbers = Numbers::new(2);
        let (w, dz) = (numbers.awkward(n_l * n_prev), numbers.awkward(n_l * m));
        let mut case = Case::new(m);
        let (w_id, dz_id) = (case.parameter("W", (n_l, n_prev), &w), case.filled("dZ", dz.clone()));
        let da = case.empty("dA", n_prev);
        case.op(Op::InputGradient { w: w_id, dz: dz_id, da });
        let limit = |index: usize| {
            let (k, j) = (index / m, index % m);
            let terms = (0..n_l).map(|i| (w[i * n_prev + k] * dz[i * m + j]).abs());
            sum_limit(product_strand(n_l), n_l, terms.sum())
        };
        hold(device, &case, da, limit, to).await?;
    }
    Ok(())
}

pub(super) async fn weight_gradient(device: &Device, effort: Effort, to: &mut Comparison) -> Result<()> {
    for (n_l, n_prev, m) in shapes(effort) {
        let mut numbers = Numbers::new(3);
        let (dz, a_prev) = (numbers.awkward(n_l * m), numbers.awkward(n_prev * m));
        let mut case = Case::new(m);
        let (dz_id, a_id) = (case.filled("dZ", dz.clone()), case.filled("A", a_prev.clone()));
        let dw = case.gradient("dW", (n_l, n_prev));
        case.op(Op::WeightGradient { dz: dz_id, a_prev: a_id, dw });
        let limit = |index: usize| {
            let (i, k) = (index / n_prev, index % n_prev);
            let terms = (0..m).map(|j| (dz[i * m + j] * a_prev[k * m + j]).abs());
            // Two more roundings: of 1 / m, and of the product with it.
            sum_limit(sample_strand(m) + 2.0, m, terms.sum::<f64>() / m as f64)
        };
        hold(device, &case, dw, limit, to).await?;
    }
    Ok(())
}

pub(super) async fn row_sum(device: &Device, effort: Effort, to: &mut Comparison) -> Result<()> {
    for (n_l, _, m) in shapes(effort) {
        let dz = Numbers::new(4).awkward(n_l * m);
        let mut case = Case::new(m);
        let (dz_id, db) = (case.filled("dZ", dz.clone()), case.gradient("db", (n_l, 1)));
        case.op(Op::RowSum { dz: dz_id, db });
        let limit = |i: usize| {
            let terms = dz[i * m..(i + 1) * m].iter().map(|v| v.abs());
            sum_limit(sample_strand(m) + 2.0, m, terms.sum::<f64>() / m as f64)
        };
        hold(device, &case, db, limit, to).await?;
    }
    Ok(())
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

pub(super) async fn activation(
    device: &Device,
    g: Activation,
    effort: Effort,
    to: &mut Comparison,
) -> Result<()> {
    for (n_l, _, m) in shapes(effort) {
        let z = activation_inputs(n_l, m);
        let mut want = z.clone();
        activate(g, &z, &mut want);
        let mut case = Case::new(m);
        let (z_id, a) = (case.filled("Z", z.clone()), case.empty(&format!("{g} A"), n_l));
        case.op(Op::Activate { g, z: z_id, a });
        let limit = |i: usize| match g {
            Activation::Sigmoid | Activation::Softplus => FUNCTION * want[i].abs() + EXP_FLOOR,
            Activation::Tanh | Activation::Elu => FUNCTION * want[i].abs() + SMALLEST_NORMAL,
            Activation::LeakyRelu { .. } => ROUNDING * want[i].abs() + SMALLEST_NORMAL,
            Activation::Gelu | Activation::Silu => {
                ROUNDING * gated_roundings(exponent(g, z[i]).0) * want[i].abs() + GATED_FLOOR
            }
            Activation::Relu | Activation::Identity => 0.0,
        };
        hold(device, &case, a, limit, to).await?;
    }
    Ok(())
}

pub(super) async fn derivative(
    device: &Device,
    g: Activation,
    effort: Effort,
    to: &mut Comparison,
) -> Result<()> {
    for (n_l, _, m) in shapes(effort) {
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
        let (da_id, a) = (case.filled("dA", da.clone()), case.filled("A", a));
        let dz = case.empty(&format!("{g} dZ"), n_l);
        case.op(Op::ActivationDerivative { g, da: da_id, a, dz });
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
        hold(device, &case, dz, limit, to).await?;
    }
    Ok(())
}

pub(super) async fn gradient_descent(device: &Device, to: &mut Comparison) -> Result<()> {
    for size in SIZES {
        let mut numbers = Numbers::new(10);
        let mut case = Case::new(1);
        case.grow(&numbers.awkward(size));
        case.before.gradients = numbers.awkward(size);
        let learning_rate = 0.3;
        case.op(Op::GradientDescent { learning_rate });
        let (got, want) = (case.on_device(device).await?, case.on_reference()?);
        let (theta, gradient) = (&case.before.parameters, &case.before.gradients);
        // The learning rate is rounded, then the product, then the difference.
        let limit = |i: usize| {
            ROUNDING * (2.0 * (learning_rate * gradient[i]).abs() + want.parameters[i].abs())
                + SMALLEST_NORMAL
        };
        to.within("theta", &got.parameters, &want.parameters, limit);
        to.require(&got.gradients == gradient, || "the gradients have changed".into());
        to.require(&got.parameters != theta, || "nothing has changed".into());
    }
    Ok(())
}

/// A step of an optimiser with penalties, from numbers of order 1: weights and biases, with what is remembered of each.
pub(super) async fn optimize(device: &Device, optimizer: Optimizer, to: &mut Comparison) -> Result<()> {
    for units in SIZES {
        let (n_prev, m) = (3, 2);
        let mut numbers = Numbers::new(12);
        let mut case = Case::new(m);
        let w = case.parameter("W", (units, n_prev), &numbers.normals(units * n_prev));
        let b = case.parameter("b", (units, 1), &numbers.normals(units));
        let (x, z) = (case.filled("X", numbers.normals(n_prev * m)), case.empty("Z", units));
        let (y, j) = (case.target(numbers.normals(units * m)), case.costs());
        let descent =
            Descent { optimizer: well_conditioned(optimizer), l1: 0.05, l2: 0.1, ..Descent::sgd(0.3) };
        // A step size has the number of the iteration's cost, and penalties apply to the weights of products.
        case.op(Op::MatmulBias { w, x, b, z });
        case.op(Op::Cost { loss: Loss::SquaredError, smoothing: 0.0, z, y, j });
        case.op(Op::Optimize { descent });
        let n = case.schedule.n_parameters;
        case.before.gradients = numbers.normals(n);
        // Squares are remembered too: none is negative, nor so small that dividing by its root makes much of its rounding.
        let states = numbers.normals(optimizer.n_states() * n);
        case.before.state = states.into_iter().map(|s| single(0.25 + s.abs())).collect();
        case.before.step = 3;
        let (got, want) = (case.on_device(device).await?, case.on_reference()?);
        // Some twenty operations on numbers of this size; none cancel to less than its rounding.
        let size = |i: usize| {
            let states = case.before.state.iter().skip(i).step_by(n).sum::<f64>();
            1.0 + case.before.parameters[i].abs() + case.before.gradients[i].abs() + states
        };
        let limit = |i: usize| 24.0 * ROUNDING * size(i % n);
        to.within("theta", &got.parameters, &want.parameters, limit);
        to.within("state", &got.state, &want.state, limit);
        to.require(got.gradients == case.before.gradients, || "the gradients have changed".into());
    }
    Ok(())
}

pub(super) async fn dropout(device: &Device, effort: Effort, to: &mut Comparison) -> Result<()> {
    for (n_l, _, m) in shapes(effort) {
        let x = Numbers::new(13).awkward(n_l * m);
        let mut case = Case::new(m);
        let (x, masked) = (case.filled("A", x), case.empty("masked A", n_l));
        let dropout = Dropout { rate: 0.3, seed: 5 };
        case.op(Op::Dropout { dropout, layer: 2, x, masked, after_cost: false });
        let want = case.on_reference()?;
        let want = want.get(&case.schedule, masked);
        // The factor is rounded, then the product.
        hold(device, &case, masked, |i| 2.0 * ROUNDING * want[i].abs() + SMALLEST_NORMAL, to).await?;
    }
    Ok(())
}

/// Gradients and penalties within a norm, and a step with them: beyond the norm, and well within it.
pub(super) async fn clip_norm(device: &Device, to: &mut Comparison) -> Result<()> {
    for (units, most) in SIZES.into_iter().flat_map(|units| [(units, 0.5), (units, 1e4)]) {
        let (n_prev, m) = (3, 2);
        let mut numbers = Numbers::new(14);
        let mut case = Case::new(m);
        let w = case.parameter("W", (units, n_prev), &numbers.normals(units * n_prev));
        let b = case.parameter("b", (units, 1), &numbers.normals(units));
        let (x, z) = (case.filled("X", numbers.normals(n_prev * m)), case.empty("Z", units));
        let (y, j) = (case.target(numbers.normals(units * m)), case.costs());
        case.op(Op::MatmulBias { w, x, b, z });
        case.op(Op::Cost { loss: Loss::SquaredError, smoothing: 0.0, z, y, j });
        case.op(Op::ClipNorm { most, l1: 0.05, l2: 0.1 });
        case.op(Op::Optimize { descent: Descent { clip: Some(Clip::Norm(most)), ..Descent::sgd(0.3) } });
        case.before.gradients = numbers.normals(case.schedule.n_parameters);
        let (got, want) = (case.on_device(device).await?, case.on_reference()?);
        // The terms of the norm's square are positive: its relative error is that of their strand, half of it in the root.
        let roundings = sample_strand(case.schedule.n_parameters) + 12.0;
        let size = |i: usize| 1.0 + case.before.gradients[i].abs() + case.before.parameters[i].abs();
        to.within("gradients", &got.gradients, &want.gradients, |i| roundings * ROUNDING * size(i));
        to.within("theta", &got.parameters, &want.parameters, |i| roundings * ROUNDING * size(i));
    }
    Ok(())
}
