//! Costs, their derivatives by the logits, and output activations; twin of `shaders/loss.wgsl`.
//!
//! Costs come from the logits Z, never from log(A): nothing turns NaN when the output saturates.

use super::activation::sigmoid;
use crate::network::Loss;

/// J = mean over the samples of the loss, times the sample's weight if y has them as its last row.
///
/// Shapes: z (n_L, m), y (1, m) or for squared error (n_L, m), with weights a row more.
pub fn cost(loss: Loss, z: &[f64], y: &[f64], m: usize) -> f64 {
    let (y, weights) = targets_and_weights(loss, z, y, m);
    let sample = |j: usize| match loss {
        Loss::BinaryCrossEntropy => binary_cross_entropy(z[j], y[j]),
        Loss::SoftmaxCrossEntropy => {
            let (highest, sum) = softmax_terms(z, j, m);
            highest + sum.ln() - z[y[j] as usize * m + j]
        }
        Loss::SquaredError => {
            let column = |of: &'_ [f64]| of.iter().skip(j).step_by(m).copied().collect::<Vec<_>>();
            column(z).iter().zip(column(y)).map(|(z, y)| (z - y) * (z - y) / 2.0).sum()
        }
    };
    let total: f64 = (0..m).map(|j| weights.map_or(1.0, |weights| weights[j]) * sample(j)).sum();
    total / m as f64
}

/// The weights of the samples, if y has a row more than the loss needs; and the rows that it needs.
fn targets_and_weights<'y>(loss: Loss, z: &[f64], y: &'y [f64], m: usize) -> (&'y [f64], Option<&'y [f64]>) {
    let needed = match loss {
        Loss::BinaryCrossEntropy | Loss::SoftmaxCrossEntropy => m,
        Loss::SquaredError => z.len(),
    };
    let (targets, weights) = y.split_at(needed);
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

/// dZ = A - Y, the derivative of each sample's loss by its logits (the mean's 1/m is applied to dW and db).
///
/// Shapes: z (n_L, m), y (1, m) or for squared error (n_L, m), out dz (n_L, m).
pub fn output_delta(loss: Loss, z: &[f64], y: &[f64], dz: &mut [f64], m: usize) {
    predict(loss, z, dz, m);
    let (y, weights) = targets_and_weights(loss, z, y, m);
    match loss {
        Loss::SoftmaxCrossEntropy => {
            for (j, &class) in y.iter().enumerate() {
                dz[class as usize * m + j] -= 1.0;
            }
        }
        Loss::BinaryCrossEntropy | Loss::SquaredError => {
            for (dz, y) in dz.iter_mut().zip(y) {
                *dz -= y;
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
        Loss::SquaredError => a.copy_from_slice(z),
    }
}
