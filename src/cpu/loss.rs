//! Costs, their derivatives by the logits, and output activations, several samples at a time: the twin of
//! `shaders/loss.wgsl`.

use pulp::{Simd, WithSimd};

use super::aligned::LINE;
use super::numerics::{exp, exp_neg_abs, ln, log1p, sigmoid_of};
use crate::network::Loss;

/// The sum of the samples' costs; z (n_L, width) becomes dZ = A - Y, with zeros beyond the `valid` samples.
///
/// y is (1, width), or (n_L, width) for values; with the samples' weights a row more.
pub(super) struct CostAndDelta<'a> {
    pub(super) loss: Loss,
    /// Of the labels of a softmax.
    pub(super) smoothing: f32,
    pub(super) z: &'a mut [f32],
    pub(super) y: &'a [f32],
    pub(super) width: usize,
    pub(super) valid: usize,
}

impl WithSimd for CostAndDelta<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        assert!(self.width.is_multiple_of(S::F32_LANES) && self.valid <= self.width);
        let stride = self.width / S::F32_LANES;
        let (z, y) = (S::as_mut_simd_f32s(self.z).0, S::as_simd_f32s(self.y).0);
        let target_rows = self.loss.target_rows(z.len() / stride);
        let weights = y.get(target_rows * stride..).filter(|weights| !weights.is_empty());
        let zero = simd.splat_f32s(0.0);
        let mut total = zero;
        for j in 0..stride {
            let mut cost = match self.loss {
                Loss::BinaryCrossEntropy => binary(simd, &mut z[j], y[j]),
                Loss::SoftmaxCrossEntropy => softmax(simd, self.smoothing, z, y[j], stride, j),
                Loss::SquaredError => squared(simd, z, y, stride, j),
                Loss::AbsoluteError => absolute(simd, z, y, stride, j),
                Loss::Huber { delta } => huber(simd, delta as f32, z, y, stride, j),
            };
            if let Some(weights) = weights {
                cost = simd.mul_f32s(cost, weights[j]);
                for dz in z.iter_mut().skip(j).step_by(stride) {
                    *dz = simd.mul_f32s(*dz, weights[j]);
                }
            }
            let first = j * S::F32_LANES;
            if first + S::F32_LANES <= self.valid {
                total = simd.add_f32s(total, cost);
            } else {
                let inside =
                    simd.less_than_f32s(lanes(simd), simd.splat_f32s(self.valid as f32 - first as f32));
                total = simd.add_f32s(total, simd.select_f32s(inside, cost, zero));
                for dz in z.iter_mut().skip(j).step_by(stride) {
                    *dz = simd.select_f32s(inside, *dz, zero);
                }
            }
        }
        f64::from(simd.reduce_sum_f32s(total))
    }
}

/// 0, 1, 2, ...
#[inline(always)]
fn lanes<S: Simd>(simd: S) -> S::f32s {
    const COUNT: [f32; LINE] = {
        let mut count = [0.0; LINE];
        let mut i = 0;
        while i < LINE {
            count[i] = i as f32;
            i += 1;
        }
        count
    };
    simd.partial_load_f32s(&COUNT[..S::F32_LANES])
}

/// softplus(z) - y z, as z (1 - y) or -z y, + log1p(exp(-|z|)): the linear terms cancel exactly for y in {0, 1}.
#[inline(always)]
fn binary<S: Simd>(simd: S, z: &mut S::f32s, y: S::f32s) -> S::f32s {
    let t = exp_neg_abs(simd, *z);
    let positive = simd.greater_than_f32s(*z, simd.splat_f32s(0.0));
    let factor = simd.select_f32s(positive, simd.sub_f32s(simd.splat_f32s(1.0), y), simd.neg_f32s(y));
    let cost = simd.mul_add_e_f32s(*z, factor, log1p(simd, t));
    *z = simd.sub_f32s(sigmoid_of(simd, *z, t), y);
    cost
}

/// logsumexp(z) - z_y of the samples of register `j`; with smoothing e, z_y is (1 - e) z_y + e times the mean of the z.
#[inline(always)]
fn softmax<S: Simd>(
    simd: S,
    smoothing: f32,
    z: &mut [S::f32s],
    y: S::f32s,
    stride: usize,
    j: usize,
) -> S::f32s {
    let n = (z.len() / stride) as f32;
    let spread = if smoothing > 0.0 { spread(simd, z, stride, j) } else { simd.splat_f32s(0.0) };
    let (highest, sum, picked) = softmax_terms(simd, z, y, stride, j);
    let mut class = simd.splat_f32s(0.0);
    let one = simd.splat_f32s(1.0);
    let (other, own) = (simd.splat_f32s(smoothing / n), simd.splat_f32s(1.0 - smoothing + smoothing / n));
    for z in z.iter_mut().skip(j).step_by(stride) {
        let target = simd.select_f32s(simd.equal_f32s(y, class), own, other);
        *z = simd.sub_f32s(simd.div_f32s(*z, sum), target);
        class = simd.add_f32s(class, one);
    }
    let mut below = simd.sub_f32s(highest, picked);
    if smoothing > 0.0 {
        let mean = simd.mul_f32s(spread, simd.splat_f32s(1.0 / n));
        below = simd.mul_add_e_f32s(simd.splat_f32s(smoothing), simd.sub_f32s(mean, below), below);
    }
    simd.add_f32s(below, ln(simd, sum))
}

/// The sum over the classes of (largest logit - logit).
#[inline(always)]
fn spread<S: Simd>(simd: S, z: &[S::f32s], stride: usize, j: usize) -> S::f32s {
    let highest = highest(simd, z, stride, j);
    let below = z.iter().skip(j).step_by(stride).map(|z| simd.sub_f32s(highest, *z));
    below.fold(simd.splat_f32s(0.0), |sum, below| simd.add_f32s(sum, below))
}

/// The largest logit; whether a NaN counts does not matter, the sum of the exponentials meets it again.
#[inline(always)]
fn highest<S: Simd>(simd: S, z: &[S::f32s], stride: usize, j: usize) -> S::f32s {
    let larger = |highest, z| simd.select_f32s(simd.greater_than_f32s(z, highest), z, highest);
    z.iter().skip(j).step_by(stride).fold(z[j], |highest, z| larger(highest, *z))
}

/// The largest logit, the sum of exp(z - largest), and the logit of class y; z becomes exp(z - largest).
#[inline(always)]
fn softmax_terms<S: Simd>(
    simd: S,
    z: &mut [S::f32s],
    y: S::f32s,
    stride: usize,
    j: usize,
) -> (S::f32s, S::f32s, S::f32s) {
    let highest = highest(simd, z, stride, j);
    let (mut sum, mut picked, mut class) = (simd.splat_f32s(0.0), z[j], simd.splat_f32s(0.0));
    for z in z.iter_mut().skip(j).step_by(stride) {
        picked = simd.select_f32s(simd.equal_f32s(y, class), *z, picked);
        *z = exp(simd, simd.sub_f32s(*z, highest));
        sum = simd.add_f32s(sum, *z);
        class = simd.add_f32s(class, simd.splat_f32s(1.0));
    }
    (highest, sum, picked)
}

/// sum_i (z_i - y_i)^2 / 2 of the samples of register `j`.
#[inline(always)]
fn squared<S: Simd>(simd: S, z: &mut [S::f32s], y: &[S::f32s], stride: usize, j: usize) -> S::f32s {
    let mut sum = simd.splat_f32s(0.0);
    for (z, y) in z.iter_mut().skip(j).step_by(stride).zip(y.iter().skip(j).step_by(stride)) {
        *z = simd.sub_f32s(*z, *y);
        sum = simd.mul_add_e_f32s(*z, *z, sum);
    }
    simd.mul_f32s(simd.splat_f32s(0.5), sum)
}

/// sum_i |z_i - y_i| of the samples of register `j`; the derivative is the sign, 0 at 0.
#[inline(always)]
fn absolute<S: Simd>(simd: S, z: &mut [S::f32s], y: &[S::f32s], stride: usize, j: usize) -> S::f32s {
    let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
    let mut sum = zero;
    for (z, y) in z.iter_mut().skip(j).step_by(stride).zip(y.iter().skip(j).step_by(stride)) {
        let r = simd.sub_f32s(*z, *y);
        sum = simd.add_f32s(sum, simd.abs_f32s(r));
        // Neither positive nor negative are 0 and a NaN, which stay what they are.
        let sign = simd.select_f32s(simd.greater_than_f32s(r, zero), one, r);
        *z = simd.select_f32s(simd.less_than_f32s(r, zero), simd.neg_f32s(one), sign);
    }
    sum
}

/// sum_i c_i (r_i - c_i / 2) of the samples of register `j`, c = r = z - y within [-delta, delta], the derivative.
#[inline(always)]
fn huber<S: Simd>(simd: S, delta: f32, z: &mut [S::f32s], y: &[S::f32s], stride: usize, j: usize) -> S::f32s {
    let (high, low, half) = (simd.splat_f32s(delta), simd.splat_f32s(-delta), simd.splat_f32s(0.5));
    let mut sum = simd.splat_f32s(0.0);
    for (z, y) in z.iter_mut().skip(j).step_by(stride).zip(y.iter().skip(j).step_by(stride)) {
        let r = simd.sub_f32s(*z, *y);
        // Comparisons, not the minimum: a NaN must stay one.
        let c = simd.select_f32s(simd.greater_than_f32s(r, high), high, r);
        let c = simd.select_f32s(simd.less_than_f32s(r, low), low, c);
        sum = simd.mul_add_e_f32s(c, simd.negate_mul_add_e_f32s(half, c, r), sum);
        *z = c;
    }
    sum
}

/// The logits z (n_L, width) become the network's output.
pub(super) struct Predict<'a> {
    pub(super) loss: Loss,
    pub(super) z: &'a mut [f32],
    pub(super) width: usize,
}

impl WithSimd for Predict<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (z, stride) = (S::as_mut_simd_f32s(self.z).0, self.width / S::F32_LANES);
        match self.loss {
            Loss::BinaryCrossEntropy => {
                for z in z {
                    *z = sigmoid_of(simd, *z, exp_neg_abs(simd, *z));
                }
            }
            Loss::SoftmaxCrossEntropy => {
                for j in 0..stride {
                    let (_, sum, _) = softmax_terms(simd, z, simd.splat_f32s(0.0), stride, j);
                    for z in z.iter_mut().skip(j).step_by(stride) {
                        *z = simd.div_f32s(*z, sum);
                    }
                }
            }
            Loss::SquaredError | Loss::AbsoluteError | Loss::Huber { .. } => {}
        }
    }
}
