//! Costs, their derivatives by the logits, and output activations; twin of `shaders/loss.wgsl`.
//!
//! Costs come from the logits Z, never from log(A): nothing turns NaN when the output saturates.

use super::activation::sigmoid;
use crate::network::Loss;

/// J = mean over the samples of the loss, times the sample's weight if y has them as its last row.
///
/// With label smoothing e, the z_y of a softmax is (1 - e) z_y + e times the mean of the z.
///
/// Shapes: z (n_L, m), y (1, m) or for values (n_L, m), with weights a row more.
pub fn cost(loss: Loss, smoothing: f64, z: &[f64], y: &[f64], m: usize) -> f64 {
    let (y, weights) = targets_and_weights(loss, z, y, m);
    let sample = |j: usize| match loss {
        Loss::BinaryCrossEntropy => binary_cross_entropy(z[j], y[j]),
        Loss::SoftmaxCrossEntropy => {
            let (highest, sum) = softmax_terms(z, j, m);
            let mut own = highest - z[y[j] as usize * m + j];
            if smoothing > 0.0 {
                let spread: f64 = z.iter().skip(j).step_by(m).map(|z| highest - z).sum();
                own += smoothing * (spread / (z.len() / m) as f64 - own);
            }
            own + sum.ln()
        }
        Loss::SquaredError | Loss::AbsoluteError | Loss::Huber { .. } => {
            let column = |of: &'_ [f64]| of.iter().skip(j).step_by(m).copied().collect::<Vec<_>>();
            column(z).iter().zip(column(y)).map(|(z, y)| residual_cost(loss, z - y)).sum()
        }
    };
    let total: f64 = (0..m).map(|j| weights.map_or(1.0, |weights| weights[j]) * sample(j)).sum();
    total / m as f64
}

/// What a difference r = z - y of a real-valued output costs: r^2 / 2, |r|, or c (r - c / 2) with c = r within [-delta, delta].
pub fn residual_cost(loss: Loss, r: f64) -> f64 {
    let c = residual_delta(loss, r);
    match loss {
        Loss::AbsoluteError => c * r,
        Loss::Huber { .. } => c * (r - c / 2.0),
        // Infinite for an infinite r.
        _ => r * r / 2.0,
    }
}

/// The derivative of [`residual_cost`] by r: r, its sign, or r within [-delta, delta].
fn residual_delta(loss: Loss, r: f64) -> f64 {
    match loss {
        // A NaN stays one.
        Loss::AbsoluteError if r == 0.0 => 0.0,
        Loss::AbsoluteError => r.signum(),
        Loss::Huber { delta } => r.clamp(-delta, delta),
        _ => r,
    }
}

/// The weights of the samples, if y has a row more than the loss needs; and the rows that it needs.
fn targets_and_weights<'y>(loss: Loss, z: &[f64], y: &'y [f64], m: usize) -> (&'y [f64], Option<&'y [f64]>) {
    let (targets, weights) = y.split_at(m * loss.target_rows(z.len() / m));
    (targets, Some(weights).filter(|weights| !weights.is_empty()))
}

/// -(y log a + (1 - y) log(1 - a)) with a = sigmoid(z), as softplus(z) - y z; the larger terms cancel exactly for
/// y in {0, 1}.
fn binary_cross_entropy(z: f64, y: f64) -> f64 {
    let linear = if z > 0.0 { z * (1.0 - y) } else { -z * y };
    linear + (-z.abs()).exp().ln_1p()
}

/// max_i z_ij and sum_i exp(z_ij - max) of sample j.
fn softmax_terms(z: &[f64], j: usize, m: usize) -> (f64, f64) {
    let column = || z.iter().skip(j).step_by(m);
    let highest = column().copied().fold(f64::NEG_INFINITY, f64::max);
    (highest, column().map(|z| (z - highest).exp()).sum())
}

/// dZ = A - Y, or its sign, or what Huber's loss leaves of it: the derivative of each sample's loss by its logits (the mean's
/// 1/m is applied to dW and db). Y of a softmax is 1 - e + e / K for the class and e / K for the others.
///
/// Shapes: z (n_L, m), y (1, m) or for values (n_L, m), out dz (n_L, m).
pub fn output_delta(loss: Loss, smoothing: f64, z: &[f64], y: &[f64], dz: &mut [f64], m: usize) {
    predict(loss, z, dz, m);
    let (y, weights) = targets_and_weights(loss, z, y, m);
    match loss {
        Loss::SoftmaxCrossEntropy => {
            let of_each = smoothing / (z.len() / m) as f64;
            dz.iter_mut().for_each(|dz| *dz -= of_each);
            for (j, &class) in y.iter().enumerate() {
                dz[class as usize * m + j] -= 1.0 - smoothing;
            }
        }
        Loss::BinaryCrossEntropy => {
            for (dz, y) in dz.iter_mut().zip(y) {
                *dz -= y;
            }
        }
        Loss::SquaredError | Loss::AbsoluteError | Loss::Huber { .. } => {
            for (dz, y) in dz.iter_mut().zip(y) {
                *dz = residual_delta(loss, *dz - y);
            }
        }
    }
    for (dz, weight) in dz.chunks_exact_mut(m).flat_map(|row| row.iter_mut().zip(weights.unwrap_or(&[]))) {
        *dz *= weight;
    }
}

/// A_L = sigmoid(Z), softmax(Z) over the rows, or Z. Shapes: z and out a (n_L, m).
pub fn predict(loss: Loss, z: &[f64], a: &mut [f64], m: usize) {
    match loss {
        Loss::BinaryCrossEntropy => {
            for (a, &z) in a.iter_mut().zip(z) {
                *a = sigmoid(z);
            }
        }
        Loss::SoftmaxCrossEntropy => {
            for j in 0..m {
                let (highest, sum) = softmax_terms(z, j, m);
                for (a, z) in a.iter_mut().zip(z).skip(j).step_by(m) {
                    *a = (z - highest).exp() / sum;
                }
            }
        }
        Loss::SquaredError | Loss::AbsoluteError | Loss::Huber { .. } => a.copy_from_slice(z),
    }
}
