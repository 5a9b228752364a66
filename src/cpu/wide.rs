//! The products of wide layers, by the `gemm` crate: it packs tiles and blocks for every level of the cache.
//!
//! It shares a product between threads by rows and columns, never by the inner dimension, so that every element is the
//! same sum in the same order however many threads there are.

use gemm::Parallelism;

use super::product::Weights;

/// Weights up to which the kernels of this crate are faster than packing.
const MOST_NARROW: usize = 1 << 10;

/// Whether a layer of that shape runs on the kernels for narrow layers.
pub(super) fn is_narrow(n_l: usize, n_prev: usize) -> bool {
    n_l * n_prev <= MOST_NARROW
}

/// A matrix whose element (i, j) stands at i * row_stride + j * column_stride.
#[derive(Clone, Copy)]
struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// values (rows, columns)
    fn row_major(values: &'a [f32], rows: usize, columns: usize) -> Self {
        Self { values, rows, columns, row_stride: columns, column_stride: 1 }
    }

    fn transposed(self) -> Self {
        let Self { values, rows, columns, row_stride, column_stride } = self;
        Self { values, rows: columns, columns: rows, row_stride: column_stride, column_stride: row_stride }
    }

    /// Whether all of its elements are within its values.
    fn is_whole(&self) -> bool {
        let last = |count: usize, stride: usize| (count - 1) * stride;
        self.rows > 0
            && self.columns > 0
            && last(self.rows, self.row_stride) + last(self.columns, self.column_stride) < self.values.len()
    }
}

/// out = W X; x (inner, width), out (rows, width).
pub(super) fn product(w: Weights<'_>, x: &[f32], out: &mut [f32], width: usize, parallelism: Parallelism) {
    let Weights { values, rows, inner, row_stride, column_stride } = w;
    let w = Matrix { values, rows, columns: inner, row_stride, column_stride };
    multiply(w, Matrix::row_major(x, inner, width), out, None, parallelism);
}

/// dw += scale * dz a^T; dz (n_l, width), a (n_prev, width), dw (n_l, n_prev).
pub(super) fn weight_gradient(
    dz: &[f32],
    a: &[f32],
    dw: &mut [f32],
    width: usize,
    scale: f32,
    parallelism: Parallelism,
) {
    let dz = Matrix::row_major(dz, dz.len() / width, width);
    let a = Matrix::row_major(a, a.len() / width, width);
    multiply(dz, a.transposed(), dw, Some(scale), parallelism);
}

/// out = left right, or out += scale * left right; out (rows of left, columns of right), row-major.
fn multiply(
    left: Matrix<'_>,
    right: Matrix<'_>,
    out: &mut [f32],
    add: Option<f32>,
    parallelism: Parallelism,
) {
    let (rows, columns, inner) = (left.rows, right.columns, left.columns);
    assert!(left.is_whole() && right.is_whole() && inner == right.rows && out.len() == rows * columns);
    let stride = |stride: usize| isize::try_from(stride).expect("no stride is longer than its slice");
    let (keep, scale) = add.map_or((0.0, 1.0), |scale| (1.0, scale));
    // SAFETY: every element that the strides reach is within its slice, as asserted, and `out` is borrowed mutably, so
    // that it overlaps neither of the others.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            out.as_mut_ptr(),
            1,
            stride(columns),
            add.is_some(),
            left.values.as_ptr(),
            stride(left.column_stride),
            stride(left.row_stride),
            right.values.as_ptr(),
            stride(right.column_stride),
            stride(right.row_stride),
            keep,
            scale,
            false,
            false,
            false,
            parallelism,
        );
    }
}
