//! exp, tanh, sigmoid, log1p and ln on a register of samples, and the activation functions: the twin of
//! `shaders/numerics.wgsl`, the same formulas in `f32`, with fused multiply-adds where the processor has them.
//!
//! Polynomials and clamps instead of the library's functions, because those work on one number at a time. A NaN stays a
//! NaN: `x == x` picks it out at the end, since minimum and maximum lose it.

use pulp::Simd;

use crate::network::{GELU_CUBE, GELU_LINEAR};

/// c_0 x^n + ... + c_n, by Horner's rule.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(simd: S, x: S::f32s, coefficients: [f32; N]) -> S::f32s {
    let mut sum = simd.splat_f32s(coefficients[0]);
    for c in &coefficients[1..] {
        sum = simd.mul_add_e_f32s(sum, x, simd.splat_f32s(*c));
    }
    sum
}

#[inline(always)]
fn clamp<S: Simd>(simd: S, x: S::f32s, low: f32, high: f32) -> S::f32s {
    simd.min_f32s(simd.max_f32s(x, simd.splat_f32s(low)), simd.splat_f32s(high))
}

/// `result`, but `x` itself where that is a NaN.
#[inline(always)]
fn unless_nan<S: Simd>(simd: S, x: S::f32s, result: S::f32s) -> S::f32s {
    simd.select_f32s(simd.equal_f32s(x, x), result, x)
}

/// exp(x) = 2^n exp(r), x = n ln 2 + r, |r| <= ln(2) / 2; degree 6 polynomial of Cephes expf.
///
/// Below -87 the result is exp(-87) = 1.6e-38 (no subnormal numbers), above 88 it is exp(88) = 1.7e38.
#[inline(always)]
pub(super) fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let splat = |value| simd.splat_f32s(value);
    let clamped = clamp(simd, x, -87.0, 88.0);
    // 1.5 * 2^23: adding it rounds to a whole number, which then stands in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let shifted = simd.mul_add_e_f32s(clamped, splat(std::f32::consts::LOG2_E), splat(ROUND));
    let n = simd.sub_f32s(shifted, splat(ROUND));
    // ln 2 in two parts: n times the first is exact.
    let r = simd.mul_add_e_f32s(n, splat(-355.0 / 512.0), clamped);
    let r = simd.mul_add_e_f32s(n, splat(2.121_944_4e-4), r);
    let coefficients =
        [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5, 1.0, 1.0];
    let y = polynomial(simd, r, coefficients);
    // The exponent's bits; those of ROUND fall off the upper end.
    let bits = simd.wrapping_dyn_shl_u32s(simd.transmute_u32s_f32s(shifted), simd.splat_u32s(23));
    let power = simd.transmute_f32s_u32s(simd.add_u32s(bits, simd.splat_u32s(127 << 23)));
    unless_nan(simd, x, simd.mul_f32s(y, power))
}

/// x P(x^2) / Q(x^2), a minimax fit of the relative error on [-9, 9], where f32 tanh has become 1: 2.8e-7 at most.
#[inline(always)]
pub(super) fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let clamped = clamp(simd, x, -9.0, 9.0);
    let s = simd.mul_f32s(clamped, clamped);
    let p = polynomial(simd, s, [1.341_866_9e-8, 2.066_042_7e-5, 3.498_945_4e-3, 1.338_393_8e-1, 1.0]);
    let q = polynomial(simd, s, [7.804_254_7e-7, 3.290_955_2e-4, 2.589_001_5e-2, 4.671_726e-1, 1.0]);
    let result = simd.div_f32s(simd.mul_f32s(clamped, p), q);
    unless_nan(simd, x, clamp(simd, result, -1.0, 1.0))
}

/// exp(-|x|), which the sigmoid and its cost share.
#[inline(always)]
pub(super) fn exp_neg_abs<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    exp(simd, simd.neg_f32s(simd.abs_f32s(x)))
}

/// 1 / (1 + exp(-x)), from t = exp(-|x|).
#[inline(always)]
pub(super) fn sigmoid_of<S: Simd>(simd: S, x: S::f32s, t: S::f32s) -> S::f32s {
    let one = simd.splat_f32s(1.0);
    let negative = simd.less_than_f32s(x, simd.splat_f32s(0.0));
    simd.div_f32s(simd.select_f32s(negative, t, one), simd.add_f32s(one, t))
}

/// ln(1 + u) for 0 <= u <= 1, as 2 atanh(s) = 2 (s + s^3/3 + s^5/5 + ...), s = u / (2 + u) <= 1/3: no cancellation.
#[inline(always)]
pub(super) fn log1p<S: Simd>(simd: S, u: S::f32s) -> S::f32s {
    let s = simd.div_f32s(u, simd.add_f32s(simd.splat_f32s(2.0), u));
    let q = simd.mul_f32s(s, s);
    let odd = [15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0].map(|n| 1.0 / n);
    let p = polynomial(simd, q, odd);
    let twice = simd.add_f32s(s, s);
    simd.mul_add_e_f32s(simd.mul_f32s(twice, q), p, twice)
}

/// ln(s) for normal s >= 1: exponent and mantissa apart.
#[inline(always)]
pub(super) fn ln<S: Simd>(simd: S, s: S::f32s) -> S::f32s {
    let bits = simd.transmute_u32s_f32s(s);
    let one = simd.splat_u32s(0x3f80_0000);
    let mantissa = simd.or_u32s(simd.and_u32s(bits, simd.splat_u32s(0x007f_ffff)), one);
    // The exponent's bits e stand for the number e * 2^-149, which is subnormal; behind the bits of 2^23 they are
    // the lowest bits of 2^23 + e.
    let shift = simd.splat_u32s(23);
    let exponent = simd.or_u32s(simd.wrapping_dyn_shr_u32s(bits, shift), simd.splat_u32s(0x4b00_0000));
    let bias = simd.splat_f32s(8_388_608.0 + 127.0);
    let exponent = simd.sub_f32s(simd.transmute_f32s_u32s(exponent), bias);
    let fraction = simd.sub_f32s(simd.transmute_f32s_u32s(mantissa), simd.splat_f32s(1.0));
    let ln_2 = simd.splat_f32s(std::f32::consts::LN_2);
    unless_nan(simd, s, simd.mul_add_e_f32s(exponent, ln_2, log1p(simd, fraction)))
}

/// An activation function g that kernels are compiled for.
pub(super) trait Function: Copy + Send + Sync {
    /// a = g(z)
    fn value<S: Simd>(self, simd: S, z: S::f32s) -> S::f32s;

    /// g'(z) in terms of a = g(z), or of z where the activation needs it
    fn derivative<S: Simd>(self, simd: S, a: S::f32s) -> S::f32s;
}

#[derive(Clone, Copy)]
pub(super) struct Sigmoid;

#[derive(Clone, Copy)]
pub(super) struct Tanh;

#[derive(Clone, Copy)]
pub(super) struct Relu;

#[derive(Clone, Copy)]
pub(super) struct LeakyRelu(pub(super) f32);

#[derive(Clone, Copy)]
pub(super) struct Elu;

#[derive(Clone, Copy)]
pub(super) struct Softplus;

#[derive(Clone, Copy)]
pub(super) struct Gelu;

#[derive(Clone, Copy)]
pub(super) struct Silu;

#[derive(Clone, Copy)]
pub(super) struct Identity;

impl Function for Sigmoid {
    #[inline(always)]
    fn value<S: Simd>(self, simd: S, z: S::f32s) -> S::f32s {
        sigmoid_of(simd, z, exp_neg_abs(simd, z))
    }

    #[inline(always)]
    fn derivative<S: Simd>(self, simd: S, a: S::f32s) -> S::f32s {
        simd.mul_f32s(a, simd.sub_f32s(simd.splat_f32s(1.0), a))
    }
}

impl Function for Tanh {
    #[inline(always)]
    fn value<S: Simd>(self, simd: S, z: S::f32s) -> S::f32s {
        tanh(simd, z)
    }

    #[inline(always)]
    fn derivative<S: Simd>(self, simd: S, a: S::f32s) -> S::f32s {
        simd.negate_mul_add_e_f32s(a, a, simd.splat_f32s(1.0))
    }
}

impl Function for Relu {
    #[inline(always)]
    fn value<S: Simd>(self, simd: S, z: S::f32s) -> S::f32s {
        let zero = simd.splat_f32s(0.0);
        // A comparison, not the maximum: a NaN must stay one.
        simd.select_f32s(simd.less_than_f32s(z, zero), zero, z)
    }

    #[inline(always)]
    fn derivative<S: Simd>(self, simd: S, a: S::f32s) -> S::f32s {
        let zero = simd.splat_f32s(0.0);
        simd.select_f32s(simd.greater_than_f32s(a, zero), simd.splat_f32s(1.0), zero)
    }
}

impl Function for LeakyRelu {
    #[inline(always)]
    fn value<S: Simd>(self, simd: S, z: S::f32s) -> S::f32s {
        let negative = simd.less_than_f32s(z, simd.splat_f32s(0.0));
        simd.select_f32s(negative, simd.mul_f32s(simd.splat_f32s(self.0), z), z)
    }

    #[inline(always)]
    fn derivative<S: Simd>(self, simd: S, a: S::f32s) -> S::f32s {
        let positive = simd.greater_than_f32s(a, simd.splat_f32s(0.0));
        simd.select_f32s(positive, simd.splat_f32s(1.0), simd.splat_f32s(self.0))
    }
}

impl Function for Elu {
    /// exp(z) - 1 = tanh(z / 2) (exp(z) + 1): no cancellation near 0.
    #[inline(always)]
    fn value<S: Simd>(self, simd: S, z: S::f32s) -> S::f32s {
        let half = simd.mul_f32s(z, simd.splat_f32s(0.5));
        let sum = simd.add_f32s(exp(simd, z), simd.splat_f32s(1.0));
        let below = simd.mul_f32s(tanh(simd, half), sum);
        simd.select_f32s(simd.greater_than_f32s(z, simd.splat_f32s(0.0)), z, below)
    }

    #[inline(always)]
    fn derivative<S: Simd>(self, simd: S, a: S::f32s) -> S::f32s {
        let one = simd.splat_f32s(1.0);
        let positive = simd.greater_than_f32s(a, simd.splat_f32s(0.0));
        simd.select_f32s(positive, one, simd.add_f32s(one, a))
    }
}

impl Function for Softplus {
    #[inline(always)]
    fn value<S: Simd>(self, simd: S, z: S::f32s) -> S::f32s {
        let zero = simd.splat_f32s(0.0);
        let linear = simd.select_f32s(simd.less_than_f32s(z, zero), zero, z);
        simd.add_f32s(linear, log1p(simd, exp_neg_abs(simd, z)))
    }

    /// 1 - exp(-a) = tanh(a / 2) (1 + exp(-a)): no cancellation near 0.
    #[inline(always)]
    fn derivative<S: Simd>(self, simd: S, a: S::f32s) -> S::f32s {
        let half = simd.mul_f32s(a, simd.splat_f32s(0.5));
        let sum = simd.add_f32s(simd.splat_f32s(1.0), exp(simd, simd.neg_f32s(a)));
        simd.mul_f32s(tanh(simd, half), sum)
    }
}

/// 2 u of z within the bounds where its sigmoid is between 0 and 1 in f32, and its derivative; u = sqrt(2 / pi) (z + 0.044715 z^3).
#[inline(always)]
fn gelu_exponent<S: Simd>(simd: S, z: S::f32s) -> (S::f32s, S::f32s) {
    let square = simd.mul_f32s(z, z);
    let (factor, cube) = (simd.splat_f32s(GELU_LINEAR as f32), simd.splat_f32s(GELU_CUBE as f32));
    let w = simd.mul_f32s(z, simd.mul_add_e_f32s(cube, square, factor));
    (w, simd.mul_add_e_f32s(simd.splat_f32s(3.0 * GELU_CUBE as f32), square, factor))
}

/// z sigmoid(w), and 0 below `lowest`.
#[inline(always)]
fn gated<S: Simd>(simd: S, z: S::f32s, w: S::f32s, lowest: f32) -> S::f32s {
    let value = simd.mul_f32s(z, sigmoid_of(simd, w, exp_neg_abs(simd, w)));
    let below = simd.less_than_f32s(z, simd.splat_f32s(lowest));
    simd.select_f32s(below, simd.splat_f32s(0.0), value)
}

/// The derivative of z sigmoid(w) by z, with that of w: s + z s (1 - s) w', s (1 - s) = t / (1 + t)^2, t = exp(-|w|).
#[inline(always)]
fn gated_derivative<S: Simd>(simd: S, z: S::f32s, w: S::f32s, slope: S::f32s) -> S::f32s {
    let t = exp_neg_abs(simd, w);
    let sum = simd.add_f32s(simd.splat_f32s(1.0), t);
    let product = simd.div_f32s(t, simd.mul_f32s(sum, sum));
    let s = sigmoid_of(simd, w, t);
    simd.mul_add_e_f32s(simd.mul_f32s(z, slope), product, s)
}

/// Beyond, GELU is 0 or z in f32.
const GELU_BOUND: f32 = 10.0;

impl Function for Gelu {
    #[inline(always)]
    fn value<S: Simd>(self, simd: S, z: S::f32s) -> S::f32s {
        let bounded = clamp(simd, z, -GELU_BOUND, GELU_BOUND);
        gated(simd, z, gelu_exponent(simd, bounded).0, -GELU_BOUND)
    }

    #[inline(always)]
    fn derivative<S: Simd>(self, simd: S, z: S::f32s) -> S::f32s {
        let bounded = clamp(simd, z, -GELU_BOUND, GELU_BOUND);
        let (w, slope) = gelu_exponent(simd, bounded);
        unless_nan(simd, z, gated_derivative(simd, bounded, w, slope))
    }
}

/// Beyond, SiLU is 0 or z in f32.
const SILU_BOUND: f32 = 88.0;

impl Function for Silu {
    #[inline(always)]
    fn value<S: Simd>(self, simd: S, z: S::f32s) -> S::f32s {
        gated(simd, z, z, -SILU_BOUND)
    }

    #[inline(always)]
    fn derivative<S: Simd>(self, simd: S, z: S::f32s) -> S::f32s {
        let bounded = clamp(simd, z, -SILU_BOUND, SILU_BOUND);
        unless_nan(simd, z, gated_derivative(simd, bounded, bounded, simd.splat_f32s(1.0)))
    }
}

impl Function for Identity {
    #[inline(always)]
    fn value<S: Simd>(self, _simd: S, z: S::f32s) -> S::f32s {
        z
    }

    #[inline(always)]
    fn derivative<S: Simd>(self, simd: S, _a: S::f32s) -> S::f32s {
        simd.splat_f32s(1.0)
    }
}

/// Runs the same code with the type of whichever function it is, so that no kernel decides inside its loops.
macro_rules! with_function {
    ($activation:expr, $function:ident => $body:expr) => {
        match $activation {
            $crate::network::Activation::Sigmoid => {
                let $function = $crate::cpu::numerics::Sigmoid;
                $body
            }
            $crate::network::Activation::Tanh => {
                let $function = $crate::cpu::numerics::Tanh;
                $body
            }
            $crate::network::Activation::Relu => {
                let $function = $crate::cpu::numerics::Relu;
                $body
            }
            $crate::network::Activation::LeakyRelu { slope } => {
                let $function = $crate::cpu::numerics::LeakyRelu(slope as f32);
                $body
            }
            $crate::network::Activation::Elu => {
                let $function = $crate::cpu::numerics::Elu;
                $body
            }
            $crate::network::Activation::Softplus => {
                let $function = $crate::cpu::numerics::Softplus;
                $body
            }
            $crate::network::Activation::Gelu => {
                let $function = $crate::cpu::numerics::Gelu;
                $body
            }
            $crate::network::Activation::Silu => {
                let $function = $crate::cpu::numerics::Silu;
                $body
            }
            $crate::network::Activation::Identity => {
                let $function = $crate::cpu::numerics::Identity;
                $body
            }
        }
    };
}
pub(super) use with_function;
