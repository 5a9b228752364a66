//! dW and db of narrow layers: sums over the samples of a block, kept in registers from its first to its last.

use pulp::{Simd, WithSimd};

use super::product::at;

/// dw += scale * dz a^T; dz (n_l, width), a (n_prev, width), dw (n_l, n_prev).
pub(super) struct WeightGradient<'a> {
    pub(super) dz: &'a [f32],
    pub(super) a: &'a [f32],
    pub(super) dw: &'a mut [f32],
    pub(super) n_l: usize,
    pub(super) n_prev: usize,
    pub(super) width: usize,
    pub(super) scale: f32,
}

impl WithSimd for WeightGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { n_l, n_prev, width, scale, .. } = self;
        assert!(width.is_multiple_of(S::F32_LANES) && self.dw.len() == n_l * n_prev);
        assert!(self.dz.len() == n_l * width && self.a.len() == n_prev * width);
        let mut tiles = Tiles {
            simd,
            dz: S::as_simd_f32s(self.dz).0,
            a: S::as_simd_f32s(self.a).0,
            dw: self.dw,
            n_prev,
            stride: width / S::F32_LANES,
            scale,
        };
        let mut row = 0;
        while row < n_l {
            row += match n_l - row {
                1 => tiles.row_group::<1, 4>(row),
                2 | 3 => tiles.row_group::<2, 4>(row),
                _ => tiles.row_group::<4, 2>(row),
            };
        }
    }
}

struct Tiles<'a, S: Simd> {
    simd: S,
    dz: &'a [S::f32s],
    a: &'a [S::f32s],
    dw: &'a mut [f32],
    n_prev: usize,
    /// Registers of a row.
    stride: usize,
    scale: f32,
}

impl<S: Simd> Tiles<'_, S> {
    /// `R` rows of dw from `row` on, `C` columns at a time; returns `R`.
    #[inline(always)]
    fn row_group<const R: usize, const C: usize>(&mut self, row: usize) -> usize {
        let mut k = 0;
        while k + C <= self.n_prev {
            self.tile::<R, C>(row, k);
            k += C;
        }
        while k < self.n_prev {
            self.tile::<R, 1>(row, k);
            k += 1;
        }
        R
    }

    #[inline(always)]
    fn tile<const R: usize, const C: usize>(&mut self, row: usize, column: usize) {
        let simd = self.simd;
        let mut sums = [[simd.splat_f32s(0.0); R]; C];
        for j in 0..self.stride {
            let mut dz = [simd.splat_f32s(0.0); R];
            for (r, dz) in dz.iter_mut().enumerate() {
                // SAFETY: row + r < n_l and j < stride, and dz has n_l * stride registers.
                *dz = unsafe { at(self.dz, (row + r) * self.stride + j) };
            }
            for (c, sums) in sums.iter_mut().enumerate() {
                // SAFETY: column + c < n_prev and j < stride, and a has n_prev * stride registers.
                let a = unsafe { at(self.a, (column + c) * self.stride + j) };
                for (sum, dz) in sums.iter_mut().zip(dz) {
                    *sum = simd.mul_add_e_f32s(dz, a, *sum);
                }
            }
        }
        for (c, sums) in sums.iter().enumerate() {
            for (r, sum) in sums.iter().enumerate() {
                self.dw[(row + r) * self.n_prev + column + c] += self.scale * simd.reduce_sum_f32s(*sum);
            }
        }
    }
}

/// db += scale * row sums of dz; dz (n_l, width), db (n_l).
pub(super) struct RowSum<'a> {
    pub(super) dz: &'a [f32],
    pub(super) db: &'a mut [f32],
    pub(super) width: usize,
    pub(super) scale: f32,
}

impl WithSimd for RowSum<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (db, dz) in self.db.iter_mut().zip(self.dz.chunks_exact(self.width)) {
            // Four sums at once: one would wait for itself.
            let mut sums = [simd.splat_f32s(0.0); 4];
            let (registers, _) = S::as_simd_f32s(dz);
            let quads = registers.chunks_exact(4);
            for (sum, dz) in sums.iter_mut().zip(quads.remainder()) {
                *sum = *dz;
            }
            for quad in quads {
                for (sum, dz) in sums.iter_mut().zip(quad) {
                    *sum = simd.add_f32s(*sum, *dz);
                }
            }
            let [a, b, c, d] = sums;
            let sum = simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d));
            *db += self.scale * simd.reduce_sum_f32s(sum);
        }
    }
}

/// theta -= rate * gradient.
pub(super) struct GradientDescent<'a> {
    pub(super) parameters: &'a mut [f32],
    pub(super) gradients: &'a [f32],
    pub(super) rate: f32,
}

impl WithSimd for GradientDescent<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (thetas, theta_rest) = S::as_mut_simd_f32s(self.parameters);
        let (gradients, gradient_rest) = S::as_simd_f32s(self.gradients);
        let rate = simd.splat_f32s(self.rate);
        for (theta, gradient) in thetas.iter_mut().zip(gradients) {
            *theta = simd.negate_mul_add_e_f32s(rate, *gradient, *theta);
        }
        for (theta, gradient) in theta_rest.iter_mut().zip(gradient_rest) {
            *theta -= self.rate * gradient;
        }
    }
}
