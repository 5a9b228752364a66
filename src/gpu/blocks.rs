//! Data in blocks of four samples, as the fused and the resident kernels take them: where a sample goes, and the upload.

use super::arrays::{array, write_at};
use super::device::Device;
use crate::error::{Error, Result};
use crate::schedule::Batches;

/// Samples of a block: the components of a vec4.
pub(super) const BLOCK: usize = 4;

/// The blocks of a data set: each batch begins with one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Blocks {
    pub(super) batches: Batches,
}

impl Blocks {
    /// Blocks of one batch.
    pub(super) fn of_batch(self) -> usize {
        self.batches.size.div_ceil(BLOCK)
    }

    /// Blocks of all batches.
    pub(super) fn of_all(self) -> usize {
        self.batches.count() * self.of_batch()
    }

    /// The length of a row: all blocks, or shuffled samples without gaps.
    pub(super) fn stride(self) -> usize {
        if self.batches.shuffled() { self.batches.m.div_ceil(BLOCK) } else { self.of_all() }
    }

    /// Samples of a row, those that only fill it up counted.
    pub(super) fn width(self) -> usize {
        self.stride() * BLOCK
    }

    /// Uploads a matrix (rows, m), rounded to f32, as (rows, stride).
    ///
    /// # Errors
    /// [`Error::DeviceLimit`] when the device cannot bind it whole; [`Error::Data`] for a value beyond f32.
    pub(super) fn upload(self, device: &Device, what: &str, matrix: &[f64]) -> Result<wgpu::Buffer> {
        let rows = matrix.len() / self.batches.m;
        let width = self.width();
        // Shuffled samples lie as one batch of all would.
        let (size, place) = match self.batches.shuffled() {
            true => (self.batches.m, width),
            false => (self.batches.size, self.of_batch() * BLOCK),
        };
        device.check_array(what, rows * width)?;
        let buffer = array(device, what, rows * width);
        let mut padded = vec![0f32; width];
        for (i, row) in matrix.chunks_exact(self.batches.m).enumerate() {
            for (to, from) in padded.chunks_exact_mut(place).zip(row.chunks(size)) {
                for (to, &from) in to.iter_mut().zip(from) {
                    *to = from as f32;
                }
            }
            if let Some(value) = row.iter().find(|&&value| !(value as f32).is_finite()) {
                let problem = format!(
                    "a value is {value}, which single precision cannot hold; rescale it, or use --backend cpu-reference"
                );
                return Err(Error::data(what, problem));
            }
            write_at(device, &buffer, i * width, &padded);
        }
        Ok(buffer)
    }
}
