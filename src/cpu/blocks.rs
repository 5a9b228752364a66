//! Batches cut into blocks of columns that stay in the cache, and matrices packed block by block.
//!
//! Where a block begins depends on the shapes alone, never on the number of threads: that keeps the bits the same.

use std::ops::Range;

use super::aligned::{Buffer, LINE};
use super::convert::{beyond_single, round};
use crate::error::Result;
use crate::schedule::Batches;

/// The blocks of all batches, one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocks {
    pub(super) batches: Batches,
    /// Samples of a block, a multiple of [`LINE`]; the last block of a batch may have fewer.
    pub(super) width: usize,
}

impl Blocks {
    /// Blocks of at most `widest` samples, as even as they can be.
    pub(super) fn new(batches: Batches, widest: usize) -> Self {
        let count = batches.size.div_ceil(widest);
        Self { batches, width: batches.size.div_ceil(count).next_multiple_of(LINE) }
    }

    fn of_a_full_batch(&self) -> usize {
        self.batches.size.div_ceil(self.width)
    }

    /// Blocks of all batches.
    pub(super) fn count(&self) -> usize {
        let last = self.batches.positions(self.batches.count() - 1);
        (self.batches.count() - 1) * self.of_a_full_batch() + last.len().div_ceil(self.width)
    }

    /// The blocks that iteration `t` trains on.
    pub(super) fn of_iteration(&self, t: usize) -> Range<usize> {
        let first = t % self.batches.count() * self.of_a_full_batch();
        first..self.count().min(first + self.of_a_full_batch())
    }

    /// Where a block begins within its batch.
    pub(super) fn within_batch(&self, block: usize) -> usize {
        block % self.of_a_full_batch() * self.width
    }

    /// The samples of a block, as positions in the order of their epoch.
    pub(super) fn samples(&self, block: usize) -> Range<usize> {
        let batch = self.batches.positions(block / self.of_a_full_batch());
        let start = batch.start + block % self.of_a_full_batch() * self.width;
        start..batch.end.min(start + self.width)
    }
}

/// A matrix (rows, m) as a row of numbers for each sample, (m, rows), rounded to f32: samples to be picked one by one.
///
/// # Errors
/// [`crate::Error::Data`] for a value that f32 cannot hold.
pub(super) fn by_sample(what: &str, matrix: &[f64], m: usize) -> Result<Buffer> {
    let rows = matrix.len() / m;
    let mut samples = Buffer::new(matrix.len());
    let mut row_of_block = [0.0; SAMPLES_AT_A_TIME];
    let mut finite = true;
    for start in (0..m).step_by(SAMPLES_AT_A_TIME) {
        let width = SAMPLES_AT_A_TIME.min(m - start);
        for (i, row) in matrix.chunks_exact(m).enumerate() {
            finite &= round(&row[start..start + width], &mut row_of_block[..width]);
            for (j, value) in row_of_block[..width].iter().enumerate() {
                samples[(start + j) * rows + i] = *value;
            }
        }
    }
    if finite { Ok(samples) } else { Err(beyond_single(what, matrix)) }
}

/// Samples whose rows stay in the cache while a transposition goes through them.
const SAMPLES_AT_A_TIME: usize = 64;

/// A matrix (rows, m) as one matrix (rows, samples of the block) a block, rounded to f32.
///
/// # Errors
/// [`crate::Error::Data`] for a value that f32 cannot hold.
pub(super) fn pack(what: &str, matrix: &[f64], blocks: &Blocks) -> Result<Buffer> {
    let m = blocks.batches.m;
    let rows = matrix.len() / m;
    let mut packed = Buffer::new(matrix.len());
    let mut finite = true;
    for block in 0..blocks.count() {
        let samples = blocks.samples(block);
        let to = &mut packed[rows * samples.start..rows * samples.end];
        for (to, from) in to.chunks_exact_mut(samples.len()).zip(matrix.chunks_exact(m)) {
            finite &= round(&from[samples.clone()], to);
        }
    }
    if finite { Ok(packed) } else { Err(beyond_single(what, matrix)) }
}
