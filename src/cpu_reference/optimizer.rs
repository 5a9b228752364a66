//! Parameter updates; twin of `shaders/optimizer.wgsl`.

use crate::schedule::{Descent, Optimizer, StepSize};

/// theta = theta - learning_rate * gradient, over the whole arena.
pub fn gradient_descent(parameters: &mut [f64], gradients: &[f64], learning_rate: f64) {
    for (theta, gradient) in parameters.iter_mut().zip(gradients) {
        *theta -= learning_rate * gradient;
    }
}

/// g = gradient + mask (l1 sign(theta) + l2 theta), then times min(1, most / (sqrt(sum g^2) + 1e-6)), in the place of the
/// gradients; twin of `shaders/clip.wgsl`.
///
/// Shapes: parameters, out gradients and mask (n).
pub fn clip_norm(most: f64, l1: f64, l2: f64, parameters: &[f64], gradients: &mut [f64], mask: &[f64]) {
    for ((gradient, theta), weight) in gradients.iter_mut().zip(parameters).zip(mask) {
        *gradient += weight * (l1 * sign(*theta) + l2 * theta);
    }
    let norm = gradients.iter().map(|gradient| gradient * gradient).sum::<f64>().sqrt();
    let factor = most / (norm + 1e-6);
    if factor < 1.0 || factor.is_nan() {
        gradients.iter_mut().for_each(|gradient| *gradient *= factor);
    }
}

/// Where the parameter lies, 0 at 0.
fn sign(theta: f64) -> f64 {
    if theta == 0.0 { 0.0 } else { theta.signum() }
}

/// One step of `descent` at iteration `t`, counted from 0, over the whole arena; the formulas are those of [`Optimizer`].
///
/// Shapes: parameters, gradients and mask (n), state (states of the optimiser, n). `mask` is 1 for what penalties apply to,
/// and 0 for the rest.
pub fn optimize(
    descent: &Descent,
    t: usize,
    parameters: &mut [f64],
    gradients: &[f64],
    state: &mut [f64],
    mask: &[f64],
) {
    let StepSize { rate, first, second } = descent.step_size(t);
    let rate = descent.learning_rate * rate;
    let (firsts, seconds) = state.split_at_mut(parameters.len().min(state.len()));
    for (i, theta) in parameters.iter_mut().enumerate() {
        let g = gradients[i] + mask[i] * (descent.l1 * sign(*theta) + descent.l2 * *theta);
        let g = descent.most_each().map_or(g, |most| g.clamp(-most, most));
        match descent.optimizer {
            Optimizer::Sgd => *theta -= rate * g,
            Optimizer::Momentum { momentum } => {
                firsts[i] = momentum * firsts[i] + g;
                *theta -= rate * firsts[i];
            }
            Optimizer::Nesterov { momentum } => {
                firsts[i] = momentum * firsts[i] + g;
                *theta -= rate * (g + momentum * firsts[i]);
            }
            Optimizer::RmsProp { decay, epsilon } => {
                firsts[i] = decay * firsts[i] + (1.0 - decay) * g * g;
                *theta -= rate * g / (firsts[i].sqrt() + epsilon);
            }
            Optimizer::Adam { beta_1, beta_2, epsilon }
            | Optimizer::AdamW { beta_1, beta_2, epsilon, .. } => {
                if let Optimizer::AdamW { weight_decay, .. } = descent.optimizer {
                    *theta -= rate * weight_decay * mask[i] * *theta;
                }
                firsts[i] = beta_1 * firsts[i] + (1.0 - beta_1) * g;
                seconds[i] = beta_2 * seconds[i] + (1.0 - beta_2) * g * g;
                *theta -= rate * (firsts[i] * first) / (seconds[i].sqrt() * second + epsilon);
            }
        }
    }
}
