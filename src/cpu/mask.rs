//! Dropout's masks on the rows of a block.

use pulp::{Simd, WithSimd};

use crate::schedule::Mask;

/// values (rows, width) times the mask of units `first_row` and those behind it, for the samples from position `first` of the
/// batch on.
pub(super) struct ApplyMask<'a> {
    pub(super) mask: Mask,
    pub(super) values: &'a mut [f32],
    pub(super) first_row: usize,
    pub(super) width: usize,
    pub(super) first: usize,
}

impl WithSimd for ApplyMask<'_> {
    type Output = ();

    /// Plain loops, which the compiler turns into vectors.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let scale = self.mask.scale as f32;
        for (row, values) in self.values.chunks_exact_mut(self.width).enumerate() {
            let unit = (self.first_row + row) as u32;
            let mut position = self.first as u32;
            for value in values {
                let factor = if self.mask.keeps(unit, position) { scale } else { 0.0 };
                *value *= factor;
                position = position.wrapping_add(1);
            }
        }
    }
}
