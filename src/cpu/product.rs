//! W X for narrow layers, and what follows it while the sums are still in registers: bias and activation on the way
//! forward, the derivative of the activation on the way back.
//!
//! One lane is one sample, so a layer of two units costs two rows, not a tile of a matrix product. Four rows times two
//! registers of samples at once hide the latency of the multiply-adds.

use pulp::{Simd, WithSimd};

use super::numerics::Function;

/// Element `i` of a slice.
///
/// # Safety
/// `i` must be within the slice.
#[inline(always)]
pub(super) unsafe fn at<T: Copy>(values: &[T], i: usize) -> T {
    debug_assert!(i < values.len());
    // SAFETY: the caller's promise.
    unsafe { *values.get_unchecked(i) }
}

/// What becomes of a sum.
pub(super) trait Epilogue: Copy + Send + Sync {
    /// The new element of the output's row `row`, where `old` stood before.
    fn apply<S: Simd>(&self, simd: S, row: usize, sum: S::f32s, old: S::f32s) -> S::f32s;
}

/// The sum itself.
#[derive(Clone, Copy)]
pub(super) struct Sum;

impl Epilogue for Sum {
    #[inline(always)]
    fn apply<S: Simd>(&self, _simd: S, _row: usize, sum: S::f32s, _old: S::f32s) -> S::f32s {
        sum
    }
}

/// g(sum + bias of the row)
#[derive(Clone, Copy)]
pub(super) struct BiasActivation<'a, F> {
    pub(super) bias: &'a [f32],
    pub(super) g: F,
}

impl<F: Function> Epilogue for BiasActivation<'_, F> {
    #[inline(always)]
    fn apply<S: Simd>(&self, simd: S, row: usize, sum: S::f32s, _old: S::f32s) -> S::f32s {
        self.g.value(simd, simd.add_f32s(sum, simd.splat_f32s(self.bias[row])))
    }
}

/// g(sum)
#[derive(Clone, Copy)]
pub(super) struct Activated<F> {
    pub(super) g: F,
}

impl<F: Function> Epilogue for Activated<F> {
    #[inline(always)]
    fn apply<S: Simd>(&self, simd: S, _row: usize, sum: S::f32s, _old: S::f32s) -> S::f32s {
        self.g.value(simd, sum)
    }
}

/// sum * g'(Z), where the output held A = g(Z), or Z where the activation needs it
#[derive(Clone, Copy)]
pub(super) struct Derivative<F> {
    pub(super) g: F,
}

impl<F: Function> Epilogue for Derivative<F> {
    #[inline(always)]
    fn apply<S: Simd>(&self, simd: S, _row: usize, sum: S::f32s, old: S::f32s) -> S::f32s {
        simd.mul_f32s(sum, self.g.derivative(simd, old))
    }
}

/// sum * g'(Z), where the output held A / factor; what dropout has left out is masked afterwards.
#[derive(Clone, Copy)]
pub(super) struct ScaledDerivative<F> {
    pub(super) g: F,
    pub(super) factor: f32,
}

impl<F: Function> Epilogue for ScaledDerivative<F> {
    #[inline(always)]
    fn apply<S: Simd>(&self, simd: S, _row: usize, sum: S::f32s, old: S::f32s) -> S::f32s {
        let a = simd.mul_f32s(old, simd.splat_f32s(self.factor));
        simd.mul_f32s(sum, self.g.derivative(simd, a))
    }
}

/// A weight matrix as it is, or transposed: element (row, k) stands at row * row_stride + k * column_stride.
#[derive(Clone, Copy)]
pub(super) struct Weights<'a> {
    pub(super) values: &'a [f32],
    pub(super) rows: usize,
    pub(super) inner: usize,
    pub(super) row_stride: usize,
    pub(super) column_stride: usize,
}

impl<'a> Weights<'a> {
    /// W itself; values (n_l, n_prev).
    pub(super) fn forward(values: &'a [f32], n_l: usize, n_prev: usize) -> Self {
        Self { values, rows: n_l, inner: n_prev, row_stride: n_prev, column_stride: 1 }
    }

    /// W^T; values (n_l, n_prev).
    pub(super) fn transposed(values: &'a [f32], n_l: usize, n_prev: usize) -> Self {
        Self { values, rows: n_prev, inner: n_l, row_stride: 1, column_stride: n_prev }
    }
}

/// out = epilogue(W X); x (inner, width), out (rows, width).
pub(super) struct Product<'a, E> {
    pub(super) w: Weights<'a>,
    pub(super) x: &'a [f32],
    pub(super) out: &'a mut [f32],
    pub(super) width: usize,
    pub(super) epilogue: E,
}

impl<E: Epilogue> WithSimd for Product<'_, E> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Weights { values, rows, inner, row_stride, column_stride } = self.w;
        assert!(rows > 0 && inner > 0 && self.width.is_multiple_of(S::F32_LANES));
        assert!(values.len() > (rows - 1) * row_stride + (inner - 1) * column_stride);
        assert!(self.x.len() == inner * self.width && self.out.len() == rows * self.width);
        let mut tiles = Tiles {
            simd,
            w: self.w,
            x: S::as_simd_f32s(self.x).0,
            out: S::as_mut_simd_f32s(self.out).0,
            stride: self.width / S::F32_LANES,
            epilogue: self.epilogue,
        };
        let mut row = 0;
        while row < rows {
            row += match rows - row {
                1 => tiles.row_group::<1>(row),
                2 | 3 => tiles.row_group::<2>(row),
                _ => tiles.row_group::<4>(row),
            };
        }
    }
}

struct Tiles<'a, S: Simd, E> {
    simd: S,
    w: Weights<'a>,
    x: &'a [S::f32s],
    out: &'a mut [S::f32s],
    /// Registers of a row.
    stride: usize,
    epilogue: E,
}

impl<S: Simd, E: Epilogue> Tiles<'_, S, E> {
    /// `R` rows from `row` on; returns `R`.
    #[inline(always)]
    fn row_group<const R: usize>(&mut self, row: usize) -> usize {
        let mut j = 0;
        while j + 2 <= self.stride {
            self.tile::<R, 2>(row, j);
            j += 2;
        }
        if j < self.stride {
            self.tile::<R, 1>(row, j);
        }
        R
    }

    /// `R` rows times `V` registers.
    #[inline(always)]
    fn tile<const R: usize, const V: usize>(&mut self, row: usize, j: usize) {
        let simd = self.simd;
        let mut sums = [[simd.splat_f32s(0.0); V]; R];
        for k in 0..self.w.inner {
            let mut x = [simd.splat_f32s(0.0); V];
            for (v, x) in x.iter_mut().enumerate() {
                // SAFETY: k < inner and j + v < stride, and x has inner * stride registers.
                *x = unsafe { at(self.x, k * self.stride + j + v) };
            }
            for (r, sums) in sums.iter_mut().enumerate() {
                let index = (row + r) * self.w.row_stride + k * self.w.column_stride;
                // SAFETY: row + r < rows and k < inner; `with_simd` has checked that the last element is there.
                let w = simd.splat_f32s(unsafe { at(self.w.values, index) });
                for (sum, x) in sums.iter_mut().zip(x) {
                    *sum = simd.mul_add_e_f32s(w, x, *sum);
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            let start = (row + r) * self.stride + j;
            for (sum, out) in sums.iter().zip(&mut self.out[start..start + V]) {
                *out = self.epilogue.apply(simd, row + r, *sum, *out);
            }
        }
    }
}

/// out = epilogue(sums) for sums that are there already; both (rows, width), `sums` the output itself if `None`.
pub(super) struct Finish<'a, E> {
    pub(super) sums: Option<&'a [f32]>,
    pub(super) out: &'a mut [f32],
    pub(super) first_row: usize,
    pub(super) width: usize,
    pub(super) epilogue: E,
}

impl<E: Epilogue> WithSimd for Finish<'_, E> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (r, out) in self.out.chunks_exact_mut(self.width).enumerate() {
            let row = self.first_row + r;
            let (out, _) = S::as_mut_simd_f32s(out);
            match self.sums {
                None => {
                    for out in out {
                        *out = self.epilogue.apply(simd, row, *out, *out);
                    }
                }
                Some(sums) => {
                    let (sums, _) = S::as_simd_f32s(&sums[r * self.width..][..self.width]);
                    for (sum, out) in sums.iter().zip(out) {
                        *out = self.epilogue.apply(simd, row, *sum, *out);
                    }
                }
            }
        }
    }
}
