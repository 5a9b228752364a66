//! Activation functions and their derivatives, element by element; twin of `shaders/activation.wgsl`.

use crate::network::Activation;
use crate::schedule::Mask;

/// 1 / (1 + exp(-z)), without overflow for large |z|.
pub fn sigmoid(z: f64) -> f64 {
    let t = (-z.abs()).exp();
    if z >= 0.0 { 1.0 / (1.0 + t) } else { t / (1.0 + t) }
}

/// ln(1 + exp(z)), without overflow for large z.
fn softplus(z: f64) -> f64 {
    // Not `max`: a NaN must stay one.
    let linear = if z < 0.0 { 0.0 } else { z };
    linear + (-z.abs()).exp().ln_1p()
}

/// 2 u and its derivative by z, u = sqrt(2 / pi) (z + 0.044715 z^3).
fn gelu_exponent(z: f64) -> (f64, f64) {
    let factor = 2.0 * (2.0 / std::f64::consts::PI).sqrt();
    (factor * (z + 0.044715 * z * z * z), factor * (1.0 + 3.0 * 0.044715 * z * z))
}

/// z sigmoid(w), 0 where the sigmoid is, even for an infinite z.
fn gated(z: f64, w: f64) -> f64 {
    let s = sigmoid(w);
    if s == 0.0 { 0.0 } else { z * s }
}

/// The derivative of z sigmoid(w) by z, with that of w: s + z s (1 - s) w', and s itself where that is 0 or 1.
fn gated_derivative(z: f64, (w, slope): (f64, f64)) -> f64 {
    let s = sigmoid(w);
    if s == 0.0 || s == 1.0 { s } else { s + z * s * (1.0 - s) * slope }
}

/// A = g(Z). Shapes: z and out a (n_l, m).
pub fn activate(g: Activation, z: &[f64], a: &mut [f64]) {
    let apply = |a: &mut [f64], f: &dyn Fn(f64) -> f64| {
        for (a, &z) in a.iter_mut().zip(z) {
            *a = f(z);
        }
    };
    match g {
        Activation::Sigmoid => apply(a, &sigmoid),
        Activation::Tanh => apply(a, &f64::tanh),
        // `if z < 0`, not `max`: a NaN must stay one.
        Activation::Relu => apply(a, &|z| if z < 0.0 { 0.0 } else { z }),
        Activation::LeakyRelu { slope } => apply(a, &|z| if z < 0.0 { slope * z } else { z }),
        Activation::Elu => apply(a, &|z| if z > 0.0 { z } else { z.exp_m1() }),
        Activation::Softplus => apply(a, &softplus),
        Activation::Gelu => apply(a, &|z| gated(z, gelu_exponent(z).0)),
        Activation::Silu => apply(a, &|z| gated(z, z)),
        Activation::Identity => a.copy_from_slice(z),
    }
}

/// dZ = dA * g'(Z), with g' written in terms of A = g(Z), or of Z in its place where the activation needs it. Shapes: da, a and out dz (n_l, m).
pub fn activation_derivative(g: Activation, da: &[f64], a: &[f64], dz: &mut [f64]) {
    for ((dz, da), &a) in dz.iter_mut().zip(da).zip(a) {
        *dz = da
            * match g {
                Activation::Sigmoid => a * (1.0 - a),
                Activation::Tanh => 1.0 - a * a,
                Activation::Relu => f64::from(a > 0.0),
                Activation::LeakyRelu { slope } => {
                    if a > 0.0 {
                        1.0
                    } else {
                        slope
                    }
                }
                Activation::Elu => {
                    if a > 0.0 {
                        1.0
                    } else {
                        1.0 + a
                    }
                }
                Activation::Softplus => -(-a).exp_m1(),
                Activation::Gelu => gated_derivative(a, gelu_exponent(a)),
                Activation::Silu => gated_derivative(a, (a, 1.0)),
                Activation::Identity => 1.0,
            };
    }
}

/// X times a mask of zeros and 1 / (1 - rate). Shapes: x and out masked (n_l, m).
pub fn dropout(mask: &Mask, x: &[f64], masked: &mut [f64], m: usize) {
    for (unit, (masked, x)) in (0u32..).zip(masked.chunks_exact_mut(m).zip(x.chunks_exact(m))) {
        for (position, (masked, x)) in (0u32..).zip(masked.iter_mut().zip(x)) {
            *masked = if mask.keeps(unit, position) { x * mask.scale } else { 0.0 };
        }
    }
}
